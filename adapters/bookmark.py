"""What the adapter knows: how far it has read, which cases are still to be read, what the service holds.

Functions that write belong inside `statefile.transaction`.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from adapters.changes import TRY_AGAIN, WITHDRAWN, Known, RecordId
from adapters.history import Entry, Standing
from adapters.reading import ROW, Histories, Reading
from adapters.values import UNKNOWN_CODE

#: In place of a case number: of rows that belong to no case.
NO_CASE = "(none)"
#: Under this name stands the stamp of the newest change that was read.
BOOKMARK = "bookmark"

_OF_CASES = (
    "SELECT source, type, key, case_number, origin, fingerprint, sequence FROM record"
    " WHERE case_number IN (SELECT value FROM json_each(?))"
)
_OF_KEYS = (
    "SELECT source, type, key, case_number, origin, fingerprint, sequence FROM record"
    " WHERE source = ? AND type = ? AND key IN (SELECT value FROM json_each(?))"
)


def sources(connection: sqlite3.Connection) -> set[str]:
    """The push sources of which the service holds records."""
    query = "SELECT DISTINCT source FROM record WHERE fingerprint <> ?"
    return {source for (source,) in connection.execute(query, (WITHDRAWN,))}


def setting(connection: sqlite3.Connection, name: str) -> str | None:
    """The value kept under this name."""
    row = connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else None


def keep_setting(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Keeps a value under this name."""
    connection.execute("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", (name, value))


def drop_setting(connection: sqlite3.Connection, name: str) -> None:
    """Forgets the value kept under this name."""
    connection.execute("DELETE FROM setting WHERE name = ?", (name,))


def add_cases(connection: sqlite3.Connection, numbers: Iterable[str]) -> None:
    """Marks these cases to be read."""
    rows = ((number,) for number in numbers)
    connection.executemany("INSERT OR IGNORE INTO pending (case_number) VALUES (?)", rows)


def add_pending(connection: sqlite3.Connection, rows: Iterable[tuple[str, str]]) -> None:
    """Marks the cases of these changed rows (origin, case number) to be read, and those the rows belonged to."""
    found = list(rows)
    add_cases(connection, (number for _, number in found if number))
    origins = (json.dumps([origin for origin, _ in found], ensure_ascii=False),)
    connection.execute(
        "INSERT OR IGNORE INTO pending (case_number) SELECT DISTINCT record.case_number"
        " FROM json_each(?) AS changed JOIN record ON record.origin = changed.value",
        origins,
    )
    # A row that was refused has no record, and yet the case that it left may be free of its fault now.
    connection.execute(
        "INSERT OR IGNORE INTO pending (case_number) SELECT DISTINCT case_number FROM unreadable"
        " WHERE origin IN (SELECT value FROM json_each(?)) AND case_number != ?",
        (*origins, NO_CASE),
    )


def add_all_known(connection: sqlite3.Connection) -> None:
    """Marks every case in the state to be read, also those that are refused or were."""
    connection.execute(
        "INSERT OR IGNORE INTO pending (case_number) SELECT case_number FROM record"
        " UNION SELECT case_number FROM unreadable WHERE case_number != ?"
        " UNION SELECT case_number FROM claim WHERE is_claimed",
        (NO_CASE,),
    )


def try_refused_again(connection: sqlite3.Connection) -> None:
    """Marks the cases with refused records to be read, and makes those records count as changed."""
    connection.execute("INSERT OR IGNORE INTO pending (case_number) SELECT DISTINCT case_number FROM refused")
    connection.execute(
        "UPDATE record SET fingerprint = ? WHERE (source, type, key) IN (SELECT source, type, key FROM refused)",
        (TRY_AGAIN,),
    )


def pending_cases(connection: sqlite3.Connection, most: int) -> list[str]:
    """The next case numbers to be read, at most this many."""
    rows = connection.execute("SELECT case_number FROM pending ORDER BY position LIMIT ?", (most,))
    return [row[0] for row in rows]


def drop_pending(connection: sqlite3.Connection, numbers: Iterable[str]) -> None:
    """Unmarks these cases."""
    connection.executemany("DELETE FROM pending WHERE case_number = ?", ((number,) for number in numbers))


@dataclass(slots=True)
class KnownRecords:
    """What the service holds of some cases, as it will be after the events made so far."""

    by_id: dict[RecordId, Known] = field(default_factory=dict)
    by_case: dict[str, dict[RecordId, Known]] = field(default_factory=dict)

    def put(self, entries: Iterable[Known]) -> None:
        """Takes in the new states of these records."""
        for known in entries:
            record_id, number = known.id, known.case_number
            before = self.by_id.get(record_id)
            if before is not None and before.case_number != number:
                del self.by_case[before.case_number][record_id]
            self.by_id[record_id] = known
            self.by_case.setdefault(number, {})[record_id] = known

    def around(self, number: str, ids: Iterable[RecordId]) -> list[Known]:
        """The records of this case, and those with these ids wherever they are."""
        found = dict(self.by_case.get(number, {}))
        found.update((record_id, self.by_id[record_id]) for record_id in ids if record_id in self.by_id)
        return list(found.values())


def known_records(connection: sqlite3.Connection, numbers: Sequence[str], ids: Iterable[RecordId]) -> KnownRecords:
    """The state of the records of these cases, and of the records with these ids wherever they are."""
    known = KnownRecords()
    known.put(Known(*row) for row in connection.execute(_OF_CASES, (json.dumps(numbers, ensure_ascii=False),)))
    missing: dict[tuple[str, str], list[str]] = {}
    for source, record_type, key in ids:
        if (source, record_type, key) not in known.by_id:
            missing.setdefault((source, record_type), []).append(key)
    for (source, record_type), keys in missing.items():
        rows = connection.execute(_OF_KEYS, (source, record_type, json.dumps(keys, ensure_ascii=False)))
        known.put(Known(*row) for row in rows)
    return known


def keep_known(connection: sqlite3.Connection, entries: Iterable[Known]) -> None:
    """Keeps the new states of these records."""
    connection.executemany("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", entries)


def histories(connection: sqlite3.Connection, origins: Iterable[str]) -> Histories:
    """The kept histories of the rows at these places."""
    found: dict[tuple[str, str], tuple[Entry, ...]] = {}
    wanted = json.dumps(list(origins), ensure_ascii=False)
    query = "SELECT origin, name, entries FROM history WHERE origin IN (SELECT value FROM json_each(?))"
    for origin, name, entries in connection.execute(query, (wanted,)):
        found[origin, name] = tuple(_entry(values) for values in json.loads(entries))
    return found


def _entry(values: Mapping[str, Any]) -> Entry:
    standing = Standing(values["standing"])
    return replace(Entry(**values), standing=standing)


def keep_readings(connection: sqlite3.Connection, readings: Sequence[Reading]) -> None:
    """Keeps the histories of these readings, and replaces the refusals of their cases."""
    kept = (
        (origin, name, json.dumps([asdict(entry) for entry in entries], ensure_ascii=False))
        for reading in readings
        for (origin, name), entries in reading.histories.items()
        if entries
    )
    connection.executemany("INSERT OR REPLACE INTO history VALUES (?, ?, ?)", kept)
    numbers = json.dumps([reading.number for reading in readings], ensure_ascii=False)
    connection.execute("DELETE FROM unreadable WHERE case_number IN (SELECT value FROM json_each(?))", (numbers,))
    connection.executemany(
        "INSERT OR REPLACE INTO unreadable VALUES (?, ?, ?, ?, ?, ?)",
        (
            (reading.number, fault.origin, fault.name, fault.column, fault.reason, fault.code)
            for reading in readings
            for fault in reading.refusals
        ),
    )


def forget_rows_without_case(connection: sqlite3.Connection) -> None:
    """Forgets which rows belong to no case, before all are looked at again."""
    connection.execute("DELETE FROM unreadable WHERE case_number = ?", (NO_CASE,))


def keep_rows_without_case(connection: sqlite3.Connection, rows: Sequence[tuple[str, str]]) -> None:
    """Keeps which of these rows (origin, column that should lead to the case and does not, or '') belong to no case."""
    if connection.execute("SELECT 1 FROM unreadable WHERE case_number = ? LIMIT 1", (NO_CASE,)).fetchone():
        places = ((NO_CASE, origin) for origin, _ in rows)
        connection.executemany("DELETE FROM unreadable WHERE case_number = ? AND origin = ?", places)
    connection.executemany(
        "INSERT OR REPLACE INTO unreadable VALUES (?, ?, ?, ?, ?, '')",
        ((NO_CASE, origin, ROW, column, "leads to no case") for origin, column in rows if column),
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


def unknown_codes(connection: sqlite3.Connection) -> list[tuple[str, str, str, int]]:
    """The codes that the mapping does not know: the mapping's name of the table, column, code, how many records.

    The code is '' where it may not be shown.
    """
    return connection.execute(
        "SELECT substr(origin, 1, instr(origin, ':') - 1), field, code, count(*) FROM unreadable WHERE reason = ?"
        " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        (UNKNOWN_CODE,),
    ).fetchall()


def last_poll(connection: sqlite3.Connection) -> str:
    """The stamp of the newest change that was read; '' if nothing ever was."""
    return setting(connection, BOOKMARK) or ""


def pending_count(connection: sqlite3.Connection) -> int:
    """How many cases are still to be read."""
    (count,) = connection.execute("SELECT count(*) FROM pending").fetchone()
    return int(count)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that is not pushed because of a column; `rank` counts from 1 those of one name, column and reason."""

    case_number: str
    origin: str
    name: str
    column: str
    reason: str
    rank: int
    count: int


def unreadable_records(connection: sqlite3.Connection, most: int) -> Iterator[Unreadable]:
    """The records that cannot be read, at most this many of each name, column and reason; `count` is of all these."""
    rows = connection.execute(
        "SELECT * FROM (SELECT case_number, origin, name, field, reason,"
        " row_number() OVER (PARTITION BY name, field, reason ORDER BY case_number, origin) AS rank,"
        " count(*) OVER (PARTITION BY name, field, reason) FROM unreadable)"
        " WHERE rank <= ? ORDER BY name, field, reason, rank",
        (most,),
    )
    yield from (Unreadable(*row) for row in rows)
