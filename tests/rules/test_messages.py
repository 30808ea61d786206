"""How many SMS a text takes, by the alphabets of GSM 03.38."""

import pytest

from caseq.rules.messages import Texts, segments


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


def test_a_code_is_shown_in_two_groups_behind_the_signature():
    texts = Texts("[x] ", "Code {code}, {minutes} minutes.", "news", "device {help_phone}", "number")
    assert texts.code_text("12345678", 10) == "[x] Code 1234 5678, 10 minutes."
    assert texts.news_text() == "[x] news"
    assert texts.notice_text("device", "110") == "[x] device 110"
