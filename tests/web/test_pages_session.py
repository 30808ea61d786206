"""The session, the ways out, the language, the errors: what a browser keeps and when it stops being worth anything."""

from collections.abc import Iterator

import pytest
from flask import render_template

from caseq import login
from caseq.errors import DatabaseUnavailable
from tests.service import CASE, Clock, Service
from tests.service import service as build_service
from tests.web.pagesamples import text_of
from tests.web.visitor import Visitor, add_victim


@pytest.fixture
def engine() -> str:
    """The pages are the same on every engine."""
    return "sqlite"


@pytest.fixture
def known(service: Service) -> Service:
    return add_victim(service)


@pytest.fixture
def secure(sqlite_template, tmp_path, clock: Clock) -> Iterator[Service]:
    """A service behind https."""
    (tmp_path / "secure.db").write_bytes(sqlite_template.read_bytes())
    url = f"sqlite:///{tmp_path / 'secure.db'}"
    built = build_service(url, tmp_path, clock, CASEQ_PUBLIC_URL="https://cases.example.org")
    yield built
    built.runtime.database.close()


def test_the_session_cookie_is_new_and_ends_with_the_browser(known):
    visitor = Visitor(known)
    visitor.client.set_cookie("caseq", "planted")
    visitor.ask()
    cookies = visitor.cookies_set_by(visitor.send("/code", code=visitor.newest_code()))
    assert "planted" not in cookies["caseq"]
    assert "Max-Age" not in cookies["caseq"]
    assert "Expires" not in cookies["caseq"]
    assert "Domain" not in cookies["caseq"]
    assert "Max-Age=0" in cookies["caseq-steps"], "the steps are forgotten"


def test_cookies_are_pinned_to_the_host_behind_https(secure):
    answer = secure.app.test_client().get("/?lang=en&big=1", base_url="https://cases.example.org")
    lines = answer.headers.getlist("Set-Cookie")
    assert len(lines) == 3, "language, text size and the form token"
    for line in lines:
        assert line.startswith("__Host-")
        assert "; Secure" in line
        assert "; Path=/" in line


def test_an_idle_session_ends_and_says_why(known):
    visitor = Visitor(known)
    visitor.log_in()
    known.clock.advance(minutes=15, seconds=1)
    answer = visitor.client.get("/case")
    assert answer.headers["Location"] == "/timeout"
    assert "Max-Age=0" in visitor.cookies_set_by(answer)["caseq"]
    assert "15 分钟没有操作" in visitor.get("/timeout")


def test_signing_out_needs_a_form_and_then_the_old_cookie_is_worthless(known):
    visitor = Visitor(known)
    visitor.log_in()
    cookie = visitor.client.get_cookie("caseq")
    assert cookie
    visitor.get("/sign-out")
    assert CASE in visitor.get("/case"), "a GET ends nothing"
    answer = visitor.send("/sign-out", on="/case")
    assert answer.headers["Location"] == "/signed-out"
    assert "Clear-Site-Data" in answer.headers
    visitor.client.set_cookie("caseq", cookie.value)
    assert visitor.client.get("/case").headers["Location"] == "/timeout"


def test_leaving_ends_the_session_and_goes_elsewhere(known):
    visitor = Visitor(known)
    visitor.log_in()
    cookie = visitor.client.get_cookie("caseq")
    assert cookie
    visitor.client.head("/leave")
    assert CASE in visitor.get("/case"), "a HEAD ends nothing"
    answer = visitor.client.get("/leave")
    assert answer.status_code == 303
    assert answer.headers["Location"] == known.runtime.settings.bureau.leave_to
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Clear-Site-Data"] == '"cookies", "storage"'
    visitor.client.set_cookie("caseq", cookie.value)
    assert visitor.client.get("/case").headers["Location"] == "/timeout"


def test_leaving_works_while_the_database_does_not(known, monkeypatch):
    def broken(*_: object) -> None:
        raise DatabaseUnavailable

    visitor = Visitor(known)
    visitor.log_in()
    monkeypatch.setattr(login, "sign_out", broken)
    answer = visitor.client.get("/leave")
    assert answer.headers["Location"] == known.runtime.settings.bureau.leave_to
    assert "Max-Age=0" in visitor.cookies_set_by(answer)["caseq"]


def test_a_form_without_its_token_changes_nothing(known):
    visitor = Visitor(known)
    visitor.log_in()
    assert visitor.client.post("/sign-out").status_code == 403
    assert CASE in visitor.get("/case")


def test_the_language_is_asked_for_remembered_or_the_browsers(service):
    client = service.app.test_client()

    def lang(path: str, **headers: str) -> str:
        html = client.get(path, headers=headers).get_data(as_text=True)
        return html.split('<html lang="')[1].split('"')[0]

    assert lang("/") == "zh-CN"
    assert lang("/", **{"Accept-Language": "en-GB,en;q=0.9"}) == "en"
    assert lang("/", **{"Accept-Language": "fr"}) == "zh-CN"
    assert lang("/?lang=en") == "en"
    assert lang("/help") == "en", "remembered"
    assert lang("/?lang=xx") == "en"
    assert lang("/?lang=zh") == "zh-CN"
    assert lang("/", **{"Accept-Language": "en"}) == "zh-CN", "chosen before preferred"


def test_big_text_is_remembered_and_can_be_undone(service):
    client = service.app.test_client()
    assert 'class="big"' in client.get("/?big=1").get_data(as_text=True)
    assert 'class="big"' in client.get("/help").get_data(as_text=True)
    assert 'class="big"' not in client.get("/?big=0").get_data(as_text=True)
    assert 'class="big"' not in client.get("/help").get_data(as_text=True)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("status", [400, 403, 404, 405, 413, 429, 500, 503])
def test_every_error_has_a_page_that_says_the_case_is_safe_and_whom_to_call(service, language, status):
    with service.app.test_request_context(f"/?lang={language}"):
        text = text_of(render_template("pages/error.html", status=status))
    assert {"zh": "您的案件不受影响", "en": "Your case is not affected"}[language] in text
    assert service.runtime.settings.bureau.help_phone in text
    assert str(status) not in text


def test_help_says_who_sees_what_as_the_policy_has_it(service):
    text = text_of(service.app.test_client().get("/help").get_data(as_text=True))
    assert "刑事案件：控告人、被害人、被害人家属" in text
    assert "刑事案件：嫌疑人、嫌疑人家属、代理人（律师）、第三人" in text
    assert "复议" not in text.split("谁能看到什么")[2], "what is told on paper only is not offered"
