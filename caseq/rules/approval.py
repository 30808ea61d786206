"""Who of the bureau must agree before a change of a milestone is released: the table of config/release.toml."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from caseq.rules.case import Kind, MilestoneName, bureau_date
from caseq.rules.duties import Staff, StaffRole
from caseq.rules.workdays import Calendar, Limit, LimitUnit, due, last_day


class Step(StrEnum):
    """One signature of a chain: 四(五) of the bureau's plan names who is asked in turn."""

    UNIT_LEADER = "unit_leader"
    FIRST_REVIEW = "first_review"
    SECRECY_REVIEW = "secrecy_review"
    BUREAU_LEADER = "bureau_leader"


Chain = tuple[Step, ...]


class State(StrEnum):
    """Where a change is: SUPERSEDED by a later one or WITHDRAWN by its source, it needs no answer any more."""

    WAITING = "waiting"
    RETURNED = "returned"
    WITHHELD = "withheld"
    RELEASED = "released"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class Decision(StrEnum):
    """What somebody decided about a change."""

    AGREED = "agreed"
    RETURNED = "returned"
    WITHHELD = "withheld"
    UNDONE = "undone"
    SENT_AGAIN = "sent_again"


@dataclass(frozen=True, slots=True)
class Ground:
    """A legal ground on which a change may be withheld, in the words of the bureau."""

    key: str
    text: str
    clause: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table; None fits every kind or every milestone. An empty chain: released at once, because it was
    reviewed in the source system."""

    kinds: frozenset[Kind] | None
    milestones: frozenset[MilestoneName] | None
    chain: Chain

    def fits(self, kind: Kind, name: MilestoneName) -> bool:
        return (self.kinds is None or kind in self.kinds) and (self.milestones is None or name in self.milestones)


@dataclass(frozen=True, slots=True)
class Approval:
    """The table, first match wins, and what goes with it; what was formed before `at_once_before` is never held up.

    `undo`: so long after the last signature the release can be taken back, and no SMS goes out. `due_soon`: so many
    working days before its end a limit is near.
    """

    lines: Sequence[Line]
    grounds: Sequence[Ground]
    undo: timedelta
    due_soon: int
    at_once_before: date | None = None

    def chain(self, kind: Kind, name: MilestoneName, formed_at: datetime) -> Chain:
        """Who must agree to a change of this milestone, in order; the last line of the table fits everything."""
        if self.at_once_before is not None and bureau_date(formed_at) < self.at_once_before:
            return ()
        return next(line.chain for line in self.lines if line.fits(kind, name))

    def ground(self, key: str) -> Ground | None:
        return next((ground for ground in self.grounds if ground.key == key), None)


def may_sign(step: Step, unit: str | None, who: Staff) -> bool:
    """Whether this step, of a case of this unit, is this person's own."""
    if step is Step.UNIT_LEADER:
        return who.role is StaffRole.LEADER and who.unit is not None and who.unit == unit
    if step is Step.BUREAU_LEADER:
        return who.role is StaffRole.LEADER and who.unit is None
    role = StaffRole.REVIEWER if step is Step.FIRST_REVIEW else StaffRole.SECRECY_REVIEWER
    return who.role is role and who.is_of(unit)


class Nearness(StrEnum):
    """How near the end of a limit is; due today is not overdue."""

    OVERDUE = "overdue"
    TODAY = "today"
    SOON = "soon"
    LATER = "later"


def workdays_between(earlier: date, later: date, calendar: Calendar) -> int:
    """How many working days follow the earlier day up to and with the later one."""
    days = (earlier + timedelta(days=n + 1) for n in range((later - earlier).days))
    return sum(calendar.is_workday(day) for day in days)


def nearness(due_at: datetime, now: datetime, calendar: Calendar, soon: int) -> Nearness:
    """How near the end `due_at` (the first moment that is too late) is, `soon` counted in working days."""
    if now >= due_at:
        return Nearness.OVERDUE
    last = last_day(due_at)
    if last == bureau_date(now):
        return Nearness.TODAY
    near = due(calendar, now, Limit(soon, LimitUnit.WORKING_DAYS, ""))
    return Nearness.SOON if last <= near.on else Nearness.LATER
