"""What those without a query online are to be told, the notices made of it, and what became of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal, or_, select, update

from caseq.rules.byhand import Method, Receiver, Result
from caseq.rules.case import CaseState, Kind, Role
from caseq.store.access import one_of, written
from caseq.store.columns import Moment
from caseq.store.database import insert_into
from caseq.store.tables import cases, deliveries, milestones, parties

#: So many are listed at a time; what is due first comes first.
MOST = 200


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that was made: how it goes, and what became of it so far (`result` None: it is under way)."""

    id: int
    method: Method
    document_number: str | None
    made_at: datetime
    result: Result | None


@dataclass(frozen=True, slots=True)
class ToTell:
    """One milestone of which one party is to be told by hand; `newest` is the last notice made of it as it stands."""

    party_id: int
    case_id: int
    milestone_id: int
    sequence: str
    key: str
    name: str
    details: Mapping[str, Any]
    case_number: str
    kind: str
    role: str
    unit_code: str | None
    formed_at: datetime
    due_at: datetime | None
    due_provisional: bool | None
    newest: Notice | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """What is listed: of one unit or all, what may be told `today`, and was formed from `since` on or has an end."""

    addressees: Mapping[tuple[str, str], frozenset[Role]]
    unit: str | None
    today: date
    since: datetime


def to_tell(connection: Connection, window: Window) -> Sequence[ToTell]:
    """What was not delivered yet, what is due first in front."""
    told = and_(_of_state(), deliveries.c.result == Result.DELIVERED.value)
    wanted = _open(window).where(~select(deliveries.c.id).where(told).correlate(milestones, parties).exists())
    ends = func.coalesce(milestones.c.due_at, milestones.c.formed_at)
    rows = connection.execute(wanted.order_by(ends, milestones.c.id, parties.c.id).limit(MOST)).all()
    return [_to_tell(connection, row) for row in rows]


def one(connection: Connection, window: Window, party_id: int, milestone_id: int) -> ToTell | None:
    """This party and milestone if it is to be told by hand, delivered or not; None otherwise."""
    wanted = _open(window).where(parties.c.id == party_id, milestones.c.id == milestone_id)
    row = connection.execute(wanted).one_or_none()
    return None if row is None else _to_tell(connection, row)


def _open(window: Window) -> Select[Any]:
    of_milestone = (milestones.c.id.label("milestone_id"), milestones.c.sequence, milestones.c.key, milestones.c.name)
    more = (milestones.c.details, milestones.c.formed_at, milestones.c.due_at, milestones.c.due_provisional)
    of_case = (cases.c.number.label("case_number"), cases.c.kind, cases.c.unit_code)
    wanted = (
        select(parties.c.id.label("party_id"), cases.c.id.label("case_id"), parties.c.role)
        .add_columns(*of_milestone, *more, *of_case)
        .join(cases, cases.c.id == milestones.c.case_id)
        .join(parties, parties.c.case_id == cases.c.id)
        .where(
            milestones.c.withdrawn.is_(False),
            cases.c.withdrawn.is_(False),
            parties.c.withdrawn.is_(False),
            cases.c.state != CaseState.WITHHELD.value,
            or_(milestones.c.hidden_until.is_(None), milestones.c.hidden_until < window.today),
            or_(milestones.c.subject.is_(None), milestones.c.subject == parties.c.subject),
            or_(milestones.c.due_at.is_not(None), milestones.c.formed_at >= window.since),
            or_(literal(False), *_named(window.addressees)),
        )
    )
    return wanted if window.unit is None else wanted.where(cases.c.unit_code == window.unit)


def _named(addressees: Mapping[tuple[str, str], frozenset[Role]]) -> list[ColumnElement[bool]]:
    return [
        and_(cases.c.kind == written(kind), milestones.c.name == written(item), one_of(parties.c.role, roles))
        for (kind, item), roles in addressees.items()
    ]


def _of_state() -> ColumnElement[bool]:
    return and_(
        deliveries.c.party_id == parties.c.id,
        deliveries.c.milestone_id == milestones.c.id,
        deliveries.c.sequence == milestones.c.sequence,
    )


def _to_tell(connection: Connection, row: Any) -> ToTell:
    made = select(deliveries).where(
        deliveries.c.party_id == row.party_id,
        deliveries.c.milestone_id == row.milestone_id,
        deliveries.c.sequence == row.sequence,
    )
    newest = connection.execute(made.order_by(deliveries.c.id.desc()).limit(1)).one_or_none()
    return ToTell(**row._asdict(), newest=None if newest is None else _notice(newest))


def _notice(row: Any) -> Notice:
    result = None if row.result is None else Result(row.result)
    return Notice(row.id, Method(row.method), row.document_number, row.made_at, result)


def make(
    connection: Connection, what: ToTell, method: Method, document_number: str | None, by: int, now: datetime
) -> int | None:
    """The id of a notice made of this; None if one is under way or was delivered already, by whoever came first."""
    made = {"party_id": what.party_id, "milestone_id": what.milestone_id, "sequence": what.sequence}
    told = select(deliveries.c.id).where(
        *(deliveries.c[name] == value for name, value in made.items()), deliveries.c.result == Result.DELIVERED.value
    )
    values = {**made, "method": method.value, "document_number": document_number, "made_by": by}
    columns = [*values, "made_at"]
    row = select(*(literal(values[name], deliveries.c[name].type) for name in values), literal(now, Moment))
    adding = insert_into(connection, deliveries).from_select(columns, row.where(~told.exists()))
    return connection.execute(adding.on_conflict_do_nothing().returning(deliveries.c.id)).scalar_one_or_none()


@dataclass(frozen=True, slots=True)
class Ended:
    """A notice of which it is known what became of it: whom and what it was about."""

    party_id: int
    key: str
    case_id: int
    unit_code: str | None
    kind: Kind
    method: Method
    made_at: datetime


def about(connection: Connection, delivery_id: int) -> Ended | None:
    """Whom and what this notice is about; None if there is none with this id."""
    wanted = select(deliveries.c.party_id, milestones.c.key, milestones.c.case_id, cases.c.unit_code, cases.c.kind)
    wanted = wanted.add_columns(deliveries.c.method, deliveries.c.made_at)
    joined = wanted.join(milestones, milestones.c.id == deliveries.c.milestone_id)
    joined = joined.join(cases, cases.c.id == milestones.c.case_id)
    row = connection.execute(joined.where(deliveries.c.id == delivery_id)).one_or_none()
    return None if row is None else Ended(**{**row._asdict(), "kind": Kind(row.kind), "method": Method(row.method)})


def end(
    connection: Connection,
    delivery_id: int,
    result: Result,
    receiver: Receiver | None,
    ended_at: datetime,
    by: int,
    now: datetime,
) -> bool:
    """Note what became of a notice that is under way; False if that is known already."""
    mine = update(deliveries).where(deliveries.c.id == delivery_id, deliveries.c.result.is_(None))
    known = {"result": result.value, "receiver": receiver and receiver.value, "ended_at": ended_at}
    ended = mine.values(**known, recorded_at=now, recorded_by=by).returning(deliveries.c.id)
    return connection.execute(ended).first() is not None
