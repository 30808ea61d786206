"""Whether a party may enter a case at all; store/views.py says the same in SQL and a test compares the two."""

from datetime import date

from caseq.rules.case import SUSPECT_SIDE, Case, CaseState, Party
from caseq.rules.disclosure import Policy


def may_enter(policy: Policy, case: Case, party: Party, today: date) -> bool:
    """Whether this party's role opens this case online today.

    A suspect-side party must have appeared before the police (到案), an authority must be running,
    and a withheld case is closed to everybody.
    """
    if case.state is CaseState.WITHHELD or not policy.is_online(case.kind, party.role):
        return False
    if party.role in SUSPECT_SIDE and (party.appeared_on is None or party.appeared_on > today):
        return False
    if party.valid_from is not None and party.valid_from > today:
        return False
    return party.valid_until is None or party.valid_until >= today
