"""Challenges and the codes that were made for them. Every count and every use is one statement."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
    update,
)

from caseq.rules import codes as one_time
from caseq.rules.case import RecordType, bureau_date
from caseq.rules.disclosure import Policy
from caseq.rules.fairness import MadeCode
from caseq.rules.guesses import SMS_CODE
from caseq.store import contacts
from caseq.store.access import days, may_enter
from caseq.store.casenumbers import numbered
from caseq.store.guessing import NOBODY, Stake
from caseq.store.sealing import Sealer, token_hash
from caseq.store.tables import cases, challenges, codes, history, parties, preferences

_ASKED = "challenges.asked"
_CASE_KEY = bindparam("case_key", type_=String)
KNOWN = bindparam("known", type_=BigInteger, expanding=True)
IS_KNOWN = bindparam("is_known", type_=Boolean)
_CHALLENGES = bindparam("challenges", type_=BigInteger, expanding=True)
#: What a session is opened of.
GRANT = (
    *contacts.COLUMNS,
    parties.c.id.label("party_id"),
    parties.c.entered_at,
    select(preferences.c.shared_phone)
    .where(preferences.c.party_id == parties.c.id, preferences.c.shared_phone)
    .exists()
    .label("is_shared"),
)


@dataclass(frozen=True, slots=True)
class Challenge:
    """A request for a code: what was typed (normal forms; phone None if it is no mobile number), by whom, its life."""

    id: int
    key_id: str
    language: str
    case_key: str
    phone: str | None
    known: frozenset[int]
    network_hash: str
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
    case_id: int
    role: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed, in normal form, and of the browser: the parties that logged in there, and its network's hash."""

    case_key: str
    phone: str | None
    known: frozenset[int]
    network_hash: str


def add_challenge(
    connection: Connection,
    sealer: Sealer,
    handle: str,
    language: str,
    asked: Asked,
    now: datetime,
    expires_at: datetime,
) -> int:
    """Store a request for a code, with what was asked sealed; returns its id."""
    sealed = json.dumps([asked.case_key, asked.phone, sorted(asked.known), asked.network_hash])
    row = {
        "handle_hash": token_hash(handle),
        "key_id": sealer.key_id,
        "language": language,
        "asked_sealed": sealer.seal(_ASKED, sealed.encode()),
        "asked_at": now,
        "expires_at": expires_at,
        "tries": 0,
    }
    return int(connection.execute(insert(challenges).returning(challenges.c.id), row).scalar_one())


def challenge(connection: Connection, sealer: Sealer, id_: int) -> Challenge | None:
    """The challenge with this id; None if there is none, or its key was taken out of CASEQ_SECRET_KEY since."""
    row = connection.execute(select(challenges).where(challenges.c.id == id_)).one_or_none()
    return None if row is None else opened(sealer, row)


def opened(sealer: Sealer, row: Any) -> Challenge | None:
    """The challenge of this row; None if its key was taken out of CASEQ_SECRET_KEY since."""
    if not sealer.knows(row.asked_sealed):
        return None
    case_key, phone, *rest = json.loads(sealer.unseal(_ASKED, row.asked_sealed))
    known, network_hash = rest or ((), "")  # none: asked before the last upgrade
    who = (frozenset(known), network_hash)
    return Challenge(row.id, row.key_id, row.language, case_key, phone, *who, row.asked_at, row.expires_at)


def spend_try(connection: Connection, handles: Sequence[str], tries: int, now: datetime) -> list[Tried]:
    """Count one try on each live challenge of these handles; those that had none left, or are over, are missing."""
    live = (
        challenges.c.handle_hash.in_([token_hash(handle) for handle in handles]),
        challenges.c.tries < tries,
        _is_alive(now),
    )
    spent = update(challenges).where(*live).values(tries=challenges.c.tries + 1)
    rows = connection.execute(spent.returning(challenges.c.id, challenges.c.key_id, challenges.c.tries))
    return [Tried(row.id, row.key_id, row.tries) for row in rows]


def _is_alive(now: datetime) -> ColumnElement[bool]:
    """The same as rules/codes.is_in_time."""
    return and_(challenges.c.expires_at > now, challenges.c.asked_at <= now + one_time.CLOCKS_DIFFER)


def any_alive(connection: Connection, handles: Sequence[str], now: datetime) -> bool:
    """Whether any of the challenges is still within its time, whatever became of its tries."""
    hashes = [token_hash(handle) for handle in handles]
    alive = select(challenges.c.id).where(challenges.c.handle_hash.in_(hashes), _is_alive(now))
    return connection.execute(alive.limit(1)).first() is not None


def _at_stake() -> Select[Any]:
    mine = codes.c.party_id.in_(KNOWN) == IS_KNOWN
    where = (codes.c.challenge_id.in_(_CHALLENGES), codes.c.used_at.is_(None), mine)
    cost = (func.count() * SMS_CODE).label("cost")
    each = select(codes.c.party_id, cost).where(*where).group_by(codes.c.party_id)
    nobody = select(NOBODY, literal(SMS_CODE, Integer))
    return select(union_all(each, nobody.where(~select(codes.c.n).where(*where).exists())).subquery())


#: A guess at the codes of these `challenges`: each unused one may be right. `known` are the parties that the browser
#: logged in as before; with `is_known` a guess is at those, otherwise at the others. Where there is none, nobody
#: stands in, so that as much is written.
AT_STAKE = Stake(_at_stake())


def use_code(
    connection: Connection,
    sealer: Sealer,
    policy: Policy,
    challenge_id: int,
    n: int,
    paid: Collection[int],
    now: datetime,
) -> Any | None:
    """Use the n-th code of a challenge, once: its row of GRANT, or None.

    None if it was used before, was never made, is of a party for whom the guess was not `paid`, or its party may not
    enter any more, has another number than it was sent to, or was edited.
    """
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
            codes.c.party_id.in_(paid),
            party.exists(),
        )
        .values(used_at=now)
        .returning(codes.c.party_id)
    )
    party_id = connection.execute(used, days(policy, bureau_date(now))).scalar_one_or_none()
    if party_id is None:
        return None
    # Locked, so that a push of another number waits until the session is there, and then ends it; and so that two
    # logins of one party count its sessions one after the other.
    held = select(*GRANT).where(parties.c.id == party_id, has_its_number)
    row = connection.execute(held.with_for_update(key_share=True, of=parties)).one_or_none()
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
            or_(cases.c.id.in_(by_number()), came_from()),
            parties.c.phone_hash.in_(_hashes(sealer, asked)),
            may_enter(policy),
        )
        .order_by(parties.c.id)
        .limit(most)
    )
    rows = connection.execute(found, {"case_key": asked.case_key, **days(policy, bureau_date(now))}).all()
    return [
        Reachable(row.id, row.phone_hash, row.case_id, row.role)
        for row in rows
        if contacts.is_intact(connection, sealer, row, now)
    ]


def by_number() -> Any:
    """Selects the ids of the cases that have or had the number `case_key`."""
    return numbered(_CASE_KEY)


def came_from() -> ColumnElement[bool]:
    """Whether the party was once in one of the cases asked for, which were merged, split or numbered anew since.

    An old number finds only those who were there: others must not learn from it what was merged with their case.
    """
    was_there = select(history.c.id).where(
        history.c.case_id.in_(by_number()),
        history.c.source == parties.c.source,
        history.c.record == RecordType.PARTY.value,
        history.c.key == parties.c.key,
    )
    return was_there.exists()


def codes_made(connection: Connection, party_id: int, since: datetime) -> list[MadeCode]:
    """The codes made for a party since then."""
    made = select(codes.c.share, codes.c.network_hash, codes.c.made_at)
    rows = connection.execute(made.where(codes.c.party_id == party_id, codes.c.made_at > since))
    return [MadeCode(*row) for row in rows]


def codes_of_phone(connection: Connection, phone_hash: str, since: datetime) -> int:
    """How many codes went to this number since then."""
    made = select(func.count()).where(codes.c.phone_hash == phone_hash, codes.c.made_at > since)
    return connection.execute(made).scalar_one()


def codes_of_case(connection: Connection, case_id: int, since: datetime) -> int:
    """How many codes were made for all parties of a case since then."""
    made = select(func.count()).select_from(codes).join(parties, parties.c.id == codes.c.party_id)
    return connection.execute(made.where(parties.c.case_id == case_id, codes.c.made_at > since)).scalar_one()


def codes_of_site(connection: Connection, since: datetime) -> int:
    """How many codes were made since then."""
    return connection.execute(select(func.count()).where(codes.c.made_at > since)).scalar_one()


def add_code(
    connection: Connection, challenge: Challenge, n: int, party: Reachable, share: str, made_at: datetime
) -> None:
    row = {
        "challenge_id": challenge.id,
        "n": n,
        "party_id": party.party_id,
        "phone_hash": party.phone_hash,
        "made_at": made_at,
        "share": share,
        "network_hash": challenge.network_hash,
    }
    connection.execute(insert(codes), row)


def forget_old(connection: Connection, before: datetime) -> None:
    """Delete the challenges that ended before this moment, and their codes."""
    old = select(challenges.c.id).where(challenges.c.expires_at < before)
    connection.execute(delete(codes).where(codes.c.challenge_id.in_(old)))
    connection.execute(delete(challenges).where(challenges.c.expires_at < before))
