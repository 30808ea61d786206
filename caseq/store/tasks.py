"""What somebody has to do by hand, because the machine cannot: call a person, tell them first, look at a message."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, case, func, select, update

from caseq.rules.case import RecordType
from caseq.rules.voices import Level
from caseq.store.database import insert_into
from caseq.store.tables import cases, outbox, parties, tasks


class Kind(StrEnum):
    """CALL: no message reaches the person; TELL: tell the person before any message does; LOOK: a message whose end the
    machine could not find out; READING: unusual reading by one of the staff, for the auditor alone; ANSWER: a complaint
    waits for its unit; SUPERVISE: one waits for the office above."""

    CALL = "call"
    TELL = "tell"
    LOOK = "look"
    READING = "reading"
    ANSWER = "answer"
    SUPERVISE = "supervise"


#: What a complaint that waits at a level is to staff; it is done by an answer to the party, and by no note.
AT_LEVEL: Mapping[Level, Kind] = {Level.UNIT: Kind.ANSWER, Level.SUPERVISOR: Kind.SUPERVISE}


def make(
    connection: Connection,
    kind: Kind,
    cause: str,
    reason: str,
    now: datetime,
    *,
    party_id: int | None = None,
    case_id: int | None = None,
    message_id: int | None = None,
    due_at: datetime | None = None,
    anew: bool = True,
) -> None:
    """Give the handling unit of the case, by default that of the party, this to do, once for each cause; what was done
    is to be done anew, unless `anew` is false. Without a party nobody reads in the list whom it is about."""
    of_party = select(parties.c.case_id).where(parties.c.id == party_id).scalar_subquery()
    row = {
        "kind": kind.value,
        "cause": f"{kind.value}:{cause}",
        "party_id": party_id,
        "case_id": of_party if case_id is None else case_id,
        "message_id": message_id,
        "reason": reason,
        "made_at": now,
        "due_at": due_at,
    }
    statement = insert_into(connection, tasks).values(row)
    if not anew:
        connection.execute(statement.on_conflict_do_nothing(index_elements=["cause"]))
        return
    values: dict[str, object] = {
        name: statement.excluded[name] for name in ("message_id", "reason", "made_at", "due_at")
    }
    values |= {"done_at": None, "done_by": None, "note": None}
    again = statement.on_conflict_do_update(index_elements=["cause"], set_=values, where=tasks.c.done_at.is_not(None))
    connection.execute(again)


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do, for the unit of the case; no name and no telephone number."""

    id: int
    kind: Kind
    reason: str
    made_at: datetime
    due_at: datetime | None
    message_id: int | None
    case_number: str | None
    party: str | None
    milestone: str | None
    role: str | None
    unit_code: str | None
    unit_name: str | None


def waiting(connection: Connection, unit: str | None = None, kinds: Collection[Kind] = tuple(Kind)) -> Sequence[Task]:
    """What of these kinds is to be done, by all units or the one with this code; by unit, what is due first in front.

    `milestone` is the key of the one that is to be told, or that the message was about.
    """
    of_task = (tasks.c.id, tasks.c.kind, tasks.c.reason, tasks.c.made_at, tasks.c.due_at, tasks.c.message_id)
    of_case = (cases.c.number.label("case_number"), parties.c.key.label("party"), parties.c.role)
    wanted = select(*of_task, *of_case, cases.c.unit_code, cases.c.unit_name, tasks.c.cause, outbox.c.record)
    joined = wanted.add_columns(outbox.c.key).select_from(tasks)
    joined = joined.outerjoin(parties, parties.c.id == tasks.c.party_id).outerjoin(cases, cases.c.id == tasks.c.case_id)
    joined = joined.outerjoin(outbox, outbox.c.id == tasks.c.message_id).where(tasks.c.done_at.is_(None))
    joined = joined.where(tasks.c.kind.in_([kind.value for kind in kinds]))
    if unit is not None:
        joined = joined.where(cases.c.unit_code == unit)
    due = func.coalesce(tasks.c.due_at, tasks.c.made_at)
    rows = connection.execute(joined.order_by(func.coalesce(cases.c.unit_code, ""), due, tasks.c.id))
    return [_task(row) for row in rows]


def _task(row: Any) -> Task:
    values = {name: getattr(row, name) for name in Task.__dataclass_fields__ if name != "milestone"}
    milestone = row.key if row.record == RecordType.MILESTONE else None
    if row.kind == Kind.TELL:
        milestone = row.cause.split(":", 2)[2]
    return Task(**{**values, "kind": Kind(row.kind), "milestone": milestone})


@dataclass(frozen=True, slots=True)
class Finished:
    """A task that was done: what it was about."""

    kind: Kind
    party_id: int | None
    case_id: int | None
    message_id: int | None


def finish(connection: Connection, task_id: int, by: str, note: str, now: datetime) -> Finished | None:
    """Note that this was done; what it was about, None if there is no such task to do or only an answer does it."""
    mine = update(tasks).where(tasks.c.id == task_id, tasks.c.done_at.is_(None), tasks.c.kind.not_in(AT_LEVEL.values()))
    about = (tasks.c.kind, tasks.c.party_id, tasks.c.case_id, tasks.c.message_id)
    row = connection.execute(mine.values(done_at=now, done_by=by, note=note).returning(*about)).first()
    return None if row is None else Finished(Kind(row.kind), *tuple(row)[1:])


def finish_telling(connection: Connection, party_id: int, key: str, by: str, now: datetime) -> bool:
    """Note that this party was told of this milestone; whether that was to be done."""
    mine = update(tasks).where(tasks.c.cause == f"{Kind.TELL.value}:{party_id}:{key}", tasks.c.done_at.is_(None))
    return connection.execute(mine.values(done_at=now, done_by=by).returning(tasks.c.id)).first() is not None


def finish_answer(connection: Connection, kind: Kind, cause: str, by: str, now: datetime) -> None:
    """Note that this complaint waits there no more."""
    mine = update(tasks).where(tasks.c.cause == f"{kind.value}:{cause}", tasks.c.done_at.is_(None))
    connection.execute(mine.values(done_at=now, done_by=by))


def move_answer(connection: Connection, kind: Kind, cause: str, due_at: datetime) -> None:
    """Note that this complaint is to be answered by another moment."""
    mine = update(tasks).where(tasks.c.cause == f"{kind.value}:{cause}", tasks.c.done_at.is_(None))
    connection.execute(mine.values(due_at=due_at))


def drop_tellings(connection: Connection, case_id: int, key: str, now: datetime) -> None:
    """Nobody of this case is to be told of this milestone by staff any more: it was taken back."""
    of_key = tasks.c.cause.endswith(f":{key}", autoescape=True)
    mine = update(tasks).where(tasks.c.case_id == case_id, tasks.c.kind == Kind.TELL.value, of_key)
    connection.execute(mine.where(tasks.c.done_at.is_(None)).values(done_at=now, done_by="undo"))


def finish_of(connection: Connection, message_id: int, by: str, now: datetime) -> None:
    """Note that what was to be done about this message is done."""
    mine = update(tasks).where(tasks.c.message_id == message_id, tasks.c.done_at.is_(None))
    connection.execute(mine.values(done_at=now, done_by=by))


def counts(connection: Connection, now: datetime) -> Mapping[Kind, tuple[int, int]]:
    """How many tasks wait to be done, by kind, and how many of these are past the moment by which they were due."""
    late = func.coalesce(func.sum(case((tasks.c.due_at < now, 1), else_=0)), 0)
    grouped = select(tasks.c.kind, func.count(), late).where(tasks.c.done_at.is_(None)).group_by(tasks.c.kind)
    return {Kind(row[0]): (int(row[1]), int(row[2])) for row in connection.execute(grouped)}
