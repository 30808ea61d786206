"""Notices to those who have no query online: what is to be told, to whom, and what became of it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from caseq import delivering as acts
from caseq.delivering import Refused
from caseq.rules.byhand import Method, Receiver, Result
from caseq.rules.duties import StaffRole
from caseq.store.tables import audit, deliveries, tasks, tellings
from tests.service import case, event, milestone, party
from tests.staff import listed

#: Whether an act refused is what these tests ask, not what mypy may assume.
delivering: Any = acts

NUMBER = "XF-2026-0007"
PAPER = (Method.POST, "永公信访字〔2026〕7号")


@pytest.fixture
def clerk(service):
    return listed(service, StaffRole.WINDOW_CLERK)


def a_petition(service, **more):
    at = {"case": NUMBER, "source": "petition"}
    result = milestone("petition_result", details={"result": "explained"})
    service.push(
        event("case", case("petition"), **at),
        event("party", party("petitioner"), **at),
        event("milestone", {**result, **more}, **at),
        source="petition",
    )


def rows(service, table):
    with service.runtime.database.autocommit() as connection:
        return connection.execute(select(table).order_by(table.c.id)).all()


def test_what_is_to_be_told_goes_to_whom_the_plan_names_and_has_an_end(service, clerk, ledger_of_everything):
    a_petition(service)
    accused = party("suspect", key="P-accused", phone="19900000009")
    service.push(event("party", accused, case=NUMBER, source="petition"), source="petition")
    (one,) = delivering.to_tell(service.runtime, clerk)
    assert (one.role, one.name, one.case_number, one.newest) == ("petitioner", "petition_result", NUMBER, None)
    assert one.due_at > service.clock.now
    accused_id = 2
    made = delivering.make(service.runtime, clerk, accused_id, one.milestone_id, *PAPER)
    assert made is Refused.NOBODY


def test_a_notice_is_made_once_delivered_once_and_counts_as_told(service, clerk):
    a_petition(service)
    (one,) = delivering.to_tell(service.runtime, clerk)
    what = (one.party_id, one.milestone_id)
    made = delivering.make(service.runtime, clerk, *what, *PAPER)
    assert delivering.make(service.runtime, clerk, *what, *PAPER) is Refused.UNDER_WAY
    (again,) = delivering.to_tell(service.runtime, clerk)
    assert (again.newest.id, again.newest.result) == (made, None)
    now = service.clock.now
    assert delivering.record(service.runtime, clerk, made, Result.DELIVERED, None, now) is Refused.NO_RECEIVER
    assert delivering.record(service.runtime, clerk, made, Result.DELIVERED, Receiver.FAMILY, now) is Refused.NOT_THEIRS
    early = now - timedelta(minutes=1)
    assert delivering.record(service.runtime, clerk, made, Result.DELIVERED, Receiver.SELF, early) is Refused.BEFORE
    assert delivering.record(service.runtime, clerk, made, Result.DELIVERED, Receiver.SELF, now) is None
    assert delivering.record(service.runtime, clerk, made, Result.REFUSED, None, now) is Refused.KNOWN
    assert delivering.to_tell(service.runtime, clerk) == []
    assert delivering.make(service.runtime, clerk, *what, *PAPER) is Refused.UNDER_WAY
    (telling,), (delivery,) = rows(service, tellings), rows(service, deliveries)
    assert (telling.key, telling.channel, telling.by) == (one.key, "paper", clerk.badge)
    assert (delivery.result, delivery.receiver, delivery.recorded_by) == ("delivered", "self", clerk.id)
    acts = [(row.act, row.staff_id) for row in rows(service, audit) if row.act in ("notice_made", "delivery")]
    assert acts == [("notice_made", clerk.id), ("delivery", clerk.id)]


@pytest.mark.parametrize("result", [Result.REFUSED, Result.NOT_FOUND])
def test_what_was_not_delivered_is_a_task_and_may_go_another_way(service, clerk, result):
    a_petition(service)
    (one,) = delivering.to_tell(service.runtime, clerk)
    what = (one.party_id, one.milestone_id)
    made = delivering.make(service.runtime, clerk, *what, *PAPER)
    assert delivering.record(service.runtime, clerk, made, result, Receiver.SELF, service.clock.now) is None
    (task,) = rows(service, tasks)
    assert (task.kind, task.party_id, task.reason) == ("call", one.party_id, f"delivery: {result.value}")
    assert rows(service, tellings) == []
    assert delivering.make(service.runtime, clerk, *what, Method.CALL_BACK, "") == made + 1


def test_what_was_corrected_is_to_be_told_anew(service, clerk):
    a_petition(service)
    (one,) = delivering.to_tell(service.runtime, clerk)
    made = delivering.make(service.runtime, clerk, one.party_id, one.milestone_id, *PAPER)
    delivering.record(service.runtime, clerk, made, Result.DELIVERED, Receiver.SELF, service.clock.now)
    changed = milestone("petition_result", details={"result": "supported"})
    service.push(event("milestone", changed, case=NUMBER, source="petition", sequence="2"), source="petition")
    assert [again.newest for again in delivering.to_tell(service.runtime, clerk)] == [None]


def test_what_is_held_and_what_is_another_units_is_not_listed(service, clerk):
    a_petition(service, hold={"reason": "x"})
    assert delivering.to_tell(service.runtime, clerk) == []
    a_petition(service, milestone="M-2")
    others = listed(service, StaffRole.UNIT, "640121999999")
    assert delivering.to_tell(service.runtime, others) == []
    (one,) = delivering.to_tell(service.runtime, clerk)
    assert delivering.make(service.runtime, others, one.party_id, one.milestone_id, *PAPER) is Refused.NOBODY
    what = (one.party_id, one.milestone_id, Method.POST)
    assert delivering.make(service.runtime, clerk, *what, " ") is Refused.NO_DOCUMENT
    assert delivering.make(service.runtime, clerk, *what, "7" * 101) is Refused.LONG_DOCUMENT
    assert delivering.to_tell(service.runtime, listed(service, StaffRole.AUDITOR)) == ()
