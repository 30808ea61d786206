"""When each worker was last seen."""

from datetime import datetime

from sqlalchemy import Connection, func, select

from caseq.store.database import insert_into
from caseq.store.tables import heartbeats


def beat(connection: Connection, name: str, now: datetime) -> None:
    """Note that `name` is alive."""
    statement = insert_into(connection, heartbeats).values(name=name, seen_at=now)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"seen_at": now}))


def newest(connection: Connection, prefix: str) -> datetime | None:
    """When anything whose name starts with `prefix` was last seen."""
    seen = select(func.max(heartbeats.c.seen_at)).where(heartbeats.c.name.startswith(prefix, autoescape=True))
    moment: datetime | None = connection.execute(seen).scalar_one()
    return moment
