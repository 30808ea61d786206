"""The three steps, without a browser: what is taken, what is answered, and that it gives nothing away."""

import re

import pytest

from caseq import login
from tests.service import CASE, PHONE, Service
from tests.web.pagesamples import without_token
from tests.web.visitor import Visitor, add_victim

UNKNOWN_CASE = "A6401215100002026119999"


@pytest.fixture
def engine() -> str:
    """The pages are the same on every engine."""
    return "sqlite"


@pytest.fixture
def known(service: Service) -> Service:
    return add_victim(service)


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


@pytest.mark.parametrize("typed", ["示公（城）立告字〔2026〕118号", "2603 1200 4766", CASE])
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


def test_asking_again_within_the_pause_asks_the_service_once(known, monkeypatch):
    asked: list[object] = []
    ask_code = login.ask_code

    def counted(*args):
        asked.append(args)
        return ask_code(*args)

    monkeypatch.setattr(login, "ask_code", counted)
    visitor = Visitor(known)
    visitor.ask()
    visitor.ask()
    visitor.send("/code/resend", on="/code")
    assert len(asked) == 1
    known.clock.advance(seconds=60)
    visitor.send("/code/resend", on="/code")
    assert len(asked) == 2


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
