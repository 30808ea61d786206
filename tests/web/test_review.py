"""The queue and the page of one change: what a reviewer sees and does, in clicks."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from caseq.rules.approval import Line, Step
from caseq.rules.duties import StaffRole
from caseq.store.tables import audit
from tests.service import CASE, PHONE, Service, case, event, milestone, party
from tests.staff import UNIT_CODE, post, signed_in

MEASURE = milestone("compulsory_measure", subject="S1", details={"measure": "criminal_detention", "action": "imposed"})
CHECKS = {"same": "1", "lawful": "1", "secret": "1"}


@pytest.fixture
def waiting(service: Service) -> Service:
    """A service in which an overdue measure waits for the office and a leader of the bureau."""
    chain = (Step.FIRST_REVIEW, Step.BUREAU_LEADER)
    approval = replace(service.runtime.settings.approval, lines=(Line(None, None, chain),))
    service.runtime = replace(service.runtime, settings=replace(service.runtime.settings, approval=approval))
    service.push(
        event("case", case()),
        event("party", party()),
        event("party", party("suspect_family", phone="19911112222")),
        event("milestone", MEASURE),
    )
    service.clock.advance(days=2)
    return service


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, name
    return found[1]


def acts(service: Service) -> list[str]:
    with service.runtime.database.autocommit() as connection:
        return list(connection.execute(select(audit.c.act)).scalars())


def first_in_queue(client: FlaskClient) -> str:
    """The address of the first change in the queue: one click."""
    found = re.search(r'href="(/staff/queue/\d+)"', client.get("/staff/queue").get_data(as_text=True))
    assert found
    return found[1]


def agree(client: FlaskClient) -> str:
    """Open the first change and agree to it; where that leads."""
    address = first_in_queue(client)
    page = client.get(address).get_data(as_text=True)
    fields = {"step": hidden(page, "step"), "mark": hidden(page, "mark"), **CHECKS}
    answer = post(client, f"{address}/agree", page=address, **fields)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return answer.headers["Location"]


def test_an_overdue_measure_goes_from_the_queue_to_released_in_three_clicks(waiting: Service) -> None:
    reviewer = signed_in(waiting, StaffRole.REVIEWER)
    leader = signed_in(waiting, StaffRole.LEADER)
    queue = text_of(reviewer.get("/staff/queue").get_data(as_text=True))
    assert "超期 1 个工作日" in queue
    assert CASE in queue
    assert "等您签" in queue
    page = text_of(reviewer.get(first_in_queue(reviewer)).get_data(as_text=True))
    for seen in (
        "被害人（1 位）",
        "嫌疑人家属（1 位）",
        "控告人（现在没有）",
        "新增：记录：2026年11月22日",
        "刑事拘留",
        "24 小时",
    ):
        assert seen in page, seen
    assert agree(reviewer) == "/staff/queue?done=signed"
    assert "等您签" not in text_of(reviewer.get("/staff/queue").get_data(as_text=True))
    assert agree(leader) == "/staff/queue?done=released"
    victim = waiting.seen_by()
    assert victim is not None
    assert [one["name"] for one in victim["milestones"]] == ["compulsory_measure"]
    assert "刚发布，还可以撤回" in leader.get("/staff/queue").get_data(as_text=True)
    waiting.clock.advance(minutes=10)
    waiting.work()
    assert waiting.told()[f"+86{PHONE}"] == 1


def test_the_queue_shows_how_each_unit_keeps_its_limits(waiting: Service) -> None:
    def figures(client: FlaskClient) -> list[str]:
        page = client.get("/staff/queue").get_data(as_text=True).partition("按时公开的情况")[2]
        return re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", page.partition("<tbody>")[2])

    reviewer = signed_in(waiting, StaffRole.REVIEWER)
    assert figures(reviewer) == ["示例县公安局城关派出所", "0", "0", "1", "0", "0"]
    agree(reviewer)
    agree(signed_in(waiting, StaffRole.LEADER))
    waiting.clock.advance(minutes=10)
    assert figures(reviewer) == ["示例县公安局城关派出所", "0", "1", "0", "0", "0"]
    assert figures(signed_in(waiting, StaffRole.UNIT, "640121520000"))[1:] == ["0"] * 5


def test_a_change_is_agreed_to_only_with_every_check_and_as_it_was_shown(waiting: Service) -> None:
    reviewer = signed_in(waiting, StaffRole.REVIEWER)
    address = first_in_queue(reviewer)
    page = reviewer.get(address).get_data(as_text=True)
    fields = {"step": hidden(page, "step"), "mark": hidden(page, "mark")}
    unticked = post(reviewer, f"{address}/agree", page=address, **fields, same="1")
    assert unticked.status_code == 422
    assert "逐项确认" in unticked.get_data(as_text=True)
    waiting.push(event("party", party("complainant", phone="19933334444")))
    changed = post(reviewer, f"{address}/agree", page=address, **fields, **CHECKS)
    assert changed.status_code == 422
    assert "预览已经变了" in changed.get_data(as_text=True)


def test_two_tabs_sign_once(waiting: Service) -> None:
    reviewer = signed_in(waiting, StaffRole.REVIEWER)
    address = first_in_queue(reviewer)
    page = reviewer.get(address).get_data(as_text=True)
    fields = {"step": hidden(page, "step"), "mark": hidden(page, "mark"), **CHECKS}
    answers = [post(reviewer, f"{address}/agree", page=address, **fields) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 422]
    assert "别人已经先处理了" in answers[1].get_data(as_text=True)
    assert "staff_refused" not in acts(waiting)


def test_a_unit_sees_its_own_cases_only_and_sends_a_returned_change_again(waiting: Service) -> None:
    reviewer = signed_in(waiting, StaffRole.REVIEWER)
    unit = signed_in(waiting, StaffRole.UNIT, UNIT_CODE)
    other = signed_in(waiting, StaffRole.UNIT, "640121520000")
    address = first_in_queue(reviewer)
    assert other.get(address).status_code == 404
    assert CASE not in other.get("/staff/queue").get_data(as_text=True)
    returned = post(reviewer, f"{address}/return", page=address, step="0", reason="日期不对")
    assert returned.headers["Location"] == "/staff/queue?done=returned"
    page = unit.get(address).get_data(as_text=True)
    assert "日期不对" in page
    assert post(unit, f"{address}/agree", page=address, step="0", mark="x", **CHECKS).status_code == 403
    again = post(unit, f"{address}/send-again", page=address, reason="已核对")
    assert again.headers["Location"] == "/staff/queue?done=sent_again"


def test_withholding_needs_a_ground_an_end_and_a_reason(waiting: Service) -> None:
    reviewer = signed_in(waiting, StaffRole.REVIEWER)
    address = first_in_queue(reviewer)
    until = (waiting.clock() + timedelta(days=30)).date().isoformat()
    for wrong in ({}, {"ground": "safety"}, {"ground": "safety", "until": "soon", "reason": "x"}):
        answer = post(reviewer, f"{address}/withhold", page=address, step="0", **wrong)
        assert answer.status_code == 422, wrong
        assert "请选依据，写明到哪天" in answer.get_data(as_text=True)
    assert re.search(r'value="safety" checked.*>x</textarea>', answer.get_data(as_text=True), re.DOTALL)
    done = post(
        reviewer, f"{address}/withhold", page=address, step="0", ground="safety", until=until, reason="保护证人"
    )
    assert done.headers["Location"] == "/staff/queue?done=withheld"
    queue = reviewer.get("/staff/queue").get_data(as_text=True)
    assert "没有待审核的" in queue
    assert "按依据不公开" in queue
    page = reviewer.get(address).get_data(as_text=True)
    assert "按依据不公开，到" in page
    assert "公开可能危及有关人员的人身安全" in page
    assert "safety" not in text_of(page)


def test_only_who_may_sign_sends_again_what_is_withheld(waiting: Service) -> None:
    reviewer = signed_in(waiting, StaffRole.REVIEWER)
    unit = signed_in(waiting, StaffRole.UNIT, UNIT_CODE)
    address = first_in_queue(reviewer)
    until = (waiting.clock() + timedelta(days=30)).date().isoformat()
    why = {"step": "0", "ground": "safety", "until": until, "reason": "保护证人"}
    assert post(reviewer, f"{address}/withhold", page=address, **why).status_code == 303
    assert "重新提交审核" not in unit.get(address).get_data(as_text=True)
    assert post(unit, f"{address}/send-again", page=address, reason="我看可以").status_code == 422
    again = post(reviewer, f"{address}/send-again", page=address, reason="危险已经过去")
    assert again.headers["Location"] == "/staff/queue?done=sent_again"


def test_a_delegation_lets_somebody_else_sign_and_ends(waiting: Service) -> None:
    reviewer = signed_in(waiting, StaffRole.REVIEWER)
    secrecy = signed_in(waiting, StaffRole.SECRECY_REVIEWER)
    badge = "900001"
    today = waiting.clock().date()
    fields = {"badge": badge, "since": today.isoformat(), "until": (today + timedelta(days=3)).isoformat()}
    page = "/staff/queue/delegations"
    assert post(reviewer, page, page=page, **fields, reason="").status_code == 422
    assert post(reviewer, page, page=page, **{**fields, "badge": "0"}, reason="出差").status_code == 422
    for _ in range(2):
        assert post(reviewer, page, page=page, **fields, reason="出差").status_code == 303
        assert reviewer.get(page).get_data(as_text=True).count("/end") == 1
    assert "等您签" in secrecy.get("/staff/queue").get_data(as_text=True)
    found = re.search(r"/delegations/(\d+)/end", reviewer.get(page).get_data(as_text=True))
    assert found
    assert post(reviewer, f"{page}/{found[1]}/end", page=page).status_code == 303
    assert "等您签" not in secrecy.get("/staff/queue").get_data(as_text=True)
