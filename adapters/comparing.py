"""Names the records that the state and the service hold differently, in one pass over both in the order of keys."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from adapters import spool
from adapters.carriers.carrier import Postponed
from adapters.carriers.https import HttpsCarrier
from adapters.changes import WITHDRAWN
from adapters.masking import shown
from adapters.reading import CASE, MILESTONE, PARTY

MOST_NAMED = 20

#: What one side holds of a record: its case number and its sequence; None: nothing.
_Side = tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One record that the two sides hold differently: case number and sequence on each side, None for nothing."""

    source: str
    type: str
    key: str
    here: _Side
    there: _Side

    def __str__(self) -> str:
        number = (self.here or self.there or ("",))[0]
        if self.here and self.there:
            how = "another sequence" if self.here[0] == self.there[0] else "another case"
        else:
            how = "only here" if self.here else "only there"
        return f"{self.source} {self.type} {shown(self.key)} of case {shown(number)}: {how}"


_HELD = "SELECT key, case_number, sequence FROM record WHERE source = ? AND type = ? AND fingerprint <> ? ORDER BY key"
_OF_KEY = "SELECT case_number, sequence, fingerprint FROM record WHERE source = ? AND type = ? AND key = ?"


@dataclass(slots=True)
class Differences:
    """What differs of one source: the first few as lines, and how many there are of each type; or no answer."""

    lines: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    no_answer: Postponed | None = None


class _NoAnswerError(Exception):
    def __init__(self, answer: Postponed | None) -> None:
        super().__init__()
        self.answer = answer


def differences(
    carrier: HttpsCarrier,
    state: sqlite3.Connection,
    now: sqlite3.Connection,
    source: str,
    tell: Callable[[Difference], None] = lambda _: None,
) -> Differences:
    """What differs of this source, each also told to `tell`; none if the service is too old to name its records.

    `state` is as it was before the service was asked, `now` as it becomes: an adapter may be at work meanwhile, and
    what it sends is no difference, nor is what waits or was refused.
    """
    found = Differences()
    try:
        for record_type in (CASE, MILESTONE, PARTY):
            waiting = _waiting(state, source, record_type)
            for key, here, there in _unequal(_here(state, source, record_type), _there(carrier, source, record_type)):
                place = (source, record_type, key)
                if key in waiting or _is_refused(state, place) or _has_moved(state, now, place):
                    continue
                count = found.counts[record_type] = found.counts.get(record_type, 0) + 1
                different = Difference(source, record_type, key, here, there)
                tell(different)
                if count <= MOST_NAMED:
                    found.lines.append(str(different))
    except _NoAnswerError as error:
        found.no_answer = error.answer
    return found


def _unequal(
    here: Iterator[tuple[str, _Side]], there: Iterator[tuple[str, _Side]]
) -> Iterator[tuple[str, _Side, _Side]]:
    """Every key that the sides do not hold alike; both are in the order of the bytes of their keys in UTF-8."""
    mine, theirs = next(here, None), next(there, None)
    while mine or theirs:
        if theirs is None or (mine and mine[0] < theirs[0]):
            assert mine
            yield mine[0], mine[1], None
            mine = next(here, None)
        elif mine is None or theirs[0] < mine[0]:
            yield theirs[0], None, theirs[1]
            theirs = next(there, None)
        else:
            if mine[1] != theirs[1]:
                yield mine[0], mine[1], theirs[1]
            mine, theirs = next(here, None), next(there, None)


def _here(state: sqlite3.Connection, source: str, record_type: str) -> Iterator[tuple[str, _Side]]:
    for key, number, sequence in state.execute(_HELD, (source, record_type, WITHDRAWN)):
        yield key, (number, sequence)


def _there(carrier: HttpsCarrier, source: str, record_type: str) -> Iterator[tuple[str, _Side]]:
    after = None
    while True:
        page = carrier.records(source, record_type, after)
        if page is None or isinstance(page, Postponed):
            raise _NoAnswerError(page)
        for key, number, sequence in page.records:
            yield key, (number, sequence)
        if page.next is None:
            return
        after = page.next


def _waiting(state: sqlite3.Connection, source: str, record_type: str) -> set[str]:
    """The keys of the events that wait: never many, because reading pauses for them."""
    return spool.waiting_keys(state, source, record_type)


def _is_refused(state: sqlite3.Connection, place: tuple[str, str, str]) -> bool:
    query = "SELECT 1 FROM refused WHERE source = ? AND type = ? AND key = ?"
    return state.execute(query, place).fetchone() is not None


def _has_moved(state: sqlite3.Connection, now: sqlite3.Connection, place: tuple[str, str, str]) -> bool:
    """Whether the adapter has made another event of this record since."""
    return bool(now.execute(_OF_KEY, place).fetchone() != state.execute(_OF_KEY, place).fetchone())
