"""The boards of the console: what is to be done by hand, what was refused, which source is silent."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from caseq import quarantine, watching
from caseq.rules.duties import StaffRole
from caseq.rules.telling import Channel, Line, Manner
from caseq.store.tables import audit, tasks
from tests.service import CASE, Service, case, event, milestone, party
from tests.staff import UNIT_CODE, hired, post, signed_in, signed_in_as

TASKS, QUARANTINE = "/staff/tasks", "/staff/quarantine"
NAME, PHONE = "欧阳示例", "13912345678"


@pytest.fixture
def to_tell(service: Service) -> Service:
    """A service in which staff have something to tell somebody."""
    told = Line(None, None, Manner(Channel.IN_PERSON, timedelta(), None, tell_first=False))
    settings = replace(service.runtime.settings, telling=(told,))
    service.runtime = replace(service.runtime, settings=settings)
    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    return service


def rows(service: Service) -> list[tuple[Any, ...]]:
    with service.runtime.database.autocommit() as connection:
        found = connection.execute(select(tasks.c.id, tasks.c.done_by, tasks.c.note).order_by(tasks.c.id))
        return [tuple(row) for row in found]


def acts(service: Service, *wanted: str) -> list[tuple[str, int | None]]:
    with service.runtime.database.autocommit() as connection:
        found = connection.execute(select(audit.c.act, audit.c.staff_id).order_by(audit.c.id))
        return [(act, who) for act, who in found if act in wanted]


def test_a_unit_sees_and_finishes_only_its_own_tasks(to_tell: Service) -> None:
    service = to_tell
    ((id_, *_),) = rows(service)
    stranger = signed_in(service, StaffRole.UNIT, "640121520000")
    assert CASE not in stranger.get(TASKS).get_data(as_text=True)
    for path in (f"{TASKS}/{id_}", f"{TASKS}/{id_}/told"):
        answer = post(stranger, path, page="/staff", note="打过电话", channel="telephone")
        assert answer.headers["Location"] == "/staff/tasks?done=before"
    assert rows(service) == [(id_, None, None)]
    who = hired(service, StaffRole.UNIT, UNIT_CODE)
    client = signed_in_as(service, who)
    assert CASE in client.get(TASKS).get_data(as_text=True)
    assert post(client, f"{TASKS}/{id_}", page=TASKS, note="").status_code == 422
    forms = [post(client, f"{TASKS}/{id_}", page="/staff", note="打过电话") for _ in range(2)]
    assert [form.headers["Location"] for form in forms] == ["/staff/tasks?done=done", "/staff/tasks?done=before"]
    assert rows(service) == [(id_, who.badge, "打过电话")]
    assert acts(service, "task_done") == [("task_done", who.id)]
    assert CASE not in client.get(TASKS).get_data(as_text=True)


def test_that_somebody_was_told_ends_the_task_and_is_the_clerks_act(to_tell: Service) -> None:
    service = to_tell
    ((id_, *_),) = rows(service)
    who = hired(service, StaffRole.WINDOW_CLERK)
    client = signed_in_as(service, who)
    assert post(client, f"{TASKS}/{id_}/told", page=TASKS, channel="pigeon").status_code == 422
    answer = post(client, f"{TASKS}/{id_}/told", page=TASKS, channel="in person")
    assert answer.headers["Location"] == "/staff/tasks?done=told"
    assert rows(service) == [(id_, who.badge, None)]
    assert acts(service, "told") == [("told", who.id)]


def test_how_late_a_task_is_stands_there_in_words(to_tell: Service) -> None:
    service = to_tell
    with service.runtime.database.transaction() as connection:
        connection.execute(tasks.update().values(due_at=service.clock() + timedelta(hours=30)))
    client = signed_in(service, StaffRole.UNIT, UNIT_CODE)
    assert "还有 29 小时" in client.get(TASKS).get_data(as_text=True)
    service.clock.advance(hours=80)
    client = signed_in(service, StaffRole.UNIT, UNIT_CODE)
    assert "超期 2 天" in client.get(TASKS).get_data(as_text=True)


def test_a_refused_event_says_what_to_mend_and_shows_no_value(service: Service) -> None:
    service.push(event("party", party(name=NAME, phone=PHONE, officer="某人")), {NAME: {"phone": PHONE}})
    page = signed_in(service, StaffRole.ADMINISTRATOR).get(QUARANTINE).get_data(as_text=True)
    for said in (
        "data.officer",
        "多了这一项，系统不认识",
        "data.phone：文字",
        "（4 个字的键）.phone：文字",
        "少了这一项",
        "来源 criminal（刑事案件）",
    ):
        assert said in page
    for value in (NAME, PHONE, "某人", "测试人"):
        assert value not in page


def test_a_retry_takes_in_what_is_right_now_and_says_what_is_still_wrong(service: Service) -> None:
    service.push(event("case", case()), event("party", party(officer="某人")))
    who = hired(service, StaffRole.ADMINISTRATOR)
    client = signed_in_as(service, who)
    (item,) = quarantine.waiting(service.runtime)
    path = f"{QUARANTINE}/{item.id}"
    assert post(client, path, page=QUARANTINE).headers["Location"].endswith("done=refused")
    assert [item.id for item in quarantine.waiting(service.runtime)] == [item.id]
    assert post(client, f"{QUARANTINE}/99", page=QUARANTINE).headers["Location"].endswith("done=gone")
    assert acts(service, "quarantine_retry") == [("quarantine_retry", who.id)]


def test_an_event_whose_case_was_elsewhere_is_taken_in_once_it_let_go(service: Service) -> None:
    service.push(event("case", case()))
    taken = event("case", case("administrative"), source="administrative")
    assert service.outcomes(taken, source="administrative") == ["refused"]
    service.push(event("withdrawal", {"record": "case", "key": CASE}, sequence="2"))
    client = signed_in(service, StaffRole.ADMINISTRATOR)
    (item,) = quarantine.waiting(service.runtime)
    assert "另一个来源" in client.get(QUARANTINE).get_data(as_text=True)
    answer = post(client, f"{QUARANTINE}/{item.id}", page=QUARANTINE)
    assert answer.headers["Location"].endswith("done=taken")
    assert quarantine.waiting(service.runtime) == []


def test_silent_sources_waiting_events_and_a_dead_worker_are_seen(service: Service) -> None:
    service.push(event("party", party(), case="A-not-there"), event("case", case(colour="red")))
    page = signed_in(service, StaffRole.ADMINISTRATOR).get("/staff/freshness").get_data(as_text=True)
    assert "从来没有运行过" in page
    assert "从来没有推送过" in page
    assert "<b>administrative</b><br><small>行政案件</small>" in page
    assert 'data-l="等案件的">1<' in page
    assert 'data-l="没收下的">1<' in page
    assert "太久没有推送" not in page
    watching.beat(service.runtime, "worker x")
    assert "在运行" in signed_in(service, StaffRole.REVIEWER).get("/staff/freshness").get_data(as_text=True)
    service.clock.advance(days=30)
    page = signed_in(service, StaffRole.LEADER).get("/staff/freshness").get_data(as_text=True)
    assert "太久没有推送：30 天" in page
    assert "发短信的后台停了" in page
