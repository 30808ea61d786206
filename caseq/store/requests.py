"""Requests for codes, looked at from the side of one person: what was asked for with this person's number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, select

from caseq.store import logins
from caseq.store.outbox import Purpose, State
from caseq.store.sealing import Sealer
from caseq.store.tables import cases, challenges, outbox, parties

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody asked for a code of a party. Until it `is_resolved` no worker has found out whom the code goes to;
    `looked_at` is when one did, or when one looks again."""

    challenge_id: int
    asked_at: datetime
    is_resolved: bool
    looked_at: datetime | None


def of_party(connection: Connection, sealer: Sealer, party_id: int, phone: str, since: datetime) -> Sequence[Request]:
    """What was asked for since then with this number for the case of this party, oldest first.

    Reads every request of this time, because what was typed is sealed; they are kept for some days only.
    """
    mine = [asked for asked in _asked(connection, sealer, since) if asked.phone == phone]
    keys = {case_key for case_key in {asked.case_key for asked in mine} if _means(connection, case_key, party_id)}
    ids = {asked.id: asked.asked_at for asked in mine if asked.case_key in keys}
    wanted = select(outbox.c.challenge_id, outbox.c.state, outbox.c.due_at, outbox.c.finished_at)
    theirs = wanted.where(outbox.c.cause.in_([f"challenge:{id_}" for id_ in ids]))
    rows = {row.challenge_id: row for row in connection.execute(theirs.where(_IS_RESOLVE))}
    return [_request(id_, asked_at, rows.get(id_)) for id_, asked_at in ids.items()]


_IS_RESOLVE = outbox.c.purpose == Purpose.RESOLVE.value


def _request(id_: int, asked_at: datetime, row: Any | None) -> Request:
    if row is None:
        return Request(id_, asked_at, True, None)
    is_resolved = row.state == State.RESOLVED
    return Request(id_, asked_at, is_resolved, row.finished_at if is_resolved else row.due_at)


def _asked(connection: Connection, sealer: Sealer, since: datetime) -> Iterator[logins.Challenge]:
    wanted = select(challenges).where(challenges.c.asked_at >= since).order_by(challenges.c.id).limit(_PAGE)
    last = 0
    while rows := connection.execute(wanted.where(challenges.c.id > last)).all():
        last = rows[-1].id
        yield from (asked for row in rows if (asked := logins.opened(sealer, row)) is not None)


def _means(connection: Connection, case_key: str, party_id: int) -> bool:
    """Whether this number finds the case of this party, as it would if the party asked."""
    found = select(parties.c.id).join(cases, cases.c.id == parties.c.case_id)
    is_there = or_(cases.c.id.in_(logins.by_number()), logins.came_from())
    return (
        connection.execute(found.where(parties.c.id == party_id, is_there), {"case_key": case_key}).first() is not None
    )
