"""How many guesses a day a person's record can bear, in units of 1e-12: the chance that one of them is right.

A guess costs as many units as values would match, over the size of the code space. docs/security.md has the sums.
"""

from dataclasses import dataclass
from enum import StrEnum

UNITS = 10**12
MOST_CHANCE_A_DAY = 1e-6
#: In the ledger's hours; one more than a day has, so that no two of them can be less than a day apart and both count.
HOURS = 25

#: One live code of 8 digits; two steps of an authenticator app; one keypad line of 12 digits.
SMS_CODE = UNITS // 10**8
APP_STEP = 2 * UNITS // 10**8
KEYPAD_LINE = 1
#: The typed form of a paper code has 65 bits: a guess costs less than a thousandth of a unit and is not counted.
TYPED_BITS = 65
TYPED_LINES = 20
#: More comparisons than one service can make in a day.
MOST_TYPED_A_DAY = 100_000_000


class Share(StrEnum):
    """Whose guesses a row counts: browsers that logged in before, all others, and all others at the whole site."""

    KNOWN = "known"
    STRANGERS = "strangers"
    SITE = "site"


@dataclass(frozen=True, slots=True)
class Budget:
    """What one person's record bears in 24 hours, in units, and what all strangers together may try at the whole site.

    After `in_a_row` wrong guesses of strangers they get `few` a day, never none for good.
    """

    known: int
    strangers: int
    network: int
    in_a_row: int
    few: int
    site: int

    @property
    def worst_day(self) -> float:
        """The most that a stranger's chance to enter one person's record can be in a day."""
        typed: float = MOST_TYPED_A_DAY * TYPED_LINES / 2**TYPED_BITS
        return (self.known + self.strangers) / UNITS + typed
