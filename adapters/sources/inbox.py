"""The folder into which files are dropped: which of them are whole, and where they go once they were read."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BufferedReader
from pathlib import Path

TAKEN, REFUSED, HELD = "taken", "refused", "held"
#: An operator puts this before the name of a held file, back in the inbox, to have it taken although it shrank.
ACCEPTED = "accepted-"

#: What editors, browsers and copying programs call a file that they have not finished.
_UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".download", ".swp", ".lock", "~")
_STAMP = "%Y%m%dT%H%M%S"
_STAMPED = re.compile(r"([0-9]{8}T[0-9]{6})-(?:[0-9a-f]{12}-)?")
_LONGEST_NAME = 180


class StillChangingError(Exception):
    """The file changed, or another took its name, while it was read."""


@dataclass(frozen=True, slots=True)
class InboxSettings:
    """Where files are dropped, how long they must have been still, and how long those that were read are kept."""

    folder: Path
    settle_seconds: float = 10
    keep_days: int = 30


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a file from another one of the same name, or from itself before it grew."""

    device: int
    inode: int
    size: int
    changed_ns: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file of the inbox; not whole as long as somebody may still be writing it."""

    path: Path
    identity: Identity
    is_whole: bool

    @property
    def name(self) -> str:
        """The name under which it was dropped."""
        return _STAMPED.sub("", self.path.name.removeprefix(ACCEPTED), count=1) if self.is_accepted else self.path.name

    @property
    def plain_name(self) -> str:
        """The name cut so that every file system takes it, and without what no text may hold."""
        raw = os.fsencode(self.name)[-_LONGEST_NAME:]
        return "".join(letter if letter.isprintable() else "_" for letter in raw.decode("utf-8", "ignore"))

    @property
    def is_accepted(self) -> bool:
        """Whether an operator wants it taken although it shrank."""
        return self.path.name.startswith(ACCEPTED)


class Inbox:
    """One folder, and what was seen of its files at earlier looks."""

    def __init__(self, settings: InboxSettings) -> None:
        self.settings = settings
        self._seen: dict[str, tuple[Identity, datetime]] = {}

    def look(self, now: datetime) -> list[Waiting]:
        """Every file that could be a drop, oldest first; OSError if the folder cannot be read."""
        found: list[Waiting] = []
        seen: dict[str, tuple[Identity, datetime]] = {}
        with os.scandir(self.settings.folder) as entries:
            for entry in entries:
                if not _is_unfinished(entry.name) and (identity := _identity_of(Path(entry.path))):
                    earlier = self._seen.get(entry.name)
                    # Our clock may have stepped back since.
                    since = min(earlier[1], now) if earlier and earlier[0] == identity else now
                    seen[entry.name] = identity, since
                    found.append(Waiting(Path(entry.path), identity, self._is_still(identity, since, now)))
        self._seen = seen
        return sorted(found, key=lambda one: (one.identity.changed_ns, os.fsencode(one.path.name)))

    def _is_still(self, identity: Identity, since: datetime, now: datetime) -> bool:
        """Whether we saw no change for long enough; a fresh time stamp counts too, unless it is ahead of our clock."""
        settle = self.settings.settle_seconds
        age = now.timestamp() - identity.changed_ns / 1e9
        return (now - since).total_seconds() >= settle and not 0 <= age < settle

    def put_away(self, waiting: Waiting, folder: str, kept: str) -> Path:
        """Moves the file into `taken`, `refused` or `held` and calls it `kept`; where it is now.

        StillChangingError if the name belongs to another file by now; OSError if it cannot be moved.
        """
        target = self._folder(folder) / kept
        if _identity_of(waiting.path) != waiting.identity:
            raise StillChangingError
        waiting.path.rename(target)
        return target

    def keeps(self, folder: str, kept: str) -> bool:
        """Whether nobody removed the file of this name from `refused` or `held`."""
        return os.path.lexists(self.settings.folder / folder / kept)

    def report(self, moved: Path, text: str) -> None:
        """Writes why a file was not taken beside it."""
        moved.with_name(moved.name + ".report.txt").write_text(text + "\n", encoding="utf-8")

    def clear(self, now: datetime) -> None:
        """Removes what was read more than `keep_days` ago."""
        last = (now - timedelta(days=self.settings.keep_days)).strftime(_STAMP)
        for path in self._folder(TAKEN).iterdir():
            if (found := _STAMPED.match(path.name)) and found[1] < last:
                path.unlink(missing_ok=True)

    def _folder(self, name: str) -> Path:
        folder = self.settings.folder / name
        folder.mkdir(mode=0o750, exist_ok=True)
        # Whoever may write the inbox must not be able to lead the files of others out of it.
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise NotADirectoryError(name)
        return folder


@contextmanager
def opened(waiting: Waiting) -> Iterator[BufferedReader]:
    """The file for reading; StillChangingError if it is not, or at the end no longer, the one that was seen."""
    handle = os.open(waiting.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        confirm(waiting, file)
        yield file


def confirm(waiting: Waiting, file: BufferedReader) -> None:
    """Nothing, if the open file is still as it was seen; StillChangingError otherwise."""
    if _identity(os.fstat(file.fileno())) != waiting.identity:
        raise StillChangingError


def _identity_of(path: Path) -> Identity | None:
    """The file behind a name; None if there is none, or if it is no plain file."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return _identity(found) if stat.S_ISREG(found.st_mode) else None


def _identity(found: os.stat_result) -> Identity:
    return Identity(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _is_unfinished(name: str) -> bool:
    return name.startswith((".", "~$")) or name.lower().endswith(_UNFINISHED)


def stamped(name: str, tag: str, now: datetime) -> str:
    """What a file that was read is called: when, which, and its own plain name."""
    return f"{now.strftime(_STAMP)}-{tag}-{name}"
