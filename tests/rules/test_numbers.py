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


@pytest.mark.parametrize(
    "typed",
    [
        "A640121510000202611001",
        "A64012151000020261100122",
        "B6401215100002026110012",
        "CA6401215100002026110012",
        "2A6401215100002026110012",
    ],
)
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


@pytest.mark.parametrize(
    "typed",
    [
        "13812345678/13912345678",
        "13812345678、19912345678",
        "13812345678,13912345678",
        "１３８１２３４５６７８；13912345678",
        "13812345678或13912345678",
        "13812345678 or 13912345678",
        "13812345678 13912345678",
        "138 1234 5678\n139 1234 5678",
        "+86 138-1234-5678 / +86 139-1234-5678",
        "0951-8011001、13812345678",
        "0951-8011001 13812345678",
        "手机13812345678",
        "联系电话：13812345678（手机）",
        "本人手机13812345678 座机0951-8011001",
        "电话0951-8011001 手机 13812345678",
        "13812345678/79",
    ],
)
def test_of_two_numbers_in_one_field_the_first_that_can_receive_an_sms_counts(typed):
    assert mobile(typed) == "+8613812345678"


@pytest.mark.parametrize(
    "typed",
    [
        "母亲13812345678",
        "13812345678(母)",
        "13812345678/母亲13912345678",
        "本人13812345678，母亲13912345678",
        "母亲电话13812345678",
        "张三13812345678",
        "mum 13812345678",
        "13812345678 转 12",
        "无/13812345678",
        f"13812345678{' ' * 100}/ 母亲13912345678",
    ],
)
def test_a_number_that_a_word_may_give_to_somebody_else_is_not_guessed(typed):
    assert mobile(typed) is None


@pytest.mark.parametrize(
    "typed",
    [
        "138手机12345678",
        "138、12345678",
        "138 或 12345678",
        "1381234567813912345678",
        "13812345678(13912345678)",
        "8011001 13812345678",
        "0951-8011001/0951-8011002",
        "手机",
        "/",
    ],
)
def test_no_number_is_put_together_from_pieces_or_cut_out_of_a_longer_one(typed):
    assert mobile(typed) is None


_TWO = st.sampled_from(["13812345678", "+86 139 1234 5678", "0951-8011001", "110", "", "1381234"])


@given(st.lists(_TWO, max_size=4), st.sampled_from(["/", "、", " ， ", "；", "或", " or "]))
def test_whatever_stands_in_one_field_only_a_whole_number_of_it_is_found(numbers, between):
    found = mobile(between.join(numbers))
    assert found == next(filter(None, map(mobile, numbers)), None)


@given(st.text(max_size=60))
def test_no_text_breaks_it(typed):
    found = mobile(typed)
    assert found is None or found.startswith("+")


@pytest.mark.parametrize("prefix", range(130, 200))
def test_a_plain_number_is_what_it_is_with_its_country_before_it(prefix):
    for rest in ("00000000", "12345678", "54321098", "99999999"):
        assert mobile(f"{prefix}{rest}") == mobile(f"+86 {prefix}{rest}")
        assert mobile(f"{prefix}{rest[:-1]}８") == mobile(f"{prefix}{rest[:-1]}8")
