"""What people want: SMS or none, their language, quiet nights, a telephone that others use; and who is told what."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from caseq import granting, paper
from caseq.store.tables import audit
from tests.service import CASE, PHONE, case, event, milestone, party, with_nights

NEW_PHONE = "19987654321"


@pytest.fixture
def service(service):
    service.push(event("case", case()), event("party", party()), event("party", party("suspect", phone="19912345670")))
    return service


def by_paper(service, who="P-victim"):
    issued = paper.print_sheet(service.runtime, CASE, who, "甲", "没有手机")
    assert isinstance(issued, paper.Issued)
    body = {"case_number": CASE, "code": issued.lines[0].typed}
    return service.client.post("/api/v1/sessions", json=body).get_json()["token"]


def ask(service, method, token, body=None):
    headers = {"Authorization": f"Bearer {token}"}
    return getattr(service.client, method)("/api/v1/preferences", json=body, headers=headers)


def news(service, key="M1", **more):
    """How many news the victim got by one more milestone."""
    before = len(service.messages(PHONE))
    service.push(event("milestone", milestone("case_filed", key, document_number=key, **more)))
    service.work()
    return service.messages(PHONE)[before:]


def test_wishes_are_read_and_changed_one_by_one(service):
    token = by_paper(service)
    assert ask(service, "get", token).get_json() == {
        "sms": True,
        "language": "zh",
        "quiet": True,
        "shared_phone": False,
        "safe_contact": "",
        "phrase": "",
        "phone_end": "5678",
        "authenticator": False,
        "sessions": 1,
    }
    changed = ask(service, "patch", token, {"language": "en", "safe_contact": "只在上午打"}).get_json()
    assert (changed["language"], changed["safe_contact"], changed["sms"]) == ("en", "只在上午打", True)
    assert ask(service, "patch", token, {"quiet": False}).get_json()["language"] == "en"


@pytest.mark.parametrize(
    "body",
    [{"phone": NEW_PHONE}, {"sms": "yes"}, {"language": "fr"}, {"safe_contact": "x" * 101}, {"phrase": "x" * 101}],
)
def test_what_is_no_wish_is_refused_the_telephone_too(service, body):
    token = by_paper(service)
    assert ask(service, "patch", token, body).status_code == 400
    assert ask(service, "patch", "nobody", {"sms": False}).status_code == 401


def test_staff_read_how_to_reach_somebody_safely_and_the_look_is_in_the_audit(service):
    assert granting.safe_contact(service.runtime, CASE, "P-victim", "甲", "要打电话") == ""
    ask(service, "patch", by_paper(service), {"safe_contact": "只在上午打"})
    assert granting.safe_contact(service.runtime, CASE, "P-victim", "甲", "要打电话") == "只在上午打"
    assert granting.safe_contact(service.runtime, CASE, "P-none", "甲", "要打电话") is None
    with service.runtime.database.autocommit() as connection:
        rows = connection.execute(select(audit.c.facts).where(audit.c.act == "safe_contact")).scalars().all()
    assert rows == [{"by": "甲", "reason": "要打电话"}] * 2


def test_who_wants_no_sms_gets_codes_and_nothing_else(service):
    token = by_paper(service)
    assert len(news(service)) == 1
    ask(service, "patch", token, {"sms": False})
    assert news(service, "M2") == []
    assert service.log_in() is not None
    ask(service, "patch", token, {"sms": True})
    assert len(news(service, "M3")) == 1


def test_news_come_in_the_language_that_was_chosen(service):
    ask(service, "patch", by_paper(service), {"language": "en"})
    assert news(service)[0].startswith("[Shili County PSB]")


def test_news_wait_for_the_morning_where_nobody_said_anything(service):
    with_nights(service)
    assert len(news(service)) == 1
    service.clock.advance(hours=9)  # 21:00 at the bureau
    formed = (service.clock.now + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S+08:00")
    before = len(service.messages(PHONE))
    service.push(event("milestone", milestone("case_solved", "M9"), time=formed))
    service.work()
    assert len(service.messages(PHONE)) == before
    service.clock.advance(hours=10, minutes=59)
    service.work()
    assert len(service.messages(PHONE)) == before
    service.clock.advance(minutes=1)
    service.work()
    assert len(service.messages(PHONE)) == before + 1


def test_a_login_by_paper_from_an_unknown_browser_is_told_but_not_the_first_one(service):
    by_paper(service)
    service.work()
    assert service.notices(PHONE) == []
    token = by_paper(service)
    service.work()
    assert service.notices(PHONE) == ["device"]
    ask(service, "patch", token, {"shared_phone": True})
    by_paper(service)
    service.work()
    assert service.notices(PHONE) == ["device"], "others may read it"


def test_the_old_number_is_told_when_another_is_pushed(service):
    service.push(event("party", party(phone=NEW_PHONE), sequence="2"))
    service.work()
    assert (service.notices(PHONE), service.notices(NEW_PHONE)) == (["number"], [])
    service.push(event("party", party(phone=NEW_PHONE, name="另一个"), sequence="3"))
    service.work()
    assert (service.notices(PHONE), service.notices(NEW_PHONE)) == (["number"], [])


def test_the_old_number_of_a_suspect_who_has_not_appeared_is_told_nothing(service):
    suspect = party("suspect", "P-gone", phone="19912345671", appeared_on=None)
    service.push(event("party", suspect))
    service.push(event("party", {**suspect, "phone": "19912345672"}, sequence="2"))
    service.work()
    assert service.notices("19912345671") == []


def test_a_telephone_that_others_use_remembers_nobody(service):
    client = service.client
    token = by_paper(service)
    client.set_cookie("caseq", token, domain="127.0.0.1")
    page = client.get("/preferences", base_url="http://127.0.0.1").get_data(as_text=True)
    form = {"csrf_token": page.split('name="csrf_token" value="')[1].split('"')[0], "sms": "1", "shared_phone": "1"}
    client.set_cookie("caseq-known", "x", domain="127.0.0.1")
    client.post("/preferences", data=form, base_url="http://127.0.0.1")
    assert client.get_cookie("caseq-known", domain="127.0.0.1") is None
    assert ask(service, "get", token).get_json()["shared_phone"] is True
