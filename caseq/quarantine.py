"""Refused events, for staff to look at; one that is taken in later leaves by itself (intake), so does one overtaken."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from caseq.rules import events
from caseq.rules.book import ELSEWHERE
from caseq.rules.case import RecordType
from caseq.rules.duties import Staff
from caseq.runtime import Runtime
from caseq.store import auditing, ledger, pushes, releases
from caseq.store.database import Connection
from caseq.store.pushes import Quarantined

#: Source, type and key.
_Record = tuple[str, RecordType, str]
#: An event with errors of these may not be what it says: it overtakes none.
_OF_THE_WHOLE = frozenset({"event", "sequence", "type", "source", "specversion"})


def waiting(runtime: Runtime, numbers: Collection[int] = ()) -> list[Quarantined]:
    """The refused events that wait for somebody, oldest first; only those with these numbers, if any are given."""
    with runtime.database.autocommit() as connection:
        found = pushes.in_quarantine(connection, runtime.sealer)
    return [item for item in found if not numbers or item.id in numbers]


def elsewhere(runtime: Runtime) -> list[Quarantined]:
    """The refused events whose case was live under another source then, oldest first."""
    return [item for item in waiting(runtime) if item.errors == ELSEWHERE]


def note_retry(runtime: Runtime, by: Staff, item: Quarantined, outcome: str) -> None:
    """Keep in the audit who had this event taken in once more, and what became of it."""
    facts = {"quarantine": item.id, "outcome": outcome}
    with runtime.database.transaction() as connection:
        now = runtime.clock()
        auditing.record(connection, "quarantine_retry", now, source=item.source, staff_id=by.id, facts=facts)


def end_overtaken(runtime: Runtime) -> None:
    """Take off the list what nobody has to look at any more: of its record a later event was stored, or refused too."""
    refused: defaultdict[_Record, list[tuple[str, int]]] = defaultdict(list)
    newest: dict[_Record, str] = {}
    with runtime.database.autocommit() as connection:
        for number, source, errors, raw in pushes.refused_events(connection, runtime.sealer):
            if told := events.told(raw):
                record = source, told.type, told.key
                refused[record].append((told.sequence, number))
                if not errors.keys() & _OF_THE_WHOLE:
                    newest[record] = max(newest.get(record, ""), told.sequence)
        for record, sequence in _stored(connection, refused):
            newest[record] = max(newest.get(record, ""), sequence)
    overtaken = [number for of, some in refused.items() for sequence, number in some if sequence < newest.get(of, "")]
    if overtaken:
        with runtime.database.transaction() as connection:
            pushes.end_quarantine(connection, overtaken, runtime.clock())


def _stored(connection: Connection, records: Iterable[_Record]) -> Iterator[tuple[_Record, str]]:
    """The newest sequence of these records that is stored, or waits for its release."""
    keys: defaultdict[tuple[str, RecordType], list[str]] = defaultdict(list)
    for source, type_, key in records:
        keys[source, type_].append(key)
    for (source, type_), some in keys.items():
        there = ledger.sequences(connection, source, type_, some)
        held = releases.newest_waiting(connection, source, some) if type_ is RecordType.MILESTONE else {}
        for key in {*there, *held}:
            yield (source, type_, key), max(there.get(key, ""), held.get(key, ""))
