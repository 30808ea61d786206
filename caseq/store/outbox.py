"""The outbox: every message that is to go out, from the transaction that causes it to its end.

queued -> sending (claimed, with a lease and a claim token) -> sent | failed | queued again | unknown;
unknown -> the provider is asked -> sent | queued | failed. Nothing leaves these states silently.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, insert, or_, select, update

from caseq.store import bulk
from caseq.store.tables import outbox

CODE_LANE, NEWS_LANE = 0, 1


class Purpose(StrEnum):
    """What a row is for: to find out whom a code goes to, a code, news, or a notice: that an unknown device logged in,
    or, to the number that it was until now, that a party has another number."""

    RESOLVE = "resolve"
    CODE = "code"
    NEWS = "news"
    DEVICE = "device"
    NUMBER = "number"


class State(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"
    NEEDS_HUMAN = "needs_human"


@dataclass(frozen=True, slots=True)
class News:
    """One party must hear that something changed; `cause` names the record and its sequence."""

    party_id: int
    phone_hash: str
    cause: str


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed row; only the holder of `claim` may finish it."""

    id: int
    purpose: Purpose
    claim: str
    challenge_id: int | None
    n: int | None
    party_id: int | None
    phone_hash: str | None
    attempts: int
    created_at: datetime
    claimed_at: datetime
    to_sealed: str | None = field(default=None, repr=False)


def add_resolve(connection: Connection, challenge_id: int, now: datetime) -> None:
    """Queue the question whom the code of this challenge goes to."""
    row = _row(Purpose.RESOLVE, f"challenge:{challenge_id}", CODE_LANE, now)
    connection.execute(insert(outbox), {**row, "challenge_id": challenge_id})


def add_code(connection: Connection, challenge_id: int, n: int, party_id: int, phone_hash: str, now: datetime) -> None:
    """Queue the n-th code of a challenge for a party."""
    row = _row(Purpose.CODE, f"challenge:{challenge_id}:{n}", CODE_LANE, now)
    whom = {"challenge_id": challenge_id, "n": n, "party_id": party_id, "phone_hash": phone_hash}
    connection.execute(insert(outbox), {**row, **whom})


def add_news(connection: Connection, news: Sequence[News], now: datetime) -> None:
    """Queue one SMS for every party and cause; a cause that was queued before is not queued again."""
    rows = [
        {
            **_row(Purpose.NEWS, f"{item.party_id}:{item.cause}", NEWS_LANE, now),
            "party_id": item.party_id,
            "phone_hash": item.phone_hash,
        }
        for item in news
    ]
    bulk.put(connection, outbox, rows, key=("cause",))


def add_notice(
    connection: Connection,
    purpose: Purpose,
    party_id: int,
    phone_hash: str | None,
    cause: str,
    now: datetime,
    to_sealed: str | None = None,
) -> None:
    """Queue a notice once for this cause; `to_sealed` is where it goes if not to the party's number of now."""
    whom = {"party_id": party_id, "phone_hash": phone_hash, "to_sealed": to_sealed}
    bulk.put(connection, outbox, [{**_row(purpose, f"{purpose}:{cause}", CODE_LANE, now), **whom}], key=("cause",))


def _row(purpose: Purpose, cause: str, lane: int, now: datetime) -> dict[str, Any]:
    moments = {"created_at": now, "due_at": now}
    return {
        "purpose": purpose.value,
        "cause": cause,
        "lane": lane,
        "state": State.QUEUED.value,
        "attempts": 0,
        **moments,
    }


def take_resolves(connection: Connection, most: int, now: datetime) -> list[int]:
    """The ids of challenges whose receivers are to be found out, marked as done in this transaction."""
    due = (
        select(outbox.c.id)
        .where(
            outbox.c.state == State.QUEUED.value,
            outbox.c.purpose == Purpose.RESOLVE.value,
            outbox.c.due_at <= now,
        )
        .order_by(outbox.c.id)
        .limit(most)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    done = update(outbox).where(outbox.c.id.in_(select(due.c.id)), outbox.c.state == State.QUEUED.value)
    taken = done.values(state=State.SENT.value, reason="resolved", finished_at=now).returning(outbox.c.challenge_id)
    return sorted(connection.execute(taken).scalars())


def postpone_resolve(connection: Connection, challenge_id: int, due_at: datetime) -> bool:
    """Ask once more whom the code of this challenge goes to at `due_at`; False if that was done before."""
    mine = update(outbox).where(
        outbox.c.challenge_id == challenge_id, outbox.c.purpose == Purpose.RESOLVE.value, outbox.c.attempts == 0
    )
    queued = mine.values(state=State.QUEUED.value, attempts=1, due_at=due_at, finished_at=None)
    return connection.execute(queued.returning(outbox.c.id)).first() is not None


def claim(connection: Connection, most: int, now: datetime, lease_until: datetime) -> list[Job]:
    """Claim up to `most` queued rows that are due, codes first, one at a time for each telephone number.

    Two messages to one number are never under way together: they may read the same, and then the provider's
    list could not tell which of them it took.
    """
    other = outbox.alias("other")
    busy = or_(
        other.c.state.in_([State.SENDING.value, State.UNKNOWN.value]),
        and_(other.c.state == State.QUEUED.value, other.c.due_at <= now, _is_before(other)),
    )
    blocked = select(other.c.id).where(other.c.phone_hash == outbox.c.phone_hash, other.c.id != outbox.c.id, busy)
    due = (
        select(outbox.c.id)
        .where(
            outbox.c.state == State.QUEUED.value,
            outbox.c.purpose != Purpose.RESOLVE.value,
            outbox.c.due_at <= now,
            ~blocked.exists(),
        )
        .order_by(outbox.c.lane, outbox.c.id)
        .limit(most)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    token = secrets.token_hex(16)
    claimed = (
        update(outbox)
        .where(outbox.c.id.in_(select(due.c.id)), outbox.c.state == State.QUEUED.value)
        .values(
            state=State.SENDING.value,
            claim=token,
            claimed_at=now,
            lease_until=lease_until,
            attempts=outbox.c.attempts + 1,
        )
        .returning(outbox)
    )
    return sorted((_job(row) for row in connection.execute(claimed)), key=lambda job: job.id)


def _is_before(other: Any) -> ColumnElement[bool]:
    earlier: ColumnElement[bool] = or_(
        other.c.lane < outbox.c.lane, and_(other.c.lane == outbox.c.lane, other.c.id < outbox.c.id)
    )
    return earlier


def _job(row: Row[Any]) -> Job:
    return Job(
        row.id,
        Purpose(row.purpose),
        row.claim,
        row.challenge_id,
        row.n,
        row.party_id,
        row.phone_hash,
        row.attempts,
        row.created_at,
        row.claimed_at,
        row.to_sealed,
    )


def finish(
    connection: Connection,
    job: Job,
    state: State,
    now: datetime,
    *,
    reason: str | None = None,
    gateway: str | None = None,
    provider_id: str | None = None,
) -> bool:
    """End the job; False if the claim was lost to somebody else in the meantime."""
    values = {"state": state.value, "reason": reason, "gateway": gateway, "provider_id": provider_id}
    return _change(connection, job, {**values, "finished_at": now})


def put_back(connection: Connection, job: Job, due_at: datetime, reason: str) -> bool:
    """Queue the job again for later; False if the claim was lost."""
    return _change(connection, job, {"state": State.QUEUED.value, "due_at": due_at, "reason": reason})


def redirect(connection: Connection, job: Job, phone_hash: str, now: datetime) -> bool:
    """Queue the job again for the number that the party has now; False if the claim was lost."""
    values = {"state": State.QUEUED.value, "due_at": now, "phone_hash": phone_hash}
    return _change(connection, job, values)


def mark_unknown(connection: Connection, job: Job, ask_at: datetime, reason: str) -> bool:
    """Nobody knows whether the message went out: the provider is to be asked at `ask_at`."""
    values = {"state": State.UNKNOWN.value, "lease_until": None, "due_at": ask_at, "reason": reason}
    return _change(connection, job, values)


def _change(connection: Connection, job: Job, values: dict[str, Any]) -> bool:
    mine = update(outbox).where(outbox.c.id == job.id, outbox.c.claim == job.claim)
    held = mine.where(outbox.c.state.in_([State.SENDING.value, State.UNKNOWN.value]))
    return connection.execute(held.values(values).returning(outbox.c.id)).first() is not None


def give_up_leases(connection: Connection, now: datetime, ask_after: Any) -> int:
    """Mark as unknown what a worker claimed and did not report in its lease; how many rows that were."""
    lost = update(outbox).where(outbox.c.state == State.SENDING.value, outbox.c.lease_until < now)
    marked = lost.values(state=State.UNKNOWN.value, due_at=now + ask_after, reason="worker lost", claim=None)
    return len(connection.execute(marked.returning(outbox.c.id)).all())


def claim_unknown(connection: Connection, most: int, now: datetime, lease_until: datetime) -> list[Job]:
    """Claim unknown rows whose time to ask the provider has come; `claimed_at` stays the moment of the sending."""
    due = (
        select(outbox.c.id)
        .where(
            outbox.c.state == State.UNKNOWN.value,
            outbox.c.due_at <= now,
            or_(outbox.c.lease_until.is_(None), outbox.c.lease_until < now),
        )
        .order_by(outbox.c.id)
        .limit(most)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    claimed = (
        update(outbox)
        .where(outbox.c.id.in_(select(due.c.id)), outbox.c.state == State.UNKNOWN.value)
        .values(claim=secrets.token_hex(16), lease_until=lease_until)
        .returning(outbox)
    )
    return sorted((_job(row) for row in connection.execute(claimed)), key=lambda job: job.id)


def provider_ids(connection: Connection, phone_hashes: Collection[str]) -> set[str]:
    """The provider's ids of the messages that are known to have gone to this number, by its hash under any key."""
    to_it = outbox.c.phone_hash.in_(phone_hashes)
    sent = select(outbox.c.provider_id).where(to_it, outbox.c.provider_id.is_not(None))
    return set(connection.execute(sent).scalars())


def codes_between(connection: Connection, since: datetime, until: datetime) -> int:
    """How many codes were queued in this time."""
    queued = outbox.c.created_at.between(since, until)
    return connection.execute(select(func.count()).where(outbox.c.purpose == Purpose.CODE.value, queued)).scalar_one()


def counts(connection: Connection) -> dict[tuple[str, str], int]:
    """How many rows there are by (purpose, state)."""
    grouped = select(outbox.c.purpose, outbox.c.state, func.count()).group_by(outbox.c.purpose, outbox.c.state)
    return {(purpose, state): count for purpose, state, count in connection.execute(grouped)}


def oldest_due(connection: Connection, now: datetime) -> datetime | None:
    """Since when the oldest queued row that is due has been waiting."""
    waiting = select(func.min(outbox.c.due_at)).where(outbox.c.state == State.QUEUED.value, outbox.c.due_at <= now)
    oldest: datetime | None = connection.execute(waiting).scalar_one()
    return oldest
