"""How many messages went to providers on a day, what of it a lane may still have, and which lanes staff stopped."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, delete, func, select

from caseq.store.database import insert_into
from caseq.store.outbox import Lane
from caseq.store.tables import spent, stops

#: The first of the two numbers by which PostgreSQL knows these locks: the letters "sms".
_LOCKS = 0x736D73


def today(connection: Connection, day: date) -> Mapping[tuple[Lane, str], int]:
    """How many messages were handed over on this day of the bureau, by lane and gateway."""
    rows = connection.execute(select(spent.c.lane, spent.c.gateway, spent.c.messages).where(spent.c.day == day))
    return {(Lane(row.lane), row.gateway): row.messages for row in rows}


def lock(connection: Connection, lane: Lane) -> None:
    """Let no other worker decide at the same time what this lane may still spend, until the transaction ends.

    On SQLite there is only one at a time anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCKS, lane.value)))


def totals(connection: Connection) -> Mapping[tuple[Lane, str], int]:
    """How many messages were handed over since the beginning, by lane and gateway."""
    summed = select(spent.c.lane, spent.c.gateway, func.sum(spent.c.messages)).group_by(spent.c.lane, spent.c.gateway)
    return {(Lane(row[0]), row[1]): int(row[2]) for row in connection.execute(summed)}


def of_lane(connection: Connection, lane: Lane, day: date) -> int:
    """How many messages of this lane were handed over on this day, or by a clock that was ahead on later ones."""
    total = select(func.coalesce(func.sum(spent.c.messages), 0))
    return int(connection.execute(total.where(spent.c.day >= day, spent.c.lane == lane.value)).scalar_one())


def add(connection: Connection, day: date, lane: Lane, gateway: str, messages: int) -> None:
    """Note that so many messages are about to be handed over."""
    row = {"day": day, "lane": lane.value, "gateway": gateway, "messages": messages}
    statement = insert_into(connection, spent).values(row)
    more = {"messages": spent.c.messages + statement.excluded.messages}
    connection.execute(statement.on_conflict_do_update(index_elements=["day", "lane", "gateway"], set_=more))


@dataclass(frozen=True, slots=True)
class Stop:
    """A lane that staff stopped: nothing of it is sent until they let it go on."""

    lane: Lane
    since: datetime
    by: str
    reason: str


def stopped(connection: Connection) -> Mapping[Lane, Stop]:
    """The lanes that are stopped."""
    rows = connection.execute(select(stops.c.lane, stops.c.since, stops.c.by, stops.c.reason))
    return {Lane(row.lane): Stop(Lane(row.lane), row.since, row.by, row.reason) for row in rows}


def stop(connection: Connection, lane: Lane, by: str, reason: str, now: datetime) -> bool:
    """Stop a lane; whether it ran until now."""
    row = {"lane": lane.value, "since": now, "by": by, "reason": reason}
    statement = insert_into(connection, stops).values(row).on_conflict_do_nothing(index_elements=["lane"])
    return connection.execute(statement.returning(stops.c.lane)).first() is not None


def let_go(connection: Connection, lane: Lane) -> bool:
    """Let a stopped lane go on; whether it was stopped."""
    return (
        connection.execute(delete(stops).where(stops.c.lane == lane.value).returning(stops.c.lane)).first() is not None
    )
