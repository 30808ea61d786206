"""Every call of a provider's "send": written down before it is made, with what came of it, and kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Update, and_, bindparam, case, func, insert, or_, select, update

from caseq.rules.delivery import Receipt, Status
from caseq.store import bulk
from caseq.store.tables import Moment, attempts, outbox

_KEY = "caseq-"


class Outcome(StrEnum):
    """What came of one call: taken, refused for good, refused for now, refused because of the account, or nobody
    knows; a call of unknown outcome may be found at the provider later, or not."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    LATER = "later"
    ACCOUNT = "account"
    UNKNOWN = "unknown"
    NOT_FOUND = "not found"


_IS_OPEN = or_(attempts.c.outcome.is_(None), attempts.c.outcome == Outcome.UNKNOWN.value)
#: What a call came out as that its provider took, or may have taken; None: nothing is known of it yet.
_MAY_BE_TAKEN = (None, Outcome.UNKNOWN, Outcome.ACCEPTED)


def key_of(attempt_id: int) -> str:
    """The key by which a provider knows this call."""
    return f"{_KEY}{attempt_id}"


def id_of(key: str) -> int | None:
    """The attempt with this key; None if it is none of ours."""
    number = key.removeprefix(_KEY)
    is_ours = key.startswith(_KEY) and number.isascii() and number.isdigit() and len(number) < 19
    return int(number) if is_ours else None


def begin(connection: Connection, calls: Sequence[tuple[int, str]], now: datetime) -> list[int]:
    """Write down that these messages (id, gateway) are about to be sent; the ids of the attempts in the same order."""
    if not calls:
        return []
    rows = [{"message_id": message_id, "gateway": gateway, "at": now} for message_id, gateway in calls]
    written = insert(attempts).returning(attempts.c.id, sort_by_parameter_order=True)
    return list(connection.execute(written, rows).scalars())


def finish(
    connection: Connection,
    attempt_id: int,
    outcome: Outcome,
    now: datetime,
    *,
    code: str | None = None,
    provider_id: str | None = None,
) -> bool:
    """Note what came of a call; False if more is known of it already, because a receipt was quicker: that stays.

    That a provider took the call is told more reliably by its own answer than by a search that did not find it. An id
    that another attempt has stays there.
    """
    known = [Outcome.UNKNOWN.value, *([Outcome.NOT_FOUND.value] if outcome is Outcome.ACCEPTED else [])]
    mine = update(attempts).where(
        attempts.c.id == attempt_id, or_(attempts.c.outcome.is_(None), attempts.c.outcome.in_(known))
    )
    values: dict[str, Any] = {"outcome": outcome.value, "ended_at": now, "code": code}
    if provider_id is not None:
        values["provider_id"] = case((_is_of_another(provider_id), attempts.c.provider_id), else_=provider_id)
    return connection.execute(mine.values(values).returning(attempts.c.id)).first() is not None


def _is_of_another(provider_id: str) -> ColumnElement[bool]:
    """Whether another attempt at the same provider has this id of the provider's."""
    other = attempts.alias("other")
    same = select(other.c.id).where(other.c.gateway == attempts.c.gateway, other.c.id != attempts.c.id)
    return same.where(other.c.provider_id == provider_id).exists()


def finish_accepted(connection: Connection, taken: Sequence[tuple[int, str]], now: datetime) -> None:
    """Note that a provider took these calls (id, the provider's id of the message), as `finish` does for one.

    Its own answer says so more reliably than a search that did not find the message.
    """
    rows = [{"the_id": attempt_id, "the_provider_id": provider_id, "now": now} for attempt_id, provider_id in taken]
    connection.execute(_accepting(), rows)


@cache
def _accepting() -> Update:
    is_open = or_(_IS_OPEN, attempts.c.outcome == Outcome.NOT_FOUND.value)
    mine = update(attempts).where(attempts.c.id == bindparam("the_id"), is_open)
    accepted = {"outcome": Outcome.ACCEPTED.value, "provider_id": bindparam("the_provider_id")}
    return mine.values(**accepted, ended_at=bindparam("now", type_=Moment))


def hear(connection: Connection, gateway: str, attempt_id: int | None, receipt: Receipt, now: datetime) -> int | None:
    """Note a receipt, by our key or by the provider's id; the attempt, None if it is unknown or this is nothing new.

    One statement, so that of two receipts at the same moment the farther one stays, whichever comes first. An id that
    another attempt has stays there: a search at the provider may have given it to the wrong one of two.
    """
    mine = attempts.c.id == attempt_id if attempt_id is not None else attempts.c.provider_id == receipt.provider_id
    ranks = {status.value: status.rank for status in Status}
    known = func.coalesce(case(ranks, value=attempts.c.status), -1)
    heard = update(attempts).where(attempts.c.gateway == gateway, mine, known < receipt.status.rank)
    values = {
        "provider_id": receipt.provider_id,
        "status": receipt.status.value,
        "status_code": receipt.code,
        "status_at": now,
        "outcome": Outcome.ACCEPTED.value,
        "ended_at": func.coalesce(attempts.c.ended_at, now),
    }
    is_its_own = or_(attempts.c.provider_id.is_(None), attempts.c.provider_id == receipt.provider_id)
    heard = heard.where(is_its_own, ~_is_of_another(receipt.provider_id))
    return connection.execute(heard.values(values).returning(attempts.c.id)).scalars().first()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call, with the number of its message; `status` is the farthest that the provider said of it."""

    id: int
    message_id: int
    gateway: str
    at: datetime
    ended_at: datetime | None
    outcome: Outcome | None
    code: str | None
    provider_id: str | None
    status: Status | None
    status_code: str | None
    status_at: datetime | None


def of_messages(connection: Connection, message_ids: Sequence[int]) -> Mapping[int, Sequence[Attempt]]:
    """The calls of these messages, oldest first."""
    rows = connection.execute(
        select(attempts).where(attempts.c.message_id.in_(message_ids)).order_by(attempts.c.id)
    ).all()
    found: dict[int, list[Attempt]] = {}
    for row in rows:
        values = row._asdict()
        values["outcome"] = Outcome(row.outcome) if row.outcome else None
        values["status"] = Status(row.status) if row.status else None
        found.setdefault(row.message_id, []).append(Attempt(**values))
    return found


def handed_over(connection: Connection, message_id: int) -> int:
    """How often this message may have reached a provider: refusals and calls that never began do not count."""
    taken = [outcome.value for outcome in (Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.NOT_FOUND)]
    mine = select(func.count()).where(attempts.c.message_id == message_id, attempts.c.outcome.in_(taken))
    return int(connection.execute(mine).scalar_one())


def alive(connection: Connection, message_id: int) -> list[Attempt]:
    """The calls that brought this message, or may yet, oldest first: the provider took them, or may have taken them,
    and has not said that they failed."""
    calls = of_messages(connection, [message_id]).get(message_id, ())
    return [call for call in calls if call.outcome in _MAY_BE_TAKEN and call.status is not Status.FAILED]


def results_since(connection: Connection, since: datetime) -> Sequence[tuple[str, str, str, int]]:
    """How many calls since then ended how: (gateway, outcome or status, code, count)."""
    what = case(
        (attempts.c.status.is_not(None), attempts.c.status), else_=func.coalesce(attempts.c.outcome, "under way")
    ).label("what")
    code = func.coalesce(attempts.c.status_code, attempts.c.code, "").label("code")
    marked = select(attempts.c.gateway, what, code).where(attempts.c.at >= since).subquery()
    counted = select(marked.c.gateway, marked.c.what, marked.c.code, func.count())
    rows = connection.execute(counted.group_by(marked.c.gateway, marked.c.what, marked.c.code))
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def codes_of_party(connection: Connection, party_id: int, since: datetime) -> Sequence[Any]:
    """The codes that were made for a party since then, oldest first: id, challenge_id, created_at, state, reason."""
    wanted = select(outbox.c.id, outbox.c.challenge_id, outbox.c.created_at, outbox.c.state, outbox.c.reason)
    mine = wanted.where(and_(outbox.c.party_id == party_id, outbox.c.purpose == "code", outbox.c.created_at >= since))
    return connection.execute(mine.order_by(outbox.c.id)).all()


def message_of(connection: Connection, attempt_id: int) -> int:
    """The message of this call."""
    return int(connection.execute(select(attempts.c.message_id).where(attempts.c.id == attempt_id)).scalar_one())


def messages_of(connection: Connection, attempt_ids: Sequence[int]) -> set[int]:
    """The messages of these calls, of which a stranger may have named many."""
    wanted = select(attempts.c.message_id).where(bulk.among(connection, attempts.c.id, attempt_ids))
    return set(connection.execute(wanted).scalars())
