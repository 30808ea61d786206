"""Whom a message goes to, looked up at the moment it is sent."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select

from caseq.errors import SealBroken
from caseq.rules.case import bureau_date
from caseq.rules.disclosure import Policy
from caseq.store import contacts
from caseq.store.access import days, may_enter
from caseq.store.contacts import Standing
from caseq.store.sealing import Sealer
from caseq.store.tables import cases, parties


@dataclass(frozen=True, slots=True)
class Recipient:
    """A party as a message needs it: its number now, whether it may enter its case and wants SMS.

    `phone_hashes` are the fingerprints of the number under every live key: a message was queued with one of them.
    """

    phone: str | None = field(repr=False)
    phone_hash: str | None
    phone_hashes: Collection[str]
    may_enter: bool
    wants_sms: bool
    is_broken: bool = False


def recipient(connection: Connection, sealer: Sealer, policy: Policy, party_id: int, now: datetime) -> Recipient:
    """The recipient with this party id, without a number if its row was edited by hand.

    SealBroken if it is sealed with a key that is not there now: the message must wait for the key.
    """
    wanted = (
        select(*contacts.COLUMNS, parties.c.sms, may_enter(policy).label("may_enter"))
        .join(cases, cases.c.id == parties.c.case_id)
        .where(parties.c.id == party_id)
    )
    row = connection.execute(wanted, days(policy, bureau_date(now))).one()
    contact = contacts.checked(connection, sealer, row, now)
    if contact.standing is Standing.UNREADABLE:
        raise SealBroken(contacts.PHONE)
    hashes = sealer.fingerprints("phone", contact.phone) if contact.phone else ()
    is_broken = contact.standing is Standing.BROKEN
    return Recipient(contact.phone, row.phone_hash, hashes, bool(row.may_enter), bool(row.sms), is_broken)
