"""The cases whose reading is watched, because an officer of the unit that handles them is a party; and the tasks that
came of unusual reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from caseq.store import tasks
from caseq.store.database import insert_into
from caseq.store.tables import cases, staff, watched_cases


@dataclass(frozen=True, slots=True)
class Watched:
    """A case that is watched: since when, who entered it, and why."""

    case_number: str
    unit_code: str | None
    since: datetime
    by: str
    reason: str


def begin(connection: Connection, case_id: int, by: str, reason: str, now: datetime) -> bool:
    """Watch this case from now on; False if it is watched already."""
    row = {"case_id": case_id, "by": by, "reason": reason, "since": now}
    statement = insert_into(connection, watched_cases).values(row).on_conflict_do_nothing()
    return connection.execute(statement.returning(watched_cases.c.id)).first() is not None


def end(connection: Connection, case_id: int, now: datetime) -> bool:
    """Watch this case no more; whether it was watched."""
    mine = update(watched_cases).where(watched_cases.c.case_id == case_id, watched_cases.c.until.is_(None))
    return connection.execute(mine.values(until=now).returning(watched_cases.c.id)).first() is not None


def all_of(connection: Connection) -> Sequence[Watched]:
    """The cases that are watched now, the oldest first."""
    columns = (watched_cases.c.since, watched_cases.c.by, watched_cases.c.reason)
    wanted = select(cases.c.number, cases.c.unit_code, *columns).join(cases, cases.c.id == watched_cases.c.case_id)
    rows = connection.execute(wanted.where(watched_cases.c.until.is_(None)).order_by(watched_cases.c.id))
    return [Watched(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Reading:
    """A task about unusual reading: whose, when it was made, of which watched case, or else of how many cases."""

    id: int
    made_at: datetime
    badge: str
    case_number: str | None
    count: int


def readings(connection: Connection) -> Sequence[Reading]:
    """The tasks about unusual reading that are not done, the newest first."""
    waiting = tasks.waiting(connection, kinds=[tasks.Kind.READING])
    return [_reading(connection, task) for task in reversed(waiting)]


def _reading(connection: Connection, task: tasks.Task) -> Reading:
    """The task with the badge and the case number of the ids in its words (caseq/guarding.py)."""
    ids = [int(word) for word in task.reason.split() if word.isdigit()]
    badge = connection.execute(select(staff.c.badge).where(staff.c.id == ids[0])).scalar_one()
    is_case = "watched case" in task.reason
    number = connection.execute(select(cases.c.number).where(cases.c.id == ids[1])).scalar_one() if is_case else None
    return Reading(task.id, task.made_at, badge, number, 1 if is_case else ids[1])
