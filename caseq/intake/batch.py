"""What one request changes, collected while its events are placed in the book."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any

from caseq.rules import events
from caseq.rules.approval import Approval, State
from caseq.rules.book import Book, Change, Placed
from caseq.rules.case import Case, Event, Milestone, Party, RecordType, Withdrawal
from caseq.rules.covering import cover
from caseq.rules.events import Outcome
from caseq.rules.news import Editor
from caseq.rules.numbers import mobile
from caseq.runtime import Runtime
from caseq.settings import Source
from caseq.store import ledger, releases
from caseq.store.database import Connection

Errors = Mapping[str, Sequence[str]]


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
class Heard:
    """A party, by key, must hear of a change; `before` is what it saw of the record until then."""

    party: str
    change: Change
    before: tuple[object, ...] | None


@dataclass
class Batch:
    """What one request changes; `waiting` are the parked events by case, `unreleased` the newest sequence of each
    milestone of which a change waits for release. What is `held` must be agreed to before it is placed. `number_of` is
    `mobile`, which is slow with what clerks type, and remembers what it found for this one request.
    """

    book: Book
    editor: Editor
    approval: Approval
    number_of: Callable[[str | None], str | None]
    waiting: dict[str, list[Event]]
    unreleased: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    held: list[Change] = field(default_factory=list)
    ended: dict[str, State] = field(default_factory=dict)  # milestone key: why nothing of it waits any more
    lines: dict[str, datetime] = field(default_factory=dict)  # milestone key: since when its line is shown
    news: list[Heard] = field(default_factory=list)
    renumbered: list[Change] = field(default_factory=list)
    received: list[str] = field(default_factory=list)
    parked: dict[str, tuple[str, Any]] = field(default_factory=dict)  # event id: (case key, raw event)
    unparked: list[str] = field(default_factory=list)
    not_received: set[str] = field(default_factory=set)  # refused, some after they were parked
    refused: list[tuple[Any, Errors]] = field(default_factory=list)

    def take(self, event: Event) -> Result:
        """Place one event, or hold it back until the bureau agrees."""
        placed = self._considered(event)
        if isinstance(placed, Change):
            if self._must_wait(placed):
                self._hold(placed)
            else:
                self._put(placed)
            return Result(event.id, Outcome.ACCEPTED)
        if placed.outcome is Outcome.REFUSED:
            self.refused.append((event.raw, placed.errors))
        elif placed.outcome is Outcome.PARKED:
            case_key = event.case_key
            self.parked[event.id] = (case_key, event.raw)
            self.waiting.setdefault(case_key, []).append(event)
        return Result(event.id, placed.outcome, placed.errors)

    def enter(self, change: Change) -> None:
        """Have the book and the ledger take this change, and note whom it concerns."""
        self.book.enter(change)
        if change.type is RecordType.MILESTONE:
            change = self._dated(change)
        self.changes.append(change)
        if change.type is RecordType.PARTY and self.editor.tells_former(self.book, change):
            self.renumbered.append(change)
        self.news += [Heard(key, change, before) for key, before in self.editor.readers(self.book, change)]

    def enter_unheard(self, change: Change) -> None:
        """Have the book and the ledger take a change of a milestone of which nobody is to hear."""
        self.book.enter(change)
        self.changes.append(self._dated(change))

    def _considered(self, event: Event) -> Placed | Change:
        """What the book makes of the event; it is stale too if a later state of the milestone waits for release."""
        placed = self.book.consider(event)
        if not isinstance(placed, Change) or placed.type is not RecordType.MILESTONE:
            return placed
        is_late = placed.key in self.unreleased and event.sequence <= self.unreleased[placed.key]
        return Placed(Outcome.STALE) if is_late else placed

    def _must_wait(self, change: Change) -> bool:
        """Whether somebody has to agree first: not to what says the same as what was agreed to. In shadow too, or
        nobody would have agreed to what is there when the source is opened."""
        record = change.event.record
        if not isinstance(record, Milestone):
            return False
        case = self.book.cases[change.case_key].record
        if case is None or (change.before is not None and change.before.live == record):
            return False
        return bool(self.approval.chain(case.kind, record.name, change.event.time))

    def _hold(self, change: Change) -> None:
        self.held.append(change)
        self.unreleased[change.key] = change.event.sequence
        self.ended.pop(change.key, None)
        if (covered := cover(change, self.editor.today)) is not None:
            self.enter(covered)

    def _put(self, change: Change) -> None:
        self.enter(change)
        if self.unreleased.pop(change.key, None) is not None and change.type is RecordType.MILESTONE:
            self.ended[change.key] = State.WITHDRAWN if change.after.withdrawn else State.SUPERSEDED

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

    def take_waiting(self, case_key: str) -> None:
        """Place the parked events of a case that has come, from earlier requests and from this one: milestones, then
        parties, then withdrawals."""
        order = {Milestone: 0, Party: 1}
        waiting = self.waiting.pop(case_key, [])
        for event in sorted(waiting, key=lambda event: order.get(type(event.record), 2)):
            if self.take(event).outcome is Outcome.REFUSED:
                self.not_received.add(event.id)
            if self.parked.pop(event.id, None) is None:
                self.unparked.append(event.id)

    def take_one(self, item: Pushed, event: Event | None, known: set[str]) -> Result:
        """Take one event of the request (None if its schema refused it), and what was parked for it if it is a case."""
        if event is None:
            self.refused.append((item.raw, item.errors))
            return Result(id_of(item.raw), Outcome.REFUSED, item.errors)
        if event.id in known:
            return Result(event.id, Outcome.DUPLICATE)
        result = self.take(event)
        if result.outcome is Outcome.REFUSED:
            self.not_received.add(event.id)
        else:
            known.add(event.id)
            self.not_received.discard(event.id)
            self.received.append(event.id)
        if result.outcome is Outcome.ACCEPTED and isinstance(event.record, Case):
            self.take_waiting(event.case_key)
        return result


def batch_of(
    runtime: Runtime,
    source: Source,
    connection: Connection,
    fresh: Sequence[Event],
    parked: Sequence[Event],
    now: datetime,
) -> Batch:
    """A batch for these events of one source, with the part of the ledger that they touch."""

    number_of = cache(mobile)

    def fingerprint(phone: str | None) -> str | None:
        number = number_of(phone)
        return runtime.sealer.fingerprint("phone", number) if number else None

    settings = runtime.settings
    events_ = [*fresh, *parked]
    book = ledger.open_book(connection, source.name, source.kinds, settings.policy, events_, fingerprint)
    waiting: dict[str, list[Event]] = {}
    for event in parked:
        waiting.setdefault(event.case_key, []).append(event)
    editor = Editor(settings.policy, now, settings.sending.news_within, source.shadow)
    keys = {event.record.key for event in events_ if isinstance(event.record, (Milestone, Withdrawal))}
    unreleased = releases.newest_waiting(connection, source.name, keys) if keys else {}
    return Batch(book, editor, settings.approval, number_of, waiting, unreleased)


def parsed(pushed: Sequence[Pushed]) -> list[Event | None]:
    """The events of a request, None where the schema refused one."""
    return [None if item.errors else events.event(item.raw) for item in pushed]


def id_of(raw: Any) -> str | None:
    """The id that an event gives itself, None if it gives none."""
    value = raw.get("id") if isinstance(raw, dict) else None
    return value if isinstance(value, str) else None
