"""Withdrawals held back: a case system that lacks most of what it had is rather the wrong one than an empty one.

During a full read what is missing is only marked. At its end few missing records are withdrawn; many are held until an
operator releases them. Functions that write need a transaction.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from adapters import bookmark
from adapters.changes import HELD, MISSING, RELEASED, WITHDRAWN, Change, Known
from adapters.mapping import CASE_TABLE, SystemMapping
from adapters.reading import CaseRows, Reading, origin
from adapters.values import is_closed

#: Under this name stands what was held of each source and type before the full read that is under way.
_BEFORE = "held_before"
#: Set when the next poll is to read everything.
_READ_ALL = "read_all"
#: So few missing records are always withdrawn.
FEW_RECORDS = 20

_OF = "SELECT source, type, count(*) FROM record WHERE fingerprint = ? GROUP BY source, type"
_THERE = "SELECT source, type, count(*) FROM record WHERE fingerprint NOT IN (?, ?) GROUP BY source, type"

#: How many records there are by push source and type.
Counts = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Held:
    """So many records of this push source are held back, of so many that the service held."""

    source: str
    records: int
    of: int


def begin(state: sqlite3.Connection) -> None:
    """Notes what is held, and from now on marks what is missing; one that is under way goes on."""
    if not is_under_way(state):
        counts = [[*place, count] for place, count in _counts(state, _THERE, WITHDRAWN, HELD).items()]
        bookmark.keep_setting(state, _BEFORE, json.dumps(counts))


def is_under_way(state: sqlite3.Connection) -> bool:
    """Whether what is missing is only marked."""
    return bookmark.setting(state, _BEFORE) is not None


def sift(
    mapping: SystemMapping,
    case: CaseRows,
    reading: Reading,
    known: Sequence[Known],
    made: Sequence[Change],
    marks: bool,
) -> tuple[list[Change], list[Known]]:
    """The changes that may leave, and the records whose withdrawal may not, as they are to be kept.

    With `marks` a record that is missing becomes MISSING; without, only what is HELD stays.
    """
    if all(change.known.is_live for change in made):
        return list(made), []
    before = {entry.id: entry for entry in known}
    closed = _closed_rows(mapping, case)
    leaving: list[Change] = []
    kept: list[Known] = []
    for change in made:
        entry = before.get(change.known.id)
        is_withdrawal = entry is not None and not change.known.is_live
        if entry is None or not is_withdrawal or _is_told(mapping, reading, entry, closed):
            leaving.append(change)
        elif entry.fingerprint == HELD:
            kept.append(entry)
        elif marks and entry.fingerprint != RELEASED:
            kept.append(entry._replace(fingerprint=MISSING))
        else:
            leaving.append(change)
    return leaving, kept


def _is_told(mapping: SystemMapping, reading: Reading, entry: Known, closed: Mapping[str, set[str]]) -> bool:
    """Whether the rows tell why the record goes: it moved, its case changed its kind or spelling, or a guard holds."""
    if reading.is_explained:
        return True
    if entry.case_number != reading.number or any(record.source != entry.source for record in reading.records):
        return True
    if not entry.origin:
        return bool(closed)
    table = mapping.by_name.get(entry.origin.partition(":")[0])
    while table is not None and table.parent is not None:
        if table.parent.table in closed:
            return True
        table = mapping.table(table.parent.table)
    return CASE_TABLE in closed or any(entry.origin in origins for origins in closed.values())


def _closed_rows(mapping: SystemMapping, case: CaseRows) -> dict[str, set[str]]:
    """Where the deleted and secret rows of this case are, by table."""
    found: dict[str, set[str]] = {}
    for name, rows in case.tables.items():
        table = mapping.table(name)
        for row in rows:
            if is_closed((*table.deleted, *table.secret), row):
                found.setdefault(name, set()).add(origin(table, row))
    return found


def settle(state: sqlite3.Connection) -> tuple[int, list[Held]]:
    """Ends a full read: how many cases are to be read for withdrawals that are few, and what is held from now on."""
    before = {(source, name): count for source, name, count in json.loads(bookmark.setting(state, _BEFORE) or "[]")}
    bookmark.drop_setting(state, _BEFORE)
    missing = _counts(state, _OF, MISSING)
    held = list(_held(missing, before))
    for one in held:
        _mark(state, MISSING, HELD, one.source)
    _mark(state, MISSING, RELEASED)
    return _read_released(state), held


def _held(missing: Counts, before: Counts) -> Iterator[Held]:
    is_all = _is_much(missing.values(), before.values())
    for source in dict.fromkeys(source for source, _ in missing):
        gone = {place: count for place, count in missing.items() if place[0] == source}
        there = {place: count for place, count in before.items() if place[0] == source}
        is_type = any(_is_much([count], [there.get(place, 0)]) for place, count in gone.items())
        if is_all or is_type or _is_much(gone.values(), there.values()):
            yield Held(source, sum(gone.values()), sum(there.values()))


def _is_much(missing: Iterable[int], before: Iterable[int]) -> bool:
    count = sum(missing)
    return count > FEW_RECORDS and count * 2 > sum(before)


def release(state: sqlite3.Connection) -> dict[str, int]:
    """Lets go what is held: the next run withdraws what the case system still lacks; how many records by source."""
    found = held_counts(state)
    _mark(state, HELD, RELEASED)
    _read_released(state)
    return found


def held_counts(state: sqlite3.Connection) -> dict[str, int]:
    """How many records of each push source are held; sources without any are left out."""
    found = Counter[str]()
    for (source, _), count in _counts(state, _OF, HELD).items():
        found[source] += count
    return dict(found)


def look_again(state: sqlite3.Connection) -> None:
    """Has the next poll read everything if anything is held: perhaps the adapter now has the right address."""
    if held_counts(state):
        read_all(state)


def read_all(state: sqlite3.Connection) -> None:
    """Has the next poll read everything."""
    bookmark.keep_setting(state, _READ_ALL, "1")


def is_to_look_again(state: sqlite3.Connection) -> bool:
    """Whether the next poll is to read everything."""
    return bookmark.setting(state, _READ_ALL) is not None


def has_looked(state: sqlite3.Connection) -> None:
    """Notes that everything is being read."""
    bookmark.drop_setting(state, _READ_ALL)


def _counts(state: sqlite3.Connection, query: str, *fingerprints: str) -> dict[tuple[str, str], int]:
    return {(source, name): count for source, name, count in state.execute(query, fingerprints)}


def _mark(state: sqlite3.Connection, now: str, then: str, source: str | None = None) -> None:
    query = "UPDATE record SET fingerprint = ? WHERE fingerprint = ? AND source = coalesce(?, source)"
    state.execute(query, (then, now, source))


def _read_released(state: sqlite3.Connection) -> int:
    query = "SELECT DISTINCT case_number FROM record WHERE fingerprint = ?"
    numbers = [number for (number,) in state.execute(query, (RELEASED,))]
    bookmark.add_cases(state, numbers)
    return len(numbers)
