"""Sessions: each of one grant, found by the hash of its token, ended by a deleted row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from caseq.rules.case import bureau_date
from caseq.rules.disclosure import Policy
from caseq.store.access import days
from caseq.store.sealing import token_hash
from caseq.store.tables import codes, parties, sessions
from caseq.store.views import entered_by


def open_session(connection: Connection, token: str, party: Any, now: datetime, life: timedelta, most: int) -> int:
    """Start a session of one grant (a row with party_id, case_id, role, subject), whose party is locked; its id.

    The party then has at most so many: the oldest end.
    """
    kept = select(sessions.c.id).where(sessions.c.party_id == party.party_id)
    kept = kept.order_by(sessions.c.started_at.desc(), sessions.c.id.desc()).limit(most - 1)
    others = delete(sessions).where(sessions.c.party_id == party.party_id, sessions.c.id.not_in(kept))
    connection.execute(others)
    row = {
        "token_hash": token_hash(token),
        "party_id": party.party_id,
        "case_id": party.case_id,
        "role": party.role,
        "subject": party.subject,
        "started_at": now,
        "ends_at": now + life,
    }
    return int(connection.execute(insert(sessions).returning(sessions.c.id), row).scalar_one())


def note_entry(connection: Connection, party_id: int, now: datetime) -> None:
    """Note that this party has logged in; from then on a browser that it does not know is news to it."""
    first = update(parties).where(parties.c.id == party_id, parties.c.entered_at.is_(None))
    connection.execute(first.values(entered_at=now))


def end_session(connection: Connection, token: str) -> int | None:
    """Forget a session; its id, or None if there was none."""
    ended = delete(sessions).where(sessions.c.token_hash == token_hash(token)).returning(sessions.c.id)
    return connection.execute(ended).scalar_one_or_none()


def end_all(connection: Connection, party_id: int, now: datetime) -> None:
    """End every session of a party and use up its codes from SMS."""
    end_sessions(connection, [party_id])
    unused = (codes.c.party_id == party_id, codes.c.used_at.is_(None))
    connection.execute(update(codes).where(*unused).values(used_at=now))


def end_sessions(connection: Connection, party_ids: Sequence[int]) -> list[int]:
    """End every session of these parties; the ids of the sessions."""
    ended = delete(sessions).where(sessions.c.party_id.in_(party_ids)).returning(sessions.c.id)
    return list(connection.execute(ended).scalars())


def forget_old(connection: Connection, before: datetime) -> None:
    """Delete the sessions that ended before this moment."""
    connection.execute(delete(sessions).where(sessions.c.ends_at < before))


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session as an act of its owner needs it."""

    session_id: int
    party_id: int
    case_id: int
    started_at: datetime


def signed_in(connection: Connection, policy: Policy, token: str, now: datetime, idle: timedelta) -> SignedIn | None:
    """The session with this token, if it could look at its case now."""
    entered = entered_by(policy)
    wanted = select(entered.c.session_id, entered.c.party_id, entered.c.case_id, sessions.c.started_at)
    asked = {"token_hash": token_hash(token), "now": now, "idle_since": now - idle, **days(policy, bureau_date(now))}
    row = connection.execute(wanted.join(sessions, sessions.c.id == entered.c.session_id), asked).one_or_none()
    return None if row is None else SignedIn(*row)
