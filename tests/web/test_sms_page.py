"""Is this message from us? The page says how our messages read, compares one, keeps nothing and promises nothing."""

import re
from dataclasses import replace

import pytest

from caseq.app import create_app
from tests.service import event, milestone, party
from tests.web.visitor import Visitor, add_victim

OURS = "【示例县公安局】您查询的事项有新内容，可凭回执上的编号查询。民警不会向您要验证码。"
FORGED = "【示例县公安局】您的案件有新进展，请点击 http://a.example.top/x 查看"
PATH = "/sms"


@pytest.fixture
def engine() -> str:
    """The page asks no database."""
    return "sqlite"


def compared(service, text, language="zh"):
    """The page with the answer."""
    answer = Visitor(service, language).send(PATH, text=text)
    return answer.status_code, answer.get_data(as_text=True)


def told(page):
    """What the answer says, without marks; empty if there is none."""
    found = re.search(r'role="status".*?</section>', page, re.S)
    return re.sub(r"<[^>]+>|\s+", " ", found[0]) if found else ""


class Untouchable:
    """A database that nobody may ask anything."""

    def __getattr__(self, name):
        raise AssertionError(f"the database was asked: {name}")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_shows_every_text_in_both_languages(service, language):
    page = Visitor(service, language).get(PATH)
    settings = service.runtime.settings
    values = {"code": "1234 5678", "minutes": "10", "help_phone": settings.bureau.help_phone}
    shown = set(re.findall(r'<q lang="([\w-]+)">(.*?)</q>', page))
    for name in settings.wording.templates:
        for written, lang in (("zh", "zh-CN"), ("en", "en")):
            assert (lang, settings.wording.written(name, written, values).text) in shown
    assert told(page) == ""


@pytest.mark.parametrize(
    ("language", "like", "doubt"), [("zh", "像我们的短信", "照抄"), ("en", "reads like one", "copy")]
)
def test_a_message_that_reads_like_ours_is_called_so_and_no_more(service, language, like, doubt):
    status, page = compared(service, OURS, language)
    assert status == 200
    assert like in told(page)
    assert doubt in told(page)
    assert service.runtime.settings.bureau.help_phone in told(page)


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        (FORGED, "里面有链接", "It has a link"),
        ("请把钱转账到安全账户", "提到钱", "speaks of money"),
        ("请把验证码告诉民警", "交出验证码", "asks you for a code"),
        ("明天下午三点来所里一趟", "都不一样", "differs from every text"),
        (OURS.replace("新内容", "新进展"), "都不一样", "differs from every text"),
    ],
)
def test_a_message_that_does_not_is_told_with_why_and_what_to_do(service, text, zh, en):
    for language, why in (("zh", zh), ("en", en)):
        status, page = compared(service, text, language)
        assert status == 200
        assert why in told(page)
        assert {"96110", "0951-8011000"} <= set(re.findall(r"[\d-]{5,}", told(page)))


def test_no_answer_says_whose_message_it_is(service):
    """Neither that it was sent by us, nor that it was not: words can be copied, and texts were others once."""
    for text in (OURS, FORGED, "明天下午三点来所里一趟"):
        for language in ("zh", "en"):
            words = told(compared(service, text, language)[1])
            assert not re.search("是我们发|我们发的|真的|假的|不是我们", words), words
            assert not re.search("sent by us|is from us|not from us|genuine|fake|forged|authentic", words, re.I), words


def test_what_was_pasted_is_there_again_and_harms_nothing(service):
    page = compared(service, "<script>alert(1)</script></textarea>x")[1]
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&lt;/textarea&gt;x</textarea>" in page


@pytest.mark.parametrize("text", ["", "  \n "])
def test_nothing_to_compare_is_said_beside_the_field(service, text):
    status, page = compared(service, text)
    assert status == 422
    assert '<p class="fault" id="text-fault">请把短信贴进来</p>' in page
    assert "<title>出错了：" in page


def test_a_form_without_the_field_is_no_crash(service):
    assert Visitor(service).send(PATH).status_code == 422


def test_another_site_cannot_have_a_message_compared(service):
    assert service.client.post(PATH, data={"text": OURS}).status_code == 403


def test_the_database_is_asked_nothing_and_the_text_is_logged_nowhere(service, logged):
    visitor = Visitor(add_victim(service))
    visitor.log_in()
    logged.clear()
    visitor.client.application = create_app(replace(service.runtime, database=Untouchable()))
    assert "退出查询" in visitor.get(PATH), "who is signed in can leave from here too"
    assert "像我们的短信" in told(visitor.send(PATH, text=OURS).get_data(as_text=True))
    assert len(logged) == 3
    assert "新内容" not in str(logged)
    assert {line["route"] for line in logged} == {PATH}


def test_nothing_is_kept_in_the_browser(service):
    answer = Visitor(service).send(PATH, text=OURS)
    assert [line for line in answer.headers.getlist("Set-Cookie") if "caseq-form" not in line] == []
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_page_is_the_same_whoever_is_known(service):
    before = compared(service, OURS)[1]
    service.push(event("party", party("complainant", phone="19912345671")), event("milestone", milestone()))
    token = re.compile(r'name="csrf_token" value="[^"]+"')
    assert token.sub("", compared(service, OURS)[1]) == token.sub("", before)


def test_comparing_is_limited_for_one_network(service_with):
    service = service_with(limits={"ask_code": "2 per hour"})
    visitor = Visitor(service)
    assert [visitor.send(PATH, text=OURS).status_code for _ in range(3)] == [200, 200, 429]
    assert visitor.client.get(PATH).status_code == 200


@pytest.mark.parametrize("path", ["/", "/help", "/what-you-can-see", "/signed-out", "/method"])
def test_the_page_is_linked_from_every_page(service, path):
    visitor = Visitor(service)
    visitor.send("/", case_number="A6401215100002026110012")
    assert 'href="/sms"' in visitor.get(path)


def test_the_wishes_link_to_it(service):
    visitor = Visitor(add_victim(service))
    visitor.log_in()
    assert '<a class="alone" href="/sms">' in visitor.get("/preferences")
