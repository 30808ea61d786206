"""Who decides for whom, and for how long."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, insert, select, update

from caseq.rules.duties import Staff, StaffRole
from caseq.store.staffing import person
from caseq.store.tables import delegations, staff


@dataclass(frozen=True, slots=True)
class Delegation:
    """`of` has `to` decide in its place from `since` until before `until`."""

    id: int
    of: Staff
    to: Staff
    since: datetime
    until: datetime
    reason: str


def add(
    connection: Connection, of: Staff, to: Staff, since: datetime, until: datetime, reason: str, now: datetime
) -> None:
    """Have somebody decide for somebody else."""
    row = {"from_id": of.id, "to_id": to.id, "since": since, "until": until, "reason": reason, "made_at": now}
    connection.execute(insert(delegations), row)


def end(connection: Connection, delegation_id: int, of: Staff, now: datetime) -> bool:
    """End a delegation of this person's own; whether there was one that had not ended."""
    mine = update(delegations).where(delegations.c.id == delegation_id, delegations.c.from_id == of.id)
    ended = mine.where(delegations.c.ended_at.is_(None), delegations.c.until > now).values(ended_at=now)
    return connection.execute(ended.returning(delegations.c.id)).first() is not None


def given_to(connection: Connection, to: Staff, now: datetime) -> Sequence[Staff]:
    """Those for whom this person decides now; nobody whose account is disabled."""
    of = select(staff).join(delegations, delegations.c.from_id == staff.c.id)
    wanted = of.where(delegations.c.to_id == to.id, _in_force(now), staff.c.disabled_at.is_(None))
    return [person(row) for row in connection.execute(wanted.order_by(delegations.c.id))]


def given_by(connection: Connection, of: Staff, now: datetime) -> Sequence[Delegation]:
    """The delegations of this person that are in force or to come."""
    wanted = select(delegations, staff.c.badge, staff.c.name, staff.c.role, staff.c.unit)
    wanted = wanted.join(staff, staff.c.id == delegations.c.to_id).where(delegations.c.from_id == of.id)
    rows = connection.execute(wanted.where(delegations.c.ended_at.is_(None), delegations.c.until > now))
    return [
        Delegation(
            row.id,
            of,
            Staff(row.to_id, row.badge, row.name, StaffRole(row.role), row.unit),
            row.since,
            row.until,
            row.reason,
        )
        for row in rows
    ]


def _in_force(now: datetime) -> ColumnElement[bool]:
    running = and_(delegations.c.since <= now, delegations.c.until > now)
    return and_(running, delegations.c.ended_at.is_(None))
