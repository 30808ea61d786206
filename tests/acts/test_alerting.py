"""One alert for each person and stage, however often anybody looks; due dates become final across New Year."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from caseq.intake import alerting, placing, releasing, reviewing
from caseq.rules.approval import Line, Step
from caseq.rules.duties import Staff, StaffRole
from caseq.store import delegations, releases, staffing
from caseq.store.tables import alerts, milestones
from caseq.store.tables import releases as waiting
from tests.service import Service, case, event, milestone, party
from tests.workcalendar import NEW_YEAR_OF_2027, known_up_to

UNIT = "640121510000"


@pytest.fixture
def service(service: Service) -> Service:
    """A service in which the unit's leader and then the office agree to everything."""
    with_chain(service, (Step.UNIT_LEADER, Step.FIRST_REVIEW))
    service.push(event("case", case()), event("party", party()))
    return service


def with_chain(service: Service, chain: tuple[Step, ...]) -> None:
    """From the next push on these have to agree to everything: its application is built anew."""
    approval = replace(service.runtime.settings.approval, lines=(Line(None, None, chain),), at_once_before=None)
    service.runtime = replace(service.runtime, settings=replace(service.runtime.settings, approval=approval))
    vars(service).pop("app", None)


def hired(service: Service, badge: str, role: StaffRole, unit: str | None = None) -> Staff:
    with service.runtime.database.transaction() as connection:
        made = staffing.add(connection, Staff(0, badge, badge, role, unit), "-", service.clock())
    assert made is not None
    return made


def made(service: Service) -> list[tuple[int, str]]:
    with service.runtime.database.autocommit() as connection:
        rows = connection.execute(select(alerts.c.staff_id, alerts.c.stage).order_by(alerts.c.id))
        return [(row.staff_id, row.stage) for row in rows]


def shown(service: Service, who: Staff) -> list[str]:
    found = reviewing.queue(service.runtime, who).waiting
    return [stage for _, stage in alerting.unseen(service.runtime, who, found)]


def pushed(service: Service, left: timedelta) -> releases.Release:
    """A change that waits, the end of whose limit is so far away."""
    service.push(event("milestone", milestone()))
    with service.runtime.database.transaction() as connection:
        connection.execute(waiting.update().values(due_at=service.clock() + left))
        (found,) = releases.undecided(connection, service.clock().date())
    return found


def test_each_person_hears_of_each_stage_once_and_two_workers_are_no_more_than_one(service: Service) -> None:
    leader, _ = hired(service, "1", StaffRole.LEADER, UNIT), hired(service, "2", StaffRole.LEADER, "640121520000")
    hired(service, "3", StaffRole.REVIEWER)
    pushed(service, timedelta(days=1, hours=2))
    with ThreadPoolExecutor(2) as workers:
        for _ in range(3):
            list(workers.map(lambda _: alerting.alert(service.runtime), range(2)))
    assert made(service) == [(leader.id, "soon")]
    service.clock.advance(days=1)
    alerting.alert(service.runtime)
    service.clock.advance(hours=3)
    alerting.alert(service.runtime)
    alerting.alert(service.runtime)
    assert made(service) == [(leader.id, stage) for stage in ("soon", "today", "overdue")]
    assert shown(service, leader) == ["overdue"]


def test_what_was_seen_does_not_come_back_before_the_next_stage(service: Service) -> None:
    leader = hired(service, "1", StaffRole.LEADER, UNIT)
    release = pushed(service, timedelta(hours=2))
    alerting.alert(service.runtime)
    alerting.see(service.runtime, leader, release.id)
    alerting.alert(service.runtime)
    assert shown(service, leader) == []
    service.clock.advance(hours=2)
    alerting.alert(service.runtime)
    assert shown(service, leader) == ["overdue"]


def test_what_is_signed_disappears_and_is_the_next_persons(service: Service) -> None:
    leader, office = hired(service, "1", StaffRole.LEADER, UNIT), hired(service, "3", StaffRole.REVIEWER)
    release = pushed(service, timedelta(hours=2))
    alerting.alert(service.runtime)
    assert (shown(service, leader), shown(service, office)) == (["today"], [])
    source = service.runtime.settings.sources["criminal"]
    preview = placing.preview(service.runtime, release, source, service.clock())
    assert preview is not None
    assert releasing.agree(service.runtime, leader, release.id, 0, preview.mark) is releasing.Done.SIGNED
    alerting.alert(service.runtime)
    assert (shown(service, leader), shown(service, office)) == ([], ["today"])


def test_who_decides_for_another_is_told_as_well_and_who_is_disabled_is_not(service: Service) -> None:
    with_chain(service, (Step.FIRST_REVIEW,))
    office, other = hired(service, "3", StaffRole.REVIEWER), hired(service, "4", StaffRole.SECRECY_REVIEWER)
    gone, now = hired(service, "5", StaffRole.REVIEWER), service.clock()
    with service.runtime.database.transaction() as connection:
        delegations.add(connection, office, other, now, now + timedelta(days=3), "出差", now)
        staffing.disable(connection, gone.id, now)
    pushed(service, timedelta(hours=2))
    alerting.alert(service.runtime)
    assert made(service) == [(office.id, "today"), (other.id, "today")]


def test_there_is_no_alert_while_there_is_time(service: Service) -> None:
    hired(service, "1", StaffRole.LEADER, UNIT)
    pushed(service, timedelta(days=30))
    alerting.alert(service.runtime)
    assert made(service) == []


def due(service: Service, table: Any) -> list[tuple[datetime, bool]]:
    with service.runtime.database.autocommit() as connection:
        rows = connection.execute(select(table.c.due_at, table.c.due_provisional).order_by(table.c.id))
        return [(row.due_at, row.due_provisional) for row in rows]


def test_due_dates_across_new_year_become_final_once_the_notice_is_known(service: Service) -> None:
    with known_up_to(2026):
        service.clock.now = datetime(2026, 12, 29, 4, tzinfo=UTC)
        formed = {"time": "2026-12-29T09:00:00+08:00"}
        service.push(event("milestone", milestone(), **formed))
        with_chain(service, ())
        service.push(event("milestone", milestone(key="M-2"), **formed))
        assumed = [(datetime(2027, 1, 5, 16, tzinfo=UTC), True)]
        assert (due(service, waiting), due(service, milestones)) == (assumed, assumed)
        alerting.recount(service.runtime)
        assert (due(service, waiting), due(service, milestones)) == (assumed, assumed)
        settings = replace(service.runtime.settings, workdays=NEW_YEAR_OF_2027)
        service.runtime = replace(service.runtime, settings=settings)
        alerting.recount(service.runtime)
        final = [(datetime(2027, 1, 6, 16, tzinfo=UTC), False)]
        assert (due(service, waiting), due(service, milestones)) == (final, final)


def test_what_was_decided_keeps_its_date(service: Service) -> None:
    with known_up_to(2026):
        service.clock.now = datetime(2026, 12, 29, 4, tzinfo=UTC)
        service.push(event("milestone", milestone(), time="2026-12-29T09:00:00+08:00"))
        with service.runtime.database.transaction() as connection:
            connection.execute(waiting.update().values(state="released"))
        before = due(service, waiting)
        settings = replace(service.runtime.settings, workdays=NEW_YEAR_OF_2027)
        service.runtime = replace(service.runtime, settings=settings)
        alerting.recount(service.runtime)
        assert due(service, waiting) == before
        assert before[0][1]
