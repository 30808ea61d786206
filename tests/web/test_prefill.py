"""The address in a QR code: it fills in a number, and tells and keeps nothing."""

import pytest

from caseq import numbering
from tests.service import CASE, PHONE, Service
from tests.web.visitor import Visitor, add_victim

NUMBER = "260312004766"
PRINTED = "2603 1200 4766"


@pytest.fixture
def engine() -> str:
    """The pages are the same on every engine."""
    return "sqlite"


def number_of(service: Service) -> str:
    number = numbering.query_number(service.runtime, CASE, "窗口", "打印")
    assert number is not None
    return number


@pytest.mark.parametrize("path", [f"/q/{NUMBER}", "/q/2603-1200-4766", "/q/2603%201200%204766", f"/q/{NUMBER}?lang=en"])
def test_the_address_of_the_qr_code_fills_in_the_number_and_stays_in_no_address(service: Service, path: str):
    visitor = Visitor(service)
    answer = visitor.client.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    headers = str(answer.headers) + answer.get_data(as_text=True)
    assert NUMBER not in headers
    assert PRINTED not in headers
    assert all("HttpOnly" in c and "SameSite=Lax" in c for c in visitor.cookies_set_by(answer).values())
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert f'value="{PRINTED}"' in visitor.get("/")


@pytest.mark.parametrize(
    "path",
    ["/q/260312004769", "/q/26031200476", "/q/x", f"/q/{CASE}", "/q/13912345678", "/q/%E7%A4%BA%E5%85%AC", "/q/%00"],
)
def test_any_other_address_opens_the_plain_start_page(service: Service, path: str):
    visitor = Visitor(service)
    visitor.send("/", case_number="示公（刑）立字〔2026〕12号")
    answer = visitor.client.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert 'name="case_number" type="text" value=""' in visitor.get("/")


def test_known_and_unknown_numbers_are_answered_alike(service: Service):
    known = number_of(add_victim(service))
    told = []
    for number in (known, NUMBER):
        answer = Visitor(service).client.get(f"/q/{number}")
        kept = {name: line.split(";")[1:] for name, line in Visitor(service).cookies_set_by(answer).items()}
        headers = [(name, value) for name, value in answer.headers if name not in ("Set-Cookie", "X-Request-ID")]
        told.append((answer.status_code, headers, kept, len(answer.headers["Set-Cookie"]), answer.get_data()))
    assert told[0] == told[1]


def test_scanning_again_on_the_way_keeps_the_codes_under_way(service: Service):
    number = number_of(add_victim(service))
    visitor = Visitor(service)
    visitor.client.get(f"/q/{number}")
    visitor.ask(number)
    code = visitor.newest_code(PHONE)
    visitor.client.get(f"/q/{number}")
    assert visitor.send("/code", code=code).headers["Location"] == "/case"


def test_scanning_another_paper_begins_anew(service: Service):
    visitor = Visitor(add_victim(service))
    visitor.ask()
    visitor.client.get(f"/q/{NUMBER}")
    assert visitor.client.get("/code").headers["Location"] == "/method"
    assert PRINTED in visitor.get("/method")


def test_one_network_cannot_ask_without_end(service_with):
    client = service_with(limits={"ask_code": "3 per hour"}).client
    assert [client.get(f"/q/{NUMBER}").status_code for _ in range(5)] == [303, 303, 303, 429, 429]


def test_scanning_does_not_use_up_the_limit_of_asking_for_codes(service_with):
    service = add_victim(service_with(limits={"ask_code": "1 per hour"}))
    visitor = Visitor(service)
    visitor.client.get(f"/q/{NUMBER}")
    visitor.ask()


def test_no_log_line_holds_the_number(service: Service, capsys, logged):
    service.client.get(f"/q/{NUMBER}")
    assert [line["route"] for line in logged if line["event"] == "request"] == ["/q/<number>"]
    assert NUMBER not in f"{logged}{capsys.readouterr()}"
