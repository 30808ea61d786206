"""Due dates that rest on days which no calendar knew when they were counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, bindparam, select, update

from caseq.rules.case import Kind, Milestone, MilestoneName
from caseq.store import releases as changes
from caseq.store.releases import OPEN, Release
from caseq.store.tables import cases, milestones, releases


@dataclass(frozen=True, slots=True)
class Shown:
    """A milestone of the ledger whose due date is provisional; of the milestone itself only what counts."""

    id: int
    kind: Kind
    milestone: Milestone
    formed_at: datetime


@dataclass(frozen=True, slots=True)
class Counted:
    """A due date that was counted again."""

    id: int
    due_at: datetime
    is_provisional: bool


def waiting(connection: Connection) -> Sequence[Release]:
    """The changes without a last decision whose due date is provisional."""
    of_open = releases.c.state.in_([state.value for state in OPEN])
    ids = connection.execute(select(releases.c.id).where(of_open, releases.c.due_provisional)).scalars().all()
    return [found for id_ in ids if (found := changes.one(connection, id_)) is not None]


def milestones_after(connection: Connection, after: int, most: int) -> Sequence[Shown]:
    """The milestones with provisional due dates whose ids follow `after`, in their order."""
    shown = (milestones.c.id, milestones.c.key, milestones.c.name, milestones.c.details, milestones.c.formed_at)
    wanted = select(*shown, cases.c.kind).join(cases, cases.c.id == milestones.c.case_id)
    wanted = wanted.where(milestones.c.due_provisional, milestones.c.withdrawn.is_(False), milestones.c.id > after)
    rows = connection.execute(wanted.order_by(milestones.c.id).limit(most))
    return [
        Shown(
            row.id,
            Kind(row.kind),
            Milestone(key=row.key, name=MilestoneName(row.name), details=row.details),
            row.formed_at,
        )
        for row in rows
    ]


def settle_waiting(connection: Connection, final: Sequence[Counted]) -> None:
    """These due dates are final now."""
    _settle(connection, releases, final)


def settle_milestones(connection: Connection, final: Sequence[Counted]) -> None:
    """These due dates are final now."""
    _settle(connection, milestones, final)


def _settle(connection: Connection, table: Table, final: Sequence[Counted]) -> None:
    if final:
        mine = update(table).where(table.c.id == bindparam("the_id"), table.c.due_provisional)
        rows = [{"the_id": one.id, "at": one.due_at} for one in final]
        connection.execute(mine.values(due_at=bindparam("at"), due_provisional=False), rows)
