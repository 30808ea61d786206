"""Figures about messages, for limits, operators and the search at a provider."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from caseq.store.outbox import IS_WAITING, Lane, Purpose
from caseq.store.tables import attempts, outbox


def provider_ids(connection: Connection, phone_hashes: Collection[str]) -> set[str]:
    """The provider's ids of the messages that are known to have gone to this number, by its hash under any key."""
    sent = select(attempts.c.provider_id).join(outbox, outbox.c.id == attempts.c.message_id)
    known = sent.where(outbox.c.phone_hash.in_(phone_hashes), attempts.c.provider_id.is_not(None))
    return set(connection.execute(known).scalars())


def codes_between(connection: Connection, since: datetime, until: datetime) -> int:
    """How many codes were queued in this time."""
    queued = outbox.c.created_at.between(since, until)
    return connection.execute(select(func.count()).where(outbox.c.purpose == Purpose.CODE.value, queued)).scalar_one()


def counts(connection: Connection) -> dict[tuple[str, str], int]:
    """How many rows there are by (purpose, state)."""
    grouped = select(outbox.c.purpose, outbox.c.state, func.count()).group_by(outbox.c.purpose, outbox.c.state)
    return {(purpose, state): count for purpose, state, count in connection.execute(grouped)}


def oldest_due(connection: Connection, now: datetime) -> dict[Lane, datetime]:
    """Since when the oldest message that is due has been waiting, by lane."""
    return {
        lane: oldest
        for lane in Lane
        if (oldest := connection.execute(_oldest(lane, now)).scalar_one_or_none()) is not None
    }


def _oldest(lane: Lane, now: datetime) -> Select[Any]:
    waiting = select(outbox.c.due_at).where(IS_WAITING, outbox.c.lane == lane.value, outbox.c.due_at <= now)
    return waiting.order_by(outbox.c.due_at).limit(1)
