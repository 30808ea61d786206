"""What waits for release as those see it who decide: the queue, one change with its preview, who decides for whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from caseq.intake import placing
from caseq.intake.duedates import DueDate, DueDates
from caseq.intake.placing import Preview
from caseq.rules.approval import Nearness, State, Step, may_sign, nearness, workdays_between
from caseq.rules.case import Event, Kind, Milestone, bureau_date
from caseq.rules.duties import Duty, Staff
from caseq.rules.workdays import last_day
from caseq.runtime import Runtime
from caseq.store import auditing, delegations, releases, staffing
from caseq.store.delegations import Delegation
from caseq.store.releases import Decided, Release

#: So long at most somebody may decide for somebody else without being asked again.
LONGEST_DELEGATION = timedelta(days=92)


@dataclass(frozen=True, slots=True)
class Line:
    """One change in the queue: how near its due date is, how many working days from today, whether it is this person's
    turn."""

    release: Release
    near: Nearness
    days: int
    is_mine: bool

    @property
    def group(self) -> str:
        """The group of the queue in which it is counted."""
        return "returned" if self.release.state is State.RETURNED else self.near.value


@dataclass(frozen=True, slots=True)
class Queue:
    """What one person sees: what waits, what was just released and can be taken back, what is withheld."""

    waiting: Sequence[Line]
    undoable: Sequence[Line]
    withheld: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Review:
    """One change with all that it takes to decide: `preview` is None if nothing can be shown of it any more."""

    release: Release
    event: Event
    due: DueDate
    near: Nearness
    days: int
    preview: Preview | None
    decided: Sequence[Decided]
    is_mine: bool
    is_open: bool
    can_undo: bool
    can_send_again: bool


def queue(runtime: Runtime, by: Staff) -> Queue:
    """The queue of this person's unit, or of the bureau."""
    now = runtime.clock()
    today = bureau_date(now)
    with runtime.database.autocommit() as connection:
        for_whom = [by, *delegations.given_to(connection, by, now)]
        waiting = releases.undecided(connection, today, by.unit)
        undoable = releases.released_since(connection, now - runtime.settings.approval.undo, by.unit)
        withheld = releases.withheld(connection, today, by.unit)

    def lines(found: Sequence[Release]) -> Sequence[Line]:
        return [_line(runtime, one, for_whom, by, now) for one in found]

    return Queue(lines(waiting), lines(undoable), lines(withheld))


def one(runtime: Runtime, by: Staff, release_id: int) -> Review | None:
    """One change with its preview, the look kept in the audit; None if there is none with this number in this person's
    unit."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        found = releases.one(connection, release_id)
        if found is None or not by.is_of(found.unit_code):
            return None
        event = placing.event_of(runtime, connection, found)
        decided = releases.decided(connection, release_id)
        for_whom = [by, *delegations.given_to(connection, by, now)]
        auditing.record(
            connection, "release_look", now, case_id=found.case_id, staff_id=by.id, facts={"release": release_id}
        )
    assert isinstance(event.record, Milestone)
    due = DueDates(runtime.settings).of(Kind(found.kind), event.record, event.time)
    line = _line(runtime, found, for_whom, by, now)
    still_open = is_open(found, now)
    still = found.state in releases.OPEN
    source = runtime.settings.sources[found.source]
    is_signer = any(_signs(by, for_whom, found, step) for step in found.chain)
    undo_from = now - runtime.settings.approval.undo
    return Review(
        release=found,
        event=event,
        due=due,
        near=line.near,
        days=line.days,
        preview=placing.preview(runtime, found, source, now) if still else None,
        decided=decided,
        is_mine=line.is_mine and still_open,
        is_open=still_open,
        can_undo=is_signer and found.released_at is not None and found.released_at > undo_from,
        can_send_again=(found.state is State.RETURNED and (is_signer or by.unit == found.unit_code))
        or (found.state is State.WITHHELD and _signs(by, for_whom, found, found.turn)),
    )


def _signs(by: Staff, for_whom: Sequence[Staff], release: Release, step: Step | None) -> bool:
    """Whether this person may sign this step, as oneself or for one of the others."""
    return by.may(Duty.REVIEW) and any(step is not None and may_sign(step, release.unit_code, who) for who in for_whom)


class NotDelegated(StrEnum):
    """Why nobody may decide for somebody else."""

    NOBODY = "nobody"
    ONESELF = "oneself"
    NOT_FIT = "not fit"  # has no duty of reviewing, or is of a unit that does not see these cases
    SPAN = "span"
    REASON = "reason"


def delegate(
    runtime: Runtime, by: Staff, badge: str, since: datetime, until: datetime, reason: str
) -> NotDelegated | None:
    """Have the one with this badge decide in this person's place for a while; None: so it is, perhaps was already."""
    now = runtime.clock()
    if not reason:
        return NotDelegated.REASON
    if not since < until or until <= now or until - since > LONGEST_DELEGATION:
        return NotDelegated.SPAN
    with runtime.database.transaction() as connection:
        account = staffing.by_badge(connection, runtime.sealer, badge)
        if account is None:
            return NotDelegated.NOBODY
        if account.staff.id == by.id:
            return NotDelegated.ONESELF
        if not account.staff.may(Duty.REVIEW) or account.staff.unit not in (None, by.unit):
            return NotDelegated.NOT_FIT
        known = [(one.to.id, one.since, one.until) for one in delegations.given_by(connection, by, now)]
        if (account.staff.id, since, until) in known:
            return None
        delegations.add(connection, by, account.staff, since, until, reason, now)
        facts = {"to": account.staff.id, "until": until.isoformat(), "reason": reason}
        auditing.record(connection, "delegate", now, staff_id=by.id, facts=facts)
    return None


def end_delegation(runtime: Runtime, by: Staff, delegation_id: int) -> None:
    """End a delegation of one's own."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        if delegations.end(connection, delegation_id, by, now):
            auditing.record(connection, "delegate_end", now, staff_id=by.id, facts={"delegation": delegation_id})


@dataclass(frozen=True, slots=True)
class Delegations:
    """Those for whom a person decides, and what the person has delegated."""

    received: Sequence[Staff]
    given: Sequence[Delegation]


def delegations_of(runtime: Runtime, by: Staff) -> Delegations:
    """The delegations that concern this person now."""
    now = runtime.clock()
    with runtime.database.autocommit() as connection:
        return Delegations(delegations.given_to(connection, by, now), delegations.given_by(connection, by, now))


def _line(runtime: Runtime, release: Release, for_whom: Sequence[Staff], by: Staff, now: datetime) -> Line:
    approval = runtime.settings.approval
    near, days, calendar, today = Nearness.LATER, 0, runtime.settings.workdays, bureau_date(now)
    if release.due_at is not None:
        near = nearness(release.due_at, now, calendar, approval.due_soon)
        last = last_day(release.due_at)
        days = workdays_between(min(today, last), max(today, last), calendar)
    turn = release.turn
    is_turn = turn is not None and any(may_sign(turn, release.unit_code, who) for who in for_whom)
    return Line(release, near, days, is_turn and by.may(Duty.REVIEW) and is_open(release, now))


def is_open(release: Release, now: datetime) -> bool:
    """Whether somebody can decide about it now: it waits, or the time for which it was withheld is over."""
    until = release.withheld_until
    is_over = release.state is State.WITHHELD and until is not None and until < bureau_date(now)
    return release.state is State.WAITING or is_over
