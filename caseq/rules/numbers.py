"""Case numbers and telephone numbers, as people and clerks type them, in one normal form."""

import re
import unicodedata

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

CASE_NUMBER = re.compile(r"A\d{12}\d{6}\d{4}")
LONGEST_NUMBER = 100

_CASE_NUMBER_TYPED = re.compile(r"A([0-9OILQ]{22})(?![0-9A-Z])")
_ORDINAL = re.compile("[第号]")
_SERIAL_ZEROS = re.compile(r"(?<!\d)0+(\d+)$")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹘﹣－ー"), "-")
_OPENING = dict.fromkeys(map(ord, "[【〖〔({"), "〔")
_CLOSING = dict.fromkeys(map(ord, "]】〗〕)}"), "〕")
_LOOK_ALIKES = str.maketrans("OILQ", "0110")


def lookup_key(text: str) -> str:
    """One form for every way of typing the same case or document number; at most 100 characters.

    Full-width forms, spaces, invisible characters, dashes, bracket styles and letter case do not matter
    (NFKC leaves 〔〕, 【】 and U+200B alone, so they are folded here).
    """
    folded = unicodedata.normalize("NFKC", text).translate({**_DASHES, **_OPENING, **_CLOSING})
    kept = "".join(c for c in folded if unicodedata.category(c) not in ("Cf", "Cc") and not c.isspace())
    return _case_number(kept.upper()[:LONGEST_NUMBER])


def _case_number(key: str) -> str:
    """`key` as a case number if one stands in it but for dashes, look-alike letters or a missing A.

    A document number loses 第 and 号 and the zeros before its serial.
    """
    plain = key.replace("-", "")
    found = _CASE_NUMBER_TYPED.search(plain)
    digits = (found.group(1) if found else plain.removeprefix("A")).translate(_LOOK_ALIKES)
    candidate = "A" + digits
    if CASE_NUMBER.fullmatch(candidate):
        return candidate
    return _SERIAL_ZEROS.sub(r"\1", _ORDINAL.sub("", key)) or key


def mobile(text: str | None, region: str = "CN") -> str | None:
    """The E.164 form of a number that can receive an SMS, or None: missing, too short, a landline, words.

    Letters are no keypad digits here: an O is a zero that was mistyped, any other letter makes it no number.
    """
    typed = unicodedata.normalize("NFKC", text or "").upper().translate(_LOOK_ALIKES)
    if any(c.isalpha() for c in typed):
        return None
    try:
        number = phonenumbers.parse(typed, region)
    except NumberParseException:
        return None
    usable = phonenumbers.is_valid_number(number) and phonenumbers.number_type(number) in (
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
    )
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if usable else None
