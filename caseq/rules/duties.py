"""The people of the bureau and what each of them may do: one table, in which no role has the duties of another."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class StaffRole(StrEnum):
    """What somebody is at the bureau; each has exactly one account and each account exactly one role.

    A LEADER with a unit leads that unit, one without leads the bureau.
    """

    WINDOW_CLERK = "window_clerk"
    UNIT = "unit"
    REVIEWER = "reviewer"
    SECRECY_REVIEWER = "secrecy_reviewer"
    LEADER = "leader"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Duty(StrEnum):
    """One thing that staff do at the console."""

    HOME = "home"  # the first page, one's own account, signing out
    QUEUE = "queue"  # see what waits for release
    REVIEW = "review"  # agree, return, withhold, undo: only at the step that is one's own
    DELEGATE = "delegate"  # have somebody else decide at one's own step
    CASE_DESK = "case desk"  # read a case for a reason
    PHONE_DESK = "phone desk"  # read a case out to a caller who has a number and a code
    COUNTER = "counter"  # see papers, correct a number, print, note what was told
    COSIGN = "cosign"  # be the second person for what a clerk at the counter asks for
    NOTICES = "notices"  # tell those of groups 5 to 7 on paper, and note how it was delivered
    TASKS = "tasks"  # what the machine cannot do
    QUARANTINE = "quarantine"  # what was refused
    FRESHNESS = "freshness"  # which source is silent
    INBOX = "inbox"  # answer ratings and complaints as the unit
    SUPERVISE = "supervise"  # answer complaints about an answer
    REPORTS = "reports"  # the figures of a year
    AUDIT = "audit"  # who looked at what
    STAFF = "staff"  # accounts


_EVERYBODY = frozenset(StaffRole)
MAY: Mapping[Duty, frozenset[StaffRole]] = {
    Duty.HOME: _EVERYBODY,
    Duty.QUEUE: frozenset({StaffRole.UNIT, StaffRole.LEADER, StaffRole.REVIEWER, StaffRole.SECRECY_REVIEWER}),
    Duty.REVIEW: frozenset({StaffRole.LEADER, StaffRole.REVIEWER, StaffRole.SECRECY_REVIEWER}),
    Duty.DELEGATE: frozenset({StaffRole.LEADER, StaffRole.REVIEWER, StaffRole.SECRECY_REVIEWER}),
    Duty.CASE_DESK: frozenset({StaffRole.WINDOW_CLERK, StaffRole.UNIT}),
    Duty.PHONE_DESK: frozenset({StaffRole.WINDOW_CLERK}),
    Duty.COUNTER: frozenset({StaffRole.WINDOW_CLERK}),
    Duty.COSIGN: frozenset({StaffRole.WINDOW_CLERK, StaffRole.LEADER}),
    Duty.NOTICES: frozenset({StaffRole.WINDOW_CLERK, StaffRole.UNIT}),
    Duty.TASKS: frozenset({StaffRole.WINDOW_CLERK, StaffRole.UNIT, StaffRole.LEADER}),
    Duty.QUARANTINE: frozenset({StaffRole.ADMINISTRATOR}),
    Duty.FRESHNESS: frozenset({StaffRole.ADMINISTRATOR, StaffRole.REVIEWER, StaffRole.LEADER}),
    Duty.INBOX: frozenset({StaffRole.UNIT, StaffRole.LEADER}),
    Duty.SUPERVISE: frozenset({StaffRole.REVIEWER}),
    Duty.REPORTS: frozenset({StaffRole.LEADER, StaffRole.REVIEWER, StaffRole.AUDITOR}),
    Duty.AUDIT: frozenset({StaffRole.AUDITOR}),
    Duty.STAFF: frozenset({StaffRole.ADMINISTRATOR}),
}


_BADGE = re.compile(r"[A-Za-z0-9-]{1,30}")
_UNIT_CODE = re.compile(r"[A-Za-z0-9-]{1,20}")


def is_account_fit(badge: str, role: StaffRole, unit: str | None) -> bool:
    """Whether an account can have this badge, role and unit; whoever handles cases does so in a unit."""
    fits = _BADGE.fullmatch(badge) and (unit is None or _UNIT_CODE.fullmatch(unit))
    return bool(fits) and (role is not StaffRole.UNIT or unit is not None)


@dataclass(frozen=True, slots=True)
class Staff:
    """One of the staff, signed in: `badge` is the police number, by which a person is known and has one account only.

    `unit` is the code of the unit that the person belongs to, None for those of the bureau itself.
    """

    id: int
    badge: str
    name: str
    role: StaffRole
    unit: str | None

    def may(self, duty: Duty) -> bool:
        return self.role in MAY[duty]

    def is_of(self, unit: str | None) -> bool:
        """Whether a matter of this unit is this person's: everybody without a unit sees to all of them."""
        return self.unit is None or self.unit == unit
