"""Messages as staff see them: ids, states and reasons; no telephone number, no text, no name."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from caseq.store.outbox import Lane, Purpose, State
from caseq.store.tables import attempts, cases, dead_numbers, outbox, parties, tasks

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Listed:
    """One message in a list; `gateway` is that of its last attempt."""

    id: int
    purpose: Purpose
    state: State
    reason: str | None
    created_at: datetime
    due_at: datetime | None
    attempts: int
    case_number: str | None
    party: str | None
    gateway: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages are listed; an empty collection and None stand for all. `due_before` and `ended_after` are
    moments, `reason` is how the reason begins."""

    states: Collection[State] = ()
    purposes: Collection[Purpose] = ()
    reason: str | None = None
    created_before: datetime | None = None
    due_before: datetime | None = None
    ended_after: datetime | None = None


def page(connection: Connection, wanted: Wanted, after: int, most: int = _PAGE) -> Sequence[Listed]:
    """The next messages with ids above `after`, by id."""
    found = _joined(*(outbox.c[name] for name in ("id", "purpose", "state", "reason", "created_at", "due_at")))
    calls, gateway = outbox.c.attempts, _last_gateway().label("gateway")
    found = found.add_columns(calls, cases.c.number, parties.c.key, gateway).where(*_conditions(wanted))
    rows = connection.execute(found.where(outbox.c.id > after).order_by(outbox.c.id).limit(most))
    return [Listed(row[0], Purpose(row[1]), State(row[2]), *tuple(row)[3:]) for row in rows]


def _joined(*columns: Any) -> Select[Any]:
    joined = outbox.outerjoin(parties, parties.c.id == outbox.c.party_id)
    return select(*columns).select_from(joined.outerjoin(cases, cases.c.id == parties.c.case_id))


def _last_gateway() -> ColumnElement[Any]:
    mine = select(attempts.c.gateway).where(attempts.c.message_id == outbox.c.id)
    return mine.order_by(attempts.c.id.desc()).limit(1).scalar_subquery()


def _conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.states:
        yield outbox.c.state.in_([state.value for state in wanted.states])
    if wanted.purposes:
        yield outbox.c.purpose.in_([purpose.value for purpose in wanted.purposes])
    if wanted.reason is not None:
        yield outbox.c.reason.startswith(wanted.reason, autoescape=True)
    if wanted.created_before is not None:
        yield outbox.c.created_at <= wanted.created_before
    if wanted.due_before is not None:
        yield outbox.c.due_at <= wanted.due_before
    if wanted.ended_after is not None:
        yield outbox.c.finished_at >= wanted.ended_after


@dataclass(frozen=True, slots=True)
class Told:
    """A change that was told in the SMS of another row: the row, and what was changed."""

    id: int
    record: str | None
    key: str | None
    milestone: str | None


@dataclass(frozen=True, slots=True)
class Message:
    """All that is known of one message, but whom it reaches and what it says.

    `facts` are its columns by name; `told` the rows that it tells with it; `tasks` the ids of what is to be done about
    it; `is_dead` whether its number takes no messages.
    """

    id: int
    purpose: Purpose
    state: State
    party_id: int | None
    case_id: int | None
    case_number: str | None
    party: str | None
    role: str | None
    facts: Mapping[str, Any]
    told: Sequence[Told]
    tasks: Sequence[int]
    is_dead: bool


#: What is shown of a message besides, in this order.
FACTS = (
    *("reason", "created_at", "due_at", "record", "key", "milestone", "formed_at", "legal_end_at"),
    *("legal_end_provisional", "part_of", "template", "template_version", "language", "attempts", "claimed_at"),
    *("lease_until", "sent_at", "asked", "ask_at", "finished_at"),
)


def message(connection: Connection, message_id: int) -> Message | None:
    """The message with this id, None if there is none."""
    dead = select(dead_numbers.c.id).where(_is_dead()).exists().label("is_dead")
    whose = (parties.c.case_id, cases.c.number, parties.c.key.label("party_key"), parties.c.role)
    wanted = _joined(outbox.c.id, outbox.c.purpose, outbox.c.state, outbox.c.lane, outbox.c.party_id, *whose, dead)
    wanted = wanted.add_columns(*(outbox.c[name] for name in FACTS)).where(outbox.c.id == message_id)
    row = connection.execute(wanted).first()
    if row is None:
        return None
    facts = {"lane": Lane(row.lane).name.lower(), **{name: row._mapping[outbox.c[name]] for name in FACTS}}
    return Message(
        *(row.id, Purpose(row.purpose), State(row.state), row.party_id, row.case_id, row.number),
        *(row.party_key, row.role, facts),
        told=_told(connection, message_id),
        tasks=_tasks(connection, message_id),
        is_dead=bool(row.is_dead),
    )


def _is_dead() -> ColumnElement[bool]:
    return and_(dead_numbers.c.phone_hash == outbox.c.phone_hash, dead_numbers.c.works_since.is_(None))


def _told(connection: Connection, message_id: int) -> Sequence[Told]:
    columns = (outbox.c.id, outbox.c.record, outbox.c.key, outbox.c.milestone)
    rows = connection.execute(select(*columns).where(outbox.c.part_of == message_id).order_by(outbox.c.id))
    return [Told(*tuple(row)) for row in rows]


def _tasks(connection: Connection, message_id: int) -> Sequence[int]:
    mine = select(tasks.c.id).where(tasks.c.message_id == message_id, tasks.c.done_at.is_(None))
    return list(connection.execute(mine.order_by(tasks.c.id)).scalars())


def news_of(connection: Connection, party_id: int, key: str) -> Sequence[datetime]:
    """When each change of this milestone that concerns this party came in, oldest first."""
    mine = select(outbox.c.created_at).where(
        outbox.c.party_id == party_id, outbox.c.purpose == Purpose.NEWS.value, outbox.c.key == key
    )
    return list(connection.execute(mine.where(outbox.c.record == "milestone").order_by(outbox.c.id)).scalars())


def with_number(connection: Connection, phone_hashes: Collection[str]) -> int:
    """How many live parties stand with this number, by its hash under any key."""
    counted = select(func.count()).select_from(parties).where(parties.c.phone_hash.in_(phone_hashes))
    return int(connection.execute(counted.where(parties.c.withdrawn.is_(False))).scalar_one())
