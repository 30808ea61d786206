"""Writing what a batch changed, and queueing what people are to hear of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from caseq.intake.batch import Batch, Heard
from caseq.intake.duedates import DueDates
from caseq.rules import telling
from caseq.rules.approval import State
from caseq.rules.book import Book, Change
from caseq.rules.case import Milestone, RecordType
from caseq.rules.telling import Wait
from caseq.rules.workdays import Due
from caseq.runtime import Runtime
from caseq.settings import Source
from caseq.store import ledger, outbox, pushes, recipients, releases, shown, tasks, writing
from caseq.store.database import Connection
from caseq.store.outbox import Purpose


def store(
    runtime: Runtime, source: Source, connection: Connection, batch: Batch, now: datetime, undo: timedelta = timedelta()
) -> None:
    """Write all that the batch changed; no SMS about it goes out while it can be undone."""
    book, sealer = batch.book, runtime.sealer
    dues = DueDates(runtime.settings)
    case_ids = {key: entry.id for key, entry in book.cases.items() if entry.id is not None}
    former = recipients.former(connection, sealer, source.name, [c.key for c in batch.renumbered], now)
    told_by = {change.key: due for change in batch.changes if (due := _due_of(batch, dues, change)) is not None}
    writing.write(connection, sealer, batch.number_of, source.name, case_ids, batch.changes, batch.lines, told_by, now)
    _store_waiting(runtime, source, connection, batch, case_ids, dues, now)
    _store_around(runtime, source, connection, batch, now)
    for change in batch.renumbered:
        if found := former.get(change.key):
            cause = f"{found.party_id}:{change.event.sequence}"
            outbox.add_notice(connection, Purpose.NUMBER, found.party_id, found.phone_hash, cause, now, found.sealed)
    told = [heard for heard in batch.news if _is_still_there(book, heard)]
    party_ids = _ids_of_new(connection, source, book, told)
    news = [_news(runtime, dues, book, heard, party_ids, now, undo) for heard in told]
    outbox.add_news(connection, news, now)
    for item in news:
        if item.wait in (Wait.IN_PERSON, Wait.STAFF_TELL):
            whom, end = item.party_id, item.legal_end_at
            tasks.make(connection, tasks.Kind.TELL, f"{whom}:{item.key}", item.wait, now, party_id=whom, due_at=end)


def _is_still_there(book: Book, heard: Heard) -> bool:
    """Whether the party is one of the case at the end of the batch, too: a later event may have taken it back."""
    entry = book.parties[heard.party]
    return entry.live is not None and entry.case_key == heard.change.case_key


def _ids_of_new(connection: Connection, source: Source, book: Book, told: Sequence[Heard]) -> Mapping[str, int]:
    """By key, the ids of those of these parties who came with this batch."""
    keys = {heard.party for heard in told if book.parties[heard.party].id is None}
    return ledger.party_ids(connection, source.name, keys)


def _store_around(runtime: Runtime, source: Source, connection: Connection, batch: Batch, now: datetime) -> None:
    """What surrounds the ledger: which events came, which wait for their case, which were refused."""
    pushes.release_from_quarantine(connection, source.name, batch.received, now)
    pushes.unpark(connection, source.name, batch.unparked)
    pushes.forget_received(connection, source.name, batch.not_received)
    pushes.park(connection, runtime.sealer, source.name, list(batch.parked.values()), now)
    pushes.put_in_quarantine(connection, runtime.sealer, source.name, batch.refused, now)


def _store_waiting(
    runtime: Runtime,
    source: Source,
    connection: Connection,
    batch: Batch,
    case_ids: Mapping[str, int],
    dues: DueDates,
    now: datetime,
) -> None:
    """What waits for release, in place of what waited before."""
    for state in (State.WITHDRAWN, State.SUPERSEDED):
        releases.end(connection, source.name, [key for key, why in batch.ended.items() if why is state], state)
    gone = [c for c in batch.changes if c.type is RecordType.CASE and c.after.withdrawn and c.case_key in case_ids]
    releases.end_of_cases(connection, [case_ids[change.case_key] for change in gone])
    waiting = [_waiting(runtime, batch, change, case_ids, dues) for change in batch.held]
    if waiting:
        releases.wait(connection, runtime.sealer, source.name, waiting, batch.ended, now)


def _waiting(
    runtime: Runtime, batch: Batch, change: Change, case_ids: Mapping[str, int], dues: DueDates
) -> releases.Waiting:
    record, case = change.event.record, batch.book.cases[change.case_key].record
    assert isinstance(record, Milestone)
    assert case is not None
    end = dues.of(case.kind, record, change.event.time)
    is_correction = change.before is not None and change.before.live is not None
    return releases.Waiting(
        raw=change.event.raw,
        case_id=case_ids[change.case_key],
        key=change.key,
        name=record.name,
        sequence=change.event.sequence,
        formed_at=change.event.time,
        due_at=end.due.at,
        due_provisional=end.due.is_provisional,
        chain=runtime.settings.approval.chain(case.kind, record.name, change.event.time),
        urgent=is_correction or end.is_shorter,
    )


def _due_of(batch: Batch, dues: DueDates, change: Change) -> Due | None:
    """By when a changed milestone must be told; None where its past was imported, where a newer state of it waits for
    release, where nobody sees it because its source is in shadow, and for all else."""
    record = change.after.record
    if not isinstance(record, Milestone) or change.key in batch.unreleased or batch.editor.in_shadow:
        return None
    case = batch.book.cases[change.case_key].record
    if case is None or not batch.editor.is_recent(change.event.time):
        return None
    return dues.of(case.kind, record, change.event.time).due


def _news(
    runtime: Runtime,
    dues: DueDates,
    book: Book,
    heard: Heard,
    party_ids: Mapping[str, int],
    now: datetime,
    undo: timedelta,
) -> outbox.News:
    """The change as the outbox keeps it for this party: when it is due, and why not at once."""
    entry, change = book.parties[heard.party], heard.change
    case = book.cases[change.case_key].record
    assert entry.live is not None
    assert case is not None
    record = change.after.record if isinstance(change.after.record, Milestone) else None
    how = telling.manner(runtime.settings.telling, record.name if record else None, entry.live.role)
    end = dues.for_role(case.kind, record, entry.live.role, change.event.time) if record else None
    tell_first = record is not None and record.tell_first
    wait, due_at = telling.wait_of(how, tell_first, end.at if end else None, now)
    if due_at < now + undo:
        wait, due_at = wait or Wait.UNDO, now + undo
    # What is released again after it was taken back is told anew.
    once = f":{now.isoformat()}" if undo else ""
    return outbox.News(
        party_id=entry.id or party_ids[heard.party],
        phone_hash=entry.phone_hash or "",
        cause=f"{change.type}:{change.key}:{change.event.sequence}{once}",
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
