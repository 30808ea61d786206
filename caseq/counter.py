"""The counter: papers are seen, and a telephone number is corrected by two persons. No number of a paper is kept."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from caseq.rules.case import Role, bureau_date
from caseq.rules.duties import Duty, Staff
from caseq.rules.numbers import mobile
from caseq.rules.papers import Paper, missing
from caseq.runtime import Runtime
from caseq.store import auditing, contacts, corrections, deskparties, outbox, pushes, recipients, sessions
from caseq.store.contacts import Standing
from caseq.store.corrections import Wanted
from caseq.store.database import Connection
from caseq.store.deskparties import DeskParty
from caseq.store.outbox import Purpose

#: So long the second person has to agree, and so recently must they have shown who they are.
WAITS = timedelta(minutes=30)
FRESH = timedelta(minutes=5)


class Refused(StrEnum):
    """Why nothing was changed."""

    NOT_YOURS = "not yours"  # the duty is another role's, or the case another unit's
    NOBODY = "nobody"
    PAPERS = "papers"  # more papers are needed in this role
    NO_MOBILE = "no mobile"  # or one that no SMS may be sent to
    SAME_NUMBER = "same number"
    WAITS = "waits"  # another correction of this party waits
    EDITED = "edited"  # the contact was edited by hand, or its key is not here
    SAME_PERSON = "same person"
    NOT_FRESH = "not fresh"  # the second person must log in again first
    GONE = "gone"  # decided, or too late
    CHANGED = "changed"  # the source stated another number meanwhile


def identify(runtime: Runtime, by: Staff, party_id: int, seen: Collection[Paper]) -> DeskParty | Refused:
    """The party whose papers a clerk has seen, noted in the audit by kind of paper; Refused if they are not enough."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        party = _at_counter(runtime, connection, by, party_id, seen, now)
        if not isinstance(party, Refused):
            _note(connection, "identity", party, by, now, {"papers": sorted(seen)})
        return party


def _at_counter(
    runtime: Runtime, connection: Connection, by: Staff, party_id: int, seen: Collection[Paper], now: datetime
) -> DeskParty | Refused:
    if not by.may(Duty.COUNTER):
        return Refused.NOT_YOURS
    party = deskparties.one(connection, runtime.settings.policy, party_id, bureau_date(now))
    if party is None or not by.is_of(party.unit_code):
        return Refused.NOBODY
    return Refused.PAPERS if missing(Role(party.role), seen) else party


def ask_number(runtime: Runtime, by: Staff, party_id: int, seen: Collection[Paper], typed: str) -> int | Refused:
    """The id of a request to correct the number of this party, which a second person must agree to."""
    now, phone = runtime.clock(), mobile(typed[:50])
    with runtime.database.transaction() as connection:
        party = _at_counter(runtime, connection, by, party_id, seen, now)
        if isinstance(party, Refused):
            return party
        if phone is None or not phone.startswith(runtime.settings.sending.prefixes):
            return Refused.NO_MOBILE
        row = corrections.contact_row(connection, party_id)
        contact = contacts.checked(connection, runtime.sealer, row, now)
        if contact.standing is not Standing.INTACT or row.contact_mac is None:
            return Refused.EDITED
        if contact.phone == phone:
            return Refused.SAME_NUMBER
        wanted = {"party_id": party_id, "asked_by": by.id, "asked_at": now, "ends_at": now + WAITS}
        papers = ",".join(sorted(seen))
        id_ = corrections.ask(connection, runtime.sealer, {**wanted, "papers": papers}, contact.phone, phone)
        if id_ is None:
            return _waiting_already(runtime, connection, by, party_id, phone, now)
        _note(connection, "number_ask", party, by, now, {"change": id_, "papers": sorted(seen)})
        return id_


def _waiting_already(
    runtime: Runtime, connection: Connection, by: Staff, party_id: int, phone: str, now: datetime
) -> int | Refused:
    """The request that the same clerk made of the same number: a form that was sent twice."""
    mine = [
        one.id
        for one in corrections.waiting(connection, runtime.sealer, now)
        if (one.party_id, one.asked_by, one.phone) == (party_id, by.id, phone)
    ]
    return mine[0] if mine else Refused.WAITS


@dataclass(frozen=True, slots=True)
class Waiting:
    """The corrections that wait: those that this person may agree to, and how many are their own."""

    to_agree: Sequence[Wanted]
    own: Sequence[Wanted]


def waiting(runtime: Runtime, by: Staff) -> Waiting:
    """The corrections of numbers that wait for a second person, as this one sees them."""
    with runtime.database.autocommit() as connection:
        found = corrections.waiting(connection, runtime.sealer, runtime.clock())
    mine = [one for one in found if by.is_of(one.unit_code)] if by.may(Duty.COSIGN) else []
    return Waiting([one for one in mine if one.asked_by != by.id], [one for one in mine if one.asked_by == by.id])


def agree(runtime: Runtime, by: Staff, change_id: int, proven_at: datetime) -> DeskParty | Refused:
    """The party whose number is corrected now, because this second person agrees.

    Its sessions and codes end, and the old number is told that it is the number no more. `proven_at` is when this
    person last showed who they are with password and code.
    """
    now = runtime.clock()
    if not by.may(Duty.COSIGN):
        return Refused.NOT_YOURS
    if not timedelta() <= now - proven_at <= FRESH:
        return Refused.NOT_FRESH
    with runtime.database.transaction() as connection:
        one = _decidable(runtime, connection, by, change_id, now)
        if isinstance(one, Refused):
            return one
        if one.asked_by == by.id:
            return Refused.SAME_PERSON
        # The number is read and written with no push in between.
        pushes.hold_back(connection, one.source)
        if not corrections.decide(connection, change_id, by.id, True, now):
            return Refused.GONE
        party = deskparties.one(connection, runtime.settings.policy, one.party_id, bureau_date(now))
        row = corrections.contact_row(connection, one.party_id)
        contact = contacts.checked(connection, runtime.sealer, row, now)
        if party is None or contact.standing is not Standing.INTACT or contact.phone != one.was:
            corrections.void(connection, change_id)
            return Refused.CHANGED
        _tell_former(runtime, connection, party, change_id, now)
        corrections.renumber(connection, runtime.sealer, row, one.was, one.phone, now)
        sessions.end_all(connection, one.party_id, now)
        facts = {"change": change_id, "asked_by": one.asked_by, "papers": one.papers}
        _note(connection, "number_corrected", party, by, now, facts)
    return party


def decline(runtime: Runtime, by: Staff, change_id: int) -> Refused | None:
    """End a correction that waits, as its second person or as who asked for it; None if it is ended."""
    now = runtime.clock()
    if not by.may(Duty.COSIGN):
        return Refused.NOT_YOURS
    with runtime.database.transaction() as connection:
        one = _decidable(runtime, connection, by, change_id, now)
        if isinstance(one, Refused):
            return one
        if not corrections.decide(connection, change_id, by.id, False, now):
            return Refused.GONE
        facts = {"change": change_id}
        auditing.record(
            connection, "number_declined", now, party_id=one.party_id, case_id=one.case_id, facts=facts, staff_id=by.id
        )
    return None


def _decidable(runtime: Runtime, connection: Connection, by: Staff, change_id: int, now: datetime) -> Wanted | Refused:
    found = corrections.waiting(connection, runtime.sealer, now, change_id)
    return found[0] if found and by.is_of(found[0].unit_code) else Refused.GONE


def _tell_former(runtime: Runtime, connection: Connection, party: DeskParty, change_id: int, now: datetime) -> None:
    """Have the number that the party had so far told, as when a source states another one."""
    policy = runtime.settings.policy
    to = recipients.recipient(connection, runtime.sealer, policy, party.party_id, now)
    former = recipients.former(connection, runtime.sealer, party.source, [party.key], now).get(party.key)
    if former is not None and to.may_enter and to.wants_sms:
        cause = f"{party.party_id}:counter {change_id}"
        outbox.add_notice(
            connection, Purpose.NUMBER, party.party_id, former.phone_hash, cause, now, to_sealed=former.sealed
        )


def _note(
    connection: Connection, act: str, party: DeskParty, by: Staff, now: datetime, facts: dict[str, object]
) -> None:
    auditing.record(connection, act, now, party_id=party.party_id, case_id=party.case_id, facts=facts, staff_id=by.id)
