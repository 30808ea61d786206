"""The figures of reports: for each of them one SELECT of the rows behind it, which is counted, or listed, as it is.

Months are told by comparing with the moments at which they begin, so that both engines agree and need no time zones.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, case, func, literal, or_, select, union_all

from caseq.rules.annual import Figure, Row, Span, Status
from caseq.rules.approval import Decision, State
from caseq.rules.byhand import KINDS
from caseq.rules.channels import Channel
from caseq.rules.looks import LookAct
from caseq.store.outbox import Purpose
from caseq.store.tables import (
    audit,
    cases,
    complaints,
    decisions,
    milestones,
    outbox,
    parties,
    ratings,
    releases,
    tasks,
    tellings,
)

#: What is not noted, because the row is older than the note, or about nobody.
UNKNOWN = "unknown"
#: The act of staff who read a case out on the telephone.
PHONE_VIEW = LookAct.PHONE_VIEW.value


@dataclass(frozen=True, slots=True)
class Asked:
    """What a figure is wanted of: a year, how things stand now, the grounds on which changes are withheld."""

    span: Span
    now: datetime
    grounds: Sequence[str] = ()


Rows = Callable[[Asked], Select[Any]]


def figure(connection: Connection, name: str, asked: Asked, only: Sequence[str] | None = None) -> Figure:
    """The rows of this name, counted by all of their dimensions, or by these only."""
    rows = _rows(name, asked)
    dimensions = [column for column in rows.c if column.name in (dimensions_of(name) if only is None else only)]
    counted = connection.execute(select(*dimensions, func.count()).select_from(rows).group_by(*dimensions))
    cells = {tuple(row[:-1]): int(row[-1]) for row in counted}
    return Figure(tuple(column.name for column in dimensions), cells)


def listed(connection: Connection, name: str, asked: Asked) -> Iterator[Row]:
    """Every row behind a figure, by table and id."""
    rows = _rows(name, asked)
    for row in connection.execute(select(rows).order_by(rows.c.record, rows.c.id)):
        values = dict(row._mapping)
        yield Row(values.pop("record"), values.pop("id"), values)


def dimensions_of(name: str) -> tuple[str, ...]:
    """By what the rows of this name are counted."""
    return FIGURES[name][0]


def units(connection: Connection) -> Mapping[str, str]:
    """The names of the handling units by their code; one without a code is known by its name."""
    named = select(_unit().label("unit"), func.max(cases.c.unit_name)).group_by(_unit())
    return dict(connection.execute(named).all())


def due_moments(connection: Connection, now: datetime, until: datetime) -> Mapping[str, Sequence[tuple[datetime, int]]]:
    """When what waits for release is due between now and `until`, with how many of it, by unit."""
    wanted = select(_unit().label("unit"), releases.c.due_at, func.count()).join(
        cases, cases.c.id == releases.c.case_id
    )
    wanted = wanted.where(_undecided(), releases.c.due_at > now, releases.c.due_at < until)
    found: dict[str, list[tuple[datetime, int]]] = {}
    for unit, due_at, count in connection.execute(wanted.group_by(_unit(), releases.c.due_at)):
        found.setdefault(unit, []).append((due_at, count))
    return found


def _rows(name: str, asked: Asked) -> Subquery:
    return FIGURES[name][1](asked).subquery()


def _views(asked: Asked) -> Select[Any]:
    """Every look at a case; its channel is that of the last login into the session before it."""
    entered = audit.alias("entered")
    login = select(entered.c.facts["channel"].as_string())
    login = login.where(
        entered.c.session_id == audit.c.session_id, entered.c.act == "login", entered.c.at <= audit.c.at
    )
    login = login.order_by(entered.c.at.desc(), entered.c.id.desc()).limit(1)
    by_staff = case((audit.c.act == PHONE_VIEW, Channel.PHONE.value))
    return (
        select(
            literal("audit").label("record"),
            audit.c.id,
            _month(asked, audit.c.at),
            func.coalesce(cases.c.kind, UNKNOWN).label("kind"),
            func.coalesce(parties.c.role, UNKNOWN).label("role"),
            func.coalesce(by_staff, login.scalar_subquery(), UNKNOWN).label("channel"),
        )
        .outerjoin(cases, cases.c.id == audit.c.case_id)
        .outerjoin(parties, parties.c.id == audit.c.party_id)
        .where(audit.c.act.in_(["view", PHONE_VIEW]), _within(asked, audit.c.at))
    )


def _logins(asked: Asked) -> Select[Any]:
    return select(
        literal("audit").label("record"),
        audit.c.id,
        _month(asked, audit.c.at),
        func.coalesce(audit.c.facts["way"].as_string(), UNKNOWN).label("way"),
        func.coalesce(audit.c.facts["channel"].as_string(), UNKNOWN).label("channel"),
    ).where(audit.c.act == "login", _within(asked, audit.c.at))


def _told(asked: Asked) -> Select[Any]:
    """What was to be told online by a moment of this year: milestones that were published, and changes that wait."""
    is_online = cases.c.kind.not_in(sorted(KINDS))
    in_time = case((milestones.c.published_at < milestones.c.due_at, Status.IN_TIME.value), else_=Status.LATE.value)
    published = (
        select(literal("milestones").label("record"), milestones.c.id, *_of_case(milestones.c.name, in_time))
        .join(cases, cases.c.id == milestones.c.case_id)
        .where(milestones.c.published_at.is_not(None), milestones.c.withdrawn.is_(False))
        .where(_within(asked, milestones.c.due_at), is_online)
    )
    still = case((releases.c.due_at > asked.now, Status.OPEN.value), else_=Status.OVERDUE.value)
    waiting = (
        select(literal("releases").label("record"), releases.c.id, *_of_case(releases.c.name, still))
        .join(cases, cases.c.id == releases.c.case_id)
        .where(_undecided(), _within(asked, releases.c.due_at), is_online)
    )
    both = union_all(published, waiting).subquery()
    return select(both)


def _withheld(asked: Asked) -> Select[Any]:
    """Every decision to withhold; its reason begins with the key of the ground."""
    grounds = [(decisions.c.reason.startswith(f"{key}:", autoescape=True), key) for key in asked.grounds]
    ground = case(*grounds, else_=UNKNOWN) if grounds else literal(UNKNOWN)
    return (
        select(
            literal("decisions").label("record"),
            decisions.c.id,
            ground.label("ground"),
            _unit().label("unit"),
            cases.c.kind,
            releases.c.name,
        )
        .join(releases, releases.c.id == decisions.c.release_id)
        .join(cases, cases.c.id == releases.c.case_id)
        .where(decisions.c.decision == Decision.WITHHELD.value, _within(asked, decisions.c.at))
    )


def _messages(asked: Asked) -> Select[Any]:
    """Every message and, of those about changes, every change; not what finds out whom a code goes to."""
    return select(
        literal("outbox").label("record"),
        outbox.c.id,
        _month(asked, outbox.c.created_at),
        outbox.c.purpose,
        outbox.c.state,
    ).where(outbox.c.purpose != Purpose.RESOLVE.value, _within(asked, outbox.c.created_at))


def _tellings(asked: Asked) -> Select[Any]:
    return select(
        literal("tellings").label("record"), tellings.c.id, _month(asked, tellings.c.told_at), tellings.c.channel
    ).where(_within(asked, tellings.c.told_at))


def _tasks(asked: Asked) -> Select[Any]:
    in_time = or_(tasks.c.due_at.is_(None), tasks.c.done_at < tasks.c.due_at)
    done = tasks.c.done_at.is_not(None)
    status = case(
        (and_(done, in_time), Status.IN_TIME.value),
        (done, Status.LATE.value),
        (or_(tasks.c.due_at.is_(None), tasks.c.due_at > asked.now), Status.OPEN.value),
        else_=Status.OVERDUE.value,
    )
    return select(literal("tasks").label("record"), tasks.c.id, tasks.c.kind, status.label("status")).where(
        _within(asked, tasks.c.made_at)
    )


def _ratings(asked: Asked) -> Select[Any]:
    unit = func.coalesce(ratings.c.unit_code, UNKNOWN).label("unit")
    return select(literal("ratings").label("record"), ratings.c.id, unit, ratings.c.score).where(
        _within(asked, ratings.c.at)
    )


def _complaints(asked: Asked) -> Select[Any]:
    """Every complaint, by how the unit stands with its answer and whether the office above was turned to."""
    answered = complaints.c.answered_at.is_not(None)
    status = case(
        (complaints.c.answered_at < complaints.c.due_at, Status.IN_TIME.value),
        (answered, Status.LATE.value),
        (complaints.c.due_at > asked.now, Status.OPEN.value),
        else_=Status.OVERDUE.value,
    )
    level = case((complaints.c.second_at.is_not(None), "second"), else_="first")
    unit = func.coalesce(complaints.c.unit_code, UNKNOWN).label("unit")
    counted_by = (unit, complaints.c.about, level.label("level"), status.label("status"))
    return select(literal("complaints").label("record"), complaints.c.id, *counted_by).where(
        _within(asked, complaints.c.at)
    )


#: By what the rows of each name are counted, and which rows they are.
FIGURES: Mapping[str, tuple[tuple[str, ...], Rows]] = {
    "views": (("month", "kind", "role", "channel"), _views),
    "logins": (("month", "way", "channel"), _logins),
    "told": (("unit", "kind", "name", "status"), _told),
    "withheld": (("ground", "unit", "kind", "name"), _withheld),
    "messages": (("month", "purpose", "state"), _messages),
    "tellings": (("month", "channel"), _tellings),
    "tasks": (("kind", "status"), _tasks),
    "ratings": (("unit", "score"), _ratings),
    "complaints": (("unit", "about", "level", "status"), _complaints),
}


def _within(asked: Asked, moment: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(moment >= asked.span.since, moment < asked.span.until)


def _month(asked: Asked, moment: ColumnElement[Any]) -> ColumnElement[int]:
    """In which month of the year at the bureau a moment of this year is, from 1."""
    begins = asked.span.months
    return case(*[(moment < begins[month], month) for month in range(1, len(begins))], else_=len(begins)).label("month")


def _unit() -> ColumnElement[str]:
    return func.coalesce(cases.c.unit_code, cases.c.unit_name)


def _undecided() -> ColumnElement[bool]:
    return releases.c.state.in_([State.WAITING.value, State.RETURNED.value])


def _of_case(name: ColumnElement[str], status: ColumnElement[str]) -> tuple[ColumnElement[Any], ...]:
    return _unit().label("unit"), cases.c.kind.label("kind"), name.label("name"), status.label("status")
