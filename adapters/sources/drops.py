"""Takes the files of an inbox into the staging file, oldest first, each with one commit or not at all."""

import os
import sqlite3
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from hashlib import file_digest
from io import BufferedReader
from pathlib import Path

import structlog

from adapters.sources import staging
from adapters.sources.fileformat import LARGEST_FILE, BadFileError, StagedTable
from adapters.sources.filerows import rows
from adapters.sources.inbox import HELD, REFUSED, TAKEN, Inbox, StillChangingError, Waiting, confirm, opened, stamped
from adapters.sources.merging import Counts, beside, has_shrunk, load, merge

_SEEN = "%Y%m%d%H%M%S"
#: What keeps files in the inbox until somebody acts, in words.
_KEEPS = {
    "inbox_down": "the inbox cannot be read",
    "file_unreadable": "a file in the inbox cannot be read",
    "file_stuck": "a file that was read cannot be moved out of the inbox",
}
_NEVER_STILL = "a file in the inbox has not been still for an hour: is it still being written?"

log = structlog.get_logger()

_SHRUNK_REPORT = (
    "This complete file has fewer than half of the rows that are held. It was not taken, because an export that broke "
    "off looks the same.\nIf it is right, move it back into the inbox with 'accepted-' before its name.\n"
    "此文件的行数不足现有行数的一半,可能导出中断,故未导入。确认无误后,请在文件名前加 accepted- 并放回收件文件夹。"
)
_OLDER_REPORT = (
    "This complete file was changed before the last one that was taken. It was not taken, because it would take back "
    "what is newer.\nIf it is right, move it back into the inbox with 'accepted-' before its name; if it is only late, "
    "nothing is missing.\n"
    "此文件的修改时间早于上次导入的文件,为免旧数据覆盖新数据,故未导入。"
    "确认无误后,请在文件名前加 accepted- 并放回收件文件夹;若只是迟到,则无需处理。"
)


class _HeldError(Exception):
    """A complete file waits for the operator: `shrunk`, far fewer rows than are held, or `older` than the last one."""

    def __init__(self, reason: str, report: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.report = report


class _StuckError(Exception):
    """A file that was read cannot be moved away."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One file that was dealt with: `taken`, `again`, `refused` or `held`, and what it changed in each table."""

    outcome: str
    tables: tuple[str, ...]
    counts: Mapping[str, Counts] = field(default_factory=dict)


class Drops:
    """An inbox with the tables its files feed; remembers what it said, so that nothing is said at every look."""

    def __init__(self, inbox: Inbox, tables: Sequence[StagedTable], connection: sqlite3.Connection) -> None:
        self.inbox = inbox
        self.tables = tables
        self.connection = connection
        self._said: set[tuple[str, str]] = set()

    def take(self, clock: Callable[[], datetime]) -> list[Taken]:
        """What was done with the files that are whole by now.

        A file that has to wait makes all later ones for the same tables wait: rows must arrive in their order.
        """
        try:
            waiting = self.inbox.look(clock())
            self.inbox.clear(clock())
        except OSError as error:
            self._say_once("inbox_down", "", reason=type(error).__name__)
            return []
        # Whoever waits for nothing, as `check` does, cannot tell what is still.
        if self.inbox.settings.settle_seconds:
            moving = {one.plain_name for one in waiting if not one.is_whole and self._fed(one)}
            staging.note_moving(self.connection, moving, clock())
        present = {one.path.name for one in waiting}
        self._said = {(event, name) for event, name in self._said if name in present}
        done: list[Taken] = []
        stuck: set[str] = set()
        for one in waiting:
            fed = self._fed(one)
            if not fed:
                self._say_once("file_unmatched", one.path.name)
                continue
            taken = None if stuck.intersection(table.name for table in fed) else self._take(one, fed, clock)
            if taken is None:
                stuck.update(table.name for table in fed)
            else:
                done.append(taken)
        return done

    def untaken(self) -> list[str]:
        """Why the newest drops are not in the staging file, one line for each; nothing of their names."""
        lines = [
            f"{table}: the newest file was {outcome} at {seen}; its report is in {outcome} in the inbox"
            for table, outcome, seen in staging.untaken(self.connection)
        ]
        lines += [
            f"{table}: a file of changes was {one.outcome} at {one.seen}: drop it mended under its old name, "
            f"or remove it from {one.outcome} in the inbox"
            for table, one in staging.left(self.connection)
            if self.inbox.keeps(one.outcome, one.kept)
        ]
        if staging.never_still(self.connection):
            lines.append(_NEVER_STILL)
        return [*lines, *sorted({_KEEPS[event] for event, _ in self._said if event in _KEEPS})]

    def _fed(self, one: Waiting) -> list[StagedTable]:
        return [table for table in self.tables if _matches(table.drops.pattern, one.name)]

    def _take(self, one: Waiting, fed: Sequence[StagedTable], clock: Callable[[], datetime]) -> Taken | None:
        """What became of the file; None if it stays where it is."""
        if not one.is_whole:
            if one.plain_name in staging.never_still(self.connection):
                self._say_once("file_never_still", one.path.name)
            return None
        try:
            return self._settle(one, fed, clock)
        except (StillChangingError, _StuckError, FileNotFoundError):
            return None
        except OSError as error:
            self._say_once("file_unreadable", one.path.name, reason=type(error).__name__)
            return None

    def _settle(self, one: Waiting, fed: Sequence[StagedTable], clock: Callable[[], datetime]) -> Taken:
        names, digest = tuple(table.name for table in fed), ""
        try:
            with opened(one) as file:
                digest = _digest(file)
                is_again = staging.is_again(self.connection, fed, digest)
                counts = {} if is_again else self._import(file, one, fed, digest, clock)
        except _HeldError as held:
            self._set_aside(one, fed, HELD, digest, held.report, clock())
            log.error("drop_held", file=_tag(digest), tables=names, reason=held.reason)
            return Taken("held", names)
        except (OSError, sqlite3.Error, StillChangingError):
            raise
        except Exception as error:
            # Whoever may write the inbox must not be able to stop the adapter.
            fault = _fault(error)
            self._set_aside(one, fed, REFUSED, digest, str(fault), clock())
            log.warning("file_refused", file=_tag(digest), tables=names, reason=fault.reason, line=fault.line)
            return Taken("refused", names)
        for name, count in counts.items():
            log.info("file_taken", file=_tag(digest), table=name, rows=count.rows, new=count.new,
                     changed=count.changed, gone=count.gone)  # fmt: skip
        if is_again:
            staging.note_taken(self.connection, fed, one.plain_name)
            log.info("file_again", file=_tag(digest), tables=names)
        self._put_away(one, TAKEN, digest, stamped(one.plain_name, _tag(digest), clock()))
        self._forget_removed()
        return Taken("again" if is_again else "taken", names, counts)

    def _import(
        self, file: BufferedReader, one: Waiting, fed: Sequence[StagedTable], digest: str, clock: Callable[[], datetime]
    ) -> dict[str, Counts]:
        """Reads the file to its end, then changes all its tables and notes the file in one transaction."""
        with beside(self.connection):
            for table in fed:
                load(self.connection, table, rows(file, table.drops, table.columns, table.guards))
            confirm(one, file)
            if not one.is_accepted:
                self._hold_back(one, fed)
            with staging.transaction(self.connection):
                seen = staging.next_stamp(self.connection, clock().strftime(_SEEN))
                counts = {table.name: merge(self.connection, table, seen) for table in fed}
                for table in fed:
                    staging.note_file(self.connection, table, one.plain_name, digest, seen)
                    staging.note_changed(self.connection, table, one.identity.changed_ns)
        return counts

    def _hold_back(self, one: Waiting, fed: Sequence[StagedTable]) -> None:
        """Nothing, if the rows that were read may replace what is held; _HeldError otherwise."""
        if any(has_shrunk(self.connection, table) for table in fed):
            raise _HeldError("shrunk", _SHRUNK_REPORT)
        if any(staging.is_older(self.connection, table, one.identity.changed_ns) for table in fed):
            raise _HeldError("older", _OLDER_REPORT)

    def _set_aside(
        self, one: Waiting, fed: Sequence[StagedTable], folder: str, digest: str, report: str, now: datetime
    ) -> None:
        """Moves the file into `refused` or `held`, with the report beside it; it is noted before it is gone."""
        kept = stamped(one.plain_name, _tag(digest), now)
        left = staging.Left(one.plain_name, _tag(digest), folder, now.strftime(_SEEN), kept)
        staging.note_untaken(self.connection, fed, left)
        self.inbox.report(self._put_away(one, folder, digest, kept), report)

    def _forget_removed(self) -> None:
        """Drops what was noted of files that an operator removed; only now, for while a share is down none is there."""
        for _, one in staging.left(self.connection):
            if not self.inbox.keeps(one.outcome, one.kept):
                staging.forget(self.connection, one.kept)

    def _put_away(self, one: Waiting, folder: str, digest: str, kept: str) -> Path:
        try:
            return self.inbox.put_away(one, folder, kept)
        except OSError as error:
            self._say_once("file_stuck", one.path.name, file=_tag(digest), reason=type(error).__name__)
            raise _StuckError from error

    def _say_once(self, event: str, name: str, **facts: str) -> None:
        # The name of a file may be the name of a person: it is remembered here and never logged.
        if (event, name) not in self._said:
            self._said.add((event, name))
            (log.error if event == "file_never_still" else log.warning)(event, **facts)


def _matches(pattern: str, name: str) -> bool:
    return fnmatchcase(unicodedata.normalize("NFC", name), unicodedata.normalize("NFC", pattern))


def _digest(file: BufferedReader) -> str:
    if os.fstat(file.fileno()).st_size > LARGEST_FILE:
        raise BadFileError(f"is larger than {LARGEST_FILE >> 30} GiB")
    return file_digest(file, "sha256").hexdigest()


def _fault(error: Exception) -> BadFileError:
    """What refuses the file; of an error that no reader expects only its kind, for its text may be of the file."""
    return error if isinstance(error, BadFileError) else BadFileError(f"cannot be read: {type(error).__name__}")


def _tag(digest: str) -> str:
    """What a file is called in the log and in the folders: a file that was not read has no digest."""
    return digest[:12] or "unread"
