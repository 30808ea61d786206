"""Values of rows: what is certain is taken, what is not is refused, and a refusal never shows what somebody wrote."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mapping import Condition, Penalties, PenaltyMapping, Phrase, Phrases, Row, Value
from adapters.values import (
    Unread,
    UnreadableError,
    all_hold,
    any_holds,
    day_of,
    is_juvenile,
    penalties,
    phone_of,
    rendered,
    required,
    same_name,
    text_of,
)

CODES = {"1": "victim", "A2": "complainant", "9": ""}


@pytest.mark.parametrize("cell", ["1", " 1 ", "１", "1\t", "　1"])
def test_a_code_is_the_same_however_wide_it_is_typed(cell: str) -> None:
    assert text_of({"ROLE": cell}, Value(("ROLE",), codes=CODES)) == "victim"


def test_letters_of_a_code_may_be_wide_but_their_case_counts() -> None:
    assert text_of({"ROLE": "Ａ２"}, Value(("ROLE",), codes=CODES)) == "complainant"
    with pytest.raises(UnreadableError):
        text_of({"ROLE": "a2"}, Value(("ROLE",), codes=CODES))


def test_a_code_that_tells_nothing_is_empty_and_so_is_no_code() -> None:
    value = Value(("ROLE",), codes=CODES)
    assert text_of({"ROLE": "9"}, value) == text_of({"ROLE": None}, value) == text_of({}, value) == ""


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("5", "5"),
        ("X-17", "X-17"),
        ("123456", "123456"),
        ("1234567", ""),
        ("13812345678", ""),
        ("640121199", ""),
        ("张三", ""),
        ("a text of somebody", ""),
    ],
)
def test_an_unknown_code_is_refused_and_shown_only_if_it_can_be_nothing_else(cell: str, shown: str) -> None:
    with pytest.raises(UnreadableError) as raised:
        text_of({"ROLE": cell}, Value(("ROLE",), codes=CODES))
    assert (raised.value.column, raised.value.code) == ("ROLE", shown)
    assert cell not in str(raised.value)


@given(st.text("甲乙丙abc019 -", min_size=1).filter(lambda cell: cell.strip() not in ("", *CODES)))
def test_no_unknown_text_ever_stands_in_the_words_of_a_refusal(cell: str) -> None:
    with pytest.raises(UnreadableError) as raised:
        text_of({"ROLE": cell}, Value(("ROLE",), codes=CODES))
    assert str(raised.value) == "ROLE: holds a code that the mapping does not know"
    assert raised.value.code in ("", cell.strip())
    assert sum(map(str.isdigit, raised.value.code)) <= 6


def test_a_code_every_row_must_have_may_be_empty_only_where_the_codes_say_so() -> None:
    with pytest.raises(UnreadableError, match="ROLE: is empty"):
        required({"ROLE": " "}, Value(("ROLE",), codes={"1": "victim"}))
    assert required({"ROLE": " "}, Value(("ROLE",), codes={"1": "victim", "": ""})) == ""
    assert required({}, Value(always="victim")) == "victim"


def test_the_first_filled_column_counts_and_else_what_is_always_so() -> None:
    value = Value(("A", "B"), always="otherwise")
    assert text_of({"A": " ", "B": "b"}, value) == "b"
    assert text_of({"A": "a", "B": "b"}, value) == "a"
    assert text_of({"A": None, "B": ""}, value) == "otherwise"


def test_a_value_with_a_condition_is_nothing_where_that_does_not_hold() -> None:
    value = Value(("A",), codes={"x": "y"}, when=(Condition("STATE", frozenset({"2"})),))
    assert text_of({"A": "x", "STATE": "2"}, value) == "y"
    assert text_of({"A": "unknown", "STATE": "1"}, value) == ""


@pytest.mark.parametrize("cell", ["2", " 2", "２"])
def test_conditions_compare_as_codes_do(cell: str) -> None:
    is_two = Condition("STATE", frozenset({"2"}))
    assert all_hold((is_two,), {"STATE": cell})
    assert not all_hold((Condition("STATE", frozenset({"2"}), inverted=True),), {"STATE": cell})


def test_all_conditions_must_hold_but_one_is_enough_to_keep_a_row_back() -> None:
    yes, no = Condition("A", frozenset({"1"})), Condition("B", frozenset({"1"}))
    row: Row = {"A": "1", "B": "0"}
    assert not all_hold((yes, no), row)
    assert any_holds((no, yes), row)
    assert all_hold((), row)
    assert not any_holds((), row)


@pytest.mark.parametrize("cell", [None, "", "  "])
def test_an_empty_cell_is_the_empty_text_in_a_condition(cell: str | None) -> None:
    assert all_hold((Condition("A", frozenset({""})),), {"A": cell})
    assert not any_holds((Condition("A", frozenset({"", "0"}), inverted=True),), {"A": cell})


def test_a_secret_flag_of_an_unforeseen_value_keeps_the_row_back() -> None:
    assert any_holds((Condition("A", frozenset({"", "0"}), inverted=True),), {"A": "绝密"})


def test_a_date_that_is_none_is_refused_by_the_names_of_its_columns() -> None:
    value = Value(("A", "B"))
    assert day_of({"A": "", "B": "2017年3月29日"}, value) == date(2017, 3, 29)
    assert day_of({"A": None}, value) is None
    with pytest.raises(UnreadableError, match=r"^A or B: is not a date$"):
        day_of({"A": "二月三十日"}, value)


@pytest.mark.parametrize("cell", [None, "", "无", "不详", "没有", "/", "—"])
def test_words_without_a_digit_are_no_telephone(cell: str | None) -> None:
    assert phone_of({"TEL": cell}, Value(("TEL",))) is None


@pytest.mark.parametrize("cell", [" 13812345678 ", "13812345678/0951-8011001", "手机１３８１２３４５６７８"])
def test_a_telephone_is_kept_as_it_was_typed(cell: str) -> None:
    assert phone_of({"TEL": cell}, Value(("TEL",))) == cell


def test_the_first_telephone_with_a_digit_counts_and_one_that_is_always_so_is_known() -> None:
    for first in ("无", Unread.of("A", "holds bytes that are no text")):
        assert phone_of({"A": first, "B": "13812345678"}, Value(("A", "B"))) == "13812345678"
    assert phone_of({"A": "", "B": "13812345678"}, Value(("A", "B"))) == "13812345678"
    assert phone_of({}, Value(always="0951-8010051")) == "0951-8010051"


def test_a_child_is_a_juvenile_until_the_eighteenth_birthday() -> None:
    assert is_juvenile(date(2009, 1, 1), date(2026, 12, 31))
    assert not is_juvenile(date(2009, 1, 1), date(2027, 1, 1))
    assert not is_juvenile(None, date(2027, 1, 1))
    assert is_juvenile(date(2008, 2, 29), date(2026, 2, 28))
    assert not is_juvenile(date(2008, 2, 29), date(2026, 3, 1))


FINE = Penalties((PenaltyMapping(Value(always="fine"), Value(("SUM",)), Value()),))


@pytest.mark.parametrize("cell", ["500", "500元", "５００元", "500.00", " 500 ", "500.0元"])
def test_a_sum_is_read_with_and_without_its_unit(cell: str) -> None:
    assert penalties({"SUM": cell}, FINE) == [{"kind": "fine", "amount": 500}]


@pytest.mark.parametrize("cell", ["1,200", "1，200", "1200元"])
def test_a_sum_may_have_commas(cell: str) -> None:
    assert penalties({"SUM": cell}, FINE) == [{"kind": "fine", "amount": 1200}]


@pytest.mark.parametrize("cell", [None, "", "0", "0.00元"])
def test_no_sum_is_no_penalty(cell: str | None) -> None:
    assert penalties({"SUM": cell}, FINE) == []


@pytest.mark.parametrize("cell", ["500.5", "伍佰元", "500-1000", "约500", "-500", "5e2", "500元整", "9" * 5000])
def test_a_sum_that_is_no_whole_number_is_refused(cell: str) -> None:
    with pytest.raises(UnreadableError, match="SUM: is not a whole number"):
        penalties({"SUM": cell}, FINE)


@pytest.mark.parametrize("cell", ["200,50", "5,3", "1,2000", ",200"])
def test_two_sums_in_one_cell_are_not_one(cell: str) -> None:
    with pytest.raises(UnreadableError, match="SUM: is not a whole number"):
        penalties({"SUM": cell}, FINE)


def test_a_penalty_in_words_is_refused_whole_if_one_piece_is_not_known() -> None:
    fine = Phrase(re.compile(r"罚款(?P<amount>\d+)元"), "fine")
    words = Phrases("TEXT", re.compile("并"), (fine, Phrase(re.compile("警告"), "warning")))
    assert penalties({"TEXT": "警告并罚款 ５００ 元"}, words) == [{"kind": "warning"}, {"kind": "fine", "amount": 500}]
    with pytest.raises(UnreadableError, match="TEXT"):
        penalties({"TEXT": "警告并训诫"}, words)


def test_a_key_is_never_made_of_an_empty_column() -> None:
    assert rendered("{A}:{role}", {"A": "7"}, {"role": "victim"}) == "7:victim"
    with pytest.raises(UnreadableError, match="A: is empty"):
        rendered("{A}:{role}", {"A": " "}, {"role": "victim"})


@given(st.text("张三李四Ａbc·", max_size=20))
def test_space_and_width_do_not_make_another_name(name: str) -> None:
    assert same_name(f" {name}　") == same_name(name)
    assert same_name(" ".join(name)) == same_name(same_name(name))


def test_a_code_that_every_row_must_have_is_not_asked_of_rows_that_say_nothing() -> None:
    code = Value(("KIND",), codes={"1": "victim"}, when=(Condition("ASKED", frozenset({"1"}), False),))
    assert required({"ASKED": "0", "KIND": ""}, code) == ""
    with pytest.raises(UnreadableError, match="KIND: is empty"):
        required({"ASKED": "1", "KIND": ""}, code)
