"""The inbox at the console: the unit and the office above answer; nobody reads who complained."""

import pytest

from caseq import voicing
from caseq.rules.duties import StaffRole
from caseq.rules.voices import About
from tests.service import PHONE, case, event, milestone, party
from tests.staff import UNIT_CODE, post, signed_in

NAME = "欧阳示例"
SAID = "等了一个月<b>没有</b>人回我"


@pytest.fixture
def token(service):
    service.push(event("case", case()), event("milestone", milestone()), event("party", party(name=NAME)))
    token = service.log_in()
    voicing.rate(service.runtime, token, 2, "希望快一点")
    voicing.complain(service.runtime, token, About.LATE, SAID)
    return token


def test_the_unit_answers_once_and_the_party_reads_it(service, token):
    client = signed_in(service, StaffRole.UNIT, UNIT_CODE)
    page = client.get("/staff/inbox").text
    assert "等着答复的 1 件" in page
    assert "希望快一点" in page
    one = client.get("/staff/inbox/1").text
    assert "等了一个月&lt;b&gt;没有&lt;/b&gt;人回我" in one
    assert "被害人" in one
    for text in (page, one):
        assert NAME not in text
        assert PHONE not in text
        assert "P-victim" not in text
    assert post(client, "/staff/inbox/1", page="/staff/inbox/1", text="").status_code == 422
    long = post(client, "/staff/inbox/1", page="/staff/inbox/1", text="长" * 1001)
    assert long.status_code == 422
    assert "长" * 1001 in long.text
    first = post(client, "/staff/inbox/1", page="/staff/inbox/1", text="已经联系您了")
    assert (first.status_code, first.headers["Location"]) == (303, "/staff/inbox?done=1")
    again = post(client, "/staff/inbox/1", page="/staff", text="又一遍")
    assert again.status_code == 409
    assert "没有重复答复" in again.text
    heard = voicing.heard(service.runtime, token)
    assert isinstance(heard, voicing.Heard)
    assert heard.complaints[0].first.answer == "已经联系您了"


def test_the_office_above_answers_what_was_taken_there(service, token):
    client = signed_in(service, StaffRole.REVIEWER)
    assert "没有等着答复的投诉" in client.get("/staff/supervision").text
    assert client.get("/staff/supervision/1").status_code == 404
    assert post(client, "/staff/supervision/1", page="/staff", text="先说").status_code == 404
    unit = signed_in(service, StaffRole.UNIT, UNIT_CODE)
    post(unit, "/staff/inbox/1", page="/staff/inbox/1", text="已经处理")
    voicing.go_on(service.runtime, token, 1, "没有解决")
    assert "等着答复的 1 件" in client.get("/staff/supervision").text
    done = post(client, "/staff/supervision/1", page="/staff/supervision/1", text="已责成重新办理")
    assert done.headers["Location"] == "/staff/supervision?done=1"
    heard = voicing.heard(service.runtime, token)
    assert isinstance(heard, voicing.Heard)
    assert heard.complaints[0].second is not None
    assert heard.complaints[0].second.answer == "已责成重新办理"


def test_another_unit_finds_nothing_and_no_door_leads_to_the_other_level(service, token):
    other = signed_in(service, StaffRole.UNIT, "640121999999")
    assert "没有等着答复的投诉" in other.get("/staff/inbox").text
    assert "希望快一点" not in other.get("/staff/inbox").text
    assert other.get("/staff/inbox/1").status_code == 404
    assert post(other, "/staff/inbox/1", page="/staff", text="x").status_code == 404
    assert other.get("/staff/supervision/1").status_code == 403
    assert signed_in(service, StaffRole.REVIEWER).get("/staff/inbox/1").status_code == 403
