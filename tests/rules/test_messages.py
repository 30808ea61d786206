"""What a message is made of, and how many SMS a text takes by the alphabets of GSM 03.38."""

import pytest

from caseq.rules.messages import Template, Wording, is_phrase, segments


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("é£Ω" * 53, 1),
        ("[" * 80, 1),
        ("[" * 80 + "a", 2),
        ("字" * 70, 1),
        ("字" * 71, 2),
        ("字" * 134, 2),
        ("字" * 135, 3),
        ("a" * 70 + "字", 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_a_text_takes_as_many_messages(text, count):
    assert segments(text) == count


WORDING = Wording(
    {"zh": "【x】", "en": "[x] "},
    {"zh": "（词：{phrase}）", "en": " Word: {phrase}."},
    {
        "code": Template("code", 3, {"zh": "码{code}，{minutes}分钟。", "en": "Code {code}, {minutes} minutes."}),
        "news": Template("news", 2, {"zh": "有新内容。", "en": "News."}, {("news", "zh"): "SMS_1"}),
        "device": Template("device", 1, {"zh": "打{help_phone}。", "en": "Call {help_phone}."}),
    },
)


def test_a_code_is_shown_in_two_groups_behind_the_signature():
    assert WORDING.code("12345678", 10, "en").text == "[x] Code 1234 5678, 10 minutes."
    assert WORDING.code("12345678", 10, "zh", "春天").text == "【x】码1234 5678，10分钟。（词：春天）"


def test_a_message_names_its_template_version_language_and_values():
    news = WORDING.written("news", "zh", {}, "春天")
    assert (news.template, news.version, news.language) == ("news_phrase", 2, "zh")
    assert dict(news.values) == {"phrase": "春天"}
    device = WORDING.written("device", "en", {"help_phone": "110"})
    assert (device.text, device.template, dict(device.values)) == ("[x] Call 110.", "device", {"help_phone": "110"})
    assert WORDING.approved == {("news", "zh"): "SMS_1"}


def test_a_message_that_is_printed_shows_neither_its_text_nor_a_value():
    assert "春天" not in repr(WORDING.code("12345678", 10, "zh", "春天"))
    assert "5678" not in repr(WORDING.code("12345678", 10, "zh", "春天"))


@pytest.mark.parametrize("phrase", ["春", "春天的风铃响", "spring", "a b c", "Éa", "王小明"])
def test_a_phrase_is_a_few_letters(phrase):
    assert is_phrase(phrase)


@pytest.mark.parametrize(
    "phrase",
    [
        "",
        "春天的风铃响了",
        "春1",
        "１",
        "a.cn",
        "春_",
        "春，天",
        " 春",
        "春 ",
        "a  b",
        "【春】",
        "😀",
        "a\nb",
        "春\u200b",
    ],
)
def test_what_is_no_phrase(phrase):
    assert not is_phrase(phrase)
