"""What a person may agree on with the bureau as the sign of its messages."""

import pytest

from caseq.rules.agreed import cleaned, longest_texts, may_be_agreed
from caseq.rules.messages import segments
from caseq.settings.messagesfile import read_messages
from tests.service import ROOT

WORDING = read_messages(ROOT / "config" / "messages.toml")["wording"]


@pytest.mark.parametrize(
    ("language", "phrase"),
    [
        ("zh", "春天"),
        ("zh", "春夏秋冬风雨"),
        ("zh", "spring"),
        ("en", "spring"),
        ("en", "a b c"),
        ("zh", ""),
        ("en", ""),
    ],
)
def test_a_short_word_that_leaves_every_message_one_sms_may_be_agreed(language, phrase):
    assert may_be_agreed(WORDING, language, phrase)
    assert {segments(text) for text in longest_texts(WORDING, language, phrase).values()} == {1}


@pytest.mark.parametrize(
    ("language", "phrase"),
    [
        ("en", "春天"),
        ("en", "aé春"),
        ("en", "ç"),
        ("zh", "春1"),
        ("zh", "春天的风铃响了"),
        ("zh", "a.cn"),
        ("zh", "𠀀𠀀𠀀𠀀𠀀𠀀𠀀"),
    ],
)
def test_what_is_no_word_or_makes_a_message_longer_may_not_be_agreed(language, phrase):
    assert not may_be_agreed(WORDING, language, phrase)


@pytest.mark.parametrize("phrase", ["王小明", "我王小明", "王 小明"])
def test_a_phrase_with_the_own_name_in_it_tells_too_much(phrase):
    assert not may_be_agreed(WORDING, "zh", phrase, "王小明")
    assert not may_be_agreed(WORDING, "zh", phrase, "王 小明")
    assert may_be_agreed(WORDING, "zh", phrase, "王小红")
    assert may_be_agreed(WORDING, "zh", phrase, "")


def test_a_name_in_latin_letters_is_found_whatever_its_case():
    assert not may_be_agreed(WORDING, "en", "anna", "Anna")


@pytest.mark.parametrize(
    ("typed", "kept"), [("  春天 ", "春天"), ("ｓｐｒｉｎｇ", "spring"), ("a \t b", "a b"), ("①", "1"), (" ", "")]
)
def test_width_and_spaces_are_cleaned_first(typed, kept):
    assert cleaned(typed) == kept
