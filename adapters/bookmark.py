"""What the adapter knows: how far it has read, which cases are still to be read, what the service holds.

Functions that write belong inside `statefile.transaction`.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from adapters.changes import WITHDRAWN, Known, RecordId
from adapters.history import Entry, Standing
from adapters.reading import Histories, Reading

_KNOWN = "SELECT source, type, key, case_number, origin, fingerprint, sequence FROM record"
#: The fingerprint of a refused record that is to be tried again: no data have it.
_TRY_AGAIN = "try again"


def setting(connection: sqlite3.Connection, name: str) -> str | None:
    """The value kept under this name."""
    row = connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else None


def keep_setting(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Keeps a value under this name."""
    connection.execute("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", (name, value))


def add_pending(connection: sqlite3.Connection, rows: Iterable[tuple[str, str]]) -> None:
    """Marks the cases of these changed rows (origin, case number) to be read, and those the rows belonged to."""
    for origin, number in rows:
        if number:
            connection.execute("INSERT OR IGNORE INTO pending (case_number) VALUES (?)", (number,))
        connection.execute(
            "INSERT OR IGNORE INTO pending (case_number) SELECT DISTINCT case_number FROM record"
            " WHERE origin = ? AND case_number <> ?",
            (origin, number),
        )


def add_all_known(connection: sqlite3.Connection) -> None:
    """Marks every case in the state to be read."""
    connection.execute("INSERT OR IGNORE INTO pending (case_number) SELECT DISTINCT case_number FROM record")


def try_refused_again(connection: sqlite3.Connection) -> None:
    """Marks the cases with refused records to be read, and makes those records count as changed."""
    connection.execute("INSERT OR IGNORE INTO pending (case_number) SELECT DISTINCT case_number FROM refused")
    connection.execute(
        "UPDATE record SET fingerprint = ? WHERE (source, type, key) IN (SELECT source, type, key FROM refused)",
        (_TRY_AGAIN,),
    )


def pending_cases(connection: sqlite3.Connection, most: int) -> list[str]:
    """The next case numbers to be read, at most this many."""
    rows = connection.execute("SELECT case_number FROM pending ORDER BY position LIMIT ?", (most,))
    return [row[0] for row in rows]


def drop_pending(connection: sqlite3.Connection, numbers: Iterable[str]) -> None:
    """Unmarks these cases."""
    connection.executemany("DELETE FROM pending WHERE case_number = ?", ((number,) for number in numbers))


def known_records(connection: sqlite3.Connection, number: str, ids: Iterable[RecordId]) -> list[Known]:
    """The state of this case's records, and of the records with these ids wherever they are."""
    found = {known.id: known for known in map(_known, connection.execute(f"{_KNOWN} WHERE case_number = ?", (number,)))}
    for record_id in ids:
        if record_id not in found:
            row = connection.execute(f"{_KNOWN} WHERE source = ? AND type = ? AND key = ?", record_id).fetchone()
            if row:
                found[record_id] = _known(row)
    return list(found.values())


def _known(row: Sequence[str]) -> Known:
    return Known(*row)


def keep_known(connection: sqlite3.Connection, known: Known) -> None:
    """Keeps the new state of one record."""
    row = (
        known.source,
        known.type,
        known.key,
        known.case_number,
        known.origin,
        known.fingerprint,
        known.sequence,
    )
    connection.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def histories(connection: sqlite3.Connection, origins: Iterable[str]) -> Histories:
    """The kept histories of the rows at these places."""
    found: dict[tuple[str, str], tuple[Entry, ...]] = {}
    for origin in origins:
        rows = connection.execute("SELECT name, entries FROM history WHERE origin = ?", (origin,))
        for name, entries in rows:
            found[origin, name] = tuple(_entry(values) for values in json.loads(entries))
    return found


def _entry(values: Mapping[str, Any]) -> Entry:
    standing = Standing(values["standing"])
    return replace(Entry(**values), standing=standing)


def keep_reading(connection: sqlite3.Connection, reading: Reading) -> None:
    """Keeps the histories of one reading, and replaces the refusals of its case."""
    for (origin, name), entries in reading.histories.items():
        if entries:
            texts = json.dumps([asdict(entry) for entry in entries], ensure_ascii=False)
            connection.execute("INSERT OR REPLACE INTO history VALUES (?, ?, ?)", (origin, name, texts))
    connection.execute("DELETE FROM unreadable WHERE case_number = ?", (reading.number,))
    connection.executemany(
        "INSERT OR REPLACE INTO unreadable VALUES (?, ?, ?, ?, ?)",
        ((reading.number, fault.origin, fault.name, fault.column, fault.reason) for fault in reading.refusals),
    )


def live_counts(connection: sqlite3.Connection, source: str) -> dict[str, int]:
    """How many records of each type the service should hold for this push source."""
    rows = connection.execute(
        "SELECT type, count(*) FROM record WHERE source = ? AND fingerprint <> ? AND (source, type, key) NOT IN"
        " (SELECT source, type, key FROM refused) GROUP BY type",
        (source, WITHDRAWN),
    )
    counts = {"case": 0, "party": 0, "milestone": 0}
    return {**counts, **dict(rows.fetchall())}


def unreadable_records(connection: sqlite3.Connection) -> list[tuple[str, str, str, str, str]]:
    """The records that are not pushed because a column cannot be read: case, origin, name, column, reason."""
    return connection.execute(
        "SELECT case_number, origin, name, field, reason FROM unreadable ORDER BY case_number, origin"
    ).fetchall()
