"""Where something is sealed or fingerprinted, and how one row of it is sealed anew under the newest key."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Column, Table

from caseq.errors import SealBroken
from caseq.store import complaints as complaining
from caseq.store import contacts, corrections, deadnumbers, files, pushes, recipients, voices, ways, writing
from caseq.store import outbox as messages
from caseq.store import preferences as wishes
from caseq.store.contacts import Standing
from caseq.store.release_tables import EVENT
from caseq.store.sealing import Sealer, bound
from caseq.store.staff_tables import TOTP
from caseq.store.tables import (
    authenticators,
    challenges,
    complaints,
    dead_numbers,
    file_batches,
    history,
    number_changes,
    outbox,
    parked,
    parties,
    preferences,
    quarantine,
    ratings,
    releases,
    staff,
)
from caseq.store.tables import corrections as correction_rows

Values = dict[str, Any]
#: The new values of a row; those that cannot be opened are missing. The last argument: are unbound contacts good?
Renew = Callable[[Sealer, Any, bool], Values]


@dataclass(frozen=True)
class Shelf:
    """A table with `sealed` columns. What is `hashed` is made anew with them, and `read` is what else that takes.

    `signed` is a hashed column that begins with the id of its key; in a table `behind_pushes` a push may write a row
    that a new hash collides with, so that pushes of its source must wait for a moment.
    """

    table: Table
    sealed: tuple[Column[Any], ...]
    renew: Renew
    hashed: tuple[Column[Any], ...] = ()
    read: tuple[Column[Any], ...] = ()
    signed: Column[Any] | None = None
    behind_pushes: bool = False

    @property
    def key(self) -> tuple[Column[Any], ...]:
        return tuple(self.table.primary_key.columns)

    @property
    def has_contacts(self) -> bool:
        return self.signed is not None

    @property
    def written(self) -> tuple[Column[Any], ...]:
        return self.sealed + self.hashed

    def is_whole(self, row: Any, values: Values) -> bool:
        """Whether nothing of this row has to be left as it is."""
        there = {column.name for column in self.sealed if getattr(row, column.name) is not None}
        return there <= values.keys() and (self.signed is None or self.signed.name in values)


def _renew_party(sealer: Sealer, row: Any, is_unbound_good: bool) -> Values:
    is_bound = row.contact_mac is not None
    contact = contacts.read(sealer, row, is_unbound_good)
    if contact.standing is not Standing.INTACT and not is_bound:
        return {}
    values = _contact(sealer, row, contact.phone) if contact.standing is Standing.INTACT else {}
    for name, purpose in (("name_sealed", contacts.NAME), ("phone_as_given_sealed", contacts.PHONE_AS_GIVEN)):
        of_row = bound(purpose, row.source, row.key)
        values |= _anew(sealer, name, getattr(row, name), of_row if is_bound else purpose, of_row)
    return values


def _contact(sealer: Sealer, row: Any, phone: str | None) -> Values:
    phone_hash = sealer.fingerprint("phone", phone) if phone else None
    mac = contacts.mac(sealer, {**row._asdict(), "phone_hash": phone_hash})
    values: Values = {"phone_hash": phone_hash, "contact_mac": mac}
    if phone:
        values["phone_sealed"] = sealer.seal(bound(contacts.PHONE, row.source, row.key), phone.encode())
    return values


def _anew(sealer: Sealer, name: str, token: str | None, purpose: str, new_purpose: str | None = None) -> Values:
    try:
        return {} if token is None else {name: sealer.seal_anew(purpose, token, new_purpose)}
    except SealBroken:
        return {}


def _renew_history(sealer: Sealer, row: Any, _: bool) -> Values:
    return _anew(sealer, "state_sealed", row.state_sealed, writing.STATE)


def _renew_parked(sealer: Sealer, row: Any, _: bool) -> Values:
    return _anew(sealer, "event_sealed", row.event_sealed, pushes.PARKED)


def _renew_release(sealer: Sealer, row: Any, _: bool) -> Values:
    return _anew(sealer, "event_sealed", row.event_sealed, EVENT)


def _renew_totp(sealer: Sealer, row: Any, _: bool) -> Values:
    return _anew(sealer, "totp_sealed", row.totp_sealed, bound(TOTP, row.badge))


def _renew_refused(sealer: Sealer, row: Any, _: bool) -> Values:
    try:
        event = sealer.unseal(pushes.REFUSED, row.event_sealed)
    except SealBroken:
        return {}
    event_hash = sealer.fingerprint(pushes.REFUSED, sha256(event).hexdigest())
    return {"event_sealed": sealer.seal(pushes.REFUSED, event), "event_hash": event_hash}


def _renew_app(sealer: Sealer, row: Any, _: bool) -> Values:
    return _anew(sealer, "secret_sealed", row.secret_sealed, ways.purpose_of(row.party_id))


def _renew_wishes(sealer: Sealer, row: Any, _: bool) -> Values:
    safe = _anew(sealer, "safe_contact_sealed", row.safe_contact_sealed, wishes.purpose_of(row.party_id))
    return safe | _anew(sealer, "phrase_sealed", row.phrase_sealed, wishes.phrase_purpose_of(row.party_id))


def _renew_rating(sealer: Sealer, row: Any, _: bool) -> Values:
    return _anew(sealer, "text_sealed", row.text_sealed, voices.purpose_of(row.party_id, row.month))


def _renew_complaint(sealer: Sealer, row: Any, _: bool) -> Values:
    values: Values = {}
    for name in complaining.TEXTS:
        values |= _anew(sealer, name, getattr(row, name), complaining.purpose_of(name, row.party_id, row.n))
    return values


def _renew_message(sealer: Sealer, row: Any, _: bool) -> Values:
    values = _anew(sealer, "to_sealed", row.to_sealed, recipients.FORMER)
    return values | _anew(sealer, "body_sealed", row.body_sealed, messages.body_purpose(row.id))


def _renew_dead_number(sealer: Sealer, row: Any, _: bool) -> Values:
    try:
        phone = sealer.unseal(deadnumbers.PHONE, row.phone_sealed).decode()
    except SealBroken:
        return {}
    sealed = sealer.seal(deadnumbers.PHONE, phone.encode())
    return {"phone_sealed": sealed, "phone_hash": sealer.fingerprint("phone", phone)}


def _renew_number_change(sealer: Sealer, row: Any, _: bool) -> Values:
    was = _anew(sealer, "was_sealed", row.was_sealed, corrections.purpose(corrections.WAS, row.party_id))
    wanted = corrections.purpose(corrections.WANTED, row.party_id)
    return was | _anew(sealer, "phone_sealed", row.phone_sealed, wanted)


def _renew_correction(sealer: Sealer, row: Any, _: bool) -> Values:
    stated = corrections.purpose(corrections.STATED, row.party_id)
    return _anew(sealer, "stated_sealed", row.stated_sealed, stated)


def _renew_file(sealer: Sealer, row: Any, _: bool) -> Values:
    purpose = bound(files.BODY, row.source, row.batch)
    try:
        digest = sealer.unseal(purpose, row.body_sealed)
    except SealBroken:
        return {}
    return {"body_sealed": sealer.seal(purpose, digest), "body_hash": sealer.fingerprint(files.BODY, digest.decode())}


SHELVES = (
    Shelf(
        parties,
        sealed=(parties.c.name_sealed, parties.c.phone_sealed, parties.c.phone_as_given_sealed),
        renew=_renew_party,
        hashed=(parties.c.phone_hash, parties.c.contact_mac),
        read=(parties.c.source, parties.c.key, parties.c.case_id, parties.c.role, parties.c.subject),
        signed=parties.c.contact_mac,
    ),
    Shelf(parked, sealed=(parked.c.event_sealed,), renew=_renew_parked),
    Shelf(releases, sealed=(releases.c.event_sealed,), renew=_renew_release),
    Shelf(staff, sealed=(staff.c.totp_sealed,), renew=_renew_totp, read=(staff.c.badge,)),
    Shelf(
        quarantine,
        sealed=(quarantine.c.event_sealed,),
        renew=_renew_refused,
        hashed=(quarantine.c.event_hash,),
        read=(quarantine.c.source,),
        behind_pushes=True,
    ),
    Shelf(
        file_batches,
        sealed=(file_batches.c.body_sealed,),
        renew=_renew_file,
        hashed=(file_batches.c.body_hash,),
    ),
    Shelf(authenticators, sealed=(authenticators.c.secret_sealed,), renew=_renew_app),
    Shelf(
        preferences,
        sealed=(preferences.c.safe_contact_sealed, preferences.c.phrase_sealed),
        renew=_renew_wishes,
    ),
    Shelf(
        ratings,
        sealed=(ratings.c.text_sealed,),
        renew=_renew_rating,
        read=(ratings.c.party_id, ratings.c.month),
    ),
    Shelf(
        complaints,
        sealed=tuple(complaints.c[name] for name in complaining.TEXTS),
        renew=_renew_complaint,
        read=(complaints.c.party_id, complaints.c.n),
    ),
    Shelf(outbox, sealed=(outbox.c.to_sealed, outbox.c.body_sealed), renew=_renew_message),
    Shelf(
        dead_numbers,
        sealed=(dead_numbers.c.phone_sealed,),
        renew=_renew_dead_number,
        hashed=(dead_numbers.c.phone_hash,),
    ),
    Shelf(
        number_changes,
        sealed=(number_changes.c.was_sealed, number_changes.c.phone_sealed),
        renew=_renew_number_change,
        read=(number_changes.c.party_id,),
    ),
    Shelf(correction_rows, sealed=(correction_rows.c.stated_sealed,), renew=_renew_correction),
    Shelf(history, sealed=(history.c.state_sealed,), renew=_renew_history),
)

#: Sealed columns that are never sealed anew, and why.
LEFT: Mapping[Column[Any], str] = {
    challenges.c.asked_sealed: "a request for a code lives for some minutes, and its codes are made with its key"
}
