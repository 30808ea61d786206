"""The three steps, the session and the ways out, without a browser: what is answered, kept and given away."""

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.service import CASE, PHONE, Clock, Service, case, digits_of, event, milestone, party
from tests.service import service as build_service
from tests.web.pagesamples import text_of, without_token

UNKNOWN_CASE = "A6401215100002026119999"


@pytest.fixture
def engine() -> str:
    """The pages are the same on every engine."""
    return "sqlite"


@pytest.fixture
def known(service: Service) -> Service:
    """A service with one victim in one case."""
    service.push(event("case", case()), event("milestone", milestone()), event("party", party(sms=False)))
    service.work()
    return service


@pytest.fixture
def secure(sqlite_template, tmp_path, clock: Clock) -> Iterator[Service]:
    """A service behind https."""
    (tmp_path / "secure.db").write_bytes(sqlite_template.read_bytes())
    url = f"sqlite:///{tmp_path / 'secure.db'}"
    built = build_service(url, tmp_path, clock, CASEQ_PUBLIC_URL="https://cases.example.org")
    yield built
    built.runtime.database.close()


class Visitor:
    """Somebody with a browser that runs no scripts."""

    def __init__(self, service: Service, language: str = "zh") -> None:
        self.service = service
        self.client: FlaskClient = service.app.test_client()
        self.client.set_cookie("caseq-lang", language)

    def get(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.headers.get("Location"))
        return answer.get_data(as_text=True)

    def send(self, path: str, on: str | None = None, **fields: str):
        """Post a form as it stands on the page `on` (by default the same path)."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.get(on or path))
        assert token
        return self.client.post(path, data={"csrf_token": token[1], **fields})

    def ask(self, case_number: str = CASE, phone: str = PHONE) -> None:
        """Steps 1 and 2."""
        assert self.send("/", case_number=case_number).headers["Location"] == "/method"
        assert self.send("/method", phone=phone).headers["Location"] == "/code"

    def newest_code(self, phone: str = PHONE) -> str:
        self.service.work()
        return digits_of(self.service.messages(phone)[-1])

    def log_in(self) -> None:
        self.ask()
        answer = self.send("/code", code=self.newest_code())
        assert answer.headers["Location"] == "/case"

    def cookies_set_by(self, answer) -> dict[str, str]:
        return {line.split("=")[0]: line for line in answer.headers.getlist("Set-Cookie")}


def test_three_steps_lead_to_the_case(known):
    visitor = Visitor(known)
    visitor.log_in()
    html = visitor.get("/case")
    assert CASE in html
    assert "已经立案，正在调查" in html
    assert "被害人" in html


@pytest.mark.parametrize(
    "typed",
    [
        "a6401 2151 0000 2026 1100 12",
        "Ａ６４０１２１５１００００２０２６１１００１２",
        "6401215100002026110012",
        f" {CASE}\u200b ",
    ],
)
def test_a_case_number_is_taken_however_it_is_typed(known, typed):
    visitor = Visitor(known)
    visitor.ask(typed, "139 1234-5678".replace("139", "199"))
    code = visitor.newest_code()
    answer = visitor.send("/code", code=f" {code[:4]} {code[4:]} ")
    assert answer.headers["Location"] == "/case"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "请填编号"),
        ("   ", "请填编号"),
        ("张三的案子", "编号里有数字"),
        ("13912345678", "这像是手机号"),
        ("J2026112300012", "这像是接警编号"),
        (CASE[:-1], "A 后面应当有 22 位数字"),
        (CASE + "1", "A 后面应当有 22 位数字"),
        ("x" * 101 + "1", "这里只填编号"),
    ],
)
def test_a_number_that_cannot_be_one_is_sent_back_with_what_was_typed(service, typed, said):
    answer = Visitor(service).send("/", case_number=typed)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert html.count(said) == 2, "in the summary and beside the field"
    assert f'value="{typed[:100]}"' in html
    assert "<title>出错了：" in html


@pytest.mark.parametrize("typed", ["示公（城）立告字〔2026〕118号", "2603 1200 4769", CASE])
def test_document_numbers_and_short_query_numbers_are_taken_too(service, typed):
    assert Visitor(service).send("/", case_number=typed).headers["Location"] == "/method"


@pytest.mark.parametrize("typed", ["", "139", "0951-8011000", "hello"])
def test_a_number_that_cannot_receive_sms_is_sent_back(service, typed):
    visitor = Visitor(service)
    visitor.send("/", case_number=CASE)
    assert visitor.send("/method", phone=typed).status_code == 422


def test_no_page_tells_whether_a_case_or_a_number_is_known(known):
    """Every page and every answer on the way is the same for the right person and for a stranger."""
    asked = [(CASE, PHONE), (CASE, "13900000000"), (UNKNOWN_CASE, PHONE), (UNKNOWN_CASE, "13900000000")]
    told = []
    for case_number, phone in asked:
        visitor = Visitor(known)
        seen: list[object] = []
        visitor.ask(case_number, phone)
        known.work()
        seen.append(visitor.get("/code"))
        for _ in range(5):
            answer = visitor.send("/code", code="0000 0000")
            seen.append((answer.status_code, answer.headers["Location"], visitor.get("/code")))
        known.clock.advance(minutes=11)
        seen.append(visitor.get("/code"))
        known.clock.advance(minutes=-11)
        told.append([without_token(str(part)) for part in seen])
    assert told[0] == told[1] == told[2] == told[3]
    assert "先停一停" in told[0][5]
    assert "这个验证码过时间了" in told[0][6]


def test_a_wrong_code_is_kept_and_the_tries_are_counted_down(known):
    visitor = Visitor(known)
    visitor.ask()
    visitor.newest_code()
    visitor.send("/code", code="1111 2222")
    html = visitor.get("/code")
    assert html.count("验证码对不上") == 2
    assert "还可以试 4 次" in html
    assert 'value="1111 2222"' in html
    assert visitor.get("/code").count("还可以试 4 次") == 1, "reloading spends no try"


def test_half_a_code_spends_no_try(known):
    visitor = Visitor(known)
    visitor.ask()
    visitor.newest_code()
    visitor.send("/code", code="1234 56")
    assert "验证码是 8 位数字" in visitor.get("/code")
    visitor.send("/code", code="0000 0000")
    assert "还可以试 4 次" in visitor.get("/code")


def test_after_five_tries_even_the_right_code_waits(known):
    visitor = Visitor(known)
    visitor.ask()
    right = visitor.newest_code()
    for _ in range(5):
        visitor.send("/code", code="0000 0000")
    html = visitor.get("/code")
    assert "先停一停，12:10 以后再试" in html
    assert 'name="code"' not in html
    token = re.search(r'name="csrf_token" value="([^"]+)"', visitor.get("/"))
    answer = visitor.client.post("/code", data={"csrf_token": token and token[1], "code": right})
    assert answer.headers["Location"] == "/code"
    assert visitor.client.get("/case").headers["Location"] == "/"


def test_another_sms_comes_after_the_pause_and_not_before(known):
    visitor = Visitor(known)
    visitor.ask()
    first = visitor.newest_code()
    visitor.send("/code/resend", on="/code")
    known.work()
    assert len(known.messages(PHONE)) == 1
    known.clock.advance(seconds=61)
    visitor.send("/code/resend", on="/code")
    assert visitor.newest_code() != first
    assert len(known.messages(PHONE)) == 2
    assert visitor.send("/code", code=first).headers["Location"] == "/case", "the older code still works"


@pytest.mark.parametrize(("seconds", "wait"), [(0, "w60"), (20, "w45"), (31, "w30"), (50, "w15"), (60, "")])
def test_the_button_for_another_sms_stays_hidden_for_the_rest_of_the_pause(known, seconds, wait):
    visitor = Visitor(known)
    visitor.ask()
    known.clock.advance(seconds=seconds)
    assert f'<div class="again{" " + wait if wait else ""}">' in visitor.get("/code")


def test_asking_twice_within_the_pause_sends_one_sms(known):
    visitor = Visitor(known)
    visitor.ask()
    visitor.ask()
    known.work()
    assert len(known.messages(PHONE)) == 1


def test_another_case_number_forgets_the_codes_of_the_first(known):
    visitor = Visitor(known)
    visitor.ask()
    code = visitor.newest_code()
    visitor.send("/", case_number=UNKNOWN_CASE)
    assert visitor.client.get("/code").headers["Location"] == "/method"
    visitor.send("/method", phone=PHONE)
    assert visitor.send("/code", code=code).headers["Location"] == "/code"


def test_an_old_code_is_told_and_a_new_one_is_one_tap_away(known):
    visitor = Visitor(known)
    visitor.ask()
    code = visitor.newest_code()
    known.clock.advance(minutes=10, seconds=1)
    assert "这个验证码过时间了" in visitor.get("/code")
    assert visitor.send("/code", code=code).headers["Location"] == "/code"
    visitor.send("/code/resend", on="/code")
    assert visitor.send("/code", code=visitor.newest_code()).headers["Location"] == "/case"


@pytest.mark.parametrize("path", ["/method", "/code", "/case"])
def test_pages_out_of_turn_lead_to_the_step_before(service, path):
    assert service.app.test_client().get(path).headers["Location"] in ("/", "/method")


def test_what_was_typed_stands_in_no_address_and_in_no_readable_cookie(known):
    visitor = Visitor(known)
    answers = [visitor.send("/", case_number=CASE), visitor.send("/method", phone=PHONE)]
    answers.append(visitor.send("/code", code=visitor.newest_code()))
    for answer in answers:
        headers = str(answer.headers)
        assert CASE not in headers
        assert PHONE not in headers
        assert all("HttpOnly" in c and "SameSite=Lax" in c for c in visitor.cookies_set_by(answer).values())


def test_a_changed_cookie_starts_anew(known):
    visitor = Visitor(known)
    visitor.ask()
    cookie = visitor.client.get_cookie("caseq-steps")
    assert cookie
    visitor.client.set_cookie("caseq-steps", cookie.value[:-3] + "abc")
    assert visitor.client.get("/code").headers["Location"] == "/method"


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
    from flask import render_template

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
