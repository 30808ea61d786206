"""One normal form for every way of typing a number, and telephones that can receive an SMS."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseq.rules.numbers import LONGEST_NUMBER, lookup_key, mobile

CASE = "A6401215100002026110012"


@pytest.mark.parametrize(
    "typed",
    [
        "A6401215100002026110012",
        "a6401215100002026110012",
        " A 6401 2151 0000 2026 11 0012\n",
        "Ａ６４０１２１５１００００２０２６１１００１２",
        "A640121510000-202611-0012",
        "A640121510000—202611－0012",
        "6401215100002026110012",
        "A64O1215I00002O26110012",
        "A6401215l00002026110012",
        "\u200bA6401215100002026110012\ufeff",
        "A640121\u00ad5100002026110012",
        "\u202aA6401215100002026110012\u202c",
    ],
)
def test_every_way_of_typing_a_case_number_is_the_same_number(typed):
    assert lookup_key(typed) == CASE


@pytest.mark.parametrize(
    "typed",
    [
        "示公（刑）立字〔2026〕12号",
        "示公(刑)立字[2026]12号",
        "示公【刑】立字 【２０２６】 12 号",
        "示公{刑}立字{2026}12号",
        "示公（刑）立字〔2026〕第00012号",
    ],
)
def test_brackets_and_widths_of_a_document_number_do_not_matter(typed):
    assert lookup_key(typed) == "示公〔刑〕立字〔2026〕12"


@pytest.mark.parametrize("typed", ["A640121510000202611001", "A64012151000020261100122", "B6401215100002026110012"])
def test_what_is_no_case_number_is_left_as_it_is(typed):
    assert lookup_key(typed) == typed


def test_look_alike_letters_are_digits_in_case_numbers_only():
    assert lookup_key("OIL-Q1") == "OIL-Q1"


@pytest.mark.parametrize("typed", ["", " ", "\u3000\t", "\u200b\u2060", "\x00\x1f"])
def test_nothing_to_see_is_nothing(typed):
    assert lookup_key(typed) == ""


@given(st.text(max_size=150))
def test_what_stands_around_a_number_does_not_matter_and_a_key_is_never_too_long(typed):
    key = lookup_key(typed)
    assert len(key) <= LONGEST_NUMBER
    assert lookup_key(f" \u3000{typed}\u200b\n") == key


@pytest.mark.parametrize(
    "typed",
    [
        "19912345678",
        "+8619912345678",
        "86 199-1234-5678",
        "0086 19912345678",
        "１９９１２３４５６７８",
        "(199) 1234 5678",
    ],
)
def test_every_way_of_typing_a_mobile_number_is_the_same_number(typed):
    assert mobile(typed) == "+8619912345678"


@pytest.mark.parametrize(
    "typed",
    [
        None,
        "",
        "nobody",
        "1991234567",
        "199123456789",
        "0951-8011010",
        "110",
        "12110000000",
        "1" * 300,
        "+8600000000000",
    ],
)
def test_what_cannot_receive_an_sms_is_no_mobile_number(typed):
    assert mobile(typed) is None


def test_a_foreign_mobile_number_is_one():
    """Whether it may be sent to is decided by the list of countries, not here."""
    assert mobile("+447400123456") == "+447400123456"


@given(st.text(max_size=60))
def test_no_text_breaks_it(typed):
    found = mobile(typed)
    assert found is None or found.startswith("+")
