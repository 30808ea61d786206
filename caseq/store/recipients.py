"""Whom a message goes to, looked up at the moment it is sent."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from caseq.errors import SealBroken
from caseq.rules.case import Role, bureau_date
from caseq.rules.disclosure import Policy
from caseq.store import bulk, contacts
from caseq.store import preferences as wishes
from caseq.store.access import days, may_enter
from caseq.store.contacts import Standing
from caseq.store.sealing import Sealer
from caseq.store.tables import cases, parties, preferences

#: What a telephone number is sealed for that a notice goes to, although it is the party's no more.
FORMER = "outbox.to"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A party as a message needs it: its number now, whether it may enter its case and wants SMS.

    `phone_hashes` are the fingerprints of the number under every live key: a message was queued with one of them.
    `is_sealed_away`: its number or phrase is sealed with a key that is not there now, so that the message must wait.
    `phrase` is what it agreed to find in our messages, never on a telephone that others use too.
    """

    case_id: int
    key: str
    role: Role
    phone: str | None = field(repr=False)
    phone_hash: str | None
    phone_hashes: Collection[str]
    may_enter: bool
    wants_sms: bool
    is_broken: bool = False
    is_sealed_away: bool = False
    language: str = "zh"
    is_quiet: bool = True
    is_shared: bool = False
    phrase: str = field(default="", repr=False)


def recipient(connection: Connection, sealer: Sealer, policy: Policy, party_id: int, now: datetime) -> Recipient:
    """The recipient with this party id, without a number if its row was edited by hand."""
    return recipients(connection, sealer, policy, [party_id], now)[party_id]


def recipients(
    connection: Connection, sealer: Sealer, policy: Policy, party_ids: Collection[int], now: datetime
) -> Mapping[int, Recipient]:
    """The recipients with these party ids."""
    wanted = (
        select(
            *contacts.COLUMNS,
            parties.c.sms,
            may_enter(policy).label("may_enter"),
            preferences.c.sms.label("sms_preferred"),
            preferences.c.language,
            preferences.c.quiet,
            preferences.c.shared_phone,
            preferences.c.phrase_sealed,
        )
        .join(cases, cases.c.id == parties.c.case_id)
        .outerjoin(preferences, preferences.c.party_id == parties.c.id)
        .where(bulk.among(connection, parties.c.id, party_ids))
    )
    rows = connection.execute(wanted, days(policy, bureau_date(now))).all()
    return {row.id: _recipient(connection, sealer, row, now) for row in rows}


def _recipient(connection: Connection, sealer: Sealer, row: Any, now: datetime) -> Recipient:
    contact, phrase = contacts.checked(connection, sealer, row, now), _phrase(sealer, row)
    return Recipient(
        case_id=row.case_id,
        key=row.key,
        role=Role(row.role),
        phone=contact.phone,
        phone_hash=row.phone_hash,
        phone_hashes=sealer.fingerprints("phone", contact.phone) if contact.phone else (),
        may_enter=bool(row.may_enter),
        wants_sms=bool(row.sms) and row.sms_preferred is not False,
        is_broken=contact.standing is Standing.BROKEN,
        is_sealed_away=contact.standing is Standing.UNREADABLE or phrase is None,
        language=row.language or "zh",
        is_quiet=row.quiet is not False,
        is_shared=bool(row.shared_phone),
        phrase=phrase or "",
    )


def _phrase(sealer: Sealer, row: Any) -> str | None:
    """What messages carry of the phrase; nothing if it was edited by hand: its owner then sees that something is wrong.

    None if its key is not there now.
    """
    if row.phrase_sealed is None or row.shared_phone:
        return ""
    try:
        return sealer.unseal(wishes.phrase_purpose_of(row.id), row.phrase_sealed).decode()
    except SealBroken:
        return "" if sealer.knows(row.phrase_sealed) else None


@dataclass(frozen=True, slots=True)
class Former:
    """The number that a party has before a push changes it, sealed for a notice."""

    party_id: int
    phone_hash: str
    sealed: str = field(repr=False)


def former(
    connection: Connection, sealer: Sealer, source: str, keys: Sequence[str], now: datetime
) -> dict[str, Former]:
    """The numbers that these parties of a source have now, by key."""
    if not keys:
        return {}
    of_source = select(*contacts.COLUMNS).where(parties.c.source == source)
    wanted = bulk.each(connection.dialect.name, of_source, parties.c.key, "keys")
    found = {}
    for row in connection.execute(wanted, {"keys": bulk.given(keys)}).all():
        phone = contacts.checked(connection, sealer, row, now).phone
        if phone is not None:
            found[row.key] = Former(row.id, row.phone_hash, sealer.seal(FORMER, phone.encode()))
    return found
