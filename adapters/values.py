"""Values of rows as the service wants them; what cannot be read raises `UnreadableError` and is never guessed."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, tzinfo
from typing import NoReturn

from adapters.mapping import Conditions, Penalties, PenaltyMapping, Phrases, Row, Value
from adapters.mapping_values import TEMPLATE, template_columns
from adapters.moments import LOCAL_TIME, is_no_day, moment
from adapters.sections import plain

#: How much of an unknown code may be shown: enough for a code, too little for what somebody wrote.
_LONGEST_CODE = 10
_MOST_DIGITS = 6
#: A line break or tab that a clerk typed, with the spaces around it.
_BREAKS = re.compile(r"\s*[\t-\r\x85]\s*")
_LONGEST_NUMBER = 15
_IN_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
UNKNOWN_CODE = "holds a code that the mapping does not know"


class UnreadableError(Exception):
    """A value of the source has no certain meaning; carries the column and the reason, never what somebody wrote.

    `code` is the unknown code, if it is one that looks like a code.
    """

    def __init__(self, column: str, reason: str, code: str = "") -> None:
        super().__init__(f"{column}: {reason}")
        self.column = column
        self.reason = reason
        self.code = code


class Unread(str):
    """A cell that has no certain text: whoever strips it, as all who read a cell do, gets UnreadableError instead.

    So a guard, a name or a key that is made of it is refused, and whatever does not look at it goes on. As a text it
    holds column and reason, and nothing of the row.
    """

    __slots__ = ()
    _MARK = "\0unread\0"

    @classmethod
    def of(cls, column: str, reason: str) -> "Unread":
        """The cell that is refused because of this column, for this reason."""
        return cls(f"{cls._MARK}{column}\0{reason}")

    @classmethod
    def revived(cls, text: str | None) -> str | None:
        """The text as a cell again, after it was kept as JSON."""
        return cls(text) if text and text.startswith(cls._MARK) else text

    def strip(self, chars: str | None = None, /) -> NoReturn:  # noqa: ARG002 - as str has it
        """UnreadableError with the column and the reason."""
        column, reason = self.removeprefix(self._MARK).split("\0", 1)
        raise UnreadableError(column, reason)


def filled(row: Row, column: str) -> str:
    """The value of this column without the space around it; '' for NULL or no such mapped column.

    UnreadableError if the cell has no certain text.
    """
    return (row.get(column) or "").strip()


def all_hold(conditions: Conditions, row: Row) -> bool:
    """Whether this row meets every condition."""
    for condition in conditions:
        if (plain(filled(row, condition.column)) in condition.values) is condition.inverted:
            return False
    return True


def any_holds(conditions: Conditions, row: Row) -> bool:
    """Whether this row meets one of the conditions; UnreadableError if it meets none and one cannot be told."""
    fault: UnreadableError | None = None
    for condition in conditions:
        try:
            if all_hold((condition,), row):
                return True
        except UnreadableError as error:
            fault = error
    if fault:
        raise fault
    return False


def is_closed(guards: Conditions, row: Row, unclear: bool = True) -> bool:
    """Whether one of these guards holds for the row; `unclear` if that cannot be told."""
    try:
        return any_holds(guards, row)
    except UnreadableError:
        return unclear


def text_of(row: Row, value: Value) -> str:
    """The text this value has in the row, '' for none; UnreadableError for a code outside its code table."""
    if value.when and not all_hold(value.when, row):
        return ""
    column, text = _first_filled(row, value)
    if value.codes is None or not column:
        return in_one_line(text)
    code = plain(text)
    if code in value.codes:
        return value.codes[code]
    if not code:
        return ""
    raise UnreadableError(column, UNKNOWN_CODE, shown_code(code))


def in_one_line(text: str) -> str:
    """The text with a space for a line break or tab of the clerk's, which the service refuses as control characters."""
    return text if text.isprintable() else _BREAKS.sub(" ", text)


def required(row: Row, value: Value) -> str:
    """The text of a code that every row must have; '' only where the code table says that there is nothing to tell."""
    if value.when and not all_hold(value.when, row):
        return ""
    column, text = _first_filled(row, value)
    if column and not text and "" not in (value.codes or ()):
        raise UnreadableError(column, "is empty")
    return text_of(row, value)


def _first_filled(row: Row, value: Value) -> tuple[str, str]:
    """The first filled column and its text, else the last column and ''; no column for what is always so.

    UnreadableError if none is filled, and one has no certain text.
    """
    column, fault = "", None
    for column in value.columns:
        try:
            if text := filled(row, column):
                return column, text
        except UnreadableError as error:
            fault = error
    if fault:
        raise fault
    return ("", value.always) if value.always else (column, "")


def shown_code(code: str) -> str:
    """The unknown code itself if it cannot be a name, a number of a person or a text; '' otherwise."""
    is_code = code.isascii() and code.isprintable() and len(code) <= _LONGEST_CODE
    return code if is_code and sum(map(str.isdigit, code)) <= _MOST_DIGITS else ""


def day_of(row: Row, value: Value, zone: tzinfo = LOCAL_TIME) -> date | None:
    """The local date of this value, None for none; UnreadableError if there is a text that is no date."""
    text = text_of(row, value)
    return None if not text or is_no_day(text) else _day(text, value, zone)


def _day(text: str, value: Value, zone: tzinfo) -> date:
    found = moment(text, zone)
    if found is None:
        raise UnreadableError(" or ".join(value.columns), "is not a date")
    return found.astimezone(LOCAL_TIME).date()


def phone_of(row: Row, value: Value) -> str | None:
    """The telephone number as the source has it, in one line; None for words such as 无 that hold no digit."""
    found = text_of(row, value)
    if not found or not value.columns:
        return found or None
    column = next((column for column in value.columns if _has_digit(_certain(row, column))), None)
    return in_one_line(row[column] or "") if column else None


def _certain(row: Row, column: str) -> str:
    """The cell without spaces around it, '' also for one that has no certain text."""
    try:
        return filled(row, column)
    except UnreadableError:
        return ""


def _has_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def is_juvenile(born: date | None, today: date) -> bool:
    """Whether the person born on this day is not yet 18; not known says no."""
    return born is not None and (today.year, today.month, today.day) < (born.year + 18, born.month, born.day)


def same_name(text: str) -> str:
    """The form of a name in which two ways of typing it are equal."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def penalties(row: Row, found: Phrases | Penalties) -> list[dict[str, object]]:
    """The penalties this row states; UnreadableError for words that are no known wording, or numbers that are none."""
    if isinstance(found, Penalties):
        return [penalty for part in found.parts if (penalty := _penalty(row, part))]
    return list(_worded(row, found))


def _worded(row: Row, phrases: Phrases) -> Iterable[dict[str, object]]:
    words = "".join(unicodedata.normalize("NFKC", filled(row, phrases.column)).split())
    if not words:
        return
    for piece in phrases.between.split(words.replace(",", "，").replace(";", "，")):
        found = ((phrase.penalty, phrase.pattern.fullmatch(piece)) for phrase in phrases.phrases)
        penalty, match = next(((kind, match) for kind, match in found if match), ("", None))
        if match is None:
            raise UnreadableError(phrases.column, "holds words that the mapping does not know")
        yield {"kind": penalty, **{name: int(number) for name, number in match.groupdict().items()}}


def _penalty(row: Row, part: PenaltyMapping) -> dict[str, object] | None:
    """The penalty of this part; None if its kind is not told or the numbers that it has columns for are empty."""
    kind = text_of(row, part.kind)
    numbers = {name: _number(row, value) for name, value in (("amount", part.amount), ("days", part.days))}
    told = {name: number for name, number in numbers.items() if number}
    if not kind or (not told and (part.amount.columns or part.days.columns)):
        return None
    return {"kind": kind, **told}


def _number(row: Row, value: Value) -> int | None:
    text = plain(text_of(row, value)).removesuffix("元").removesuffix("日").removesuffix("天")
    if not text:
        return None
    if _IN_THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    whole, _, rest = text.partition(".")
    if not (whole.isascii() and whole.isdigit()) or rest.strip("0") or len(whole) > _LONGEST_NUMBER:
        raise UnreadableError(" or ".join(value.columns), "is not a whole number")
    return int(whole)


def rendered(template: str, row: Row, extra: Mapping[str, str] | None = None) -> str:
    """The template with the columns of this row filled in; UnreadableError if one of them is empty."""
    values = {column: filled(row, column) for column in template_columns(template)}
    for column, text in values.items():
        if not text:
            raise UnreadableError(column, "is empty, but a key is made of it")
    values |= extra or {}
    return TEMPLATE.sub(lambda found: values[found[1]], template)
