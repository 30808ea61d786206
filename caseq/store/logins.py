"""Challenges, the codes that were made for them, and sessions. Every count and every use is one statement."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    union_all,
    update,
)

from caseq.rules.case import RecordType, bureau_date
from caseq.rules.disclosure import Policy
from caseq.store import contacts
from caseq.store.access import days, may_enter
from caseq.store.sealing import Sealer, token_hash
from caseq.store.tables import case_aliases, cases, challenges, codes, history, parties, sessions

_ASKED = "challenges.asked"


@dataclass(frozen=True, slots=True)
class Challenge:
    """A request for a code: what was typed (normal forms; phone None if it is no mobile number) and its life."""

    id: int
    key_id: str
    language: str
    case_key: str
    phone: str | None
    asked_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Tried:
    """A challenge on which one more try was spent."""

    id: int
    key_id: str
    tries: int


@dataclass(frozen=True, slots=True)
class Reachable:
    """A party that may enter the case asked for, by the number asked with."""

    party_id: int
    phone_hash: str


def add_challenge(
    connection: Connection,
    sealer: Sealer,
    handle: str,
    language: str,
    asked: tuple[str, str | None],
    now: datetime,
    expires_at: datetime,
) -> int:
    """Store a request for a code, (case key, phone) sealed; returns its id."""
    row = {
        "handle_hash": token_hash(handle),
        "key_id": sealer.key_id,
        "language": language,
        "asked_sealed": sealer.seal(_ASKED, json.dumps(asked).encode()),
        "asked_at": now,
        "expires_at": expires_at,
        "tries": 0,
    }
    return int(connection.execute(insert(challenges).returning(challenges.c.id), row).scalar_one())


def challenge(connection: Connection, sealer: Sealer, id_: int) -> Challenge | None:
    """The challenge with this id; None if there is none, or its key was taken out of CASEQ_SECRET_KEY since."""
    row = connection.execute(select(challenges).where(challenges.c.id == id_)).one_or_none()
    if row is None or not sealer.knows(row.asked_sealed):
        return None
    case_key, phone = json.loads(sealer.unseal(_ASKED, row.asked_sealed))
    return Challenge(row.id, row.key_id, row.language, case_key, phone, row.asked_at, row.expires_at)


def spend_try(connection: Connection, handles: Sequence[str], tries: int, now: datetime) -> list[Tried]:
    """Count one try on each live challenge of these handles; those that had none left, or are over, are missing."""
    live = (
        challenges.c.handle_hash.in_([token_hash(handle) for handle in handles]),
        challenges.c.tries < tries,
        challenges.c.expires_at > now,
    )
    spent = update(challenges).where(*live).values(tries=challenges.c.tries + 1)
    rows = connection.execute(spent.returning(challenges.c.id, challenges.c.key_id, challenges.c.tries))
    return [Tried(row.id, row.key_id, row.tries) for row in rows]


def any_alive(connection: Connection, handles: Sequence[str], now: datetime) -> bool:
    """Whether any of the challenges is still within its time, whatever became of its tries."""
    hashes = [token_hash(handle) for handle in handles]
    alive = select(challenges.c.id).where(challenges.c.handle_hash.in_(hashes), challenges.c.expires_at > now)
    return connection.execute(alive.limit(1)).first() is not None


def use_code(
    connection: Connection, sealer: Sealer, policy: Policy, challenge_id: int, n: int, now: datetime
) -> Any | None:
    """Use the n-th code of a challenge, once: its (party_id, case_id, role, subject), or None if it was used before,
    was never made, or its party may not enter any more, has another number than it was sent to, or was edited."""
    asked = challenge(connection, sealer, challenge_id)
    has_its_number = parties.c.phone_hash.in_(_hashes(sealer, asked))
    party = (
        select(parties.c.id)
        .join(cases, cases.c.id == parties.c.case_id)
        .where(parties.c.id == codes.c.party_id, has_its_number, may_enter(policy))
    )
    used = (
        update(codes)
        .where(
            codes.c.challenge_id == challenge_id,
            codes.c.n == n,
            codes.c.used_at.is_(None),
            party.exists(),
        )
        .values(used_at=now)
        .returning(codes.c.party_id)
    )
    party_id = connection.execute(used, days(policy, bureau_date(now))).scalar_one_or_none()
    if party_id is None:
        return None
    # Locked, so that a push of another number waits until the session is there, and then ends it.
    held = select(*contacts.COLUMNS, parties.c.id.label("party_id")).where(parties.c.id == party_id, has_its_number)
    row = connection.execute(held.with_for_update(read=True)).one_or_none()
    return row if row is not None and contacts.is_intact(connection, sealer, row, now) else None


def _hashes(sealer: Sealer, asked: Challenge | None) -> tuple[str, ...]:
    """What the number asked with is stored as, under every live key."""
    return sealer.fingerprints("phone", asked.phone) if asked is not None and asked.phone is not None else ()


def reachable(
    connection: Connection, sealer: Sealer, policy: Policy, asked: Challenge, now: datetime, most: int
) -> list[Reachable]:
    """The parties who may enter the case asked for and are registered with the number asked with; none whose row was
    edited by hand."""
    if asked.phone is None:
        return []
    found = (
        select(*contacts.COLUMNS)
        .join(cases, cases.c.id == parties.c.case_id)
        .where(
            or_(cases.c.id.in_(_numbered()), _came_from(_numbered())),
            parties.c.phone_hash.in_(_hashes(sealer, asked)),
            may_enter(policy),
        )
        .order_by(parties.c.id)
        .limit(most)
    )
    rows = connection.execute(found, {"case_key": asked.case_key, **days(policy, bureau_date(now))}).all()
    return [Reachable(row.id, row.phone_hash) for row in rows if contacts.is_intact(connection, sealer, row, now)]


def _numbered() -> CompoundSelect[Any]:
    """The ids of the cases that have or had the number `case_key`, live or withdrawn."""
    named = select(case_aliases.c.case_id).where(case_aliases.c.alias_key == bindparam("case_key"))
    return union_all(select(cases.c.id).where(cases.c.number_key == bindparam("case_key")), named)


def _came_from(numbered: CompoundSelect[Any]) -> ColumnElement[bool]:
    """Whether the party was once a party of one of these cases, which were merged, split or numbered anew since.

    An old number finds only those who were there: others must not learn from it what was merged with their case.
    """
    was_there = select(history.c.id).where(
        history.c.case_id.in_(numbered),
        history.c.source == parties.c.source,
        history.c.record == RecordType.PARTY.value,
        history.c.key == parties.c.key,
    )
    return was_there.exists()


def codes_made(connection: Connection, party_id: int, since: datetime) -> tuple[int, datetime | None]:
    """How many codes were made for a party since then, and when the last one was."""
    made = select(func.count(), func.max(codes.c.made_at)).where(codes.c.party_id == party_id, codes.c.made_at > since)
    count, last = connection.execute(made).one()
    return int(count), last


def add_code(connection: Connection, challenge_id: int, n: int, party: Reachable, now: datetime) -> None:
    row = {"challenge_id": challenge_id, "n": n, "party_id": party.party_id, "phone_hash": party.phone_hash}
    connection.execute(insert(codes), {**row, "made_at": now})


def open_session(connection: Connection, token: str, party: Any, now: datetime, life: timedelta) -> int:
    """Start a session of one grant (a row of use_code); returns its id."""
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


def end_session(connection: Connection, token: str) -> int | None:
    """Forget a session; its id, or None if there was none."""
    ended = delete(sessions).where(sessions.c.token_hash == token_hash(token)).returning(sessions.c.id)
    return connection.execute(ended).scalar_one_or_none()


def end_all(connection: Connection, party_id: int, now: datetime) -> None:
    """End every session of a party and use up its codes."""
    connection.execute(delete(sessions).where(sessions.c.party_id == party_id))
    unused = (codes.c.party_id == party_id, codes.c.used_at.is_(None))
    connection.execute(update(codes).where(*unused).values(used_at=now))


def forget_old(connection: Connection, before: datetime) -> None:
    """Delete the challenges, codes and sessions that ended before this moment."""
    old = select(challenges.c.id).where(challenges.c.expires_at < before)
    connection.execute(delete(codes).where(codes.c.challenge_id.in_(old)))
    connection.execute(delete(challenges).where(challenges.c.expires_at < before))
    connection.execute(delete(sessions).where(sessions.c.ends_at < before))
