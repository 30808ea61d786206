"""Who looked at what: the party is told of looks at its own record, the auditor of all; both by the audit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from caseq.rules.case import BUREAU_TIME, bureau_date
from caseq.rules.disclosure import CaseView, project
from caseq.rules.duties import Staff, StaffRole
from caseq.rules.looks import LOOKS, LookAct, Told, Way
from caseq.rules.numbers import lookup_key
from caseq.runtime import Runtime
from caseq.store import auditing, casenumbers, looks, preferences, sessions
from caseq.store.looks import Asked, Entry, Seen

#: So many looks stand on the page of a party, and so many rows on that of the auditor.
MOST_OF_PARTY, MOST_FOUND = 100, 200
SEARCH = "audit_search"


@dataclass(frozen=True, slots=True)
class Look:
    """A look of staff: when, as what (None: the bureau itself, at its command line), through what and what for."""

    at: datetime
    function: StaffRole | None
    told: Told


@dataclass(frozen=True, slots=True)
class OwnAct:
    """That the party logged in, by which way, or (None) opened its page."""

    at: datetime
    way: Way | None


@dataclass(frozen=True, slots=True)
class Own:
    """What whoever is signed in is told of looks at their record; where others use the device, nothing."""

    view: CaseView
    is_withheld: bool
    by_staff: Sequence[Look] = ()
    own: Sequence[OwnAct] = ()


def own(runtime: Runtime, token: str) -> Own | None:
    """The looks at the record of whoever is signed in, newest first; None if nobody is.

    Only of their own grant, and as the page of the case itself: who may not see the case sees none. Where others use
    the device there is no history: it would tell them when the person looked and was helped.
    """
    now, settings = runtime.clock(), runtime.settings
    stored = runtime.case_query.load(runtime.database, token, now, settings.login.session_idle)
    if stored is None or stored.source in settings.policy.shadow:
        return None
    view = project(stored, settings.policy, (), bureau_date(now))
    with runtime.database.autocommit() as connection:
        who = sessions.signed_in(connection, settings.policy, token, now, settings.login.session_idle)
        if who is None:
            return None
        if preferences.of(connection, runtime.sealer, who.party_id).shared_phone:
            return Own(view, True)
        by_staff, by_party = looks.of_party(connection, who.party_id, who.case_id, MOST_OF_PARTY)
    return Own(view, False, [_look(one) for one in by_staff if not _is_own(one)], [_own_act(one) for one in by_party])


def _is_own(seen: Seen) -> bool:
    """Whether the party itself made this proof, on its own page."""
    return seen.staff_role is None and (seen.facts or {}).get("by") == "party"


def _look(seen: Seen) -> Look:
    function = StaffRole(seen.staff_role) if seen.staff_role else None
    return Look(seen.at, function, LOOKS[LookAct(seen.act)])


def _own_act(seen: Seen) -> OwnAct:
    way = (seen.facts or {}).get("way")
    return OwnAct(seen.at, Way(way) if way in set(Way) else None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an auditor typed: a case number, a badge, a day of the bureau; at least one of them."""

    case_number: str = ""
    badge: str = ""
    day: date | None = None


def search(runtime: Runtime, wanted: Wanted, by: Staff | None = None, said: str = "") -> Sequence[Entry] | None:
    """The rows of the audit that are wanted, newest first, after noting who looked for what (`said`: who and why, at
    the command line); None if there is no such case or no such badge."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        case_id = staff_id = None
        if wanted.case_number:
            case_id = casenumbers.live_case(connection, lookup_key(wanted.case_number))
        if wanted.badge:
            staff_id = looks.staff_with(connection, wanted.badge)
        facts = {"of_staff": staff_id, "day": str(wanted.day) if wanted.day else None, "by": said or None}
        facts = {name: value for name, value in facts.items() if value is not None}
        auditing.record(connection, SEARCH, now, case_id=case_id, staff_id=by.id if by else None, facts=facts)
    if (wanted.case_number and case_id is None) or (wanted.badge and staff_id is None):
        return None
    since = datetime.combine(wanted.day, time(), BUREAU_TIME) if wanted.day else None
    asked = Asked(case_id, staff_id, since, since + timedelta(days=1) if since else None)
    with runtime.database.autocommit() as connection:
        return looks.search(connection, asked, MOST_FOUND)
