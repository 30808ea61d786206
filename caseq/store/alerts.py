"""Alerts: made once for each person, change and stage, and seen once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from caseq.store.database import insert_into
from caseq.store.tables import alerts


@dataclass(frozen=True, slots=True)
class Alert:
    """Whose turn it is, at which change, and the stage that its limit has come to."""

    staff_id: int
    release_id: int
    stage: str


def make(connection: Connection, found: Sequence[Alert], now: datetime) -> None:
    """Make these, but for those that were made before, also by another worker just now."""
    rows = [
        {"staff_id": one.staff_id, "release_id": one.release_id, "stage": one.stage, "made_at": now} for one in found
    ]
    if rows:
        once = insert_into(connection, alerts).on_conflict_do_nothing(
            index_elements=["staff_id", "release_id", "stage"]
        )
        connection.execute(once, sorted(rows, key=lambda row: (row["staff_id"], row["release_id"])))


def unseen(connection: Connection, staff_id: int) -> Sequence[Alert]:
    """What this person has not seen, oldest first."""
    wanted = select(alerts.c.staff_id, alerts.c.release_id, alerts.c.stage)
    wanted = wanted.where(alerts.c.staff_id == staff_id, alerts.c.seen_at.is_(None)).order_by(alerts.c.id)
    return [Alert(*row) for row in connection.execute(wanted)]


def see(connection: Connection, staff_id: int, release_id: int, now: datetime) -> bool:
    """Note that this person has seen what there is of this change; whether there was anything."""
    mine = update(alerts).where(alerts.c.staff_id == staff_id, alerts.c.release_id == release_id)
    seen = mine.where(alerts.c.seen_at.is_(None)).values(seen_at=now).returning(alerts.c.id)
    return bool(connection.execute(seen).all())
