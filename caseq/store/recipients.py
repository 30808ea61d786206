"""Whom a message goes to, looked up at the moment it is sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from caseq.rules.case import bureau_date
from caseq.rules.disclosure import Policy
from caseq.store.access import days, may_enter
from caseq.store.sealing import Sealer
from caseq.store.tables import cases, parties, preferences

#: What a telephone number is sealed for that a notice goes to, although it is the party's no more.
FORMER = "outbox.to"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A party as a message needs it: its number now, whether it may enter its case and wants SMS."""

    phone: str | None = field(repr=False)
    phone_hash: str | None
    may_enter: bool
    wants_sms: bool
    language: str = "zh"
    is_quiet: bool = False
    is_shared: bool = False


def recipient(connection: Connection, sealer: Sealer, policy: Policy, party_id: int, now: datetime) -> Recipient:
    """The recipient with this party id."""
    wanted = (
        select(
            parties.c.phone_sealed,
            parties.c.phone_hash,
            parties.c.sms,
            may_enter(policy).label("may_enter"),
            preferences.c.sms.label("sms_preferred"),
            preferences.c.language,
            preferences.c.quiet,
            preferences.c.shared_phone,
        )
        .join(cases, cases.c.id == parties.c.case_id)
        .outerjoin(preferences, preferences.c.party_id == parties.c.id)
        .where(parties.c.id == party_id)
    )
    row = connection.execute(wanted, days(policy, bureau_date(now))).one()
    phone = sealer.unseal("parties.phone", row.phone_sealed).decode() if row.phone_sealed else None
    wants_sms = bool(row.sms) and row.sms_preferred is not False
    return Recipient(
        phone,
        row.phone_hash,
        bool(row.may_enter),
        wants_sms,
        row.language or "zh",
        bool(row.quiet),
        bool(row.shared_phone),
    )


@dataclass(frozen=True, slots=True)
class Former:
    """The number that a party has before a push changes it, sealed for a notice."""

    party_id: int
    phone_hash: str
    sealed: str = field(repr=False)


def former(connection: Connection, sealer: Sealer, source: str, keys: Sequence[str]) -> dict[str, Former]:
    """The numbers that these parties of a source have now, by key."""
    if not keys:
        return {}
    mine = select(parties.c.id, parties.c.key, parties.c.phone_hash, parties.c.phone_sealed)
    rows = connection.execute(mine.where(parties.c.source == source, parties.c.key.in_(keys)))
    return {
        row.key: Former(row.id, row.phone_hash, sealer.seal(FORMER, sealer.unseal("parties.phone", row.phone_sealed)))
        for row in rows
        if row.phone_sealed and row.phone_hash
    }
