"""Query numbers (查询编号): twelve digits that stand for a case number on paper, the last one a check digit.

The check digit is Damm's (H. M. Damm, Total anti-symmetrische Quasigruppen, 2004): it notices every single wrong digit
and every two neighbours that changed places. No number begins with 0: spreadsheets eat it, and it starts an area code.
"""

DIGITS = 12
#: How many query numbers there are: ten digits and a first one of 1 to 9 before the check digit.
POSSIBLE = 9 * 10**10

_FIRST = 10**10
_QUASIGROUP = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)


def nth(chance: int) -> str:
    """The query number that this number from 0 to POSSIBLE - 1 draws; every one of them gives another."""
    if not 0 <= chance < POSSIBLE:
        raise ValueError("must be drawn from the numbers there are")
    digits = str(_FIRST + chance)
    return digits + str(_remainder(digits))


def has_form(text: str) -> bool:
    """Whether these are twelve digits, as people type a query number, right or mistyped."""
    return len(text) == DIGITS and text.isascii() and text.isdigit()


def is_right(text: str) -> bool:
    """Whether this may be a query number: twelve digits, none of them mistyped as far as the check digit tells."""
    return has_form(text) and text[0] != "0" and _remainder(text) == 0


def printed(number: str) -> str:
    """The number as it stands on paper, in three groups of four digits."""
    return " ".join(number[start : start + 4] for start in range(0, DIGITS, 4))


def _remainder(digits: str) -> int:
    """The check digit of `digits`; 0 if their last one is it already."""
    row = 0
    for digit in digits:
        row = int(_QUASIGROUP[row][int(digit)])
    return row
