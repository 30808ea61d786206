"""Whom a message goes to, looked up at the moment it is sent."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from caseq.errors import SealBroken
from caseq.rules.case import bureau_date
from caseq.rules.disclosure import Policy
from caseq.store import contacts
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
    `phrase` is what messages carry of the phrase agreed on: nothing where others use the telephone.
    """

    phone: str | None = field(repr=False)
    phone_hash: str | None
    phone_hashes: Collection[str]
    may_enter: bool
    wants_sms: bool
    is_broken: bool = False
    language: str = "zh"
    is_quiet: bool = True
    is_shared: bool = False
    phrase: str = field(default="", repr=False)


def recipient(connection: Connection, sealer: Sealer, policy: Policy, party_id: int, now: datetime) -> Recipient:
    """The recipient with this party id, without a number if its row was edited by hand.

    SealBroken if it is sealed with a key that is not there now: the message must wait for the key.
    """
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
        .where(parties.c.id == party_id)
    )
    row = connection.execute(wanted, days(policy, bureau_date(now))).one()
    contact = contacts.checked(connection, sealer, row, now)
    if contact.standing is Standing.UNREADABLE:
        raise SealBroken(contacts.PHONE)
    hashes = sealer.fingerprints("phone", contact.phone) if contact.phone else ()
    is_broken = contact.standing is Standing.BROKEN
    return Recipient(
        contact.phone,
        row.phone_hash,
        hashes,
        bool(row.may_enter),
        bool(row.sms) and row.sms_preferred is not False,
        is_broken,
        row.language or "zh",
        row.quiet is not False,
        bool(row.shared_phone),
        _phrase(sealer, row),
    )


def _phrase(sealer: Sealer, row: Any) -> str:
    """What messages carry of the phrase; nothing if it was edited by hand: its owner then sees that something is wrong.

    SealBroken if its key is not there now.
    """
    if row.phrase_sealed is None or row.shared_phone:
        return ""
    try:
        return sealer.unseal(wishes.phrase_purpose_of(row.id), row.phrase_sealed).decode()
    except SealBroken:
        if not sealer.knows(row.phrase_sealed):
            raise
        return ""


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
    mine = select(*contacts.COLUMNS).where(parties.c.source == source, parties.c.key.in_(keys))
    found = {}
    for row in connection.execute(mine).all():
        phone = contacts.checked(connection, sealer, row, now).phone
        if phone is not None:
            found[row.key] = Former(row.id, row.phone_hash, sealer.seal(FORMER, phone.encode()))
    return found
