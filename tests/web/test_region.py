"""/from/{region}: the number is filled in, the token is gone from every address, and nothing is given away."""

import re
import shutil
import time

import pytest
import requests

from caseq.settings import Region
from tests.links import BACK, NOW, REGION, TITLE, claims, config_with_region, token
from tests.service import CASE, PHONE, Served
from tests.service import service as build_service
from tests.web.conftest import UNLIMITED
from tests.web.pagesamples import text_of, without_token
from tests.web.visitor import Visitor, add_victim

UNKNOWN_CASE = "A6401215100002026119999"
NOTICE = "这个链接已经过时，或者用过了。请在这里填案件编号。"


@pytest.fixture
def engine() -> str:
    """The pages are the same on every engine."""
    return "sqlite"


@pytest.fixture
def config(tmp_path):
    return config_with_region(tmp_path)


@pytest.fixture
def service(database_url, tmp_path, clock, config):
    built = build_service(database_url, tmp_path, clock, CASEQ_CONFIG_DIR=str(config))
    yield built
    built.runtime.database.close()


@pytest.fixture
def visitor(service):
    return Visitor(add_victim(service))


def follow(visitor, text, region=REGION, more=""):
    """Comes by the link; the page it ends on."""
    answer = visitor.client.get(f"/from/{region}?token={text}{more}")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    return visitor.get("/")


def number_in(html):
    found = re.search(r'<input id="case_number"[^>]* value="([^"]*)"', html)
    assert found
    return found[1]


def test_the_number_is_filled_in_and_a_way_back_is_offered(visitor):
    html = follow(visitor, token(claims(return_url=BACK)))
    assert number_in(html) == CASE
    assert f'<a class="alone" href="{BACK}">回到{TITLE["zh"]}</a>' in html
    assert NOTICE not in html


def test_the_whole_walk_from_the_region_and_back(visitor):
    """Nobody is logged in by a link: the code is asked for as always; the way back stands on every page."""
    back = f'href="{BACK}"'
    start = follow(visitor, token(claims(return_url=BACK)))
    assert visitor.client.get("/case").headers["Location"] == "/"
    assert back in start
    assert visitor.send("/", case_number=number_in(start)).headers["Location"] == "/method"
    assert back in visitor.get("/method")
    assert visitor.send("/method", phone=PHONE).headers["Location"] == "/code"
    assert back in visitor.get("/code")
    assert visitor.send("/code", code=visitor.newest_code()).headers["Location"] == "/case"
    case = visitor.get("/case")
    assert CASE in case
    assert back in case
    assert visitor.send("/sign-out", on="/case").headers["Location"] == "/signed-out"
    assert back in visitor.get("/signed-out")
    assert BACK not in visitor.get("/signed-out") + visitor.get("/"), "signing out ends it"


def test_in_english_too(service):
    visitor = Visitor(service, "en")
    html = follow(visitor, token(claims(return_url=BACK)))
    assert f"Back to {TITLE['en']}" in html
    again = text_of(follow(visitor, token()))
    assert "This link is too old or was used before. Please type the case number here." in again


def test_the_region_may_choose_the_language(service):
    visitor = Visitor(service)
    assert 'lang="en"' in follow(visitor, token(), more="&lang=en")
    assert 'lang="en"' in visitor.get("/help")


BAD = {
    "forged": token(key="other"),
    "expired": token(claims(iat=NOW - 300, exp=NOW - 200)),
    "for somebody else": token(claims(aud="https://other.example.org")),
    "alg none": token(key="none"),
    "no JWT": "hello",
    "NUL and more": "%00%ff%f0",
    "nothing": "",
    "very long": "x" * 5000,
    "two tokens": token(claims(jti="j-3")) + "&token=" + token(claims(jti="j-4")),
}


def test_every_bad_link_ends_on_the_same_plain_page(visitor):
    assert number_in(follow(visitor, token(claims(return_url=BACK)))) == CASE
    pages = {"used": follow(visitor, token())}
    pages |= {name: follow(visitor, text) for name, text in BAD.items()}
    pages["from nowhere"] = follow(visitor, token(claims(jti="j-2")), region="west")
    visitor.client.get("/from/east")
    pages["no token"] = visitor.get("/")
    plain = {name: without_token(html) for name, html in pages.items()}
    assert {name for name, html in plain.items() if html != plain["used"]} == set()
    assert NOTICE in plain["used"]
    assert number_in(plain["used"]) == ""
    assert BACK not in plain["used"]


def test_the_notice_goes_when_a_number_is_typed_and_after_some_minutes(visitor, clock):
    assert NOTICE in follow(visitor, "hello")
    answer = visitor.send("/", case_number="张三")
    assert answer.status_code == 422
    assert NOTICE not in answer.get_data(as_text=True)
    clock.advance(minutes=5)
    assert NOTICE not in visitor.get("/")


def test_a_known_and_an_unknown_case_look_alike(service):
    """Answer, cookies and page are the same for a case that is there and one that is not."""
    add_victim(service)
    seen = []
    for number, case_number in enumerate((CASE, UNKNOWN_CASE)):
        visitor = Visitor(service)
        text = token(claims(jti=f"j-{number}", case_number=case_number, return_url=BACK))
        answer = visitor.client.get(f"/from/{REGION}?token={text}")
        shape = [(line.split("=")[0], len(line), line.split(";")[1:]) for line in answer.headers.getlist("Set-Cookie")]
        headers = {name for name, _ in answer.headers}
        page = without_token(visitor.get("/")).replace(case_number, "A")
        seen.append((answer.status_code, answer.get_data(), headers, shape, page))
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    "url", ["https://evil.example.org/", "//evil.example.org/", "javascript:alert(1)", BACK + "../../evil"]
)
def test_no_link_leads_elsewhere(visitor, url):
    html = follow(visitor, token(claims(return_url=url)))
    assert number_in(html) == CASE
    assert "evil" not in html
    assert "alert" not in html
    assert "回到东部" not in html


def test_markup_in_a_token_is_text(visitor):
    html = follow(visitor, token(claims(case_number='1"><svg onload=alert(1)>{{7*7}}')))
    assert "<svg onload" not in html
    assert "{{7*7}}" in html


def test_a_preview_does_not_use_a_link_up(visitor):
    text = token()
    answer = visitor.client.head(f"/from/{REGION}?token={text}")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert "Set-Cookie" not in answer.headers
    assert number_in(follow(visitor, text)) == CASE


def test_a_session_that_is_open_stays_open(visitor):
    visitor.log_in()
    follow(visitor, token(claims(case_number=UNKNOWN_CASE)))
    assert CASE in visitor.get("/case")


def test_a_session_that_ran_out_offers_the_way_back_once_more(visitor, clock):
    visitor.log_in()
    follow(visitor, token(claims(return_url=BACK)))
    clock.advance(minutes=15, seconds=1)
    assert visitor.client.get("/case").headers["Location"] == "/timeout"
    assert BACK in visitor.get("/timeout")
    assert BACK not in visitor.get("/timeout")


def test_leaving_fast_forgets_the_way_back(visitor):
    follow(visitor, token(claims(return_url=BACK)))
    visitor.client.get("/leave")
    assert BACK not in visitor.get("/")


def test_the_way_back_ends_with_the_longest_session(visitor, clock):
    follow(visitor, token(claims(return_url=BACK)))
    clock.advance(hours=2)
    assert BACK not in visitor.get("/")


def test_a_way_back_that_the_list_lost_is_not_offered(service):
    visitor = Visitor(service)
    assert BACK in follow(visitor, token(claims(return_url=BACK)))
    region = service.runtime.settings.regions[REGION]
    service.runtime.settings.regions[REGION] = Region(**{**vars(region), "return_urls": ()})
    assert BACK not in visitor.get("/")
    del service.runtime.settings.regions[REGION]
    assert BACK not in visitor.get("/")


def test_a_cookie_that_was_changed_is_nothing(service):
    visitor = Visitor(service)
    visitor.client.set_cookie("caseq-came", "hello")
    assert NOTICE not in visitor.get("/")


def test_no_answer_holds_anything_of_the_token(visitor):
    text, bad = token(claims(jti="an-id", return_url=BACK)), token(key="other", kid="a-kid")
    answers = [visitor.client.get(f"/from/{REGION}?token={given}") for given in (text, text, bad)]
    told = "".join(f"{answer.headers}{answer.get_data(as_text=True)}" for answer in answers)
    told += visitor.get("/") + visitor.get("/help")
    for secret in (*text.split("."), *bad.split("."), "an-id", "a-kid"):
        assert secret not in told
    assert {answer.headers["Referrer-Policy"] for answer in answers} == {"no-referrer"}
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}


def test_no_log_of_the_running_service_holds_anything_of_the_token(sqlite_template, tmp_path, config):
    shutil.copy(sqlite_template, tmp_path / "served.db")
    running = Served(f"sqlite:///{tmp_path / 'served.db'}", tmp_path, CASEQ_CONFIG_DIR=str(config))
    now = int(time.time())
    times = {"iat": now, "exp": now + 120}
    text, bad = token(claims(jti="an-id", return_url=BACK, **times)), token(claims(**times), key="other", kid="a-kid")
    try:
        running.wait_until_ready()
        for given in (text, text, bad, text + "%00", "x" * 20_000):
            requests.get(f"{running.url}/from/{REGION}", params={"token": given}, timeout=10)
    finally:
        running.stop()
    logged = (tmp_path / "serve.log").read_text(encoding="utf-8")
    assert logged.count('"route": "/from/<region>", "status": 303') >= 3
    assert [cause in logged for cause in ('"cause": "used"', '"cause": "key"')] == [True, True]
    for secret in (*text.split("."), *bad.split("."), "an-id", "a-kid", CASE, BACK, "xxxx"):
        assert secret not in logged


def test_links_are_limited_like_other_public_routes(service):
    for _ in range(120):
        assert service.client.get(f"/from/{REGION}?token=x").status_code == 303
    answer = service.client.get(f"/from/{REGION}?token={token()}")
    assert answer.status_code == 429
    assert token() not in answer.get_data(as_text=True)
    assert service.client.get("/").status_code == 200


def test_without_a_database_a_link_is_to_be_tried_again(tmp_path, clock, config):
    lost = build_service("postgresql://127.0.0.1:1/none", tmp_path, clock, CASEQ_CONFIG_DIR=str(config))
    answer = lost.client.get(f"/from/{REGION}?token={token()}")
    assert answer.status_code == 503
    assert "Set-Cookie" not in {name for name, value in answer.headers if "steps" in value}
    assert lost.client.get(f"/from/{REGION}?token=hello").status_code == 303
    lost.runtime.database.close()


def test_the_limits_of_tests_know_every_limit(service):
    assert set(UNLIMITED) == set(vars(service.runtime.settings.limits))
