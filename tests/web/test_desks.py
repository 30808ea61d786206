"""The desks in a browser: what a clerk types, and what stands on the pages."""

import re

import pytest

from caseq import paper
from caseq.rules.duties import StaffRole
from tests.service import CASE, PHONE, case, digits_of, event, milestone, party
from tests.staff import code, hired, post, signed_in, signed_in_as

NEW = "19987654321"
WHY = "当事人当面询问"


@pytest.fixture
def clerk(service):
    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    return signed_in(service, StaffRole.WINDOW_CLERK)


def text(answer, status=200):
    body = answer.get_data(as_text=True)
    assert answer.status_code == status, body
    return body


def lines_of(service):
    issued = paper.print_sheet(service.runtime, CASE, "P-victim", "甲", "没有手机")
    assert isinstance(issued, paper.Issued)
    return [line.keypad for line in issued.lines]


def test_at_the_case_desk_a_number_and_a_reason_lead_to_what_the_party_sees(service, clerk):
    assert "请写明为什么要看" in text(post(clerk, "/staff/desk", page="/staff/desk", case_number=CASE), 422)
    found = text(post(clerk, "/staff/desk", page="/staff/desk", case_number=CASE, reason=WHY))
    assert "被害人" in found
    assert "测试人" not in found
    assert PHONE not in found
    shown = text(post(clerk, "/staff/desk/view", page="/staff/desk", party="1", reason=WHY))
    own = service.client
    own.set_cookie("caseq", service.log_in())
    page = own.get("/case").get_data(as_text=True)
    heading = re.search("<h1>(.+?)</h1>", page)
    assert heading
    assert heading[1] in shown
    assert "公安机关决定正式调查这个案件。" in shown


def test_on_the_telephone_nothing_is_shown_without_the_code_and_the_view_once_with_it(service, clerk):
    line = lines_of(service)[0]
    wrong = post(clerk, "/staff/phone", page="/staff/phone", case_number=CASE, code="000000000000")
    nobody = post(clerk, "/staff/phone", page="/staff/phone", case_number="A0", code="000000000000")
    known, unknown = text(wrong, 422), text(nobody, 422)
    hidden = re.compile(r'value="[^"]*"')
    assert hidden.sub("", known) == hidden.sub("", unknown)
    full_width = "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in line)
    read = text(post(clerk, "/staff/phone", page="/staff/phone", case_number=f" {CASE} ", code=full_width))
    assert "请照着念" in read
    assert "您在这个案件里是被害人" in read
    again = post(clerk, "/staff/phone", page="/staff/phone", case_number=CASE, code=line)
    assert "请照着念" not in text(again, 422)


def test_a_clerk_asks_for_a_code_that_goes_to_the_stored_number_only(service, clerk):
    service.work()
    before = len(service.messages())
    for phone, heard in (("13900000000", 0), (PHONE, 1)):
        asked = text(post(clerk, "/staff/phone/ask", page="/staff/phone", case_number=CASE, phone=phone))
        service.work()
        assert (len(service.messages()) - before, len(service.messages("13900000000"))) == (heard, 0)
    handle = re.search(r'name="handle" value="([^"]+)"', asked)
    assert handle
    digits = digits_of(service.messages(PHONE)[-1])
    fields = {"case_number": CASE, "handle": handle[1]}
    assert "请照着念" not in text(post(clerk, "/staff/phone", page="/staff/phone", code="00000000", **fields), 422)
    spaced = f" {digits[:4]} {digits[4:]} "
    assert "请照着念" in text(post(clerk, "/staff/phone", page="/staff/phone", code=spaced, **fields))


def test_a_number_is_corrected_by_two_browsers_of_two_persons(service, clerk):
    papers = {"party": "1", "paper": "identity card"}
    assert "看被害人的证件" in text(post(clerk, "/staff/counter/papers", page="/staff/counter", party="1"))
    assert "证件还不够" in text(post(clerk, "/staff/counter/person", page="/staff/counter", party="1"), 422)
    assert "改手机号" in text(post(clerk, "/staff/counter/person", page="/staff/counter", **papers))
    bad = post(clerk, "/staff/counter/number", page="/staff/counter", phone="0951-8011010", **papers)
    assert "这不是收得到短信的手机号" in text(bad, 422)
    done = post(clerk, "/staff/counter/number", page="/staff/counter", phone="１９９ 8765 4321", **papers)
    assert done.headers["Location"] == "/staff/counter?done=asked"
    own = post(clerk, "/staff/counter/numbers/1/agree", page="/staff/counter/numbers")
    assert "第二人不能是提出更正的人" in text(own, 422)
    who = hired(service, StaffRole.WINDOW_CLERK)
    second = signed_in_as(service, who)
    service.clock.advance(minutes=6)
    late = post(second, "/staff/counter/numbers/1/agree", page="/staff/counter/numbers")
    assert "再确认一次是您本人" in text(late)
    assert "1998 7654" not in text(second.get("/staff/counter/numbers"))
    proof = code(service, who.badge)
    agreed = post(second, "/staff/counter/numbers/1/agree", page="/staff/counter/numbers", proof=proof)
    assert agreed.headers["Location"] == "/staff/counter/numbers?done=agreed"
    service.clock.advance(minutes=2)
    assert service.log_in(NEW) is not None


def test_the_counter_prints_codes_and_notes_what_was_told(service, clerk):
    papers = {"party": "1", "paper": "identity card"}
    sheet = post(clerk, "/staff/counter/codes", page="/staff/counter", **papers)
    assert (sheet.status_code, sheet.mimetype, sheet.headers["Cache-Control"]) == (200, "application/pdf", "no-store")
    assert sheet.data.startswith(b"%PDF")
    told = post(clerk, "/staff/counter/told", page="/staff/counter", milestone="case_filed", **papers)
    assert told.headers["Location"] == "/staff/counter?done=told"
    assert "没有记下" in text(post(clerk, "/staff/counter/told", page="/staff/counter", milestone="x", **papers), 422)


def test_a_notice_by_hand_is_made_and_its_delivery_noted(service, clerk):
    at = {"case": "XF-2026-0007", "source": "petition"}
    service.push(
        event("case", case("petition"), **at),
        event("party", party("petitioner"), **at),
        event("milestone", milestone("petition_result", details={"result": "explained"}), **at),
        source="petition",
    )
    listed = text(clerk.get("/staff/delivery"))
    ids = dict(re.findall(r'name="(party|milestone)" value="(\d+)"', listed))
    made = post(clerk, "/staff/delivery", page="/staff/delivery", method="post", document_number="7号", **ids)
    assert made.headers["Location"] == "/staff/delivery?done=made"
    twice = post(clerk, "/staff/delivery", page="/staff/delivery", method="post", document_number="7号", **ids)
    assert "已经出了文书" in text(twice, 422)
    ended = {"result": "delivered", "receiver": "self", "at": "2026-11-23T12:00"}
    assert post(clerk, "/staff/delivery/1", page="/staff/delivery", **ended).status_code == 303
    assert "没有要告知的" in text(clerk.get("/staff/delivery"))
