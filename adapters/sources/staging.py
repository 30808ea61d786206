"""The staging file: what the files of a register said so far, as tables that the SQL source reads like any other."""

import os
import sqlite3
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from adapters.sources.fileformat import StagedTable

#: The columns every table of the file has beside the mapped ones: when a row was last seen to change, and 1 once a
#: complete file lacked it.
SEEN, GONE = "caseq_seen", "caseq_gone"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS caseq_drop (
  table_name TEXT PRIMARY KEY, file TEXT NOT NULL, layout TEXT NOT NULL, seen TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS caseq_untaken (
  table_name TEXT PRIMARY KEY, outcome TEXT NOT NULL, seen TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS caseq_left (
  table_name TEXT NOT NULL, name TEXT NOT NULL, file TEXT NOT NULL, outcome TEXT NOT NULL, seen TEXT NOT NULL,
  kept TEXT NOT NULL, PRIMARY KEY (table_name, name, file)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS caseq_changed (
  table_name TEXT PRIMARY KEY, changed_ns INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS caseq_moving (
  name TEXT PRIMARY KEY, since_seconds REAL NOT NULL, last_seconds REAL NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Left:
    """A file that was not taken: its name, its digest, `refused` or `held`, when, and how it is called there."""

    name: str
    file: str
    outcome: str
    seen: str
    kept: str


#: A file that was seen to change for so long will not be still by itself.
_LONGEST_MOVE_SECONDS = 3600


class StagingError(Exception):
    """The staging file does not fit the mapping and cannot be made to; an operator has to decide."""


def open_staging(path: Path) -> sqlite3.Connection:
    """A connection to the staging file, made if it is missing and readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    connection.execute("PRAGMA journal_mode = WAL")
    # A file is moved away right after the commit: that must not be lost when the power is.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.executescript(_SCHEMA)
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commits everything inside together, or nothing if it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite rolls back by itself when the disk is full.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def quoted(name: str) -> str:
    """The name as SQL takes it, whatever it is made of."""
    return '"' + name.replace('"', '""') + '"'


def listed(columns: Sequence[str], prefix: str = "") -> str:
    """The columns for a statement, each with the name of its table if there is one."""
    return ", ".join(prefix + quoted(column) for column in columns)


def prepare(connection: sqlite3.Connection, tables: Sequence[StagedTable]) -> dict[str, int]:
    """Makes or changes the tables so that they fit the mapping; how many columns each older table got.

    A new column is empty until the next file; a column that is mapped no longer goes with what it held.
    """
    added: dict[str, int] = {}
    with transaction(connection):
        for table in tables:
            held = _columns(connection, table.name)
            if not held:
                _create(connection, table)
            elif count := _fit(connection, table, held):
                added[table.name] = count
            _index(connection, table)
    return added


def tables_without_file(connection: sqlite3.Connection, tables: Sequence[StagedTable]) -> list[str]:
    """The tables for which no file was ever taken; until then their emptiness says nothing about the register."""
    taken = {name for (name,) in connection.execute("SELECT table_name FROM caseq_drop")}
    return [table.name for table in tables if table.name not in taken]


def is_again(connection: sqlite3.Connection, tables: Sequence[StagedTable], file: str) -> bool:
    """Whether this very file was the last one for all these tables, and they have had the same columns since."""
    held = {
        name: (digest, layout)
        for name, digest, layout in connection.execute("SELECT table_name, file, layout FROM caseq_drop")
    }
    return all(held.get(table.name) == (file, _layout(table)) for table in tables)


def note_file(connection: sqlite3.Connection, table: StagedTable, name: str, file: str, seen: str) -> None:
    """Remembers that this file was the last one for the table; belongs into the transaction that took its rows."""
    connection.execute(
        "INSERT OR REPLACE INTO caseq_drop (table_name, file, layout, seen) VALUES (?, ?, ?, ?)",
        (table.name, file, _layout(table), seen),
    )
    note_taken(connection, [table], name)


def note_changed(connection: sqlite3.Connection, table: StagedTable, changed_ns: int) -> None:
    """Remembers the time of change of the last file for the table; belongs into the transaction that took its rows."""
    connection.execute("INSERT OR REPLACE INTO caseq_changed VALUES (?, ?)", (table.name, changed_ns))


def is_older(connection: sqlite3.Connection, table: StagedTable, changed_ns: int) -> bool:
    """Whether a complete file of this time of change is older than the last one: it would take back newer rows."""
    statement = "SELECT 1 FROM caseq_changed WHERE table_name = ? AND changed_ns > ?"
    return table.drops.complete and connection.execute(statement, (table.name, changed_ns)).fetchone() is not None


def note_taken(connection: sqlite3.Connection, tables: Sequence[StagedTable], name: str) -> None:
    """Remembers that the newest file for these tables was taken, or was the last one again.

    A complete file makes good every earlier one; one of changes only those of its own name.
    """
    connection.executemany("DELETE FROM caseq_untaken WHERE table_name = ?", ((table.name,) for table in tables))
    connection.executemany(
        "DELETE FROM caseq_left WHERE table_name = ? AND (? OR name = ?)",
        ((table.name, table.drops.complete, name) for table in tables),
    )


def note_untaken(connection: sqlite3.Connection, tables: Sequence[StagedTable], left: Left) -> None:
    """Remembers that this file was not taken: the newest one of complete files, every one of changes."""
    for table in tables:
        if table.drops.complete:
            row = (table.name, left.outcome, left.seen)
            connection.execute("INSERT OR REPLACE INTO caseq_untaken VALUES (?, ?, ?)", row)
        else:
            connection.execute(
                "INSERT OR REPLACE INTO caseq_left VALUES (?, ?, ?, ?, ?, ?)", (table.name, *astuple(left))
            )


def left(connection: sqlite3.Connection) -> list[tuple[str, Left]]:
    """The files of changes that were not taken, each with its table; some may have been removed by now."""
    rows = connection.execute("SELECT * FROM caseq_left ORDER BY table_name, seen, name")
    return [(table, Left(*row)) for table, *row in rows]


def forget(connection: sqlite3.Connection, kept: str) -> None:
    """Drops what is remembered of a file that was called so."""
    connection.execute("DELETE FROM caseq_left WHERE kept = ?", (kept,))


def note_moving(connection: sqlite3.Connection, names: Set[str], now: datetime) -> None:
    """Remembers since when these files of the inbox have not been still; every other one is still, or gone."""
    with transaction(connection):
        held = {name for (name,) in connection.execute("SELECT name FROM caseq_moving")}
        connection.executemany("DELETE FROM caseq_moving WHERE name = ?", ((name,) for name in held - names))
        connection.executemany(
            "INSERT INTO caseq_moving VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE "
            "SET since_seconds = min(since_seconds, excluded.since_seconds), last_seconds = excluded.last_seconds",
            ((name, now.timestamp(), now.timestamp()) for name in names),
        )


def never_still(connection: sqlite3.Connection) -> set[str]:
    """The files of the inbox that were seen to change for an hour."""
    statement = "SELECT name FROM caseq_moving WHERE last_seconds - since_seconds >= ?"
    return {name for (name,) in connection.execute(statement, (_LONGEST_MOVE_SECONDS,))}


def untaken(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """The tables whose newest file was not taken, with what became of it and when."""
    return connection.execute("SELECT table_name, outcome, seen FROM caseq_untaken ORDER BY table_name").fetchall()


def next_stamp(connection: sqlite3.Connection, now: str) -> str:
    """The stamp for a file that is taken now: never before the last one, even if the clock was set back."""
    (last,) = connection.execute("SELECT max(seen) FROM caseq_drop").fetchone()
    return max(now, last or "")


def _layout(table: StagedTable) -> str:
    told = repr((table.columns, table.row_id, table.joins, table.guards, table.drops, table.worded))
    return sha256(told.encode()).hexdigest()


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]


def _create(connection: sqlite3.Connection, table: StagedTable) -> None:
    columns = ", ".join(f"{quoted(column)} TEXT" for column in table.columns)
    connection.execute(
        f"CREATE TABLE {quoted(table.name)} ({columns}, {SEEN} TEXT NOT NULL, {GONE} INTEGER NOT NULL DEFAULT 0)"
    )


def _fit(connection: sqlite3.Connection, table: StagedTable, held: Sequence[str]) -> int:
    name = quoted(table.name)
    missing = [column for column in table.columns if column not in held]
    left = [column for column in held if column not in (*table.columns, SEEN, GONE)]
    if missing or left:
        _drop_indices(connection, table.name, keep=())
    for column in left:
        connection.execute(f"ALTER TABLE {name} DROP COLUMN {quoted(column)}")
    for column in missing:
        connection.execute(f"ALTER TABLE {name} ADD COLUMN {quoted(column)} TEXT")
    return len(missing)


def _index(connection: sqlite3.Connection, table: StagedTable) -> None:
    """Makes the indices the mapping needs, and drops those of an older mapping."""
    wanted = {_index_name(table.name, columns, is_unique): (columns, is_unique) for columns, is_unique in _keys(table)}
    _drop_indices(connection, table.name, keep=tuple(wanted))
    for name, (columns, is_unique) in wanted.items():
        kind = "UNIQUE INDEX" if is_unique else "INDEX"
        try:
            connection.execute(
                f"CREATE {kind} IF NOT EXISTS {quoted(name)} ON {quoted(table.name)} ({listed(columns)})"
            )
        except sqlite3.IntegrityError as error:
            raise StagingError(
                f"{table.name}: the rows held do not fit the new id columns; move the staging file away, "
                "and drop complete files"
            ) from error


def _keys(table: StagedTable) -> Iterator[tuple[tuple[str, ...], bool]]:
    yield table.row_id, True
    yield (SEEN,), False
    for column in dict.fromkeys(table.joins):
        yield (column,), False


def _index_name(table: str, columns: tuple[str, ...], is_unique: bool) -> str:
    return f"caseq_{'id' if is_unique else 'by'}_{sha256(repr((table, columns)).encode()).hexdigest()[:16]}"


def _drop_indices(connection: sqlite3.Connection, table: str, keep: tuple[str, ...]) -> None:
    held = connection.execute("SELECT name FROM pragma_index_list(?)", (table,)).fetchall()
    for (name,) in held:
        if name not in keep:
            connection.execute(f"DROP INDEX {quoted(name)}")
