"""Taking in what a case system pushes: one transaction for one request, one outcome for every event."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from caseq.rules import events, telling, workdays
from caseq.rules.book import Book, Change
from caseq.rules.case import Case, Event, Kind, Milestone, Party, RecordType, Role
from caseq.rules.events import Outcome
from caseq.rules.news import Editor
from caseq.rules.numbers import lookup_key, mobile
from caseq.rules.pushfile import Header, Refusal, newly_missing, without
from caseq.rules.telling import Wait
from caseq.rules.timelimits import limit_for
from caseq.rules.workdays import Due
from caseq.runtime import Runtime
from caseq.settings import Source
from caseq.store import auditing, corrections, files, ledger, outbox, pushes, recipients, shown, tasks, writing
from caseq.store.database import Connection
from caseq.store.files import Gap
from caseq.store.ledger import Held
from caseq.store.outbox import Purpose
from caseq.store.pushes import SourceState

Errors = Mapping[str, Sequence[str]]

#: As many records as one page of the detailed checkpoint has.
MOST_RECORDS = 5000
_LONG_AGO = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Pushed:
    """One event of a request: the JSON it came as, and the errors its schema found (none: it is valid)."""

    raw: Any
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one event; `errors` by field if it was refused."""

    id: str | None
    outcome: Outcome
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TakenIn:
    """A file was taken: what became of its events, and which gaps are healed by the full copy it completes."""

    results: Sequence[Result]
    healed: Sequence[Gap]


@dataclass(frozen=True, slots=True)
class Heard:
    """A party, by key, must hear of a change; `before` is what it saw of the record until then."""

    party: str
    change: Change
    before: tuple[object, ...] | None


class Replayed:
    """The same file was taken before; nothing was changed."""


@dataclass
class _Batch:
    """What one request changes, collected while its events are placed; `waiting` are the parked ones by case."""

    book: Book
    editor: Editor
    waiting: dict[str, list[Event]]
    changes: list[Change] = field(default_factory=list)
    lines: dict[str, datetime] = field(default_factory=dict)  # milestone key: since when its line is shown
    news: list[Heard] = field(default_factory=list)
    renumbered: list[Change] = field(default_factory=list)
    received: list[str] = field(default_factory=list)
    parked: dict[str, tuple[str, Any]] = field(default_factory=dict)  # event id: (case key, raw event)
    unparked: list[str] = field(default_factory=list)
    not_received: list[str] = field(default_factory=list)  # parked before, refused now
    refused: list[tuple[Any, Errors]] = field(default_factory=list)

    def place(self, event: Event) -> Result:
        """Place one event in the book and note whom it concerns."""
        placed = self.book.place(event)
        if isinstance(placed, Change):
            if placed.type is RecordType.MILESTONE:
                placed = self._dated(placed)
            self.changes.append(placed)
            if placed.type is RecordType.PARTY and self.editor.tells_former(self.book, placed):
                self.renumbered.append(placed)
            self.news += [Heard(key, placed, before) for key, before in self.editor.readers(self.book, placed)]
            return Result(event.id, Outcome.ACCEPTED)
        if placed.outcome is Outcome.REFUSED:
            self.refused.append((event.raw, placed.errors))
        elif placed.outcome is Outcome.PARKED:
            case_key = lookup_key(event.case_number)
            self.parked[event.id] = (case_key, event.raw)
            self.waiting.setdefault(case_key, []).append(event)
        return Result(event.id, placed.outcome, placed.errors)

    def _dated(self, placed: Change) -> Change:
        """The change of a milestone with the moments since when it is shown; others of its line keep theirs."""
        for key, entry in list(self.editor.dated(self.book, placed)):
            self.book.know(RecordType.MILESTONE, key, entry)
            if key == placed.key:
                placed = replace(placed, after=entry)
                self.lines.pop(key, None)
            elif entry.line_since is not None:
                self.lines[key] = entry.line_since
        return placed


def take(runtime: Runtime, source: Source, pushed: Sequence[Pushed], origin: str) -> list[Result]:
    """Store the events and say what became of each, in the order sent; after this returns nothing is lost.

    `origin` is the id of the request, kept in the audit. Raises DatabaseUnavailable when nothing was stored.
    """
    now = runtime.clock()
    return _take_spoken(runtime, source, pushed, origin, now, now)


def take_again(runtime: Runtime, source: Source, pushed: Sequence[Pushed], origin: str) -> list[Result]:
    """Store events that staff retry, as `take` does; that the source spoke is not noted, because it did not."""
    return _take_spoken(runtime, source, pushed, origin, runtime.clock(), _LONG_AGO)


def _take_spoken(
    runtime: Runtime, source: Source, pushed: Sequence[Pushed], origin: str, now: datetime, spoke_at: datetime
) -> list[Result]:
    parsed = _parsed(pushed)
    with runtime.database.transaction() as connection:
        state = pushes.lock_source(connection, source.name, spoke_at, now, source.silence)
        return _take_all(runtime, source, connection, state, pushed, parsed, origin, now)


def take_file(
    runtime: Runtime, source: Source, pushed: Sequence[Pushed], header: Header, digest: str
) -> TakenIn | Replayed | Refusal:
    """Store the events of a signed file and that it was taken; `digest` is that of its body, SHA-256 in hex.

    A file that was taken before changes nothing. Raises DatabaseUnavailable when nothing was stored.
    """
    now = runtime.clock()
    parsed = _parsed(pushed)
    spoke_at = datetime.fromtimestamp(min(header.signed_at, now.timestamp()), UTC)
    with runtime.database.transaction() as connection:
        state = pushes.lock_source(connection, source.name, spoke_at, now, source.silence)
        if seen := _seen(runtime, connection, header, digest):
            return seen
        healed = _note_file(runtime, connection, header, digest, now)
        results = _take_all(runtime, source, connection, state, pushed, parsed, header.message_id, now)
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


def _parsed(pushed: Sequence[Pushed]) -> list[Event | None]:
    return [None if item.errors else events.event(item.raw) for item in pushed]


def _take_all(
    runtime: Runtime,
    source: Source,
    connection: Connection,
    state: SourceState,
    pushed: Sequence[Pushed],
    parsed: Sequence[Event | None],
    origin: str,
    now: datetime,
) -> list[Result]:
    """Place, store and audit the events of one request or file, whose source is locked."""
    kept = corrections.keep(connection, runtime.sealer, source.name, parsed, now)
    parsed = kept.events
    fresh = [event for event in parsed if event is not None]
    known = pushes.already_received(connection, source.name, {event.id for event in fresh})
    case_keys = {lookup_key(event.case_number) for event in fresh if isinstance(event.record, Case)}
    waiting = list(map(events.event, pushes.parked_for(connection, runtime.sealer, source.name, case_keys)))
    batch = _batch(runtime, source, connection, fresh, waiting, now)
    results = [_take_one(batch, item, event, known) for item, event in zip(pushed, parsed, strict=True)]
    _store(runtime, source, connection, batch, now)
    corrections.end(connection, kept, batch.changes)
    newest = max((change.event.sequence for change in batch.changes), default="")
    if newest > (state.newest_sequence or ""):
        pushes.note_sequence(connection, source.name, newest)
    facts = {"origin": origin, **counted(results)}
    auditing.record(connection, "push", now, source=source.name, facts=facts)
    return results


def _batch(
    runtime: Runtime,
    source: Source,
    connection: Connection,
    fresh: Sequence[Event],
    parked: Sequence[Event],
    now: datetime,
) -> _Batch:
    def fingerprint(phone: str | None) -> str | None:
        number = mobile(phone)
        return runtime.sealer.fingerprint("phone", number) if number else None

    settings = runtime.settings
    events_ = [*fresh, *parked]
    book = ledger.open_book(connection, source.name, source.kinds, settings.policy, events_, fingerprint)
    waiting: dict[str, list[Event]] = {}
    for event in parked:
        waiting.setdefault(lookup_key(event.case_number), []).append(event)
    return _Batch(book, Editor(settings.policy, now, settings.sending.news_within, source.shadow), waiting)


def _take_one(batch: _Batch, item: Pushed, event: Event | None, known: set[str]) -> Result:
    """Place one event of the request (None if its schema refused it), and what was parked for it if it is a case."""
    if event is None:
        batch.refused.append((item.raw, item.errors))
        return Result(_id(item.raw), Outcome.REFUSED, item.errors)
    if event.id in known:
        return Result(event.id, Outcome.DUPLICATE)
    result = batch.place(event)
    if result.outcome is not Outcome.REFUSED:
        known.add(event.id)
        batch.received.append(event.id)
    if result.outcome is Outcome.ACCEPTED and isinstance(event.record, Case):
        _place_waiting(batch, lookup_key(event.case_number))
    return result


def _place_waiting(batch: _Batch, case_key: str) -> None:
    """Place the parked events of a case that has come, from earlier requests and from this one: milestones, then
    parties, then withdrawals."""
    order = {Milestone: 0, Party: 1}
    waiting = batch.waiting.pop(case_key, [])
    for event in sorted(waiting, key=lambda event: order.get(type(event.record), 2)):
        if batch.place(event).outcome is Outcome.REFUSED:
            batch.not_received.append(event.id)
        if batch.parked.pop(event.id, None) is None:
            batch.unparked.append(event.id)


def _store(runtime: Runtime, source: Source, connection: Connection, batch: _Batch, now: datetime) -> None:
    book = batch.book
    case_ids = {key: entry.id for key, entry in book.cases.items() if entry.id is not None}
    former = recipients.former(connection, runtime.sealer, source.name, [c.key for c in batch.renumbered], now)
    party_ids = writing.write(connection, runtime.sealer, source.name, case_ids, batch.changes, batch.lines, now)
    pushes.note_received(connection, source.name, batch.received, now)
    pushes.release_from_quarantine(connection, source.name, batch.received, now)
    pushes.unpark(connection, source.name, batch.unparked)
    pushes.forget_received(connection, source.name, batch.not_received)
    pushes.park(connection, runtime.sealer, source.name, list(batch.parked.values()), now)
    pushes.put_in_quarantine(connection, runtime.sealer, source.name, batch.refused, now)
    for change in batch.renumbered:
        if found := former.get(change.key):
            cause = f"{found.party_id}:{change.event.sequence}"
            outbox.add_notice(connection, Purpose.NUMBER, found.party_id, found.phone_hash, cause, now, found.sealed)
    news = [_news(runtime, book, heard, party_ids, now) for heard in batch.news]
    outbox.add_news(connection, news, now)
    for item in news:
        if item.wait in (Wait.IN_PERSON, Wait.STAFF_TELL):
            whom, end = item.party_id, item.legal_end_at
            tasks.make(connection, tasks.Kind.TELL, f"{whom}:{item.key}", item.wait, now, party_id=whom, due_at=end)


def _news(runtime: Runtime, book: Book, heard: Heard, party_ids: Mapping[str, int], now: datetime) -> outbox.News:
    """The change as the outbox keeps it for this party: when it is due, and why not at once."""
    entry, change = book.parties[heard.party], heard.change
    case = book.cases[change.case_key].record
    assert entry.live is not None
    assert case is not None
    record = change.after.record if isinstance(change.after.record, Milestone) else None
    how = telling.manner(runtime.settings.telling, record.name if record else None, entry.live.role)
    end = _legal_end(runtime, case.kind, record, entry.live.role, change.event.time) if record else None
    tell_first = record is not None and record.tell_first
    wait, due_at = telling.wait_of(how, tell_first, end.at if end else None, now)
    return outbox.News(
        party_id=entry.id or party_ids[heard.party],
        phone_hash=entry.phone_hash or "",
        cause=f"{change.type}:{change.key}:{change.event.sequence}",
        record=change.type,
        key=change.key,
        milestone=record.name if record else None,
        formed_at=change.event.time,
        due_at=due_at,
        wait=wait,
        before_hash=shown.fingerprint(runtime.sealer, heard.before),
        legal_end_at=end.at if end else None,
        legal_end_provisional=end.is_provisional if end else None,
    )


def _legal_end(runtime: Runtime, kind: Kind, milestone: Milestone, role: Role, formed_at: datetime) -> Due:
    limit = limit_for(runtime.settings.time_limits, kind, milestone.name, role, milestone.details)
    return workdays.due(runtime.settings.workdays, formed_at, limit)


def counted(results: Iterable[Result]) -> Mapping[str, int]:
    """How many events had each outcome."""
    return Counter(result.outcome.value for result in results)


def _id(raw: Any) -> str | None:
    value = raw.get("id") if isinstance(raw, dict) else None
    return value if isinstance(value, str) else None


def checkpoint(runtime: Runtime, source: Source) -> dict[str, Any]:
    """What the service holds of one source, for the adapter to compare with its own."""
    with runtime.database.autocommit() as connection:
        state = pushes.source_state(connection, source.name)
        records = ledger.counts(connection, source.name)
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
    page = found[:MOST_RECORDS]
    return page, page[-1].key if len(found) > MOST_RECORDS else None
