"""Complaints of parties: who made them stays here; every step is one writing statement that decides."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Dialect, and_, bindparam, func, insert, or_, select, true, update

from caseq.rules.voices import AFTER, About, Level, State
from caseq.store.columns import Moment
from caseq.store.database import Database
from caseq.store.prepared import Prepared, driver_connection
from caseq.store.sealing import Sealer, bound, token_hash
from caseq.store.tables import cases, complaints, parties, sessions

#: The columns of texts, in the order in which they are written.
TEXTS = ("text_sealed", "answer_sealed", "second_text_sealed", "second_answer_sealed")
_PREFIX = {Level.UNIT: "", Level.SUPERVISOR: "second_"}
_WAITING = (State.OPEN.value, State.SECOND.value)


def purpose_of(column: str, party_id: int, n: int) -> str:
    """What a text of a complaint is sealed for: it opens in its row and its column only."""
    return bound(f"complaints.{column}", party_id, n)


@dataclass(frozen=True, slots=True)
class Whose:
    """The grant that complains: its complaints are told to nobody else, not even of the same person."""

    party_id: int
    case_id: int
    role: str
    unit_code: str | None
    is_elsewhere: bool


def whose(connection: Connection, party_id: int) -> Whose:
    """The grant of this party, and whether another organ handles its case now."""
    wanted = select(parties.c.id, parties.c.case_id, parties.c.role, cases.c.unit_code, cases.c.state == "transferred")
    row = connection.execute(wanted.join(cases, cases.c.id == parties.c.case_id).where(parties.c.id == party_id)).one()
    return Whose(*tuple(row))


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange: what was said and when, by when an answer is due, and the answer."""

    text: str = field(repr=False)
    at: datetime
    due_at: datetime
    is_provisional: bool
    answer: str = field(repr=False)
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint as the party that made it and those who answer it read it; `second` is what it said further up."""

    id: int
    n: int
    about: About
    state: State
    first: Turn
    second: Turn | None


def lock(connection: Connection, of: Whose) -> None:
    """Let no other request of the party complain before this transaction ends."""
    mine = select(parties.c.id).where(parties.c.id == of.party_id)
    connection.execute(mine.with_for_update(key_share=True)).one()


def of_grant(connection: Connection, sealer: Sealer, of: Whose) -> Sequence[Complaint]:
    """All that this grant complained of, newest first."""
    rows = connection.execute(select(complaints).where(*_mine(of)).order_by(complaints.c.n.desc()))
    return [_complaint(sealer, row) for row in rows]


def has_answer(database: Database, token: str, since: datetime) -> bool:
    """Whether the party of this session got an answer after this moment. Every reader of a case waits for it."""
    with driver_connection(database) as driver:
        answered = _answered(database.engine.dialect)
        return bool(answered.run(driver, {"token_hash": token_hash(token), "since": since}).fetchall())


@lru_cache(maxsize=8)
def _answered(dialect: Dialect) -> Prepared:
    since = bindparam("since", type_=Moment)
    answered = or_(complaints.c.answered_at > since, complaints.c.second_answered_at > since)
    of_session = select(complaints.c.id).join(sessions, sessions.c.party_id == complaints.c.party_id)
    return Prepared(of_session.where(sessions.c.token_hash == bindparam("token_hash"), answered), dialect)


def add(connection: Connection, sealer: Sealer, of: Whose, about: About, first: Turn) -> tuple[int, int]:
    """Keep a new complaint of a party that is locked; its id and its number."""
    last = select(func.coalesce(func.max(complaints.c.n), 0)).where(complaints.c.party_id == of.party_id)
    n = int(connection.execute(last).scalar_one()) + 1
    row = {
        "party_id": of.party_id,
        "n": n,
        "case_id": of.case_id,
        "unit_code": of.unit_code,
        "role": of.role,
        "about": about.value,
        "state": State.OPEN.value,
        "text_sealed": sealer.seal(purpose_of("text_sealed", of.party_id, n), first.text.encode()),
        "at": first.at,
        "due_at": first.due_at,
        "due_provisional": first.is_provisional,
    }
    return int(connection.execute(insert(complaints).returning(complaints.c.id), row).scalar_one()), n


def go_on(connection: Connection, sealer: Sealer, of: Whose, n: int, second: Turn) -> int | None:
    """Take a complaint to the office above, if it was answered or its time is over; its id, None if it may not."""
    over = and_(complaints.c.state == State.OPEN.value, complaints.c.due_at <= second.at)
    may = or_(complaints.c.state == State.ANSWERED.value, over)
    taken = update(complaints).where(*_mine(of), complaints.c.n == n, may)
    sealed = sealer.seal(purpose_of("second_text_sealed", of.party_id, n), second.text.encode())
    said = {"state": State.SECOND.value, "second_text_sealed": sealed, "second_at": second.at}
    until = {"second_due_at": second.due_at, "second_due_provisional": second.is_provisional}
    statement = taken.values(**said, **until).returning(complaints.c.id)
    return connection.execute(statement).scalar_one_or_none()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A complaint as a list for staff has it: no text, no person."""

    id: int
    case_id: int
    case_number: str
    kind: str
    unit_code: str | None
    unit_name: str
    role: str
    about: About
    state: State
    at: datetime
    due_at: datetime
    is_provisional: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """Whose complaints are looked at: of one unit or (None) of all, and of which subjects."""

    unit: str | None
    abouts: frozenset[About]


def waiting(connection: Connection, desk: Desk, level: Level) -> Sequence[Waiting]:
    """What waits for an answer at this level, what is due first in front."""
    due = complaints.c.due_at if level is Level.UNIT else complaints.c.second_due_at
    mine = _listed().where(complaints.c.state == AFTER[level][0].value, _at(desk))
    return [_waiting(row) for row in connection.execute(mine.order_by(due, complaints.c.id))]


def answered(connection: Connection, desk: Desk, most: int) -> Sequence[Waiting]:
    """What was answered last, newest first."""
    mine = _listed().where(complaints.c.state.not_in(_WAITING), _at(desk))
    return [_waiting(row) for row in connection.execute(mine.order_by(complaints.c.at.desc()).limit(most))]


def one(connection: Connection, sealer: Sealer, desk: Desk, id_: int) -> tuple[Waiting, Complaint] | None:
    """One complaint with its texts, None if there is none at this desk."""
    listed = connection.execute(_listed().where(complaints.c.id == id_, _at(desk))).one_or_none()
    if listed is None:
        return None
    row = connection.execute(select(complaints).where(complaints.c.id == id_)).one()
    return _waiting(listed), _complaint(sealer, row)


@dataclass(frozen=True, slots=True)
class Answered:
    """Whom an answer is for, with the fingerprint of the party's number, and whether it was given in time."""

    case_id: int
    party_id: int
    phone_hash: str
    in_time: bool


def answer(
    connection: Connection, sealer: Sealer, desk: Desk, id_: int, level: Level, text: str, by: int, now: datetime
) -> Answered | None:
    """Answer a complaint that waits at this level; None if it does not wait there."""
    before, after = AFTER[level]
    prefix = _PREFIX[level]
    column = f"{prefix}answer_sealed"
    whose_ = select(complaints.c.party_id, complaints.c.n).where(complaints.c.id == id_, _at(desk))
    row = connection.execute(whose_).one_or_none()
    if row is None:
        return None
    said: dict[str, Any] = {
        column: sealer.seal(purpose_of(column, row.party_id, row.n), text.encode()),
        "state": after.value,
    }
    said |= {f"{prefix}answered_at": now, f"{prefix}answered_by": by}
    mine = update(complaints).where(complaints.c.id == id_, complaints.c.state == before.value, _at(desk))
    due = complaints.c[f"{prefix}due_at"]
    found = connection.execute(mine.values(**said).returning(complaints.c.case_id, due)).one_or_none()
    if found is None:
        return None
    number = select(parties.c.phone_hash).where(parties.c.id == row.party_id)
    hash_ = connection.execute(number).scalar_one_or_none()
    return Answered(found[0], row.party_id, hash_ or "", in_time=now < found[1])


def provisional(connection: Connection, level: Level) -> Sequence[tuple[int, datetime]]:
    """What waits at this level for a due date of days that were not all known, and since when; locked."""
    prefix, waits = _PREFIX[level], complaints.c.state == AFTER[level][0].value
    wanted = select(complaints.c.id, complaints.c[f"{prefix}at"]).where(waits, complaints.c[f"{prefix}due_provisional"])
    return [(id_, at) for id_, at in connection.execute(wanted.order_by(complaints.c.id).with_for_update())]


def settle(connection: Connection, id_: int, level: Level, due_at: datetime) -> None:
    """Note the last moment for an answer at this level, of which every day is known."""
    until = {f"{_PREFIX[level]}due_at": due_at, f"{_PREFIX[level]}due_provisional": False}
    connection.execute(update(complaints).where(complaints.c.id == id_).values(**until))


def forget(connection: Connection, close_before: datetime, forget_before: datetime) -> None:
    """Close what was answered before the one moment and not taken further; forget the texts of what is closed and was
    said before the other one."""
    over = update(complaints).where(complaints.c.state == State.ANSWERED.value, complaints.c.answered_at < close_before)
    connection.execute(over.values(state=State.CLOSED.value))
    there = or_(*(complaints.c[name].is_not(None) for name in TEXTS))
    old = update(complaints).where(complaints.c.state == State.CLOSED.value, complaints.c.at < forget_before, there)
    connection.execute(old.values(dict.fromkeys(TEXTS)))


def _mine(of: Whose) -> tuple[ColumnElement[bool], ...]:
    columns = complaints.c
    return columns.party_id == of.party_id, columns.case_id == of.case_id, columns.role == of.role


def _at(desk: Desk) -> ColumnElement[bool]:
    unit = true() if desk.unit is None else complaints.c.unit_code == desk.unit
    return and_(unit, complaints.c.about.in_(sorted(desk.abouts)))


def _listed() -> Any:
    of_case = (cases.c.number, cases.c.kind, cases.c.unit_name)
    return select(complaints, *of_case).join(cases, cases.c.id == complaints.c.case_id)


def _waiting(row: Any) -> Waiting:
    is_second = row.second_at is not None
    return Waiting(
        id=row.id,
        case_id=row.case_id,
        case_number=row.number,
        kind=row.kind,
        unit_code=row.unit_code,
        unit_name=row.unit_name,
        role=row.role,
        about=About(row.about),
        state=State(row.state),
        at=row.second_at if is_second else row.at,
        due_at=row.second_due_at if is_second else row.due_at,
        is_provisional=bool(row.second_due_provisional if is_second else row.due_provisional),
    )


def _complaint(sealer: Sealer, row: Any) -> Complaint:
    said = {
        name: sealer.unseal(purpose_of(name, row.party_id, row.n), sealed).decode() if sealed else ""
        for name in TEXTS
        for sealed in [getattr(row, name)]
    }
    first = Turn(said[TEXTS[0]], row.at, row.due_at, row.due_provisional, said[TEXTS[1]], row.answered_at)
    second = None
    if row.second_at is not None:
        clock = (row.second_at, row.second_due_at, bool(row.second_due_provisional))
        second = Turn(said[TEXTS[2]], *clock, said[TEXTS[3]], row.second_answered_at)
    return Complaint(row.id, row.n, About(row.about), State(row.state), first, second)
