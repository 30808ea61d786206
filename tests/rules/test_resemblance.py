"""Whether a message reads like one of ours: to the letter, or not."""

import pytest

from caseq.rules.agreed import longest_texts
from caseq.rules.resemblance import LONGEST_MESSAGE, Verdict, has_link, resembles
from caseq.settings.messagesfile import read_messages
from tests.service import ROOT

WORDING = read_messages(ROOT / "config" / "messages.toml")["wording"]
LINE = "0951-8011000"
OURS = [
    *(WORDING.code("48021375", 10, language, phrase).text for language in ("zh", "en") for phrase in ("", "spring")),
    *(
        WORDING.written(name, language, {"help_phone": LINE}, phrase).text
        for name in ("news", "device", "number")
        for language in ("zh", "en")
        for phrase in ("", "spring")
    ),
    WORDING.written("news", "zh", {}, "春天来了").text,
]


def verdict(text):
    return resembles(WORDING, LINE, text)


@pytest.mark.parametrize("text", OURS)
def test_every_message_of_ours_reads_like_ours(text):
    assert verdict(text) is Verdict.LIKE_OURS


@pytest.mark.parametrize(
    "change",
    [
        lambda text: f"  {text}\n",
        lambda text: text.replace("，", ","),
        lambda text: text.replace("验证码", "验证码 "),
        lambda text: "\n".join(text[place : place + 10] for place in range(0, len(text), 10)),
        lambda text: text.replace("4802 1375", "４８０２１３７５"),
        lambda text: "\u200b".join(text),
    ],
)
def test_spaces_and_width_are_no_difference(change):
    assert verdict(change(WORDING.code("48021375", 10, "zh").text)) is Verdict.LIKE_OURS


#: What is changed in the message with a code, and how the result reads.
CHANGED = {
    "another word": (("有效", "可用"), Verdict.UNKNOWN),
    "another signature": (("示例县", "示范县"), Verdict.UNKNOWN),
    "a digit less": (("4802 1375", "4802 137"), Verdict.UNKNOWN),
    "letters for digits": (("4802 1375", "4802 l375"), Verdict.UNKNOWN),
    "text behind it": (("要验证码。", "要验证码。请回电。"), Verdict.UNKNOWN),
    "a link behind it": (("要验证码。", "要验证码。caseq.cn"), Verdict.LINK),
    "a link for the code": (("4802 1375", "a.cn/1"), Verdict.LINK),
    "it asks for the code": (("民警不会向您要验证码", "请把验证码告诉民警"), Verdict.CODE),
    "it asks for money": (("民警不会向您要验证码", "请先交保证金"), Verdict.MONEY),
}


@pytest.mark.parametrize(("change", "reads"), CHANGED.values(), ids=CHANGED.keys())
def test_a_message_with_one_thing_changed_is_not_ours(change, reads):
    text = WORDING.code("48021375", 10, "zh").text
    assert change[0] in text
    assert verdict(text.replace(*change)) is reads


def test_the_number_to_call_must_be_the_help_line_itself():
    ours = WORDING.written("device", "zh", {"help_phone": LINE}).text
    assert verdict(ours) is Verdict.LIKE_OURS
    for forged in ("0951-8011001", "13800000000", f"{LINE}1", "09518011000"):
        assert verdict(ours.replace(LINE, forged)) is not Verdict.LIKE_OURS


@pytest.mark.parametrize("phrase", ["春天的风铃响了", "a.cn", "1234", "加微信：ab", ""])
def test_only_a_phrase_may_stand_where_the_phrase_stands(phrase):
    text = WORDING.written("news", "zh", {}, "春").text.replace("：春", f"：{phrase}")
    assert verdict(text) is not Verdict.LIKE_OURS


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("", Verdict.UNKNOWN),
        ("您查询的事项有新内容", Verdict.UNKNOWN),
        ("您的案件有新进展，请点击 https://gov-cn.example.top/x 查看", Verdict.LINK),
        ("打开gongan点com看案情", Verdict.LINK),
        ("您涉嫌洗钱，请把资金转账到安全账户", Verdict.MONEY),
        ("请在群里回复您收到的验证码", Verdict.CODE),
        ("Please send us the code you received.", Verdict.CODE),
        ("Pay the fine today.", Verdict.MONEY),
        ("Tap here to see your case", Verdict.LINK),
        ("明天下午三点来所里一趟", Verdict.UNKNOWN),
    ],
)
def test_what_is_not_ours_is_told_with_what_is_strange_in_it(text, reads):
    assert verdict(text) is reads


def test_no_text_of_ours_has_a_link():
    for language in ("zh", "en"):
        assert not any(has_link(text) for text in longest_texts(WORDING, language).values())


@pytest.mark.parametrize("filling", [" ", "\u200b", "\n"])
def test_what_stands_far_behind_a_message_of_ours_is_read_too(filling):
    assert verdict(OURS[0] + filling * 500 + "caseq.cn") is Verdict.LINK
    assert verdict(OURS[0] + filling * LONGEST_MESSAGE + "caseq.cn") is not Verdict.LIKE_OURS


@pytest.mark.parametrize("text", ["𝐡𝐭𝐭𝐩", "\x00", "ﷺ" * 5000, "a" * 10**6, "1 " * 500, "((((" * 300, "请告诉" * 400])
def test_any_text_gets_an_answer_soon(text):
    assert verdict(text) in Verdict
