"""An inbox with a staging file for the tests: a clock that is set by hand, and files as another program drops them."""

import os
import re
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.sources import staging
from adapters.sources.drops import Drops as DropTaker
from adapters.sources.drops import Taken
from adapters.sources.fileformat import Drops, FileRow, StagedTable
from adapters.sources.filerows import rows
from adapters.sources.inbox import Inbox, InboxSettings

START = datetime(2031, 4, 1, 8, 0, 0, tzinfo=UTC)
COLUMNS = ("编号", "案号", "名称", "密级")


def read(path: Path, columns: Iterable[str], form: str = "csv", **keys: Any) -> list[FileRow]:
    """All rows of a file."""
    with path.open("rb") as file:
        return list(rows(file, Drops("*", form, False, **keys), tuple(columns)))


def values(path: Path, columns: Iterable[str], form: str = "csv", **keys: Any) -> list[Mapping[str, str | None]]:
    return [row.values for row in read(path, columns, form, **keys)]


def table(name: str = "case", columns: tuple[str, ...] = COLUMNS, **keys: Any) -> StagedTable:
    """A table fed by CSV files; a row of 密级 1 is secret."""
    drops = {"pattern": "*.csv", "format": "csv", "complete": True, **keys}
    return StagedTable(
        name, columns, ("编号",), ("案号",), ("密级",), lambda row: row.get("密级") == "1", Drops(**drops)
    )


def peak_kibibytes() -> int:
    """The most memory this process ever held; getrusage would also count the one that started it."""
    found = re.search(r"VmHWM:\s*([0-9]+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1])


class Folder:
    """The inbox, what was staged from it, and the hand on the clock."""

    def __init__(self, path: Path, *tables: StagedTable) -> None:
        self.path = path / "inbox"
        self.path.mkdir(exist_ok=True)
        self.state = path / "staging.db"
        self.now = START
        self.tables = tables or (table(),)
        self.connection: sqlite3.Connection
        self.drops: DropTaker
        self.restart()

    def restart(self) -> None:
        """As after a kill: nothing is remembered but what is in the staging file."""
        self.connection = staging.open_staging(self.state)
        self.added = staging.prepare(self.connection, self.tables)
        self.drops = DropTaker(Inbox(InboxSettings(self.path)), self.tables, self.connection)

    def put(self, name: str, content: bytes | str, age: float = 60) -> Path:
        path = self.path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        moment = self.now.timestamp() - age
        os.utime(path, (moment, moment))
        return path

    def later(self, seconds: float = 10) -> None:
        self.now += timedelta(seconds=seconds)

    def look(self) -> list[Taken]:
        return self.drops.take(lambda: self.now)

    def take(self) -> list[Taken]:
        """What two looks ten seconds apart take."""
        first = self.look()
        self.later()
        return [*first, *self.look()]

    def drop(self, content: bytes | str, name: str = "a.csv") -> list[Taken]:
        self.put(name, content)
        return self.take()

    def rows(self, name: str = "case") -> list[tuple[Any, ...]]:
        return self.connection.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall()

    def names(self, folder: str = "") -> list[str]:
        """The plain files of the inbox, or of one of its folders."""
        where = self.path / folder
        return sorted(path.name for path in where.iterdir() if path.is_file()) if where.exists() else []


def listing(count: int, first: int = 0) -> str:
    """A CSV file of so many rows."""
    lines = (f"{number},案{number},店{number},0" for number in range(first, first + count))
    return "\n".join([",".join(COLUMNS), *lines, ""])
