"""Takes in signed push files that crossed an air gap: every file of a folder once, in order; names what is missing."""

import os
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

import structlog

from caseq import intake, quarantine, watching
from caseq.errors import DatabaseUnavailable, NotJson
from caseq.intake import Pushed, Replayed, TakenIn
from caseq.rules import pushfile, signing
from caseq.rules.book import ELSEWHERE
from caseq.rules.events import Outcome
from caseq.rules.pushfile import LONGEST_HEADER_BYTES, Refusal
from caseq.runtime import Runtime
from caseq.store.files import Gap
from caseq.web import bodies, schemas
from caseq.web.bodies import LARGEST_BYTES, Unacceptable

#: What was refused because of another source is tried again when a file brought anything, and as often as this.
_AGAIN_SECONDS = 600

log = structlog.get_logger("caseq.receiver")

LARGEST_FILE_BYTES = LARGEST_BYTES + LONGEST_HEADER_BYTES
LONGEST_NAME_BYTES = 200  # a file system takes 255, and something is put behind the name


@dataclass(frozen=True, slots=True)
class _Found:
    """A push file; whose it is and its number as far as they are known before its signature is checked."""

    path: Path
    source: str = ""
    batch: int = 0
    signed_at: int = 0

    @property
    def ids(self) -> dict[str, Any]:
        """What the log may say of it."""
        return {"source": self.source, "batch": self.batch} if self.source else {}

    @property
    def shown(self) -> str:
        """Its name, which may hold anything, for one line of a terminal."""
        return "".join(c if c.isprintable() else "?" for c in self.path.name)


class Receiver:
    """Looks at one folder; `tell` gets a line for every file and every gap."""

    def __init__(self, runtime: Runtime, folder: Path, tell: Callable[[str], None]) -> None:
        self._runtime = runtime
        self._folder = folder
        self._tell = tell
        self._stopping = threading.Event()
        self._has_news = False
        self._again_at = 0.0

    def stop(self, *_signal: object) -> None:
        """Finish the file under way and end `watch`."""
        self._stopping.set()

    def watch(self, every_seconds: float) -> None:
        """Look again and again until stopped."""
        while not self._stopping.is_set():
            self.round()
            self._stopping.wait(every_seconds)

    def round(self) -> bool:
        """Take every file that lies there now; whether nothing was refused, left over or is missing."""
        try:
            found, others = self._found()
            is_well = self._take_each(found)
            if found and (self._has_news or time.monotonic() >= self._again_at):
                is_well = self._take_refused_again() and is_well
                self._has_news, self._again_at = False, time.monotonic() + _AGAIN_SECONDS
            self._leave(others)
            return self._nothing_is_missing() and is_well and not others
        except DatabaseUnavailable as error:
            log.error("database_unavailable", cause=str(error))
        except OSError as error:
            log.error("folder_unreadable", cause=type(error).__name__)
        return False

    def _take_each(self, found: list[_Found]) -> bool:
        """Take these files; whether all was well. Where one could not be stored, those of its source wait behind it."""
        is_well, away = True, set[str]()
        for one in found:
            if self._stopping.is_set():
                break
            if one.source in away:
                continue
            try:
                is_well = self._take(one) and is_well
            except DatabaseUnavailable as error:
                log.error("database_unavailable", cause=str(error), **one.ids)
                self._tell(f"{one.shown}: left where it is, because the database does not answer")
                is_well = False
                away.add(one.source)
        return is_well

    def _found(self) -> tuple[list[_Found], list[_Found]]:
        """The push files in the folder, in order; and what only has the name of one."""
        with os.scandir(self._folder) as entries:
            named = [(self._folder / entry.name, _is_plain(entry)) for entry in entries if _is_push_name(entry.name)]
        files = [self._looked_at(path) for path, is_plain in named if is_plain]
        others = [_Found(path) for path, is_plain in sorted(named) if not is_plain]
        return _in_order(files), others

    def _looked_at(self, path: Path) -> _Found:
        """The file with what its header says, if that can be read and its source is one of ours."""
        try:
            with _opened(path) as file:
                header = pushfile.header(file.readline(LONGEST_HEADER_BYTES + 1).removesuffix(b"\n"))
        except OSError:
            return _Found(path)
        if isinstance(header, Refusal) or header.source not in self._runtime.settings.sources:
            return _Found(path)
        return _Found(path, header.source, header.batch, header.signed_at)

    def _take(self, found: _Found) -> bool:
        """Take one file and put it away; whether all of it was well."""
        try:
            with _opened(found.path) as file:
                verdict = self._judged(file)
                # A file that could not be moved is judged again at the next look, which changes nothing.
                _put_away(found.path, file, verdict.reason if isinstance(verdict, Refusal) else None)
        except FileNotFoundError:
            return True  # Another receiver was quicker.
        except OSError as error:
            return self._left(found, "file_left", error)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            return self._left(found, "surprise", error)
        return self._report(found, verdict)

    def _judged(self, file: BinaryIO) -> TakenIn | Replayed | Refusal:
        """What becomes of the file; if it can be taken it is in the database now."""
        if os.fstat(file.fileno()).st_size > LARGEST_FILE_BYTES:
            return Refusal(f"it is larger than {LARGEST_FILE_BYTES} bytes")
        line, _, body = file.read(LARGEST_FILE_BYTES + 1).partition(b"\n")
        header = pushfile.header(line)
        if isinstance(header, Refusal):
            return header
        source = self._runtime.settings.sources.get(header.source)
        if source is None or not source.keys:
            return Refusal("there is no key for its source here")
        if not signing.is_signed_whenever(source.keys, header.signed, body):
            return Refusal("its signature does not fit: changed or cut short on its way, or signed with an unknown key")
        if len(body) > LARGEST_BYTES:
            return Refusal(f"its body is larger than {LARGEST_BYTES} bytes")
        try:
            pushed = bodies.events_of(body, source.name)
        except NotJson as error:
            return Refusal(f"its body is not strict JSON: {error}")
        if isinstance(pushed, Unacceptable):
            return Refusal(f"its body is refused: {pushed.detail}")
        return intake.take_file(self._runtime, source, pushed, header, sha256(body).hexdigest())

    def _report(self, found: _Found, verdict: TakenIn | Replayed | Refusal) -> bool:
        """Say what became of the file; whether all of it was well."""
        if isinstance(verdict, Refusal):
            log.error("file_refused", reason=verdict.reason, **found.ids)
            self._tell(f"{found.shown}: refused: {verdict.reason}")
            return False
        if isinstance(verdict, Replayed):
            log.info("file_replayed", **found.ids)
            self._tell(f"{found.shown}: was taken before")
            return True
        self._has_news |= any(result.outcome is Outcome.ACCEPTED for result in verdict.results)
        refused = sum(result.outcome is Outcome.REFUSED for result in verdict.results)
        log.info("file_taken", events=len(verdict.results), refused=refused, **found.ids)
        self._tell(f"{found.shown}: taken, {len(verdict.results)} events, {refused} of them refused")
        for gap in verdict.healed:
            log.info("gap_healed", source=gap.source, first=gap.missing.first, last=gap.missing.last)
            self._tell(f"{gap.source}: batches {_numbers(gap)} are in the full copy that is complete now")
        return all(one.outcome is not Outcome.REFUSED or one.errors == ELSEWHERE for one in verdict.results)

    def _take_refused_again(self) -> bool:
        """Take the events that came before another source let go of their case; whether none is left."""
        sources, left = self._runtime.settings.sources, quarantine.elsewhere(self._runtime)
        while left:
            for item in left:
                if source := sources.get(item.source):
                    again = Pushed(item.raw, schemas.errors_of(item.raw, source.name))
                    intake.take_again(self._runtime, source, [again], f"retry {item.id}")
            before, left = left, quarantine.elsewhere(self._runtime)
            if len(left) == len(before):
                return False
            log.info("taken_again", events=len(before) - len(left))
            self._tell(f"{len(before) - len(left)} events were taken after another source had let go of their case")
        return True

    def _left(self, found: _Found, event: str, error: Exception) -> bool:
        """Say that the file stays where it is; False."""
        cause = type(error).__name__
        log.error(event, kind=cause, exc_info=None if isinstance(error, OSError) else error, **found.ids)
        self._tell(f"{found.shown}: left where it is ({cause})")
        return False

    def _leave(self, others: list[_Found]) -> None:
        """Say that these have the name of a push file and are none."""
        for one in others:
            log.error("file_left", kind="no plain file")
            self._tell(f"{one.shown}: left: no plain file")

    def _nothing_is_missing(self) -> bool:
        """Name every gap; whether there is none."""
        gaps = watching.gaps(self._runtime)
        for gap in gaps:
            since = gap.noticed_at.isoformat(timespec="seconds")
            log.error("files_missing", source=gap.source, first=gap.missing.first, last=gap.missing.last, since=since)
            self._tell(f"{gap.source}: batches {_numbers(gap)} are missing, noticed {since}")
        return not gaps


def run(runtime: Runtime, folder: Path, tell: Callable[[str], None], every_seconds: float | None) -> bool:
    """Look once, or if `every_seconds` is given until SIGTERM or SIGINT; whether all was well."""
    receiver = Receiver(runtime, folder, tell)
    is_well = True
    if every_seconds is None:
        is_well = receiver.round()
    else:
        signal.signal(signal.SIGTERM, receiver.stop)
        signal.signal(signal.SIGINT, receiver.stop)
        receiver.watch(every_seconds)
    runtime.database.close()
    return is_well


def _in_order(files: list[_Found]) -> list[_Found]:
    """Those of each source by their numbers; between the sources as they were signed, because cases move."""
    newest: dict[str, int] = {}
    keyed = []
    for one in sorted(files, key=lambda one: (one.source, one.batch, one.path.name)):
        newest[one.source] = max(newest.get(one.source, 0), one.signed_at)
        keyed.append((newest[one.source], one))
    return [one for _, one in sorted(keyed, key=lambda pair: pair[0])]


def _numbers(gap: Gap) -> str:
    return f"{gap.missing.first} to {gap.missing.last}"


def _is_push_name(name: str) -> bool:
    """Whether this name says that the file is whole."""
    return name.endswith(".push") and not name.startswith(".")


def _is_plain(entry: os.DirEntry[str]) -> bool:
    """Whether it is a regular file, not a link, a pipe or a folder."""
    return entry.is_file(follow_symlinks=False)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file, open for reading; OSError if it became a link, a pipe or a folder since it was seen."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with open(os.open(path, flags), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("not a regular file")
        yield file


def _put_away(path: Path, file: BinaryIO, reason: str | None) -> None:
    """Move the file into taken/, or into refused/ with the reason beside it; never over another file."""
    folder = path.parent / ("taken" if reason is None else "refused")
    folder.mkdir(mode=0o750, exist_ok=True)
    if folder.is_symlink():
        raise NotADirectoryError
    if not os.path.samestat(path.lstat(), os.fstat(file.fileno())):
        return  # By now another file has this name: the next look takes it.
    target = _reserved(folder, path.name)
    beside = folder / f"{target.name}.txt"
    try:
        if reason is not None:
            beside.write_text(f"Not taken in: {reason}.\n", encoding="utf-8")
        path.replace(target)
    except OSError:
        target.unlink()
        beside.unlink(missing_ok=True)
        raise


def _reserved(folder: Path, name: str) -> Path:
    """An empty file of this name, or with a number behind it where that is taken."""
    short = os.fsdecode(os.fsencode(name)[:LONGEST_NAME_BYTES])
    for number in count(1):
        target = folder / (short if number == 1 else f"{short}-{number}")
        try:
            target.touch(exist_ok=False)
        except FileExistsError:
            continue
        return target
    raise AssertionError("numbers do not end")
