"""The receipt at the counter: what is printed for whom, and what is not printed for whoever it may endanger."""

import re

import pytest

from caseq import printing
from caseq.rules.duties import StaffRole
from tests.service import CASE, case, event, milestone, party
from tests.staff import post, signed_in

PAPERS = {"party": "1", "paper": "identity card"}
KEYPAD = re.compile(r"\d{4} \d{4} \d{4}")


def clerk_with(service, **more):
    service.push(event("case", case(**more)), event("party", party()), event("milestone", milestone()))
    return signed_in(service, StaffRole.WINDOW_CLERK)


def printed(clerk, status=200, **fields):
    answer = post(clerk, "/staff/counter/receipt", page="/staff/counter", **PAPERS, **fields)
    body = answer.get_data(as_text=True)
    assert answer.status_code == status, body
    assert answer.headers["Cache-Control"] == "no-store"
    return body


def strip_of(page):
    return page.partition('class="sheet strip"')[2].partition('class="sheet overleaf"')[0]


def test_a_receipt_has_the_number_and_the_rights_and_codes_on_a_strip_that_does_not_say_whose_they_are(service):
    clerk = clerk_with(service)
    page = printed(clerk)
    assert CASE in page
    assert "您的权利和义务" in page
    assert strip_of(page) == ""
    strip = strip_of(printed(clerk, codes="1"))
    assert len(KEYPAD.findall(strip)) == 10
    for whose in (CASE, "测试人", "查询编号"):
        assert whose not in strip


def test_the_copy_for_the_files_has_no_codes(service):
    clerk = clerk_with(service)
    assert "存根不印查询码" in printed(clerk, 422, codes="1", copy="1")
    assert "存根：留在案卷里" in printed(clerk, copy="1")
    assert "存根" not in printed(clerk)


def test_without_papers_there_is_no_receipt(service):
    clerk = clerk_with(service)
    answer = post(clerk, "/staff/counter/receipt", page="/staff/counter", party="1")
    assert "证件还不够" in answer.get_data(as_text=True)


def test_in_a_case_with_a_minor_codes_are_printed_only_after_the_person_was_asked_alone(service):
    clerk = clerk_with(service, juvenile=True)
    assert "请先单独问本人" in printed(clerk, 422, codes="1")
    only_codes = post(clerk, "/staff/counter/codes", page="/staff/counter", **PAPERS)
    assert "请先单独问本人要不要查询码" in only_codes.get_data(as_text=True)
    page = printed(clerk, codes="1", asked="1")
    assert len(KEYPAD.findall(strip_of(page))) == 10
    assert "请民警先单独问领取人" not in page
    assert "请民警先单独问领取人" in printed(clerk, copy="1")


@pytest.mark.skipif(printing.state() != "ok", reason=f"nothing can be printed here: {printing.state()}")
def test_the_same_can_be_had_as_pdf(service):
    answer = post(clerk_with(service), "/staff/counter/receipt", page="/staff/counter", **PAPERS, **{"as": "pdf"})
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF")
