"""How messages leave the outbox's states: what a worker records, what providers and staff say."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Select,
    Update,
    and_,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)

from caseq.rules.case import RecordType
from caseq.rules.codes import CLOCKS_DIFFER
from caseq.rules.delivery import Status
from caseq.store import attempts, bulk
from caseq.store.attempts import Outcome
from caseq.store.outbox import (
    BY_STAFF,
    ENDED,
    IS_WAITING,
    JOB,
    TOLD_IN_PERSON,
    WAITING,
    Job,
    Lane,
    Purpose,
    State,
    job_of,
    unmerge,
)
from caseq.store.tables import Moment, outbox, tasks
from caseq.store.tables import attempts as calls

#: Not as IN: that cannot be executed for many rows at a time.
_IS_UNDER_WAY = or_(outbox.c.state == State.CLAIMED.value, outbox.c.state == State.UNKNOWN.value)


def _moment(name: str) -> BindParameter[datetime]:
    return bindparam(name, type_=Moment)


_NOW = _moment("now")


def end(connection: Connection, job: Job, state: State, now: datetime, reason: str | None = None) -> bool:
    """End the job, and erase what it said; False if the claim was lost to somebody else in the meantime."""
    return _change(connection, job, {**_ended(state, now), "reason": reason})


def _ended(state: State, now: datetime | None) -> dict[str, Any]:
    erased = {"body_sealed": None, "to_sealed": None, "claim": None, "lease_until": None, "ask_at": None}
    return {"state": state.value, "finished_at": now, **erased}


def mark_sent(connection: Connection, job: Job, now: datetime, ask_at: datetime) -> bool:
    """The provider took the message; at `ask_at` it is asked what became of it. False if the claim was lost."""
    values = {"state": State.SENT.value, "reason": None, "sent_at": now, "ask_at": ask_at, "claim": None, "asked": 0}
    return _change(connection, job, values)


def mark_all_sent(connection: Connection, jobs: Sequence[Job], now: datetime, ask_at: datetime) -> None:
    """The provider took these messages; those whose claim was lost stay as somebody else left them."""
    connection.execute(_sending(), [{"the_id": j.id, "the_claim": j.claim, "now": now, "later": ask_at} for j in jobs])


@cache
def _sending() -> Update:
    mine = update(outbox).where(
        outbox.c.id == bindparam("the_id"), outbox.c.claim == bindparam("the_claim"), _IS_UNDER_WAY
    )
    return mine.values(state=State.SENT.value, reason=None, sent_at=_NOW, ask_at=_moment("later"), claim=None, asked=0)


def taken_unnoticed(connection: Connection, attempt_ids: Collection[int]) -> Sequence[int]:
    """The messages of these calls of which nobody knows yet that the provider took them: their claim was lost."""
    asked = {"ids": bulk.given(attempt_ids)}
    return list(connection.execute(_taken_unnoticed(connection.dialect.name), asked).scalars())


@cache
def _taken_unnoticed(dialect: str) -> Select[Any]:
    states = (*WAITING, State.CLAIMED, State.UNKNOWN)
    taken = select(outbox.c.id).join(calls, calls.c.message_id == outbox.c.id)
    return taken.where(
        bulk.among_given(dialect, calls.c.id, "ids"),
        calls.c.outcome == Outcome.ACCEPTED.value,
        func.coalesce(calls.c.status, "") != Status.FAILED.value,
        outbox.c.state.in_([state.value for state in states]),
    )


def put_back(connection: Connection, job: Job, due_at: datetime, reason: str, state: State = State.QUEUED) -> bool:
    """Let the job wait for a later moment; False if the claim was lost."""
    values = {"state": state.value, "due_at": due_at, "reason": reason, "claim": None, "ask_at": None}
    held = _change(connection, job, values)
    if held:
        unmerge(connection, job.id, due_at)
    return held


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
    held = mine.where(_IS_UNDER_WAY)
    return connection.execute(held.values(values).returning(outbox.c.id)).first() is not None


def still_holds(connection: Connection, job: Job) -> bool:
    """Whether the message is still this claim's."""
    mine = select(outbox.c.id).where(outbox.c.id == job.id, outbox.c.claim == job.claim).with_for_update()
    return connection.execute(mine).first() is not None


def give_up_leases(connection: Connection, now: datetime, lease: timedelta, ask_after: timedelta) -> int:
    """Mark as unknown what a worker claimed and did not report in its lease; how many rows that were.

    They are asked about after the whole of `ask_after`, counted from now and not from the claim: if the clock was set
    forward, or this worker's is ahead of the other's, the lease may not be over at all and the call be under way. A
    lease that ends later than any lease can is one of before the clock was set back. Rows that somebody is just
    recording are left alone: a worker that was stopped in the middle of that must not stop all others.
    """
    asked = {"now": now, "longest": now + 2 * lease, "later": now + ask_after}
    return len(connection.execute(_giving_up(), asked).all())


@cache
def _giving_up() -> Update:
    is_over = or_(outbox.c.lease_until < _NOW, outbox.c.lease_until > _moment("longest"))
    over = select(outbox.c.id).where(outbox.c.state == State.CLAIMED.value, is_over)
    found = over.with_for_update(skip_locked=True).cte("over")
    lost = update(outbox).where(outbox.c.id.in_(select(found.c.id)), outbox.c.state == State.CLAIMED.value, is_over)
    values = {"state": State.UNKNOWN.value, "ask_at": _moment("later"), "reason": "worker lost", "claim": None}
    given_up: Update = lost.values(values).returning(outbox.c.id)
    return given_up


def catch_up(connection: Connection, now: datetime, ask_after: timedelta) -> None:
    """After the clock was set back: ask in time of what is unknown, and forget codes that were asked for by the other
    clock; they are not to come to life a second time."""
    asked = {"now": now, "longest": now + 2 * ask_after, "later": now + ask_after, "of_other": now + CLOCKS_DIFFER}
    for statement in _catching_up():
        connection.execute(statement, asked)


@cache
def _catching_up() -> tuple[Update, Update]:
    unknown = update(outbox).where(outbox.c.state == State.UNKNOWN.value, outbox.c.ask_at > _moment("longest"))
    is_code = outbox.c.purpose.in_([Purpose.CODE.value, Purpose.RESOLVE.value])
    later = _moment("of_other")
    of_other_clock = and_(outbox.c.lane == Lane.CODES.value, outbox.c.due_at > later, outbox.c.created_at > later)
    dropped = update(outbox).where(IS_WAITING, of_other_clock, is_code)
    ended = {**_ended(State.DROPPED, None), "finished_at": _NOW, "reason": "the clock was set back"}
    return unknown.values(ask_at=_moment("later")), dropped.values(ended)


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
    """Have the provider asked of these messages soon, if they were sent and wait for news: somebody says there is some.

    A message of unknown outcome keeps its time: a provider that is asked too early does not list it yet, and then it
    would be sent again.
    """
    is_open = and_(outbox.c.ask_at > now, outbox.c.state == State.SENT.value)
    connection.execute(update(outbox).where(bulk.among(connection, outbox.c.id, ids), is_open).values(ask_at=now))


def hear(
    connection: Connection,
    message_id: int,
    state: State,
    now: datetime,
    reason: str | None,
    ask_at: datetime,
) -> Job | None:
    """Take what the provider says of one attempt of a message; the message as it was, None if it stays so.

    At `ask_at` the provider is asked for more, if this is not the end.

    A receipt may come before the worker's own record, after a reset, or when the message was already queued again. That
    one attempt failed counts only if no other one brought the message, or may yet.
    """
    row = connection.execute(select(*JOB).where(outbox.c.id == message_id).with_for_update()).first()
    if row is None:
        return None
    job = job_of(row)
    # By a statement of its own, now that the message is locked: it sees the attempts that others began until then.
    if state is State.FAILED and attempts.alive(connection, message_id):
        return None
    is_open = job.state not in ENDED or (job.state is State.FAILED and state is State.DELIVERED)
    if not is_open or (state is State.SENT and job.state in (State.SENT, State.NEEDS_HUMAN)):
        return None
    values: dict[str, Any] = {**_ended(state, now), "reason": reason, "sent_at": job.sent_at or now}
    if state is State.SENT:
        values = {"state": state.value, "reason": None, "claim": None, "sent_at": now, "asked": 0, "ask_at": ask_at}
    connection.execute(update(outbox).where(outbox.c.id == message_id).values(values))
    return job


def queue_again(
    connection: Connection, message_id: int, due_at: datetime, reason: str, to_sealed: str | None = None
) -> bool:
    """Send this message once more, when it failed or waits for a human; a code never. Whether it was so.

    `to_sealed` is where a notice goes that does not go to the party's number of now: the end of the row erased it, and
    without it such a notice is not sent again.
    """
    mine = update(outbox).where(
        outbox.c.id == message_id,
        outbox.c.purpose != Purpose.CODE.value,
        or_(outbox.c.purpose != Purpose.NUMBER.value, literal(to_sealed is not None)),
        outbox.c.state.in_([State.FAILED.value, State.NEEDS_HUMAN.value]),
    )
    values = {"state": State.QUEUED.value, "due_at": due_at, "reason": reason, "finished_at": None, "claim": None}
    queued = mine.values({**values, "to_sealed": to_sealed}).returning(outbox.c.id)
    if connection.execute(queued).first() is None:
        return False
    unmerge(connection, message_id, due_at)
    return True


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
        connection.execute(delete(calls).where(bulk.among(connection, calls.c.message_id, ids)))
        connection.execute(delete(outbox).where(bulk.among(connection, outbox.c.id, ids)))
    return len(ids)
