"""Query numbers: nothing that a hand does to one of them passes unnoticed, and no two draws give the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseq.rules.querynumbers import _QUASIGROUP, POSSIBLE, has_form, is_right, nth, printed

numbers = st.integers(0, POSSIBLE - 1).map(nth)


@pytest.mark.parametrize(
    ("digits", "check"),
    [
        ("43881234567", "9"),
        ("26031200476", "6"),
        ("10000000000", "1"),
        ("98765432109", "6"),
        ("11111111111", "7"),
        ("99999999999", "9"),
    ],
)
def test_the_check_digit_is_damms(digits, check):
    """The first is the example that other programs use; the others were worked out apart from ours."""
    assert nth(int(digits) - 10**10) == digits + check
    assert [last for last in "0123456789" if is_right(digits + last)] == [check]


@given(numbers, st.integers(0, 11), st.sampled_from("0123456789"))
def test_every_single_wrong_digit_is_noticed(number, place, digit):
    mistyped = number[:place] + digit + number[place + 1 :]
    assert is_right(mistyped) is (mistyped == number)


@given(numbers, st.integers(0, 10))
def test_every_two_neighbours_that_changed_places_are_noticed(number, place):
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert is_right(swapped) is (swapped == number)


def test_the_table_notices_every_single_error_and_every_swap_whatever_stands_before():
    """All of them: a row says what was read so far, and no two digits, nor two orders, lead to the same next row."""
    after = {(row, digit): int(_QUASIGROUP[row][digit]) for row in range(10) for digit in range(10)}
    for row in range(10):
        assert {after[row, digit] for digit in range(10)} == set(range(10))
        assert {after[other, row] for other in range(10)} == set(range(10))
        assert after[row, row] == 0
        for one in range(10):
            for two in range(one):
                assert after[after[row, one], two] != after[after[row, two], one]


@given(st.integers(0, POSSIBLE - 1), st.integers(0, POSSIBLE - 1))
def test_no_two_draws_give_the_same_number(one, other):
    assert (nth(one) == nth(other)) is (one == other)


def test_there_are_enough_numbers_and_none_begins_with_zero():
    assert POSSIBLE >= 10**10
    assert (nth(0)[0], nth(POSSIBLE - 1)[0]) == ("1", "9")
    for wrong in (-1, POSSIBLE):
        with pytest.raises(ValueError, match="drawn from the numbers there are"):
            nth(wrong)


@given(numbers)
def test_a_number_is_twelve_digits_printed_in_three_groups(number):
    assert has_form(number)
    assert is_right(number)
    assert [len(group) for group in printed(number).split(" ")] == [4, 4, 4]
    assert printed(number).replace(" ", "") == number


@pytest.mark.parametrize(
    "text", ["", "26031200476", "2603120047660", "2603 1200 4766", "２６０３１２００４７６６", "026031200479"]
)
def test_only_twelve_plain_digits_without_a_leading_zero_are_right(text):
    assert not is_right(text)
