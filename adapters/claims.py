"""Case numbers that people cannot tell apart: of cases whose numbers read alike none leaves, or they would be one case.

The state knows every number that a row claimed, so that they meet whichever chunk or poll reads them.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from adapters import bookmark
from adapters.changes import WITHDRAWN, RecordId
from adapters.reading import CASE, Reading
from adapters.values import UnreadableError
from caseq.rules.numbers import lookup_key

ALIKE = "reads like the number of another case"

_SPELLINGS = """
SELECT folded, case_number, is_claimed, EXISTS (
  SELECT 1 FROM record WHERE record.case_number = claim.case_number AND type = 'case' AND fingerprint <> ?)
FROM claim WHERE folded IN (SELECT value FROM json_each(?))
"""


#: Of a spelling: whether a row claims it, and whether the service holds a case of it.
_Spelling = tuple[bool, bool]


@dataclass(slots=True)
class Claims:
    """What some readings claim: the other spellings of each number, the cases to be read because of it, new rows."""

    others: dict[str, list[str]] = field(default_factory=dict)
    to_read: set[str] = field(default_factory=set)
    rows: list[tuple[str, str, bool]] = field(default_factory=list)

    def cases_beside(self, number: str, sources: Iterable[str]) -> list[RecordId]:
        """The records that the cases of the other spellings would be."""
        return [(source, CASE, other) for other in self.others.get(number, ()) for source in sources]


def settle(state: sqlite3.Connection, readings: Sequence[Reading], column: str) -> Claims:
    """Refuses those of these readings whose number, read from this column, reads like that of another case.

    A case that is only spelled anew waits until the former one is withdrawn: to the service they are one.
    """
    folded = {reading.number: lookup_key(reading.number) for reading in readings}
    before = _known(state, folded.values())
    after = {key: dict(there) for key, there in before.items()}
    for reading in readings:
        after.setdefault(folded[reading.number], {})[reading.number] = (_is_claim(reading), False)
    found = Claims()
    for reading in readings:
        number, key = reading.number, folded[reading.number]
        there, now = before.get(key, {}), after[key]
        others = {other: spelling for other, spelling in now.items() if other != number}
        found.others[number] = list(others)
        if _open(there) != _open(now):
            found.to_read.update(set(others) - set(folded))
        if number not in there or there[number][0] != now[number][0]:
            found.rows.append((number, key, now[number][0]))
        reading.is_explained = any(is_claimed for is_claimed, _ in others.values())
        if now[number][0] and _open(others):
            _refuse(reading, column)
    return found


def _known(state: sqlite3.Connection, keys: Iterable[str]) -> dict[str, dict[str, _Spelling]]:
    found: dict[str, dict[str, _Spelling]] = {}
    wanted = json.dumps(list(dict.fromkeys(keys)), ensure_ascii=False)
    for key, number, is_claimed, is_held in state.execute(_SPELLINGS, (WITHDRAWN, wanted)):
        found.setdefault(key, {})[number] = (bool(is_claimed), bool(is_held))
    return found


def _open(spellings: Mapping[str, _Spelling]) -> set[str]:
    return {number for number, spelling in spellings.items() if any(spelling)}


def _is_claim(reading: Reading) -> bool:
    return any(record.type == CASE for record in reading.records)


def _refuse(reading: Reading, column: str) -> None:
    place = next(record.origin for record in reading.records if record.type == CASE)
    reading.records.clear()
    reading.refuse(place, CASE, UnreadableError(column, ALIKE))


def keep(state: sqlite3.Connection, found: Claims) -> None:
    """Notes what is claimed, and which cases are to be read because of it; belongs inside a transaction."""
    state.executemany("INSERT OR REPLACE INTO claim VALUES (?, ?, ?)", found.rows)
    bookmark.add_cases(state, sorted(found.to_read))


def note_held(state: sqlite3.Connection, numbers: Iterable[str]) -> None:
    """Notes that the service holds cases of these numbers, whoever claims them; belongs inside a transaction."""
    rows = ((number, lookup_key(number)) for number in numbers)
    state.executemany("INSERT OR IGNORE INTO claim VALUES (?, ?, 0)", rows)
