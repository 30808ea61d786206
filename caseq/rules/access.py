"""Whether a party may enter a case at all; store/access.py says the same in SQL and a test compares the two."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from caseq.rules.case import SUSPECT_SIDE, Case, CaseState, Party
from caseq.rules.disclosure import Policy


class Closed(StrEnum):
    """Why a party may not enter a case online."""

    WITHHELD = "withheld"
    NOT_ONLINE = "not online"  # no rule lets this role look online in this kind of case
    MINOR = "minor"  # a guardian asks
    ENDED = "ended"  # longer ago than the case stays open
    NOT_APPEARED = "not appeared"  # the suspect's side, before 到案
    NOT_YET = "not yet"  # the authority begins later
    OVER = "over"  # the authority has ended
    SHADOW = "shadow"  # its source is not open to anybody
    CASE_WITHDRAWN = "case withdrawn"
    PARTY_WITHDRAWN = "party withdrawn"
    RECHECK = "recheck"  # a minor grew up, and staff have not confirmed who asks
    REVOKED = "revoked"  # staff took the grant away


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger knows of a grant beside the records of its case and its party."""

    source: str
    case_withdrawn: bool
    party_withdrawn: bool
    barred: str | None


def may_enter(policy: Policy, case: Case, party: Party, today: date) -> bool:
    """Whether this party's role opens this case online today.

    A suspect-side party must have appeared before the police (到案), an authority must be running; a guardian asks
    for a minor, who may not; a withheld case is closed to everybody, and one that ended when its time is over.
    """
    return next(grounds(policy, case, party, today), None) is None


def grounds(policy: Policy, case: Case, party: Party, today: date) -> Iterator[Closed]:
    """Each ground on which this party may not enter this case today; none: `may_enter`."""
    if case.state is CaseState.WITHHELD:
        yield Closed.WITHHELD
    if not policy.is_online(case.kind, party.role):
        yield Closed.NOT_ONLINE
    if party.juvenile:
        yield Closed.MINOR
    if case.ended_on is not None and case.ended_on < policy.open_since(case.kind, today):
        yield Closed.ENDED
    if party.role in SUSPECT_SIDE and (party.appeared_on is None or party.appeared_on > today):
        yield Closed.NOT_APPEARED
    if party.valid_from is not None and party.valid_from > today:
        yield Closed.NOT_YET
    if party.valid_until is not None and party.valid_until < today:
        yield Closed.OVER


def standing_grounds(policy: Policy, standing: Standing) -> Iterator[Closed]:
    """Each further ground, of what the ledger knows: with `grounds`, all that the queries of the store ask."""
    if standing.source in policy.shadow:
        yield Closed.SHADOW
    if standing.case_withdrawn:
        yield Closed.CASE_WITHDRAWN
    if standing.party_withdrawn:
        yield Closed.PARTY_WITHDRAWN
    if standing.barred is not None:
        yield Closed(standing.barred)
