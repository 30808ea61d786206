"""The contact of a party: its number, bound to the grant it opens, so that a row edited by hand is noticed.

A sealed number opens in the row of its own source and key only; a keyed hash over source, key, case, role, suspect and
the fingerprint of the number holds the row together. Both are made by a push and by nobody who has the database alone.
Rows of before that (0007) have neither; they are good as long as a mark says so, which `caseq keys rotate` takes away
when it has bound all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any

import structlog
from sqlalchemy import Connection, delete, func, select, update

from caseq.errors import SealBroken
from caseq.store import auditing
from caseq.store.sealing import Sealer, array, bound
from caseq.store.tables import marks, parties

log = structlog.get_logger("caseq.contacts")

NAME, PHONE, PHONE_AS_GIVEN = "parties.name", "parties.phone", "parties.phone_as_given"
_MAC = "parties.contact"
_FACTS = ("source", "key", "case_id", "role", "subject", "phone_hash")
#: What it takes to check a contact.
COLUMNS = (parties.c.id, *(parties.c[name] for name in _FACTS), parties.c.phone_sealed, parties.c.contact_mac)
_UNBOUND, _UNBOUND_SEAL = "unbound contacts", "marks.unbound contacts"


class Standing(Enum):
    """Whether a row is as the service wrote it; UNREADABLE: under a key that is not in CASEQ_SECRET_KEY."""

    INTACT = auto()
    BROKEN = auto()
    UNREADABLE = auto()


@dataclass(frozen=True, slots=True)
class Contact:
    """The number of a party (None if it has none, or none that may be used) and what its row is worth."""

    phone: str | None = field(repr=False)
    standing: Standing


_BROKEN = Contact(None, Standing.BROKEN)
_UNREADABLE = Contact(None, Standing.UNREADABLE)


def mac(sealer: Sealer, facts: Mapping[str, Any]) -> str:
    """What holds a row of `parties` together, from its columns by name."""
    return sealer.signature(_MAC, _text(facts))


def _text(facts: Mapping[str, Any]) -> str:
    return array(*[facts[name] for name in _FACTS])


def read(sealer: Sealer, row: Any, is_unbound_good: bool) -> Contact:
    """The contact of a row with COLUMNS."""
    if row.contact_mac is None:
        return _read_unbound(sealer, row, is_unbound_good)
    if not sealer.has(row.contact_mac.partition(".")[0]):
        # One push writes both under one key: only a row of which nothing can be opened speaks of a lost key.
        is_lost = row.phone_sealed is None or not sealer.knows(row.phone_sealed)
        return _UNREADABLE if is_lost else _BROKEN
    if not sealer.is_signature(_MAC, _text(row._asdict()), row.contact_mac):
        return _BROKEN
    return _opened(sealer, row, bound(PHONE, row.source, row.key))


def _read_unbound(sealer: Sealer, row: Any, is_good: bool) -> Contact:
    if row.phone_sealed is None and row.phone_hash is None:
        return Contact(None, Standing.INTACT)
    if not is_good:
        return _BROKEN
    if row.phone_sealed is not None and not sealer.knows(row.phone_sealed):
        return _UNREADABLE
    return _opened(sealer, row, PHONE)


def _opened(sealer: Sealer, row: Any, purpose: str) -> Contact:
    """The number, if it is sealed for this row and is the one that is looked up by."""
    if row.phone_sealed is None or row.phone_hash is None:
        return _BROKEN if row.phone_sealed != row.phone_hash else Contact(None, Standing.INTACT)
    try:
        phone = sealer.unseal(purpose, row.phone_sealed).decode()
    except SealBroken:
        return _BROKEN
    is_its_own = row.phone_hash in sealer.fingerprints("phone", phone)
    return Contact(phone, Standing.INTACT) if is_its_own else _BROKEN


def checked(connection: Connection, sealer: Sealer, row: Any, now: datetime) -> Contact:
    """The contact of a row with COLUMNS; that it was edited by hand is noted, audited once, and logged."""
    contact = read(sealer, row, row.contact_mac is not None or are_unbound_good(connection, sealer))
    if contact.standing is Standing.BROKEN:
        note_broken(connection, row.id, row.case_id, now)
    return contact


def is_intact(connection: Connection, sealer: Sealer, row: Any, now: datetime) -> bool:
    """Whether a row with COLUMNS that was found by its number is as the service wrote it, else as in `checked`.

    Its number was found under a live key, so that nothing else of it may be under a lost one.
    """
    contact = checked(connection, sealer, row, now)
    if contact.standing is Standing.UNREADABLE:
        note_broken(connection, row.id, row.case_id, now)
    return contact.standing is Standing.INTACT


def name_of(connection: Connection, sealer: Sealer, party_id: int) -> str:
    """The name of this party, "" if it has none; SealBroken if it cannot be opened."""
    wanted = select(parties.c.source, parties.c.key, parties.c.name_sealed, parties.c.contact_mac)
    row = connection.execute(wanted.where(parties.c.id == party_id)).one()
    if row.name_sealed is None:
        return ""
    purpose = NAME if row.contact_mac is None else bound(NAME, row.source, row.key)
    return sealer.unseal(purpose, row.name_sealed).decode()


def note_broken(connection: Connection, party_id: int, case_id: int, now: datetime) -> None:
    """Note that the contact of this party was found edited by hand."""
    noted = update(parties).where(parties.c.id == party_id, parties.c.contact_broken_at.is_(None))
    first = noted.values(contact_broken_at=now).returning(parties.c.id)
    if connection.execute(first).first() is not None:
        auditing.record(connection, "contact_broken", now, party_id=party_id, case_id=case_id)
    log.error("contact_broken", party=party_id, case=case_id)


def count_broken(connection: Connection) -> int:
    """How many parties have a contact that was found edited by hand, and was not pushed again since."""
    noticed = select(func.count()).select_from(parties).where(parties.c.contact_broken_at.is_not(None))
    return int(connection.execute(noticed).scalar_one())


def are_unbound_good(connection: Connection, sealer: Sealer) -> bool:
    """Whether contacts of before 0007 are still good; whoever has no key cannot make it so."""
    seal = connection.execute(select(marks.c.seal).where(marks.c.name == _UNBOUND)).scalar_one_or_none()
    try:
        return seal is not None and sealer.unseal(_UNBOUND_SEAL, seal) == b""
    except SealBroken:
        return False


def end_unbound(connection: Connection) -> None:
    """From now on a contact that is not bound to its party is none."""
    connection.execute(delete(marks).where(marks.c.name == _UNBOUND))
