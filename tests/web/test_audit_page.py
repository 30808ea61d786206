"""The auditor's desk: what was done is found by case, badge and day, and nobody else may look."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from caseq import chaining, guarding
from caseq.rules.duties import Staff, StaffRole
from caseq.store import auditing
from caseq.store.tables import audit
from caseq.web.console.auditwords import said as in_words
from tests.service import CASE, Service
from tests.staff import UNIT_CODE, hired, signed_in, signed_in_as
from tests.web.visitor import add_victim


@pytest.fixture
def reader(service: Service) -> Staff:
    """Somebody of the unit who read the case, which is watched."""
    add_victim(service)
    who = hired(service, StaffRole.UNIT, UNIT_CODE)
    assert guarding.watch(service.runtime, CASE, "审计", "本单位民警是当事人") is None
    service.clock.advance(minutes=1)
    with service.runtime.database.transaction() as connection:
        facts = {"reason": "答复<b>询问"}
        auditing.record(connection, "desk", service.clock(), case_id=1, staff_id=who.id, facts=facts)
    return who


def page(client: FlaskClient, **asked: str) -> str:
    answer = client.get("/staff/audit", query_string=asked)
    assert answer.status_code == 200, answer.status_code
    return str(answer.get_data(as_text=True))


def searches(service: Service) -> int:
    with service.runtime.database.autocommit() as connection:
        return int(connection.execute(select(func.count()).where(audit.c.act == "audit_search")).scalar_one())


def test_the_auditor_sees_act_function_badge_and_reason_and_is_noted(service: Service, reader: Staff) -> None:
    client = signed_in(service, StaffRole.AUDITOR)
    assert "<table" not in page(client)
    assert searches(service) == 0
    for asked in ({"case_number": CASE}, {"badge": reader.badge}, {"day": "2026-11-23"}):
        found = page(client, **asked)
        row = re.search(r"<tr>(?:(?!</tr>).)*看案件.*?</tr>", found, re.DOTALL)
        assert row
        assert all(part in row[0] for part in ("办案民警", reader.badge, CASE, "答复&lt;b&gt;询问"))
    assert searches(service) == 3
    assert "查审计记录" in page(client, day="2026-11-23")


def test_what_is_noted_is_said_in_words() -> None:
    noted: list[object] = [None, [], True, False, 3, "nobody"]
    assert [in_words(one) for one in noted] == ["", "", "是", "否", "3", "nobody"]
    assert in_words(["identity card", "in person"]) == "居民身份证、当面"
    assert in_words("2026-11-28T20:38:13.738264+00:00") == "2026年11月29日 04:38"
    assert in_words("not a dayT") == "not a dayT"


def test_what_cannot_be_found_is_said(service: Service, reader: Staff) -> None:
    client = signed_in(service, StaffRole.AUDITOR)
    for asked, said in (
        ({"badge": ""}, "请至少填一项"),
        ({"badge": "x"}, "没有这个警号"),
        ({"case_number": "A1"}, "没有这个案件"),
        ({"day": "23.11."}, "日期写成"),
    ):
        answer = client.get("/staff/audit", query_string=asked)
        assert answer.status_code == 422
        assert said in answer.get_data(as_text=True)
    assert "没有记录" in page(client, badge=reader.badge, day="2020-01-01")


def test_the_state_of_the_chain_and_unusual_reading_stand_below(service: Service, reader: Staff) -> None:
    client = signed_in(service, StaffRole.AUDITOR)
    service.clock.advance(minutes=2)
    guarding.look(service.runtime)
    before = page(client)
    assert "请叫系统管理人员" in before
    assert f"{reader.badge} 看了本单位民警的案件" in before
    chaining.link(service.runtime)
    after = page(client)
    assert "没有积压" in after
    assert re.search(r"第 \d+ 环", after)


@pytest.mark.parametrize("role", [role for role in StaffRole if role is not StaffRole.AUDITOR])
def test_nobody_but_the_auditor_may_look(service: Service, role: StaffRole) -> None:
    client = signed_in_as(service, hired(service, role))
    assert client.get("/staff/audit").status_code == 403
