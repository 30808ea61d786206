"""Paper codes: a sheet of numbered lines, each with a code to type and one for a telephone's keypad."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

#: Crockford's base 32: no I, L, O or U, so nothing on the sheet looks like two characters.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TYPED_CHARACTERS = 13
KEYPAD_DIGITS = 12
#: How many lines a sheet has.
LINES = 10
#: 72 bits, of which 65 are used.
TYPED_BYTES = 9
#: 40 bits: the least that hold every keypad code.
KEYPAD_BYTES = 5

#: What tells the sheets of one person apart, without look-alikes.
_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ"

#: Random bytes, so many as it is asked for; ``secrets.token_bytes`` outside of tests.
Draw = Callable[[int], bytes]

_LONGEST_TYPED = 100
_FOLDED = str.maketrans("OIL", "011", "ー")
_TYPED = re.compile(f"[{ALPHABET}]{{{TYPED_CHARACTERS + 1}}}")
_KEYPAD = re.compile(f"[0-9]{{{KEYPAD_DIGITS}}}")


@dataclass(frozen=True)
class Line:
    """One line of a sheet: its number from 1, and both codes as they are printed."""

    n: int
    typed: str = field(repr=False)
    keypad: str = field(repr=False)


@dataclass(frozen=True)
class Typed:
    """A typed code whose check character fits, in normal form."""

    code: str = field(repr=False)


@dataclass(frozen=True)
class Keypad:
    """Twelve digits, the normal form of a keypad code."""

    code: str = field(repr=False)


def make(draw: Draw, lines: int = LINES) -> tuple[Line, ...]:
    """The lines of a new sheet."""
    return tuple(Line(n, typed_form(draw(TYPED_BYTES)), keypad_form(draw)) for n in range(1, lines + 1))


def letter(sheets_before: int) -> str:
    """What the next sheet of somebody is called who had so many before."""
    return _LETTERS[sheets_before % len(_LETTERS)]


def typed_form(random: bytes) -> str:
    """A typed code of 9 random bytes as it is printed: 13 characters and a check character, ``7K3D-M9QX-2WPA-4T``."""
    if len(random) != TYPED_BYTES:
        raise ValueError(f"a typed code takes {TYPED_BYTES} random bytes")
    bits = int.from_bytes(random) >> (8 * TYPED_BYTES - 5 * TYPED_CHARACTERS)
    values = [bits >> 5 * place & 31 for place in range(TYPED_CHARACTERS)]
    values.append(_times_two(_syndrome(values)))
    return "-".join(_fours("".join(ALPHABET[value] for value in values)))


def keypad_form(draw: Draw) -> str:
    """A keypad code as it is printed, ``4172 9036 1188``.

    A number that is too high is drawn anew: with its remainder low codes would be more frequent.
    """
    while (number := int.from_bytes(draw(KEYPAD_BYTES))) >= 10**KEYPAD_DIGITS:
        pass
    return " ".join(_fours(f"{number:0{KEYPAD_DIGITS}}"))


def normal_form(text: str) -> str:
    """The form in which codes are hashed and compared: what was printed or typed, without whatever only decorates it.

    Full-width forms, small letters, O for 0, I and l for 1; spaces, dashes and other signs are left out.
    """
    wide = unicodedata.normalize("NFKC", text).upper().translate(_FOLDED)
    return "".join(c for c in wide if unicodedata.category(c)[0] not in "CPSZ")


def parse(text: str) -> Typed | Keypad | None:
    """The code that was typed, None if it is neither kind or its check character does not fit."""
    code = normal_form(text) if len(text) <= _LONGEST_TYPED else ""
    if _KEYPAD.fullmatch(code):
        return Keypad(code)
    if _TYPED.fullmatch(code) and _syndrome(map(ALPHABET.index, code)) == 0:
        return Typed(code)
    return None


def _fours(code: str) -> list[str]:
    return [code[place : place + 4] for place in range(0, len(code), 4)]


def _syndrome(values: Iterable[int]) -> int:
    """0 if the last value is the check of those before it: their polynomial has a root at 2 in the field of 32.

    Every place has a weight of its own there, so one wrong character, or any two that changed places, never give 0.
    """
    found = 0
    for value in values:
        found = _times_two(found) ^ value
    return found


def _times_two(value: int) -> int:
    """Twice `value` in the field of 32 elements, modulo x^5 + x^2 + 1."""
    return value << 1 ^ (0b100101 if value & 16 else 0)
