"""Who looked, as the audit has it: at one party, for that party; by case, staff and day, for the auditor; and which of
the staff read how many cases, for the guard."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from caseq.rules.looks import OF_WHOLE_CASE, READING, LookAct
from caseq.store.notices import OF_PARTY
from caseq.store.tables import audit, cases, parties, staff, watched_cases
from caseq.store.views import ACT

_LOGIN = "login"
#: The audit is in the order of time but for this much: an act is noted with the moment at which it began.
_SLACK = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Seen:
    """A row of the audit about one party: when, which act, what it notes, the role of whoever of the staff did it."""

    at: datetime
    act: str
    facts: Mapping[str, Any] | None
    staff_role: str | None


def of_party(connection: Connection, party_id: int, case_id: int, most: int) -> tuple[list[Seen], list[Seen]]:
    """The newest rows of this party: what staff looked at, and when the party itself logged in and looked.

    A look at the case as a whole counts from the party's first login on: those before are not its own.
    """
    shown = select(audit.c.at, audit.c.act, audit.c.facts, staff.c.role)
    shown = shown.outerjoin(staff, staff.c.id == audit.c.staff_id).order_by(audit.c.at.desc()).limit(most)
    of_case = (audit.c.case_id == case_id, audit.c.act != ACT)
    entered_at = select(parties.c.entered_at).where(parties.c.id == party_id).scalar_subquery()
    of_whole = and_(
        audit.c.party_id.is_(None), audit.c.act.in_([act.value for act in OF_WHOLE_CASE]), audit.c.at >= entered_at
    )
    mine = and_(audit.c.party_id == party_id, audit.c.act.in_([act.value for act in LookAct]))
    by_staff = connection.execute(shown.where(*of_case, or_(of_whole, mine)))
    logins = connection.execute(shown.where(*of_case, audit.c.party_id == party_id, audit.c.act == _LOGIN))
    views = connection.execute(shown.where(audit.c.party_id == party_id, OF_PARTY, audit.c.act == ACT))
    own = sorted((Seen(*row) for row in (*views, *logins)), key=lambda one: one.at, reverse=True)
    return [Seen(*row) for row in by_staff], own[:most]


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the audit is wanted: of a case, by one of the staff, of the time from `since` until before `until`."""

    case_id: int | None = None
    staff_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the audit as the auditor reads it."""

    id: int
    at: datetime
    act: str
    case_number: str | None
    party: str | None
    role: str | None
    badge: str | None
    source: str | None
    facts: Mapping[str, Any] | None


def search(connection: Connection, asked: Asked, most: int) -> list[Entry]:
    """The newest rows that are wanted; of a case also the looks of its parties themselves."""
    wanted = select(
        audit.c.id,
        audit.c.at,
        audit.c.act,
        cases.c.number,
        parties.c.key,
        staff.c.role,
        staff.c.badge,
        audit.c.source,
        audit.c.facts,
    )
    wanted = wanted.outerjoin(cases, cases.c.id == audit.c.case_id).outerjoin(parties, parties.c.id == audit.c.party_id)
    wanted = wanted.outerjoin(staff, staff.c.id == audit.c.staff_id).order_by(audit.c.at.desc(), audit.c.id.desc())
    entries = [
        Entry(*row)
        for of in _places(asked)
        for row in connection.execute(wanted.where(of, *_within(connection, asked)).limit(most))
    ]
    return sorted(entries, key=lambda one: (one.at, one.id), reverse=True)[:most]


def _places(asked: Asked) -> Sequence[ColumnElement[bool]]:
    """The conditions under which the rows stand, one for each index that finds them."""
    by_staff = [audit.c.staff_id == asked.staff_id] if asked.staff_id is not None else []
    if asked.case_id is None:
        return [and_(*by_staff)] if by_staff else [audit.c.id.is_not(None)]
    acts = and_(audit.c.case_id == asked.case_id, audit.c.act != ACT, *by_staff)
    of_case = select(parties.c.id).where(parties.c.case_id == asked.case_id)
    views = and_(audit.c.party_id.in_(of_case), OF_PARTY, audit.c.act == ACT, *by_staff)
    return [acts, views]


def _within(connection: Connection, asked: Asked) -> list[ColumnElement[bool]]:
    """The conditions on the time; where nothing else narrows the search, on the ids of that time as well."""
    within = []
    if asked.since is not None:
        within.append(audit.c.at >= asked.since)
    if asked.until is not None:
        within.append(audit.c.at < asked.until)
    if asked.case_id is None and asked.staff_id is None and asked.since is not None:
        within.append(audit.c.id >= _id_at(connection, asked.since - _SLACK))
        if asked.until is not None:
            within.append(audit.c.id < _id_at(connection, asked.until + _SLACK))
    return within


def _id_at(connection: Connection, moment: datetime) -> int:
    """The id at which the audit had come to this moment, found by halving, because no index knows the time."""
    low, high = 0, int(connection.execute(select(func.coalesce(func.max(audit.c.id), 0))).scalar_one()) + 1
    while low < high:
        middle = (low + high) // 2
        at = select(audit.c.at).where(audit.c.id >= middle).order_by(audit.c.id).limit(1)
        found = connection.execute(at).scalar_one_or_none()
        if found is None or found >= moment:
            high = middle
        else:
            low = middle + 1
    return low


def staff_with(connection: Connection, badge: str) -> int | None:
    """The id of the account with this badge."""
    return connection.execute(select(staff.c.id).where(staff.c.badge == badge)).scalar_one_or_none()


def much_read(connection: Connection, since: datetime, more_than: int) -> list[tuple[int, int]]:
    """Who of the staff read more than so many cases since then, each with how many."""
    count = func.count(audit.c.case_id.distinct())
    read = select(audit.c.staff_id, count).where(*_reading(since)).group_by(audit.c.staff_id)
    return [(row[0], row[1]) for row in connection.execute(read.having(count > more_than))]


def watched_read(connection: Connection, since: datetime) -> list[tuple[int, int]]:
    """Who read a watched case of their own unit since then: the ids of staff and case."""
    joined = select(audit.c.staff_id, audit.c.case_id).join(watched_cases, watched_cases.c.case_id == audit.c.case_id)
    joined = joined.join(cases, cases.c.id == audit.c.case_id).join(staff, staff.c.id == audit.c.staff_id)
    within = (watched_cases.c.until.is_(None), audit.c.at >= watched_cases.c.since, staff.c.unit == cases.c.unit_code)
    return [(row[0], row[1]) for row in connection.execute(joined.where(*_reading(since), *within).distinct())]


def _reading(since: datetime) -> Collection[ColumnElement[bool]]:
    is_reading = audit.c.act.in_(sorted(READING))
    return (audit.c.staff_id.is_not(None), audit.c.at >= since, audit.c.case_id.is_not(None), is_reading)
