"""How messages leave the outbox's states: what a worker records, what providers and staff say."""

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, func, or_, select, update

from caseq.rules.case import RecordType
from caseq.store import bulk
from caseq.store.outbox import BY_STAFF, ENDED, IS_WAITING, JOB, TOLD_IN_PERSON, Job, Purpose, State, job_of
from caseq.store.tables import attempts, outbox, tasks


def end(connection: Connection, job: Job, state: State, now: datetime, reason: str | None = None) -> bool:
    """End the job, and erase what it said; False if the claim was lost to somebody else in the meantime."""
    return _change(connection, job, {**_ended(state, now), "reason": reason})


def _ended(state: State, now: datetime) -> dict[str, Any]:
    erased = {"body_sealed": None, "to_sealed": None, "claim": None, "lease_until": None, "ask_at": None}
    return {"state": state.value, "finished_at": now, **erased}


def mark_sent(connection: Connection, job: Job, now: datetime, ask_at: datetime | None) -> bool:
    """The provider took the message; at `ask_at` it is asked what became of it. False if the claim was lost."""
    values = {"state": State.SENT.value, "reason": None, "sent_at": now, "ask_at": ask_at, "claim": None, "asked": 0}
    if ask_at is None:
        values |= {"body_sealed": None, "to_sealed": None, "finished_at": now}
    return _change(connection, job, values)


def put_back(connection: Connection, job: Job, due_at: datetime, reason: str, state: State = State.QUEUED) -> bool:
    """Let the job wait for a later moment; False if the claim was lost."""
    values = {"state": state.value, "due_at": due_at, "reason": reason, "claim": None, "ask_at": None}
    return _change(connection, job, values)


def redirect(connection: Connection, job: Job, phone_hash: str, now: datetime) -> bool:
    """Queue the job again for the number that the party has now; False if the claim was lost."""
    values = {"state": State.QUEUED.value, "due_at": now, "phone_hash": phone_hash, "claim": None}
    return _change(connection, job, values)


def mark_unknown(connection: Connection, job: Job, ask_at: datetime, reason: str) -> bool:
    """Nobody knows whether the message went out: the provider is to be asked at `ask_at`."""
    values = {"state": State.UNKNOWN.value, "lease_until": None, "ask_at": ask_at, "reason": reason}
    return _change(connection, job, values)


def _change(connection: Connection, job: Job, values: Mapping[str, Any]) -> bool:
    mine = update(outbox).where(outbox.c.id == job.id, outbox.c.claim == job.claim)
    held = mine.where(outbox.c.state.in_([State.CLAIMED.value, State.UNKNOWN.value]))
    return connection.execute(held.values(values).returning(outbox.c.id)).first() is not None


def still_holds(connection: Connection, job: Job) -> bool:
    """Whether the message is still this claim's."""
    mine = select(outbox.c.id).where(outbox.c.id == job.id, outbox.c.claim == job.claim).with_for_update()
    return connection.execute(mine).first() is not None


def give_up_leases(connection: Connection, now: datetime, lease: timedelta, ask_after: timedelta) -> int:
    """Mark as unknown what a worker claimed and did not report in its lease; how many rows that were.

    A lease that ends later than any lease can is one of before the clock was set back.
    """
    is_over = or_(outbox.c.lease_until < now, outbox.c.lease_until > now + 2 * lease)
    lost = update(outbox).where(outbox.c.state == State.CLAIMED.value, is_over)
    values = {"state": State.UNKNOWN.value, "ask_at": now + ask_after, "reason": "worker lost", "claim": None}
    return len(connection.execute(lost.values(values).returning(outbox.c.id)).all())


def claim_to_ask(connection: Connection, most: int, now: datetime, lease: timedelta) -> list[Job]:
    """Claim messages whose provider is to be asked now: of unknown outcome, or sent without a receipt so far."""
    if most <= 0:
        return []
    wanted = select(outbox.c.id).where(
        outbox.c.ask_at <= now, outbox.c.state.in_([State.UNKNOWN.value, State.SENT.value])
    )
    due = wanted.order_by(outbox.c.ask_at).limit(most).with_for_update(skip_locked=True).cte("due")
    claimed = update(outbox).where(outbox.c.id.in_(select(due.c.id)), outbox.c.ask_at <= now)
    values = {"claim": secrets.token_hex(16), "ask_at": now + lease, "asked": outbox.c.asked + 1}
    rows = connection.execute(claimed.values(values).returning(*JOB))
    return sorted((job_of(row) for row in rows), key=lambda job: job.id)


def ask_again(connection: Connection, job: Job, ask_at: datetime | None, now: datetime) -> bool:
    """Ask the provider again at `ask_at`; None: of this sent message nothing more will be heard."""
    mine = update(outbox).where(outbox.c.id == job.id, outbox.c.claim == job.claim, outbox.c.state == job.state.value)
    values: dict[str, Any] = {"ask_at": ask_at}
    if ask_at is None:
        values = {**_ended(State.SENT, now), "reason": "no receipt"}
    return connection.execute(mine.values(values).returning(outbox.c.id)).first() is not None


def ask_now(connection: Connection, ids: Collection[int], now: datetime) -> None:
    """Have the provider asked of these messages soon, if anything is still open: somebody says that there is news."""
    is_open = and_(outbox.c.ask_at > now, outbox.c.state.in_([State.UNKNOWN.value, State.SENT.value]))
    connection.execute(update(outbox).where(bulk.among(connection, outbox.c.id, ids), is_open).values(ask_at=now))


def hear(
    connection: Connection,
    message_id: int,
    attempt_id: int,
    state: State,
    now: datetime,
    reason: str | None,
    ask_at: datetime | None,
) -> Job | None:
    """Take what the provider says of the newest attempt of a message; the message as it was, None if it stays so.

    At `ask_at` the provider is asked for more, if this is not the end.

    A receipt may come before the worker's own record, after a reset, or when the message was already queued again.
    """
    newest = select(func.max(attempts.c.id)).where(attempts.c.message_id == message_id).scalar_subquery()
    wanted = select(*JOB).where(outbox.c.id == message_id, newest == attempt_id).with_for_update()
    row = connection.execute(wanted).first()
    if row is None:
        return None
    job = job_of(row)
    is_open = job.state not in ENDED or (job.state is State.FAILED and state is State.DELIVERED)
    if not is_open or (state is State.SENT and job.state in (State.SENT, State.NEEDS_HUMAN)):
        return None
    values: dict[str, Any] = {**_ended(state, now), "reason": reason, "sent_at": job.sent_at or now}
    if state is State.SENT:
        values = {"state": state.value, "reason": None, "claim": None, "sent_at": now, "asked": 0, "ask_at": ask_at}
    connection.execute(update(outbox).where(outbox.c.id == message_id).values(values))
    return job


def queue_again(connection: Connection, message_id: int, due_at: datetime, reason: str) -> bool:
    """Send this message once more, when it failed or waits for a human; whether it was so. A code never, nor a notice
    to a former number that was erased."""
    mine = update(outbox).where(
        outbox.c.id == message_id,
        outbox.c.purpose != Purpose.CODE.value,
        or_(outbox.c.purpose != Purpose.NUMBER.value, outbox.c.to_sealed.is_not(None)),
        outbox.c.state.in_([State.FAILED.value, State.NEEDS_HUMAN.value]),
    )
    values = {"state": State.QUEUED.value, "due_at": due_at, "reason": reason, "finished_at": None, "claim": None}
    return connection.execute(mine.values(values).returning(outbox.c.id)).first() is not None


def settle(connection: Connection, message_id: int, now: datetime) -> bool:
    """End a message that waits for a human as failed: somebody did what was to be done. Whether it waited so."""
    mine = update(outbox).where(outbox.c.id == message_id, outbox.c.state == State.NEEDS_HUMAN.value)
    return connection.execute(mine.values(_ended(State.FAILED, now)).returning(outbox.c.id)).first() is not None


def hold(connection: Connection, message_id: int) -> bool:
    """Keep a waiting message until staff release it; whether it was waiting."""
    mine = update(outbox).where(outbox.c.id == message_id, IS_WAITING)
    held = mine.values(state=State.HELD.value, reason=BY_STAFF, due_at=None)
    return connection.execute(held.returning(outbox.c.id)).first() is not None


def release(connection: Connection, message_id: int, now: datetime) -> bool:
    """Let a message go that staff held; whether they did."""
    is_held = and_(outbox.c.state == State.HELD.value, outbox.c.due_at.is_(None))
    freed = update(outbox).where(outbox.c.id == message_id, is_held)
    queued = freed.values(state=State.QUEUED.value, reason=None, due_at=now)
    return connection.execute(queued.returning(outbox.c.id)).first() is not None


def told_in_person(connection: Connection, party_id: int, key: str, now: datetime) -> list[int]:
    """End what waits to be told to this party of this milestone: staff told it themselves. The ids of these rows."""
    mine = update(outbox).where(
        outbox.c.party_id == party_id,
        outbox.c.record == RecordType.MILESTONE.value,
        outbox.c.key == key,
        IS_WAITING,
    )
    ended = mine.values(state=State.DROPPED.value, reason=TOLD_IN_PERSON, finished_at=now)
    return list(connection.execute(ended.returning(outbox.c.id)).scalars())


def forget_old(connection: Connection, before: datetime, most: int) -> int:
    """Delete requests for codes and codes of before this moment with their calls, at most so many at a time; how many.

    A code that is still under way stays, and what was to be done about one, without it.
    """
    open_ = (State.QUEUED, State.HELD, State.CLAIMED, State.UNKNOWN)
    is_over = or_(outbox.c.purpose == Purpose.RESOLVE.value, outbox.c.state.not_in([state.value for state in open_]))
    of_login = outbox.c.purpose.in_([Purpose.RESOLVE.value, Purpose.CODE.value])
    wanted = select(outbox.c.id).where(of_login, outbox.c.created_at < before, is_over).limit(most)
    ids = list(connection.execute(wanted).scalars())
    if ids:
        theirs = update(tasks).where(bulk.among(connection, tasks.c.message_id, ids))
        connection.execute(theirs.values(message_id=None))
        connection.execute(delete(attempts).where(bulk.among(connection, attempts.c.message_id, ids)))
        connection.execute(delete(outbox).where(bulk.among(connection, outbox.c.id, ids)))
    return len(ids)
