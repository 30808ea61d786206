"""What staff see of a case at the desk and on the telephone, and what the audit has of it."""

from typing import Any

import pytest
from sqlalchemy import select

from caseq import desk as acts
from caseq import login, paper, viewing
from caseq.desk import Refused
from caseq.login import Visitor
from caseq.rules.access import Closed
from caseq.rules.duties import Staff, StaffRole
from caseq.store.tables import audit, sessions
from tests.service import CASE, case, event, milestone, party
from tests.staff import listed

#: Whether an act refused is what these tests ask, not what mypy may assume.
desk: Any = acts

WHY = "当事人当面询问"
ELSEWHERE = "640121999999"


@pytest.fixture
def clerk(service) -> Staff:
    return listed(service, StaffRole.WINDOW_CLERK)


def a_case(service):
    service.push(
        event("case", case()),
        event("party", party()),
        event("party", party("suspect", phone="19900000001")),
        event("milestone", milestone()),
        event("milestone", milestone("compulsory_measure", subject="S1", details={"measure": "arrest"})),
        event("milestone", milestone("case_solved", hold={"reason": "x"})),
    )


def rows(service, act):
    with service.runtime.database.autocommit() as connection:
        return connection.execute(select(audit).where(audit.c.act == act).order_by(audit.c.id)).all()


def test_staff_see_exactly_the_view_of_the_party_they_choose(service, clerk):
    a_case(service)
    found = {one.role: one for one in desk.search(service.runtime, clerk, f" {CASE[:7]} {CASE[7:]} ", WHY)}
    assert found.keys() == {"victim", "suspect"}
    for role, phone in (("victim", "19912345678"), ("suspect", "19900000001")):
        token = service.log_in(phone)
        own: Any = viewing.case_view(service.runtime, token, "zh")
        assert own.milestones
        assert desk.read(service.runtime, clerk, found[role].party_id, WHY).view == own


def test_every_search_and_every_look_stands_in_the_audit_with_who_and_why(service, clerk):
    a_case(service)
    (victim,) = desk.search(service.runtime, clerk, CASE, WHY, "１９９ 1234 5678")
    desk.read(service.runtime, clerk, victim.party_id, WHY)
    searched, looked = rows(service, "desk")
    assert (searched.staff_id, searched.party_id, searched.case_id) == (clerk.id, None, victim.case_id)
    assert (looked.staff_id, looked.party_id, looked.case_id) == (clerk.id, victim.party_id, victim.case_id)
    assert searched.facts == {"channel": "desk", "reason": WHY, "found": 1}
    assert looked.facts == {"channel": "desk", "reason": WHY}


def test_without_a_reason_and_to_another_role_nothing_is_shown(service, clerk):
    a_case(service)
    (victim, *_) = desk.search(service.runtime, clerk, CASE, WHY, "19912345678")
    assert desk.search(service.runtime, clerk, CASE, "  ") is Refused.NO_REASON
    assert desk.read(service.runtime, clerk, victim.party_id, " ") is Refused.NO_REASON
    auditor = listed(service, StaffRole.AUDITOR)
    assert desk.read(service.runtime, auditor, victim.party_id, WHY) is Refused.NOT_YOURS
    assert desk.search(service.runtime, auditor, CASE, WHY) is Refused.NOT_YOURS


def test_to_another_unit_a_case_is_as_unknown_as_none_and_the_audit_says_that_it_was_tried(service, clerk):
    a_case(service)
    (victim, *_) = desk.search(service.runtime, clerk, CASE, WHY, "19912345678")
    theirs = listed(service, StaffRole.UNIT, case()["unit"]["code"])
    others = listed(service, StaffRole.UNIT, ELSEWHERE)
    assert not isinstance(desk.read(service.runtime, theirs, victim.party_id, WHY), Refused)
    assert desk.search(service.runtime, others, CASE, WHY) is desk.search(service.runtime, others, "A0", WHY)
    assert desk.read(service.runtime, others, victim.party_id, WHY) is Refused.NOBODY
    tried, nothing = rows(service, "desk")[-2:]
    assert (tried.staff_id, tried.case_id, tried.facts["other_unit"]) == (others.id, victim.case_id, True)
    assert (nothing.case_id, nothing.facts["other_unit"]) == (None, False)


def test_of_a_party_that_may_not_look_staff_see_the_ground_and_nothing_else(service, clerk):
    service.push(event("case", case()), event("party", party(juvenile=True)), event("milestone", milestone()))
    (child,) = desk.search(service.runtime, clerk, CASE, WHY)
    shown = desk.read(service.runtime, clerk, child.party_id, WHY)
    assert (shown.view, shown.closed) == (None, [Closed.MINOR])


def open_by_paper(service):
    issued: Any = paper.print_sheet(service.runtime, CASE, "P-victim", "甲", "没有手机")
    return login.enter_own_code(service.runtime, CASE, issued.lines[0].keypad, Visitor("desk 1"))


def test_on_the_telephone_the_view_is_read_out_once_and_its_session_is_over(service, clerk):
    a_case(service)
    opened = open_by_paper(service)
    view = desk.read_out(service.runtime, clerk, opened.token, "paper")
    assert [one.name for one in view.milestones] == ["compulsory_measure", "case_filed"]
    assert desk.read_out(service.runtime, clerk, opened.token, "paper") is None
    assert service.view(opened.token) is None
    with service.runtime.database.autocommit() as connection:
        assert connection.execute(select(sessions.c.id)).first() is None
    (row,) = rows(service, "phone_view")
    assert (row.staff_id, row.party_id, row.facts) == (clerk.id, opened.party_id, {"channel": "phone", "way": "paper"})


def test_another_role_reads_nothing_out(service):
    a_case(service)
    opened = open_by_paper(service)
    assert desk.read_out(service.runtime, listed(service, StaffRole.UNIT), opened.token, "paper") is None
    assert rows(service, "phone_view") == []
