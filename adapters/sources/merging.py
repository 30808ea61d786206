"""A file's rows into the staging file: first beside it, until the last row is proven, then into it with one commit."""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.sources.fileformat import BadFileError, FileRow, StagedTable, YesOrNo
from adapters.sources.staging import GONE, SEEN, listed, quoted

#: A complete file is held back when it has fewer than half of the rows that are held, and more than these are held.
FEW_ROWS = 20


@dataclass(frozen=True, slots=True)
class Counts:
    """What a file changed in one table."""

    new: int
    changed: int
    same: int
    gone: int
    rows: int


@contextmanager
def beside(connection: sqlite3.Connection) -> Iterator[None]:
    """Holds an empty database `incoming` next to the staging file; it goes with all it held."""
    main = next(file for _, name, file in connection.execute("PRAGMA database_list") if name == "main")
    path = Path(f"{main}-incoming")
    path.unlink(missing_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection.execute("ATTACH ? AS incoming", (str(path),))
    try:
        # It is thrown away after every fault, so nothing has to be undone in it.
        connection.execute("PRAGMA incoming.journal_mode = OFF")
        connection.execute("PRAGMA incoming.synchronous = OFF")
        connection.execute("PRAGMA incoming.cache_size = -65536")
        yield
    finally:
        connection.execute("DETACH incoming")
        path.unlink(missing_ok=True)


def load(connection: sqlite3.Connection, table: StagedTable, rows: Iterable[FileRow]) -> None:
    """Puts every row into `incoming`.

    BadFileError for a row without id, for two different rows of one id, or for a yes or no where words are expected.
    """
    name, columns = f"incoming.{quoted(table.name)}", listed(table.columns)
    typed = ", ".join(f"{quoted(column)} TEXT" for column in table.columns)
    statement = (
        f"INSERT INTO {name} ({columns}, caseq_line) VALUES ({'?, ' * len(table.columns)}?) "
        f"ON CONFLICT ({listed(table.row_id)}) DO UPDATE SET caseq_twice = coalesce(caseq_twice, excluded.caseq_line) "
        f"WHERE ({listed(table.columns, quoted(table.name) + '.')}) IS NOT ({listed(table.columns, 'excluded.')})"
    )
    connection.execute("BEGIN")
    try:
        connection.execute(
            f"CREATE TABLE {name} ({typed}, caseq_line INTEGER, caseq_twice INTEGER, UNIQUE ({listed(table.row_id)}))"
        )
        connection.executemany(statement, (_parameters(table, row) for row in rows))
    finally:
        # SQLite rolls back by itself when the disk is full.
        if connection.in_transaction:
            connection.execute("COMMIT")
    (twice,) = connection.execute(f"SELECT min(caseq_twice) FROM {name}").fetchone()
    if twice is not None:
        raise BadFileError("has the id of an earlier row, but says something else", twice)


def _parameters(table: StagedTable, row: FileRow) -> tuple[str | int | None, ...]:
    for column in table.row_id:
        if not (row.values[column] or "").strip():
            raise BadFileError(f"has no {column}", row.line)
    for column in table.worded:
        if isinstance(row.values[column], YesOrNo):
            raise BadFileError(f"{column} is a yes or no: the mapping must compare it with 1 or 0, not words", row.line)
    if table.is_secret(row.values):
        kept = {*table.row_id, *table.joins, *table.guards}
        return *(row.values[column] if column in kept else None for column in table.columns), row.line
    return *(row.values[column] for column in table.columns), row.line


def has_shrunk(connection: sqlite3.Connection, table: StagedTable) -> bool:
    """Whether the incoming rows look like the beginning of a complete file that broke off."""
    if not table.drops.complete:
        return False
    (held,) = connection.execute(f"SELECT count(*) FROM main.{quoted(table.name)} WHERE {GONE} = 0").fetchone()
    return bool(held > FEW_ROWS and _incoming_count(connection, table) * 2 < held)


def merge(connection: sqlite3.Connection, table: StagedTable, seen: str) -> Counts:
    """Makes the table say what the incoming rows say; a row that says the same keeps its stamp."""
    main, incoming = f"main.{quoted(table.name)}", f"incoming.{quoted(table.name)}"
    columns = listed(table.columns)
    same_id = " AND ".join(f"held.{quoted(column)} = file.{quoted(column)}" for column in table.row_id)
    assigned = ", ".join(f"{quoted(column)} = file.{quoted(column)}" for column in table.columns)
    changed = connection.execute(
        f"UPDATE {main} AS held SET {assigned}, {SEEN} = ?, {GONE} = 0 FROM {incoming} AS file WHERE {same_id} "
        f"AND (held.{GONE} <> 0 OR ({listed(table.columns, 'held.')}) IS NOT ({listed(table.columns, 'file.')}))",
        (seen,),
    ).rowcount
    new = connection.execute(
        f"INSERT INTO {main} ({columns}, {SEEN}) SELECT {columns}, ? FROM {incoming} AS file "
        f"WHERE NOT EXISTS (SELECT 1 FROM {main} AS held WHERE {same_id}) ORDER BY caseq_line",
        (seen,),
    ).rowcount
    gone = _bury(connection, table, same_id, seen) if table.drops.complete else 0
    rows = _incoming_count(connection, table)
    return Counts(new, changed, rows - new - changed, gone, rows)


def _bury(connection: sqlite3.Connection, table: StagedTable, same_id: str, seen: str) -> int:
    """Marks the rows the file lacks; what they said goes, save for what is needed to find them."""
    kept = {*table.row_id, *table.joins, *table.guards}
    emptied = "".join(f"{quoted(column)} = NULL, " for column in table.columns if column not in kept)
    return connection.execute(
        f"UPDATE main.{quoted(table.name)} AS held SET {emptied}{SEEN} = ?, {GONE} = 1 WHERE held.{GONE} = 0 "
        f"AND NOT EXISTS (SELECT 1 FROM incoming.{quoted(table.name)} AS file WHERE {same_id})",
        (seen,),
    ).rowcount


def _incoming_count(connection: sqlite3.Connection, table: StagedTable) -> int:
    (count,) = connection.execute(f"SELECT count(*) FROM incoming.{quoted(table.name)}").fetchone()
    return int(count)
