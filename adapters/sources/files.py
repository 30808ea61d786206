"""A case system that arrives as files: they go into a staging file, which is then read like any other database."""

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from adapters.columns import columns_read
from adapters.mapping import Condition, SystemMapping, Table
from adapters.mapping_words import NO, YES, compared
from adapters.reading import CaseRows, zone_of
from adapters.sources import staging
from adapters.sources.drops import Drops
from adapters.sources.engines import open_engine
from adapters.sources.fileformat import StagedTable
from adapters.sources.inbox import HELD, REFUSED, Inbox, InboxSettings
from adapters.sources.source import ChangedRow, SourceUnavailableError
from adapters.sources.sql import SqlSource
from adapters.values import any_holds

log = structlog.get_logger()


class FileSource:
    """The registers in one inbox; looks into it whenever it is asked what changed."""

    def __init__(self, mapping: SystemMapping, path: Path, clock: Callable[[], datetime]) -> None:
        self.tables = [_staged(mapping, table) for table in mapping.tables]
        self.clock: Callable[[], datetime] = lambda: clock().astimezone(zone_of(mapping))
        self.connection = staging.open_staging(path)
        for name, count in staging.prepare(self.connection, self.tables).items():
            log.warning("staging_columns_added", table=name, columns=count)
        settings = mapping.source
        self.inbox = Inbox(InboxSettings(Path(settings.inbox), settings.settle_seconds, settings.keep_days))
        self.drops = Drops(self.inbox, self.tables, self.connection)
        self.rows = SqlSource(over_staging(mapping), open_engine(f"sqlite:///{path}"))
        self.has_looked = False

    def changed_rows(self, since: str | None) -> Iterator[ChangedRow]:
        """Takes the files that are whole, then gives every row that they changed since."""
        self._take()
        if missing := staging.tables_without_file(self.connection, self.tables):
            raise SourceUnavailableError(f"no file was taken yet for {', '.join(missing)}")
        return self.rows.changed_rows(since)

    def newest_change(self) -> str:
        """The stamp of the newest change that a file brought; '' if there is none."""
        return self.rows.newest_change()

    def doubtful_changes(self) -> dict[str, int]:
        """None: this program writes the change column of the staging file itself."""
        return {}

    def untaken(self) -> list[str]:
        """Why the newest files are not among the rows, one line for each."""
        return self.drops.untaken()

    def cases(self, numbers: Sequence[str]) -> list[CaseRows]:
        """All rows of these cases, in the order asked for."""
        return self.rows.cases(numbers)

    def close(self) -> None:
        """Lets go of the staging file."""
        self.connection.close()
        self.rows.engine.dispose()

    def _take(self) -> None:
        """Takes what is whole; the first look waits for files that were there already to prove that they are still."""
        self.drops.take(self.clock)
        if not self.has_looked and self.inbox.settings.settle_seconds and self._has_files():
            time.sleep(self.inbox.settings.settle_seconds)
            self.drops.take(self.clock)
        self.has_looked = True

    def _has_files(self) -> bool:
        try:
            return len(self.inbox.look(self.clock())) > 0
        except OSError:
            return False


def preview(
    mapping: SystemMapping, path: Path, clock: Callable[[], datetime]
) -> tuple[FileSource, TemporaryDirectory[str]]:
    """A source over copies of the inbox and the staging file, in a folder that the caller removes; nothing moves.

    SourceUnavailableError if the inbox cannot be read or copied.
    """
    folder = TemporaryDirectory(prefix="caseq-adapter-")
    copy = Path(folder.name)
    if path.exists():
        with closing(sqlite3.connect(path)) as original, closing(sqlite3.connect(copy / "rows.db")) as target:
            original.backup(target)
    inbox = copy / "inbox"
    try:
        inbox.mkdir()
        for one in Path(mapping.source.inbox).iterdir():
            if one.is_file() and not one.is_symlink():
                shutil.copy2(one, inbox / one.name)
            elif one.name in {REFUSED, HELD} and one.is_dir():
                _copy_names(one, inbox / one.name)
    except OSError as error:
        reason = f"the inbox {mapping.source.inbox} cannot be copied: {error.strerror}"
        raise SourceUnavailableError(reason) from error
    settings = replace(mapping.source, inbox=str(inbox), settle_seconds=0)
    return FileSource(replace(mapping, source=settings), copy / "rows.db", clock), folder


def _copy_names(folder: Path, copy: Path) -> None:
    """Empty files of the same names: what was refused or held counts as long as it is there."""
    copy.mkdir()
    for one in folder.iterdir():
        (copy / one.name).touch()


def over_staging(mapping: SystemMapping) -> SystemMapping:
    """The mapping as it reads the staging file: changed is what a file changed, gone is what a file lacked."""
    gone = Condition(staging.GONE, frozenset({"1"}))
    tables = tuple(
        replace(table, table=table.name, polled=staging.SEEN, deleted=(*table.deleted, gone))
        for table in mapping.tables
    )
    return replace(mapping, tables=tables, by_name={table.name: table for table in tables})


def _staged(mapping: SystemMapping, table: Table) -> StagedTable:
    assert table.drops is not None
    parent = [table.parent.column] if table.parent else []
    worded = {column for column, words in compared(mapping, table) if words and not words & {YES, NO}}
    children = [one.parent.key for one in mapping.tables if one.parent and one.parent.table == table.name]
    return StagedTable(
        name=table.name,
        columns=columns_read(mapping, table),
        row_id=table.row_id,
        joins=tuple(column for column in dict.fromkeys((table.case_number, *parent, *children)) if column),
        guards=tuple(condition.column for condition in (*table.secret, *table.deleted)),
        is_secret=lambda row: any_holds(table.secret, row),
        drops=table.drops,
        worded=tuple(sorted(worded)),
    )
