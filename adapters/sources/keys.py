"""When two keys are one: the form in which keys are compared, whatever types, spaces and zeros they are kept with."""

import re
from dataclasses import dataclass
from decimal import Decimal

from adapters.mapping import Row
from adapters.values import filled

_NUMBER = re.compile(r"[+-]?[0-9]{1,60}(\.[0-9]{0,60})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeyForm:
    """How the keys of two joined columns are compared.

    `is_number`: one of the two is a column of numbers, so 0000000007, 7 and 7.0 are one key. `is_caseless`: the
    database compares the searched column without regard to letter case. White space around a key never counts.
    """

    is_number: bool = False
    is_caseless: bool = False

    def of(self, text: str | None) -> str:
        """The form of this key, '' for none."""
        return self.of_stripped((text or "").strip())

    def of_row(self, row: Row, column: str) -> str:
        """The form of the key in this column; UnreadableError if the cell has no certain text."""
        return self.of_stripped(filled(row, column))

    def of_stripped(self, key: str) -> str:
        """The form of this key, which has no white space around it."""
        if self.is_number:
            return _number(key)
        return key.casefold() if self.is_caseless else key


def _number(key: str) -> str:
    if key.isascii() and key.isdigit() and key[0] != "0":
        return key
    if not _NUMBER.fullmatch(key):
        return key
    number = Decimal(key)
    if number == number.to_integral_value():
        return str(int(number))
    return format(number, "f").rstrip("0")
