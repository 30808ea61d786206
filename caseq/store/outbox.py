"""The outbox: every message that is to go out, from the transaction that causes it to its end.

queued or held (with a moment at which it is due, or none while staff hold it) -> claimed, with a lease and a claim
token -> sent -> delivered | failed, or unknown until the provider was asked. Nothing leaves these states silently:
`reason` says why a row is where it is, and `store/attempts.py` has every call of a provider.
"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Integer,
    Row,
    Update,
    and_,
    bindparam,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from caseq.rules.case import MilestoneName, RecordType
from caseq.rules.telling import Wait
from caseq.store import bulk
from caseq.store.sealing import Sealer, bound
from caseq.store.tables import Moment, outbox


class Lane(IntEnum):
    """Codes and notices that somebody waits for go first, and have what they may spend to themselves."""

    CODES = 0
    NEWS = 1


class Purpose(StrEnum):
    """What a row is for: to find out whom a code goes to, a code, news, or a notice: that an unknown device logged in,
    or, to the number that it was until now, that a party has another number."""

    RESOLVE = "resolve"
    CODE = "code"
    NEWS = "news"
    DEVICE = "device"
    NUMBER = "number"


class State(StrEnum):
    """Where a row is; MERGED: told with others, in the SMS of the row that `part_of` names."""

    QUEUED = "queued"
    HELD = "held"
    CLAIMED = "claimed"
    UNKNOWN = "unknown"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"
    MERGED = "merged"
    NEEDS_HUMAN = "needs_human"
    RESOLVED = "resolved"


WAITING = (State.QUEUED, State.HELD)
ENDED = (State.DELIVERED, State.FAILED, State.DROPPED, State.MERGED, State.RESOLVED)
#: Why news are held besides, and why they end without an SMS.
NIGHT, BY_STAFF, TOLD_IN_PERSON = "quiet hours", "held by staff", "told in person"
#: In the words of the index of what waits: SQLite uses it for no others.
IS_WAITING = outbox.c.state.in_([literal_column(f"'{state.value}'") for state in WAITING])
#: A row of `with_news_of`.
Waiting: TypeAlias = Row[Any]
_BODY = "outbox.body"
_NOW = bindparam("now", type_=Moment)


@dataclass(frozen=True, slots=True)
class News:
    """One party must hear of one change. `cause` names the record and its sequence; `before_hash` is the fingerprint
    of what the party saw of the record before, None for nothing; `wait` is why the SMS does not go out at once.

    An answer to the party is of no `record`; its `cause` names the complaint.
    """

    party_id: int
    phone_hash: str
    cause: str
    record: RecordType | None
    key: str | None
    milestone: MilestoneName | None
    formed_at: datetime
    due_at: datetime
    wait: Wait | None = None
    before_hash: str | None = None
    legal_end_at: datetime | None = None
    legal_end_provisional: bool | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed row; only the holder of `claim` may finish it."""

    id: int
    purpose: Purpose
    lane: Lane
    state: State
    reason: str | None
    claim: str
    challenge_id: int | None
    n: int | None
    party_id: int | None
    record: str | None
    key: str | None
    milestone: str | None
    before_hash: str | None
    legal_end_at: datetime | None
    phone_hash: str | None
    attempts: int
    created_at: datetime
    claimed_at: datetime | None
    asked: int
    sent_at: datetime | None
    to_sealed: str | None = field(default=None, repr=False)
    body_sealed: str | None = field(default=None, repr=False)


JOB = tuple(outbox.c[name] for name in Job.__dataclass_fields__)


def job_of(row: Row[Any]) -> Job:
    """The row of these columns as a job."""
    values = row._asdict()
    for name, kind in (("purpose", Purpose), ("lane", Lane), ("state", State)):
        values[name] = kind(values[name])
    return Job(**{name: values[name] for name in Job.__dataclass_fields__})


def add_resolve(connection: Connection, challenge_id: int, now: datetime) -> None:
    """Queue the question whom the code of this challenge goes to."""
    row = _row(Purpose.RESOLVE, f"challenge:{challenge_id}", Lane.CODES, now)
    connection.execute(insert(outbox), {**row, "challenge_id": challenge_id})


def add_code(connection: Connection, challenge_id: int, n: int, party_id: int, phone_hash: str, now: datetime) -> None:
    """Queue the n-th code of a challenge for a party."""
    row = _row(Purpose.CODE, f"challenge:{challenge_id}:{n}", Lane.CODES, now)
    whom = {"challenge_id": challenge_id, "n": n, "party_id": party_id, "phone_hash": phone_hash}
    connection.execute(insert(outbox), {**row, **whom})


def add_news(connection: Connection, news: Sequence[News], now: datetime) -> None:
    """Queue each change for its party; a cause that was queued before is not queued again."""
    rows = [
        {
            **_row(Purpose.NEWS, f"{item.party_id}:{item.cause}", Lane.NEWS, now),
            "party_id": item.party_id,
            "phone_hash": item.phone_hash,
            "record": item.record,
            "key": item.key,
            "milestone": item.milestone,
            "formed_at": item.formed_at,
            "due_at": item.due_at,
            "state": _state_of(item.wait).value,
            "reason": item.wait,
            "before_hash": item.before_hash,
            "legal_end_at": item.legal_end_at,
            "legal_end_provisional": item.legal_end_provisional,
            "finished_at": now if _state_of(item.wait) in ENDED else None,
        }
        for item in news
    ]
    bulk.put(connection, outbox, rows, key=("cause",))


def _state_of(wait: Wait | None) -> State:
    if wait is None:
        return State.QUEUED
    return State.HELD if wait in (Wait.CORRECTION, Wait.UNDO, Wait.IN_PERSON) else State.DROPPED


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
    row = {**_row(purpose, f"{purpose}:{cause}", Lane.CODES, now), **whom}
    bulk.put(connection, outbox, [row], key=("cause",))


def _row(purpose: Purpose, cause: str, lane: Lane, now: datetime) -> dict[str, Any]:
    return {
        "purpose": purpose.value,
        "cause": cause,
        "lane": lane.value,
        "state": State.QUEUED.value,
        "attempts": 0,
        "created_at": now,
        "due_at": now,
    }


def take_resolves(connection: Connection, most: int, now: datetime) -> list[int]:
    """The ids of challenges whose receivers are to be found out, marked as done in this transaction."""
    asked = {"in_lane": Lane.CODES.value, "most": most, "now": now}
    return sorted(connection.execute(_resolving(), asked).scalars())


@cache
def _resolving() -> Update:
    due = _due(outbox.c.purpose == Purpose.RESOLVE.value)
    done = update(outbox).where(outbox.c.id.in_(select(due.c.id)), IS_WAITING)
    taken: Update = done.values(state=State.RESOLVED.value, finished_at=_NOW).returning(outbox.c.challenge_id)
    return taken


def postpone_resolve(connection: Connection, challenge_id: int, due_at: datetime) -> bool:
    """Ask once more whom the code of this challenge goes to at `due_at`; False if that was done before."""
    mine = update(outbox).where(
        outbox.c.challenge_id == challenge_id, outbox.c.purpose == Purpose.RESOLVE.value, outbox.c.attempts == 0
    )
    queued = mine.values(state=State.QUEUED.value, attempts=1, due_at=due_at, finished_at=None)
    return connection.execute(queued.returning(outbox.c.id)).first() is not None


def claim(connection: Connection, lane: Lane, most: int, now: datetime, lease: timedelta) -> list[Job]:
    """Claim up to `most` messages of a lane that are due, of those that read alike one at a time for each number.

    Two of them are never under way together: the provider's list could not tell which of them it took.
    """
    if most <= 0:
        return []
    asked = {"in_lane": lane.value, "most": most, "now": now, "until": now + lease, "token": secrets.token_hex(16)}
    return sorted((job_of(row) for row in connection.execute(_claiming(), asked)), key=lambda job: job.id)


@cache
def _claiming() -> Update:
    due = _due(and_(outbox.c.purpose != Purpose.RESOLVE.value, ~_is_blocked()))
    taken = update(outbox).where(outbox.c.id.in_(select(due.c.id)), IS_WAITING)
    claimed: Update = taken.values(
        state=State.CLAIMED.value,
        claim=bindparam("token"),
        claimed_at=_NOW,
        lease_until=bindparam("until", type_=Moment),
    ).returning(*JOB)
    return claimed


def _due(also: ColumnElement[bool]) -> CTE:
    """What is due in a lane; the parameters are lane, now and most."""
    waiting = select(outbox.c.id).where(
        IS_WAITING, outbox.c.lane == bindparam("in_lane"), outbox.c.due_at <= _NOW, also
    )
    first = waiting.order_by(outbox.c.due_at, outbox.c.id).limit(bindparam("most", type_=Integer))
    return first.with_for_update(skip_locked=True).cte("due")


def _is_blocked() -> ColumnElement[bool]:
    """Whether a message that may read the same is under way to the same number, or is due before this one. Every code
    reads unlike any other, and somebody waits for it."""
    other = outbox.alias("other")
    is_earlier = or_(
        other.c.due_at < outbox.c.due_at, and_(other.c.due_at == outbox.c.due_at, other.c.id < outbox.c.id)
    )
    is_first = and_(other.c.state.in_([state.value for state in WAITING]), other.c.due_at <= _NOW, is_earlier)
    busy = or_(other.c.state.in_([State.CLAIMED.value, State.UNKNOWN.value]), is_first)
    alike = and_(other.c.purpose == outbox.c.purpose, outbox.c.purpose != Purpose.CODE.value)
    same = select(other.c.id).where(other.c.phone_hash == outbox.c.phone_hash, other.c.id != outbox.c.id, alike, busy)
    return same.exists()


def with_news_of(connection: Connection, jobs: Iterable[Job]) -> Mapping[int, Sequence[Waiting]]:
    """What else waits to be told to the parties of these jobs, by party, oldest first: id, record, key, before_hash,
    reason, due_at."""
    theirs = {job.party_id: job.id for job in jobs}
    columns = ("id", "party_id", "record", "key", "milestone", "before_hash", "reason", "created_at", "due_at")
    wanted = select(*(outbox.c[name] for name in columns)).where(
        IS_WAITING,
        outbox.c.purpose == Purpose.NEWS.value,
        outbox.c.due_at.is_not(None),
        bulk.among(connection, outbox.c.party_id, theirs),
    )
    found: dict[int, list[Waiting]] = {}
    for row in connection.execute(wanted.order_by(outbox.c.id).with_for_update(skip_locked=True)):
        found.setdefault(row.party_id, []).append(row)
    return found


def merge(connection: Connection, into: int, ids: Sequence[int], now: datetime) -> None:
    """Let these changes be told in the SMS of another row."""
    if ids:
        theirs = update(outbox).where(outbox.c.id.in_(ids), IS_WAITING)
        told = {"state": State.MERGED.value, "part_of": into, "reason": None, "finished_at": now}
        connection.execute(theirs.values(told))


def unmerge(connection: Connection, message_id: int, due_at: datetime) -> None:
    """Let the changes that were to be told in the SMS of this row wait again: it did not go out, and by the time it
    does there may be nothing to tell of its own change, but of theirs."""
    theirs = update(outbox).where(outbox.c.part_of == message_id, outbox.c.state == State.MERGED.value)
    again = {"state": State.QUEUED.value, "part_of": None, "due_at": due_at, "finished_at": None}
    connection.execute(theirs.values(again))


def drop_waiting(connection: Connection, ids: Sequence[int], reason: str, now: datetime) -> None:
    """End these waiting rows: there is nothing to tell any more."""
    if ids:
        theirs = update(outbox).where(outbox.c.id.in_(ids), IS_WAITING)
        connection.execute(theirs.values(state=State.DROPPED.value, reason=reason, finished_at=now))


def about_to_send(connection: Connection, sealer: Sealer, rows: Sequence[tuple[Job, Mapping[str, Any], int]]) -> None:
    """Write down what each claimed job is going to say (body), and by which version of its template."""
    said = [
        {
            "the_id": job.id,
            "the_body": sealer.seal(bound(_BODY, job.id), json.dumps(body, ensure_ascii=False).encode()),
            "the_template": body["template"],
            "the_version": version,
            "the_language": body["language"],
        }
        for job, body, version in rows
    ]
    if said:
        connection.execute(_saying(), said)


@cache
def _saying() -> Update:
    mine = update(outbox).where(outbox.c.id == bindparam("the_id"))
    return mine.values(
        body_sealed=bindparam("the_body"),
        template=bindparam("the_template"),
        template_version=bindparam("the_version"),
        language=bindparam("the_language"),
        attempts=outbox.c.attempts + 1,
        reason=None,
    )


def body(sealer: Sealer, job: Job) -> dict[str, Any]:
    """What the job says, as it was written down; SealBroken if it cannot be opened, ValueError if there is nothing."""
    if job.body_sealed is None:
        raise ValueError("this message was never about to be sent")
    opened: dict[str, Any] = json.loads(sealer.unseal(body_purpose(job.id), job.body_sealed))
    return opened


def body_purpose(message_id: int) -> str:
    """What the text of a message is sealed for."""
    return bound(_BODY, message_id)


def read(connection: Connection, message_id: int) -> Job | None:
    """The message with this id."""
    row = connection.execute(select(*JOB).where(outbox.c.id == message_id)).first()
    return None if row is None else job_of(row)
