"""Taking in what a case system pushes: one transaction for one request, one outcome for every event."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import structlog

from caseq.errors import Unstorable
from caseq.intake.batch import Pushed, Result, batch_of, id_of, parsed
from caseq.intake.storing import store
from caseq.rules import events
from caseq.rules.case import Case, Event, RecordType
from caseq.rules.pushfile import Header, Refusal, newly_missing, without
from caseq.runtime import Runtime
from caseq.settings import Source
from caseq.store import auditing, corrections, files, ledger, pushes, releases
from caseq.store.database import Connection
from caseq.store.files import Gap
from caseq.store.ledger import Held
from caseq.store.pushes import SourceState

#: As many records as one page of the detailed checkpoint has.
MOST_RECORDS = 5000
#: What a single event can be at fault for: values that no check refused and that nothing can reckon with or store.
AT_FAULT = (ArithmeticError, LookupError, ValueError, Unstorable)
#: If more events of one request seem to be at fault, the service is.
MOST_REFUSED = 20
#: What is said of an event that no rule refuses and that yet cannot be stored.
UNPROCESSABLE = {"event": ["cannot be processed here; the log of the service says why"]}
_LONG_AGO = datetime.fromtimestamp(0, UTC)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TakenIn:
    """A file was taken: what became of its events, and which gaps are healed by the full copy it completes."""

    results: Sequence[Result]
    healed: Sequence[Gap]


class Replayed:
    """The same file was taken before; nothing was changed."""


@dataclass(frozen=True, slots=True)
class _Delivery:
    """One request or file of a source: `origin` is its id, `spoke_at` when the source sent it, `refused` what was
    raised by events of it that are at fault."""

    runtime: Runtime
    source: Source
    origin: str
    now: datetime
    spoke_at: datetime
    refused: list[Exception] = field(default_factory=list)


def take(runtime: Runtime, source: Source, pushed: Sequence[Pushed], origin: str) -> list[Result]:
    """Store the events and say what became of each, in the order sent; after this returns nothing is lost.

    `origin` is the id of the request, kept in the audit. Raises DatabaseUnavailable when not all of it was stored.
    """
    now = runtime.clock()
    return _take(_Delivery(runtime, source, origin, now, now), pushed)


def take_again(runtime: Runtime, source: Source, pushed: Sequence[Pushed], origin: str) -> list[Result]:
    """Store events that staff retry, as `take` does; that the source spoke is not noted, because it did not."""
    return _take(_Delivery(runtime, source, origin, runtime.clock(), _LONG_AGO), pushed)


def _take(delivery: _Delivery, pushed: Sequence[Pushed]) -> list[Result]:
    """All in one transaction; what cannot be processed so is taken by halves, down to the event that is at fault.

    That one is refused and kept, so that nothing behind it waits until somebody has mended a program.
    """
    try:
        return _take_together(delivery, pushed)
    except AT_FAULT as error:
        if len(pushed) < 2:
            return _refuse(delivery, pushed, error)
    middle = len(pushed) // 2
    return [*_take(delivery, pushed[:middle]), *_take(delivery, pushed[middle:])]


def _refuse(delivery: _Delivery, pushed: Sequence[Pushed], error: Exception) -> list[Result]:
    """The one event that raised this error goes to quarantine, or what waited for it and is at fault; an error that is
    not its own is raised again."""
    if not pushed or pushed[0].errors or len(delivery.refused) == MOST_REFUSED:
        raise error
    delivery.refused.append(error)
    parked = _parked_at_fault(delivery, pushed)
    for raw in parked or [pushed[0].raw]:
        log.error("event_unprocessable", source=delivery.source.name, id=id_of(raw), exc_info=error)
    if not parked:
        return _take_together(delivery, [replace(pushed[0], errors=UNPROCESSABLE)])
    sealer, source = delivery.runtime.sealer, delivery.source.name
    with delivery.runtime.database.transaction() as connection:
        pushes.refuse_parked(connection, sealer, source, parked, UNPROCESSABLE, delivery.now)
    return _take(delivery, pushed)


def _parked_at_fault(delivery: _Delivery, pushed: Sequence[Pushed]) -> list[Any]:
    """The raw events parked for this one case that make it fail, each by itself; none if it fails without them."""
    (case,) = parsed(pushed)
    if case is None or not isinstance(case.record, Case) or _fails(delivery, pushed, []):
        return []
    with delivery.runtime.database.autocommit() as connection:
        parked = pushes.parked_for(connection, delivery.runtime.sealer, delivery.source.name, {case.case_key})
    return [raw for raw in parked if _fails(delivery, pushed, [raw])]


def _fails(delivery: _Delivery, pushed: Sequence[Pushed], parked: Sequence[Any]) -> bool:
    """Whether these events cannot be stored with just these parked ones; nothing is."""
    try:
        with delivery.runtime.database.transaction() as connection:
            state = _locked(delivery, connection)
            _take_all(delivery, connection, state, pushed, parsed(pushed), parked)
            raise _Tried
    except _Tried:
        return False
    except AT_FAULT:
        return True


class _Tried(Exception):
    """Rolls back what was only tried."""


def _take_together(delivery: _Delivery, pushed: Sequence[Pushed]) -> list[Result]:
    read = parsed(pushed)
    with delivery.runtime.database.transaction() as connection:
        return _take_all(delivery, connection, _locked(delivery, connection), pushed, read)


def _locked(delivery: _Delivery, connection: Connection) -> SourceState:
    source = delivery.source
    return pushes.lock_source(connection, source.name, delivery.spoke_at, delivery.now, source.silence)


def take_file(
    runtime: Runtime, source: Source, pushed: Sequence[Pushed], header: Header, digest: str
) -> TakenIn | Replayed | Refusal:
    """Store the events of a signed file and that it was taken; `digest` is that of its body, SHA-256 in hex.

    A file that was taken before changes nothing. Raises DatabaseUnavailable when not all of it was stored.
    """
    now = runtime.clock()
    spoke_at = datetime.fromtimestamp(min(header.signed_at, now.timestamp()), UTC)
    delivery = _Delivery(runtime, source, header.message_id, now, spoke_at)
    try:
        return _take_whole_file(delivery, pushed, header, digest)
    except AT_FAULT:
        # Its events by halves; then the file, in which all is known by now but what is at fault.
        results = _take(replace(delivery, spoke_at=_LONG_AGO), pushed)
    at_fault = {result.id for result in results if result.errors == UNPROCESSABLE}
    marked = [replace(item, errors=UNPROCESSABLE) if id_of(item.raw) in at_fault else item for item in pushed]
    taken = _take_whole_file(delivery, marked, header, digest)
    return TakenIn(results, taken.healed) if isinstance(taken, TakenIn) else taken


def _take_whole_file(
    delivery: _Delivery, pushed: Sequence[Pushed], header: Header, digest: str
) -> TakenIn | Replayed | Refusal:
    read = parsed(pushed)
    with delivery.runtime.database.transaction() as connection:
        state = _locked(delivery, connection)
        if seen := _seen(delivery.runtime, connection, header, digest):
            return seen
        healed = _note_file(delivery.runtime, connection, header, digest, delivery.now)
        results = _take_all(delivery, connection, state, pushed, read)
    return TakenIn(results, healed)


def _seen(runtime: Runtime, connection: Connection, header: Header, digest: str) -> Replayed | Refusal | None:
    """What another file of this batch number or this id means for this one; None if there was none."""
    for taken in files.taken_like(connection, header):
        if taken.batch != header.batch:
            return Refusal(f"a file with the same webhook-id was taken as batch {taken.batch}")
        if taken.message_id != header.message_id or not files.is_body_of(runtime.sealer, taken, digest):
            return Refusal("another file was taken with this batch number; did its source begin to count again?")
        return Replayed()
    return None


def _note_file(runtime: Runtime, connection: Connection, header: Header, digest: str, now: datetime) -> list[Gap]:
    """The gaps that this file heals; it is remembered, and what is missing around it."""
    missing = newly_missing(files.taken_span(connection, header.source), header.batch)
    files.note(connection, runtime.sealer, header, digest, now)
    files.remember_missing(connection, header.source, [missing] if missing else [], now)
    if gap := files.take_gap_around(connection, header.source, header.batch):
        rest = without(gap.missing, header.batch)
        files.remember_missing(connection, header.source, rest, gap.noticed_at)
    return files.heal(connection, header.source, header.part) if header.part else []


def _take_all(
    delivery: _Delivery,
    connection: Connection,
    state: SourceState,
    pushed: Sequence[Pushed],
    read: Sequence[Event | None],
    parked: Sequence[Any] | None = None,
) -> list[Result]:
    """Place, store and audit the events of one request or file, whose source is locked, and what is parked for them."""
    runtime, source, now = delivery.runtime, delivery.source, delivery.now
    kept = corrections.keep(connection, runtime.sealer, source.name, read, now)
    fresh = [event for event in kept.events if event is not None]
    ids = {event.id for event in fresh}
    known = ids - pushes.receive(connection, source.name, ids, now)
    case_keys = {event.case_key for event in fresh if isinstance(event.record, Case)}
    if parked is None:
        parked = pushes.parked_for(connection, runtime.sealer, source.name, case_keys)
    waiting = list(map(events.event, parked))
    batch = batch_of(runtime, source, connection, fresh, waiting, now)
    results = [batch.take_one(item, event, known) for item, event in zip(pushed, kept.events, strict=True)]
    store(runtime, source, connection, batch, now)
    corrections.end(connection, kept, batch.changes)
    newest = max((change.event.sequence for change in (*batch.changes, *batch.held)), default="")
    if newest > (state.newest_sequence or ""):
        pushes.note_sequence(connection, source.name, newest)
    facts = {"origin": delivery.origin, **counted(results)}
    auditing.record(connection, "push", now, source=source.name, facts=facts)
    return results


def counted(results: Iterable[Result]) -> Mapping[str, int]:
    """How many events had each outcome."""
    return Counter(result.outcome.value for result in results)


def checkpoint(runtime: Runtime, source: Source) -> dict[str, Any]:
    """What the service holds of one source, for the adapter to compare with its own."""
    with runtime.database.autocommit() as connection:
        state = pushes.source_state(connection, source.name)
        records = ledger.counts(connection, source.name)
        records[RecordType.MILESTONE] += releases.waiting_counts(connection, source.name)
    return {
        "source": source.name,
        "records": records,
        "newest_sequence": state.newest_sequence if state else None,
        "last_batch": state.last_batch if state else None,
    }


def held_records(runtime: Runtime, source: Source, type_: RecordType, after: str) -> tuple[list[Held], str | None]:
    """A page of the live records of one source whose keys follow `after`, and the key before the next page."""
    with runtime.database.autocommit() as connection:
        found = ledger.held(connection, source.name, type_, after, MOST_RECORDS + 1)
        if type_ is RecordType.MILESTONE:
            waiting = releases.held(connection, source.name, after, MOST_RECORDS + 1)
            newest = {one.key: one for one in (*found, *waiting)}
            found = sorted(newest.values(), key=lambda one: one.key.encode())[: MOST_RECORDS + 1]
    page = found[:MOST_RECORDS]
    return page, page[-1].key if len(found) > MOST_RECORDS else None
