"""Alerts of those whose turn it is, and due dates that are counted again once the calendar knows their days."""

from collections.abc import Sequence
from datetime import datetime

from caseq.intake import placing, reviewing
from caseq.intake.duedates import DueDates
from caseq.intake.reviewing import Line
from caseq.rules.approval import Nearness, may_sign, nearness
from caseq.rules.case import Kind, Milestone, bureau_date
from caseq.rules.duties import Duty, Staff
from caseq.runtime import Runtime
from caseq.store import alerts, auditing, delegations, provisional, releases, staffing
from caseq.store.alerts import Alert
from caseq.store.database import Connection
from caseq.store.provisional import Counted

#: So many due dates are counted again in one transaction.
_MOST = 500


def alert(runtime: Runtime) -> None:
    """Make an alert for everybody whose turn it is where a limit ends soon, today or has ended; none a second time."""
    now, found = runtime.clock(), []
    with runtime.database.autocommit() as connection:
        people = _signers(connection, now)
        for release in releases.undecided(connection, bureau_date(now)):
            if release.due_at is None or release.turn is None or not reviewing.is_open(release, now):
                continue
            stage = nearness(release.due_at, now, runtime.settings.workdays, runtime.settings.approval.due_soon)
            if stage is not Nearness.LATER:
                whose = [
                    who.id
                    for who, for_whom in people
                    if who.is_of(release.unit_code)
                    and any(may_sign(release.turn, release.unit_code, one) for one in for_whom)
                ]
                found += [Alert(id_, release.id, stage.value) for id_ in whose]
    with runtime.database.transaction() as connection:
        alerts.make(connection, found, now)


def unseen(runtime: Runtime, by: Staff, waiting: Sequence[Line]) -> Sequence[tuple[Line, str]]:
    """What of this person's queue an alert is about that was not seen: the line and the newest stage.

    What was signed since, or by somebody else, is not in it.
    """
    with runtime.database.autocommit() as connection:
        stages = {one.release_id: one.stage for one in alerts.unseen(connection, by.id)}
    return [(line, stages[line.release.id]) for line in waiting if line.is_mine and line.release.id in stages]


def see(runtime: Runtime, by: Staff, release_id: int) -> None:
    """Note that this person has seen the alerts of this change."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        if alerts.see(connection, by.id, release_id, now):
            auditing.record(connection, "alert_seen", now, staff_id=by.id, facts={"release": release_id})


def recount(runtime: Runtime) -> None:
    """Make provisional due dates final where all their days are known now: those of what waits, and of milestones.

    What was decided keeps the date under which it was decided.
    """
    dates, after = DueDates(runtime.settings), 0
    _recount_waiting(runtime, dates)
    while True:
        with runtime.database.transaction() as connection:
            found = provisional.milestones_after(connection, after, _MOST)
            counted = [_counted(dates, one.id, one.kind, one.milestone, one.formed_at) for one in found]
            provisional.settle_milestones(connection, [one for one in counted if not one.is_provisional])
        if len(found) < _MOST:
            return
        after = found[-1].id


def _recount_waiting(runtime: Runtime, dates: DueDates) -> None:
    with runtime.database.transaction() as connection:
        final = []
        for release in provisional.waiting(connection):
            event = placing.event_of(runtime, connection, release)
            if isinstance(event.record, Milestone):
                counted = _counted(dates, release.id, Kind(release.kind), event.record, event.time)
                final += [] if counted.is_provisional else [counted]
        provisional.settle_waiting(connection, final)


def _counted(dates: DueDates, id_: int, kind: Kind, milestone: Milestone, formed_at: datetime) -> Counted:
    due = dates.of(kind, milestone, formed_at).due
    return Counted(id_, due.at, due.is_provisional)


def _signers(connection: Connection, now: datetime) -> Sequence[tuple[Staff, Sequence[Staff]]]:
    """Everybody who may sign, each with those for whom: oneself, and who delegated it."""
    people = [one.staff for one in staffing.listed(connection) if one.disabled_at is None]
    signers = [who for who in people if who.may(Duty.REVIEW)]
    return [(who, [who, *delegations.given_to(connection, who, now)]) for who in signers]
