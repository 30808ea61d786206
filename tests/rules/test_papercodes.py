"""Paper codes: what is printed is read back however it is typed, and a typo in a typed code is noticed."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from caseq.rules import papercodes
from caseq.rules.papercodes import ALPHABET, Keypad, Typed, keypad_form, normal_form, parse, typed_form

RANDOM = st.binary(min_size=papercodes.TYPED_BYTES, max_size=papercodes.TYPED_BYTES)
NUMBER = st.integers(0, 10**12 - 1)
PLACE = st.integers(0, papercodes.TYPED_CHARACTERS)
LOOK_ALIKES = {"0": "0Oo０", "1": "1IlLi１"}
WIDE = {c: chr(ord(c) + 0xFEE0) for c in ALPHABET}


def source(*numbers):
    """A source of randomness that gives these numbers, in so many bytes as are asked for."""
    left = iter(numbers)
    return lambda size: next(left).to_bytes(size)


@st.composite
def decorated(draw, code):
    """`code` as somebody may type it."""
    signs = st.sampled_from(["", "", "", "-", " ", "  ", "－", "—", "–", "ー", "\u3000", "\u200b", "_", ".", "·", "\n"])
    forms = [draw(st.sampled_from([*LOOK_ALIKES.get(c, c + c.lower()), WIDE[c], WIDE[c].lower()])) for c in code]
    return draw(signs) + "".join(form + draw(signs) for form in forms)


# What is printed


@given(RANDOM)
def test_a_typed_code_has_thirteen_characters_and_a_check_in_groups_of_four(random):
    assert re.fullmatch(rf"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}-[{ALPHABET}]{{2}}", typed_form(random))


def test_the_alphabet_has_nothing_that_looks_like_two_characters():
    assert len(set(ALPHABET)) == 32
    assert set("ILOU").isdisjoint(ALPHABET)


def test_every_one_of_the_65_bits_makes_another_code():
    bits = [typed_form((1 << place).to_bytes(9)) for place in range(7, 72)]
    assert len({*bits, typed_form(bytes(9))}) == 66
    assert typed_form(bytes(9)) == "0000-0000-0000-00"


@given(RANDOM, RANDOM)
def test_two_codes_are_alike_only_if_their_65_bits_are(one, other):
    same = int.from_bytes(one) >> 7 == int.from_bytes(other) >> 7
    assert (typed_form(one) == typed_form(other)) is same


@pytest.mark.parametrize("size", [0, 8, 10])
def test_a_typed_code_is_made_of_nine_bytes_and_no_fewer(size):
    with pytest.raises(ValueError, match="9 random bytes"):
        typed_form(bytes(size))


@given(NUMBER)
def test_a_keypad_code_has_twelve_digits_in_groups_of_four(number):
    printed = keypad_form(source(number))
    assert re.fullmatch(r"\d{4} \d{4} \d{4}", printed)
    assert int(printed.replace(" ", "")) == number


def test_a_number_that_would_make_low_codes_more_frequent_is_drawn_anew():
    assert keypad_form(source(10**12, 2**40 - 1, 10**12 - 1, 5)) == "9999 9999 9999"


def test_a_sheet_has_ten_numbered_lines_and_takes_its_chance_from_outside():
    drawn = []

    def draw(size):
        drawn.append(size)
        return len(drawn).to_bytes(size)

    lines = papercodes.make(draw)
    assert [line.n for line in lines] == list(range(1, 11))
    assert len({line.keypad for line in lines}) == 10
    assert drawn == [9, 5] * 10


def test_no_code_is_in_the_text_that_a_line_or_a_parsed_code_shows_of_itself():
    line = papercodes.make(source(2**71, 417290361188), lines=1)[0]
    shown = f"{line!r} {parse(line.typed)!r} {parse(line.keypad)!r}"
    assert shown == "Line(n=1) Typed() Keypad()"


# What is typed


@given(st.data(), RANDOM)
def test_a_typed_code_is_read_back_through_any_decoration(data, random):
    code = normal_form(typed_form(random))
    assert parse(data.draw(decorated(code))) == Typed(code)


@given(st.data(), NUMBER)
def test_a_keypad_code_is_read_back_through_any_decoration(data, number):
    code = normal_form(keypad_form(source(number)))
    assert parse(data.draw(decorated(code))) == Keypad(code)


@given(RANDOM, NUMBER)
def test_the_normal_form_is_the_same_for_what_was_printed_and_what_was_parsed(random, number):
    for printed in (typed_form(random), keypad_form(source(number))):
        parsed = parse(printed)
        assert parsed is not None
        assert parsed.code == normal_form(printed) == normal_form(parsed.code)


@given(RANDOM, PLACE, st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(random, place, wrong):
    code = normal_form(typed_form(random))
    assume(code[place] != wrong)
    assert parse(code[:place] + wrong + code[place + 1 :]) is None


@given(RANDOM, PLACE, PLACE)
def test_two_characters_that_changed_places_are_noticed_neighbours_or_not(random, one, other):
    characters = list(normal_form(typed_form(random)))
    assume(characters[one] != characters[other])
    characters[one], characters[other] = characters[other], characters[one]
    assert parse("".join(characters)) is None


def test_every_typo_of_one_code_is_noticed():
    """All 434 wrong characters and all 13 swaps of neighbours, not only those that chance picks."""
    code = normal_form(typed_form(bytes(range(1, 10))))
    wrong = {code[:n] + c + code[n + 1 :] for n in range(14) for c in ALPHABET} - {code}
    swapped = {code[:n] + code[n + 1] + code[n] + code[n + 2 :] for n in range(13)} - {code}
    assert len(wrong) == 14 * 31
    assert [typo for typo in wrong | swapped if parse(typo)] == []


@given(RANDOM, PLACE)
def test_a_missing_character_and_one_too_many_are_noticed(random, place):
    code = normal_form(typed_form(random))
    assert parse(code[:place] + code[place + 1 :]) is None
    assert parse(code[:place] + "7" + code[place:]) is None


NO_CODES = (
    "",
    " ",
    "12345678",
    "1234 5678 901",
    "1234 5678 9012 3",
    "7K3D-M9QX-2WPA-4U",
    "查询码",
    "٣" * 12,
    "0" * 999,
)


@pytest.mark.parametrize("typed", NO_CODES)
def test_what_is_no_paper_code_is_none(typed):
    assert parse(typed) is None


def test_a_code_with_something_else_after_many_spaces_is_none():
    assert parse("0000 0000 0000") == Keypad("0" * 12)
    assert parse("0000 0000 0000" + " " * 100 + "1") is None


@given(st.text(max_size=120))
def test_no_text_breaks_it(text):
    parsed = parse(text)
    assert parsed is None or parse(parsed.code) == parsed
