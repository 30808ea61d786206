"""Rating and complaining: the pages without a script, and the same for programs."""

import html
import json
from dataclasses import replace

import pytest

from caseq.rules.duties import StaffRole
from caseq.rules.voices import About
from tests.service import CASE, PHONE, case, event, milestone, party
from tests.staff import UNIT_CODE, post, signed_in
from tests.test_no_leak import Markers, everything
from tests.web.visitor import Visitor, add_victim

PAGES = ("/case/rating", "/case/complaint")
SAID = "等了一个月<b>没有</b>人回我"


@pytest.fixture
def visitor(service):
    visitor = Visitor(add_victim(service))
    visitor.log_in()
    return visitor


def bearer(service):
    return {"Authorization": f"Bearer {service.log_in()}"}


@pytest.mark.parametrize("path", PAGES)
def test_who_is_not_signed_in_sees_and_says_nothing(service, path):
    stranger = Visitor(add_victim(service))
    assert stranger.client.get(path).headers["Location"] == "/"
    stranger.client.set_cookie("caseq", "no such session")
    assert stranger.client.get(path).headers["Location"] == "/timeout"
    form = {"on": "/", "score": "5", "about": "late", "text": SAID}
    assert stranger.send(path, **form).headers["Location"] == "/"
    assert stranger.send(path, on="/", score="", text="").status_code == 303


def test_a_rating_is_one_choice_and_is_there_when_the_page_is_opened_again(visitor):
    assert "checked" not in visitor.get("/case/rating")
    assert visitor.send("/case/rating", score="4", text=SAID).headers["Location"] == "/case/rating"
    page = visitor.get("/case/rating")
    assert 'value="4" checked' in page
    assert "以最后一次为准" in page
    assert html.escape(SAID) in page
    assert SAID not in page


def test_what_is_wrong_is_said_and_what_was_typed_stays(visitor):
    for score in ("", "6", "0", "x"):
        answer = visitor.send("/case/rating", score=score, text=SAID)
        assert answer.status_code == 422
        assert "请选一项，满意不满意" in answer.text
        assert html.escape(SAID) in answer.text
    answer = visitor.send("/case/rating", score="2", text="长" * 501)
    assert answer.status_code == 422
    assert 'value="2" checked' in answer.text
    assert "长" * 501 in answer.text
    for fields in ({"about": "", "text": SAID}, {"about": "late", "text": ""}, {"about": "late", "text": "长" * 501}):
        assert visitor.send("/case/complaint", **fields).status_code == 422
    assert "您写过的" not in visitor.get("/case/complaint")


def test_a_complaint_stands_on_the_page_with_the_day_of_its_answer(visitor):
    assert visitor.send("/case/complaint", about="conduct", text=SAID).headers["Location"] == "/case/complaint"
    page = visitor.get("/case/complaint")
    assert html.escape(SAID) in page
    assert "2026年12月7日 星期一" in page
    assert "向上一级反映" not in page


def test_when_its_time_is_over_it_goes_to_the_office_above(visitor):
    visitor.send("/case/complaint", about="late", text=SAID)
    refused = visitor.send("/case/complaint/further", on="/case/complaint", n="1", text="还没有答复")
    assert refused.status_code == 409
    visitor.service.clock.advance(days=15)
    visitor.log_in()
    assert "向上一级反映" in visitor.get("/case/complaint")
    empty = visitor.send("/case/complaint/further", on="/case/complaint", n="1", text="")
    assert empty.status_code == 422
    assert "<details open>" in empty.text
    visitor.send("/case/complaint/further", on="/case/complaint", n="1", text="还没有答复")
    page = visitor.get("/case/complaint")
    assert "等上一级答复" in page
    assert "还没有答复" in page
    for n in ("", "x", "1" * 30, "二"):
        answer = visitor.send("/case/complaint/further", on="/case/complaint", n=n, text="x")
        assert answer.headers["Location"] == "/case/complaint"


def test_the_fourth_complaint_waits_until_one_is_answered(visitor):
    for n in range(3):
        visitor.send("/case/complaint", about="other", text=f"第{n}件事")
    page = visitor.get("/case/complaint")
    assert 'name="about"' not in page
    answer = visitor.send("/case/complaint", on="/case", about="other", text="第四件事")
    assert answer.status_code == 409
    assert "第四件事" not in visitor.get("/case/complaint")


def test_the_page_of_the_case_says_for_thirty_days_that_there_is_an_answer(visitor):
    visitor.send("/case/complaint", about="late", text=SAID)
    assert "您的投诉有了答复" not in visitor.get("/case")
    unit = signed_in(visitor.service, StaffRole.UNIT, UNIT_CODE)
    assert post(unit, "/staff/inbox/1", page="/staff/inbox/1", text="已经联系您了").status_code == 303
    assert "您的投诉有了答复" in visitor.get("/case")
    visitor.service.clock.advance(days=31)
    visitor.log_in()
    assert "您的投诉有了答复" not in visitor.get("/case")


def test_of_a_case_elsewhere_the_pages_lead_to_what_is_said_of_that(visitor):
    gone = case(state="transferred", transferred_to={"name": "示例市公安局", "on": "2026-11-20"})
    visitor.service.push(event("case", gone, sequence="2"))
    for path in PAGES:
        assert visitor.client.get(path).headers["Location"] == "/case"


def test_programs_rate_and_complain_and_read_the_answer_due(service):
    client, headers = add_victim(service).client, bearer(service)
    said = client.post("/api/v1/rating", json={"score": 5}, headers=headers)
    assert (said.status_code, said.get_json()["score"], said.get_json()["month"]) == (200, 5, "2026-11")
    made = client.post("/api/v1/complaints", json={"about": "late", "text": SAID}, headers=headers)
    assert made.status_code == 201
    (one,) = client.get("/api/v1/complaints", headers=headers).get_json()["complaints"]
    assert one == made.get_json()
    assert one == {
        "n": 1,
        "about": "late",
        "state": "open",
        "may_go_on": False,
        "first": {
            "text": SAID,
            "at": "2026-11-23T12:00:00+08:00",
            "due_at": "2026-12-08T00:00:00+08:00",
            "due_provisional": False,
        },
    }
    for n in (1, 2, 2**70):
        assert client.post(f"/api/v1/complaints/{n}/further", json={"text": "x"}, headers=headers).status_code == 409
    service.clock.advance(days=15)
    headers = bearer(service)
    assert client.post("/api/v1/complaints/1/further", json={"text": "x"}, headers=headers).status_code == 204
    (one,) = client.get("/api/v1/complaints", headers=headers).get_json()["complaints"]
    assert (one["state"], one["second"]["text"]) == ("second", "x")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("rating", {"score": 6}, 400),
        ("rating", {"score": True}, 400),
        ("rating", {"score": 3, "name": "x"}, 400),
        ("complaints", {"about": "nothing", "text": "x"}, 400),
        ("complaints", {"about": "late"}, 400),
        ("complaints", {"about": "late", "text": "\u0000 "}, 400),
        ("complaints", {"about": "late", "text": "长" * 501}, 400),
        ("complaints/1/further", {"text": ""}, 400),
    ],
)
def test_what_is_wrong_is_refused(service, path, body, status):
    headers = bearer(add_victim(service))
    assert service.client.post(f"/api/v1/{path}", json=body, headers=headers).status_code == status


def test_without_a_session_programs_get_401(service):
    client = add_victim(service).client
    for path, body in (("rating", {"score": 3}), ("complaints", {"about": "late", "text": "x"})):
        assert client.post(f"/api/v1/{path}", json=body).status_code == 401
    assert client.post("/api/v1/complaints/1/further", json={"text": "x"}).status_code == 401
    assert client.get("/api/v1/complaints").status_code == 401


def test_the_pages_say_nothing_of_the_case(service):
    markers = Markers()
    for kind, role in (("criminal", "victim"), ("trade", "trade_member")):
        service.push(*everything(markers, kind, role)[:1], event("party", party(role), source=kind), source=kind)
        token = service.log_in()
        client = service.client
        client.set_cookie("caseq", str(token))
        answers = [
            client.get(path, headers={"Accept-Language": language}) for path in PAGES for language in ("zh", "en")
        ]
        heard = client.get("/api/v1/complaints", headers={"Authorization": f"Bearer {token}"})
        for answer in (*answers, heard):
            assert answer.status_code == 200
            assert markers.found(answer.text) == set()
            assert CASE not in answer.text
        service.push(
            event("withdrawal", {"record": "case", "key": CASE, "reason": "x"}, source=kind, sequence="2"), source=kind
        )


def test_too_much_is_refused_with_429(service):
    visitor = Visitor(add_victim(service))
    visitor.log_in()
    for _ in range(30):
        assert visitor.send("/case/rating", score="3", text="").status_code == 303
    assert visitor.send("/case/rating", score="3", text="").status_code == 429
    assert service.client.post("/api/v1/rating", json={"score": 3}).status_code == 429


def test_a_source_in_shadow_lets_nobody_say_anything(service):
    service.push(event("case", case()), event("milestone", milestone()), event("party", party()))
    token = service.log_in(PHONE)
    settings = service.runtime.settings
    hidden = replace(settings, policy=replace(settings.policy, shadow=frozenset({"criminal"})))
    service.runtime = replace(service.runtime, settings=hidden)
    vars(service).pop("app", None)
    heard = service.client.get("/api/v1/complaints", headers={"Authorization": f"Bearer {token}"})
    assert heard.status_code == 401
    assert json.loads(heard.text)["status"] == 401


def test_every_subject_of_a_complaint_is_on_the_page_in_both_languages(service):
    for language, said in (("zh", "民警的言行"), ("en", "The conduct of officers")):
        visitor = Visitor(add_victim(service), language)
        service.clock.advance(hours=2)
        visitor.log_in()
        page = visitor.get("/case/complaint")
        assert said in page
        assert all(f'value="{about}"' in page for about in About)
