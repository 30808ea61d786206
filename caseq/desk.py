"""The case desk and the phone desk: what staff see of a case is what its party sees, and the audit says why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from caseq.rules.access import Closed, grounds, standing_grounds
from caseq.rules.case import bureau_date
from caseq.rules.disclosure import CaseView, StoredCase, project
from caseq.rules.duties import Duty, Staff
from caseq.rules.numbers import lookup_key, mobile
from caseq.runtime import Runtime
from caseq.store import auditing, deskparties, previews, sessions
from caseq.store.database import Connection
from caseq.store.deskparties import DeskParty
from caseq.store.previews import Found

#: The act of the audit under which staff looked into a case.
DESK, PHONE_VIEW, PHONE_REFUSED = "desk", "phone_view", "phone_refused"
_LEAST_REASON, _MOST_REASON = 2, 200


class Refused(StrEnum):
    """Why staff are shown nothing. A case of another unit is as unknown to a unit's people as one that is none."""

    NOT_YOURS = "not yours"  # the duty is another role's
    NO_REASON = "no reason"
    NOBODY = "nobody"  # no such case, or no such party in it


@dataclass(frozen=True, slots=True)
class Shown:
    """What one party would see now: its view, or the grounds on which it may not look at all."""

    party: DeskParty
    view: CaseView | None
    closed: Sequence[Closed]


def search(
    runtime: Runtime, by: Staff, case_number: str, reason: str, phone: str = ""
) -> Sequence[DeskParty] | Refused:
    """The parties of the case that any number of it means, noted in the audit; with `phone` those who have it.

    The reason is kept as it was stated. Whether nothing was found because the case is another unit's, only the audit
    says.
    """
    if (refused := _unfit(by, reason)) is not None:
        return refused
    now, number = runtime.clock(), mobile(phone)
    hashes = runtime.sealer.fingerprints("phone", number) if number else ("",) if phone.strip() else ()
    with runtime.database.transaction() as connection:
        policy, key = runtime.settings.policy, lookup_key(case_number)
        found = deskparties.of_case(connection, policy, key, bureau_date(now), hashes)
        mine = [party for party in found if by.is_of(party.unit_code)]
        facts = {"channel": "desk", "reason": reason.strip(), "found": len(mine)}
        case_ids: list[int | None] = [*sorted({party.case_id for party in found})]
        for case_id in case_ids or [None]:
            kept_away = {} if mine else {"other_unit": bool(found)}
            auditing.record(connection, DESK, now, case_id=case_id, staff_id=by.id, facts={**facts, **kept_away})
    return mine or Refused.NOBODY


def read(runtime: Runtime, by: Staff, party_id: int, reason: str) -> Shown | Refused:
    """What this party would see now, by the very projection of its own page; the look is in the audit."""
    if (refused := _unfit(by, reason)) is not None:
        return refused
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        party = deskparties.one(connection, runtime.settings.policy, party_id, bureau_date(now))
        if party is None or not by.is_of(party.unit_code):
            return Refused.NOBODY
        found = previews.of_party(connection, runtime.settings.policy, party_id, bureau_date(now))
        assert found is not None
        facts = {"channel": "desk", "reason": reason.strip()}
        auditing.record(connection, DESK, now, party_id=party_id, case_id=party.case_id, facts=facts, staff_id=by.id)
        return _shown(runtime, connection, party, found, now)


def _unfit(by: Staff, reason: str) -> Refused | None:
    if not by.may(Duty.CASE_DESK):
        return Refused.NOT_YOURS
    return None if _LEAST_REASON <= len(reason.strip()) <= _MOST_REASON else Refused.NO_REASON


def _shown(runtime: Runtime, connection: Connection, party: DeskParty, found: Found, now: datetime) -> Shown:
    policy, today = runtime.settings.policy, bureau_date(now)
    closed = [*grounds(policy, found.case, found.party, today), *standing_grounds(policy, found.standing)]
    # The query of the page decides too: should it and the rules ever differ, nothing is shown.
    if closed or not party.may_enter:
        return Shown(party, None, closed)
    return Shown(party, _view(runtime, _fresh(runtime, connection, found.stored, now), now), ())


def _fresh(runtime: Runtime, connection: Connection, stored: StoredCase, now: datetime) -> StoredCase:
    """The case with how fresh it is, as the page says it."""
    heard_at, usual_seconds = deskparties.heard(connection, stored.source)
    source = runtime.settings.sources.get(stored.source)
    is_silent = source is not None and now - heard_at > source.silence.silent_after(usual_seconds)
    return replace(stored, as_of=heard_at, source_silent=is_silent)


def _view(runtime: Runtime, stored: StoredCase, now: datetime) -> CaseView:
    settings = runtime.settings
    return project(stored, settings.policy, settings.rights.get((stored.kind, stored.role, "zh"), ()), bureau_date(now))


def read_out(runtime: Runtime, by: Staff, token: str, way: str) -> CaseView | None:
    """What a clerk reads out to the caller whose code opened this session, which ends here and at once.

    None, and nothing but an ended session, if the session shows nothing any more.
    """
    if not by.may(Duty.PHONE_DESK):
        return None
    now, settings = runtime.clock(), runtime.settings
    with runtime.database.autocommit() as connection:
        who = sessions.signed_in(connection, settings.policy, token, now, settings.login.session_idle)
    stored = None if who is None else runtime.case_query.load(runtime.database, token, now, settings.login.session_idle)
    with runtime.database.transaction() as connection:
        sessions.end_session(connection, token)
        if who is None or stored is None or stored.source in settings.policy.shadow:
            return None
        auditing.record(
            connection,
            PHONE_VIEW,
            now,
            session_id=who.session_id,
            party_id=who.party_id,
            case_id=who.case_id,
            facts={"channel": "phone", "way": way},
            staff_id=by.id,
        )
    return _view(runtime, stored, now)


def note_refused(runtime: Runtime, by: Staff, way: str) -> None:
    """Note that a code which a caller gave this clerk opened nothing; for which case, nobody proved."""
    with runtime.database.transaction() as connection:
        facts = {"channel": "phone", "way": way}
        auditing.record(connection, PHONE_REFUSED, runtime.clock(), staff_id=by.id, facts=facts)
