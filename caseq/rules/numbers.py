"""Case numbers and telephone numbers, as people and clerks type them, in one normal form."""

import re
import unicodedata

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType

from caseq.rules import querynumbers

CASE_NUMBER = re.compile(r"A\d{12}\d{6}\d{4}")
LONGEST_NUMBER = 100

_CASE_NUMBER_TYPED = re.compile(r"(?<![0-9A-Z])A([0-9OILQ]{22})(?![0-9A-Z])")
_ORDINAL = re.compile("[第号]")
_SERIAL_ZEROS = re.compile(r"(?<!\d)0+(\d+)$")
#: What tells a case number from another one that begins like it: a digit beside it, 之 or 附 (A…0012之一).
_OF_ANOTHER = re.compile("[0-9之附]")
_LABEL = re.compile("^(?:(?:案件|查询)?编号|案号|NO\\.?):?")
_SEPARATORS = re.compile("[-_.·]")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹘﹣－ー─━⁃"), "-")
_BETWEEN_DIGITS = {**_DASHES, ord("_"): "-", ord("·"): "-"}
_OPENING = dict.fromkeys(map(ord, "[【〖〔({<〈《「『〘〚"), "〔")
_CLOSING = dict.fromkeys(map(ord, "]】〗〕)}>〉》」』〙〛"), "〕")
_FOLDED = {**_DASHES, **_OPENING, **_CLOSING}
#: A case number as a case system writes it, by far the most frequent text here: nothing has to be folded.
_WELL_FORMED = re.compile(r"A[0-9]{22}")
_LOOK_ALIKES = str.maketrans("OILQ", "0110")
#: The most frequent mobile numbers of mainland China without anything around them: nothing has to be parsed.
_PLAIN_MOBILE = re.compile(r"1(?:[38][0-9]|[59][0-35-9])[0-9]{8}")
#: One space or dash between two digits says nothing.
_BETWEEN_GROUPS = re.compile("(?<=[0-9])[ -](?=[0-9])")
#: What stands between two numbers in one field, and words beside a number that say nothing about whose it is.
_BETWEEN = re.compile(r"[/、,;]|或|\sOR\s|\bTEL\b|联系电话|移动电话|电话号码|手机号码|手机号|手机|电话|座机|固话|本人")


def lookup_key(text: str) -> str:
    """One form for every way of typing the same case, document or query number; at most 100 characters.

    Full-width forms, spaces, invisible characters, dashes, bracket styles and letter case do not matter
    (NFKC leaves 〔〕, 【】 and U+200B alone, so they are folded here).
    """
    if _WELL_FORMED.fullmatch(text):
        return text
    key = folded(text)
    return _case_number(key) or _query_number(key) or _document_number(key)


def folded(text: str) -> str:
    """The text without spaces and invisible characters, in capitals, with one kind of dash and of bracket."""
    plain = unicodedata.normalize("NFKC", text).translate(_FOLDED)
    if plain.isprintable():  # then a space is the only character of those that go
        kept = plain.replace(" ", "")
    else:
        kept = "".join(c for c in plain if unicodedata.category(c) not in ("Cf", "Cc") and not c.isspace())
    return kept.upper()[:LONGEST_NUMBER]


def bare(key: str) -> str:
    """A folded text without 编号 and its like before it and without what people put between digits."""
    return _SEPARATORS.sub("", _LABEL.sub("", key))


def digits_of(plain: str) -> str:
    """A bare text with the letters that look like digits as digits."""
    return plain.translate(_LOOK_ALIKES)


def holds_case_number(key: str) -> bool:
    """Whether a case number stands anywhere in this folded text."""
    return _CASE_NUMBER_TYPED.search(bare(key)) is not None


def _case_number(key: str) -> str | None:
    """The case number that stands in `key` but for separators, look-alike letters or a missing A, and nothing else
    that could make it another number."""
    plain = bare(key)
    found = _CASE_NUMBER_TYPED.search(plain)
    if found and _OF_ANOTHER.search(plain[: found.start()] + plain[found.end() :]):
        return None
    candidate = "A" + digits_of(found.group(1) if found else plain.removeprefix("A"))
    return candidate if CASE_NUMBER.fullmatch(candidate) else None


def _query_number(key: str) -> str | None:
    """`key` as a query number, if its check digit is right: twelve digits of another kind stay what they are."""
    digits = digits_of(bare(key))
    return digits if querynumbers.is_right(digits) else None


def _document_number(key: str) -> str:
    """`key` without 第 and 号 and the zeros before its serial."""
    return _SERIAL_ZEROS.sub(r"\1", _ORDINAL.sub("", key)) or key


def mobile(text: str | None, region: str = "CN") -> str | None:
    """The E.164 form of a number that can receive an SMS, or None: missing, too short, a landline, words.

    Letters are no keypad digits here: an O is a zero that was mistyped, any other letter makes it no number. Of two
    numbers in one field the first that can receive an SMS counts. A word beside them, other than 手机 and its like,
    may say that a number is somebody else's: then none counts.
    """
    if not text:
        return None
    if region == "CN" and _PLAIN_MOBILE.fullmatch(text):
        return f"+86{text}"
    typed = _telephone_text(text)
    digits = _BETWEEN_GROUPS.sub("", typed).removeprefix("+86")
    if region == "CN" and _PLAIN_MOBILE.fullmatch(digits):
        return f"+86{digits}"
    whole = _number(typed, region)
    if whole is not None:
        return _e164_of_mobile(whole)
    pieces = _BETWEEN.split(typed) if len(typed) <= LONGEST_NUMBER else []
    if any(c.isalpha() for piece in pieces for c in piece.translate(_LOOK_ALIKES)):
        return None
    numbers = (number for piece in pieces for number in _numbers(piece, region))
    return next(filter(None, map(_e164_of_mobile, numbers)), None)


def is_telephone(text: str, region: str = "CN") -> bool:
    """Whether the text is one telephone number, of a landline too, and nothing else."""
    return _number(_telephone_text(text), region) is not None


def _telephone_text(text: str) -> str:
    """The text in capitals and plain widths, with one kind of dash for all that people put between digits."""
    return unicodedata.normalize("NFKC", text).translate(_BETWEEN_DIGITS).upper()


def _number(typed: str, region: str) -> PhoneNumber | None:
    """The valid telephone number that this text is as a whole."""
    digits = typed.translate(_LOOK_ALIKES)
    if any(c.isalpha() for c in digits):
        return None
    try:
        number = phonenumbers.parse(digits, region)
    except NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _numbers(piece: str, region: str) -> list[PhoneNumber]:
    """The number that this piece is, or the two that stand in it with space between them; none if neither."""
    words = piece.split()
    for place in range(len(words), 0, -1):
        sides = [" ".join(side) for side in (words[:place], words[place:]) if side]
        found = [number for side in sides if (number := _number(side, region))]
        if len(found) == len(sides):
            return found
    return []


def _e164_of_mobile(number: PhoneNumber) -> str | None:
    usable = phonenumbers.number_type(number) in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if usable else None
