"""A party is told who looked at its record, by function; and nothing of what it may not see."""

import re
from typing import Any

import pytest
from sqlalchemy import insert

from caseq.rules.duties import StaffRole
from caseq.rules.looks import LOOKS, LookAct
from caseq.store import auditing
from caseq.store.tables import staff
from tests.service import Service, case, event, milestone, party
from tests.web.visitor import Visitor, add_victim

NAME, BADGE = "王查看", "B77001"


def hire(service: Service, role: StaffRole = StaffRole.WINDOW_CLERK) -> int:
    """The id of an account of this role."""
    row = {"badge": BADGE + role.value[:3], "name": NAME, "role": role.value, "unit": None, "password_hash": "x"}
    more = {"must_change": False, "totp_last_step": 0, "made_at": service.clock()}
    with service.runtime.database.transaction() as connection:
        return int(connection.execute(insert(staff).returning(staff.c.id), row | more).scalar_one())


def looked(service: Service, act: str, **ids: Any) -> None:
    facts = ids.pop("facts", {"reason": "核对一下密语"})
    with service.runtime.database.transaction() as connection:
        auditing.record(connection, act, service.clock(), facts=facts, **ids)


def looks(service: Service, token: str | None) -> dict[str, Any]:
    answer = service.client.get("/api/v1/looks", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return dict(answer.get_json())


@pytest.fixture
def victim(service: Service) -> Service:
    """A case with a victim (party 1) and a suspect (party 2)."""
    add_victim(service)
    service.push(event("party", party("suspect", phone="19911110002")))
    return service


def test_a_look_of_staff_is_told_by_function_channel_and_purpose_and_never_by_name(victim: Service) -> None:
    clerk = hire(victim)
    looked(victim, "phone_view", party_id=1, case_id=1, staff_id=clerk)
    token = victim.log_in()
    told = looks(victim, token)
    at = "2026-11-23T12:00:00+08:00"
    assert told["by_staff"] == [{"at": at, "function": "window_clerk", "channel": "telephone", "purpose": "read_out"}]
    assert told["by_you"] == [{"at": at, "way": "view"}, {"at": at, "way": "sms"}]
    visitor = Visitor(victim)
    visitor.client.set_cookie("caseq", str(token))
    for language, who in (("zh", "窗口民警，在电话里"), ("en", "Officer at the window, on the telephone")):
        page = visitor.get(f"/case/looks?lang={language}")
        assert who in page
        assert not re.search(f"{NAME}|{BADGE}|密语", page)


def test_the_case_page_leads_there(victim: Service) -> None:
    visitor = Visitor(victim)
    visitor.log_in()
    assert 'href="/case/looks"' in visitor.get("/case")
    assert "没有人看过" in visitor.get("/case/looks")


def test_looks_at_other_parties_and_acts_that_would_tell_too_much_are_not_told(victim: Service) -> None:
    clerk, reviewer = hire(victim), hire(victim, StaffRole.REVIEWER)
    token = victim.log_in()
    looked(victim, "phone_view", party_id=2, case_id=1, staff_id=clerk)
    looked(victim, "safe_contact", party_id=2, case_id=1)
    looked(victim, "preview", party_id=1, case_id=1, staff_id=reviewer)
    looked(victim, "release_look", case_id=1, staff_id=reviewer)
    looked(victim, "number_dead", party_id=1, case_id=1)
    looked(victim, "proof", case_id=1, party_id=2, facts={"by": "party"})
    assert looks(victim, token)["by_staff"] == []


def test_a_look_at_the_whole_case_counts_from_the_first_login_on(victim: Service) -> None:
    unit = hire(victim, StaffRole.UNIT)
    looked(victim, "desk", case_id=1, staff_id=unit)
    victim.clock.advance(minutes=1)
    token = victim.log_in()
    victim.clock.advance(minutes=1)
    looked(victim, "desk", case_id=1, staff_id=unit)
    told = looks(victim, token)["by_staff"]
    assert [(one["at"], one["function"]) for one in told] == [("2026-11-23T12:02:00+08:00", "unit")]


def test_the_own_page_of_proof_is_no_look_of_staff(victim: Service) -> None:
    visitor = Visitor(victim)
    visitor.log_in()
    visitor.get("/case/notices")
    assert "没有人看过" in visitor.get("/case/looks")
    looked(victim, "proof", party_id=1, case_id=1, facts={"by": "李", "reason": "x"})
    page = visitor.get("/case/looks")
    assert "公安局工作人员" in page
    assert "李" not in page


def test_where_others_use_the_device_there_is_no_history(victim: Service) -> None:
    looked(victim, "phone_view", party_id=1, case_id=1, staff_id=hire(victim))
    visitor = Visitor(victim)
    visitor.log_in()
    visitor.send("/preferences", shared_phone="1", sms="1")
    page = visitor.get("/case/looks")
    assert "这里不留记录" in page
    assert not re.search("窗口民警|看了案件|验证码登录", page)
    victim.clock.advance(minutes=2)
    token = victim.log_in()
    assert looks(victim, token) == {"withheld": True, "by_staff": [], "by_you": []}


def test_nobody_who_is_not_signed_in_is_told_anything(victim: Service) -> None:
    assert victim.client.get("/api/v1/looks").status_code == 401
    assert victim.client.get("/case/looks").headers["Location"] == "/"
    token = victim.log_in()
    victim.clock.advance(minutes=16)
    answer = victim.client.get("/api/v1/looks", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_the_looks_of_a_case_that_went_elsewhere_are_not_shown(victim: Service) -> None:
    visitor = Visitor(victim)
    visitor.log_in()
    gone = {"name": "x", "phone": "0951-8011000", "on": "2026-11-23"}
    victim.push(
        event("case", case(state="transferred", transferred_to=gone), sequence="2"), event("milestone", milestone())
    )
    assert visitor.client.get("/case/looks").headers["Location"] == "/case"


def test_every_look_act_has_its_words() -> None:
    assert set(LOOKS) == set(LookAct)
