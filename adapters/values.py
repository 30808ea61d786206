"""Values of rows as the service wants them; what cannot be read raises `UnreadableError` and is never guessed."""

import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone

from adapters.mapping import Appearance, Coded, Phrases, Row, template_columns

LOCAL_TIME = timezone(timedelta(hours=8), "UTC+8")
_STAMP = "%Y%m%d%H%M%S"


class UnreadableError(Exception):
    """A value of the source has no certain meaning; carries the column and the reason, never the value."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(f"{column}: {reason}")
        self.column = column
        self.reason = reason


def filled(row: Row, column: str) -> str:
    """The value of this column without the space around it; '' for NULL or no such mapped column."""
    return (row.get(column) or "").strip()


def local_moment(text: str | None) -> datetime | None:
    """The aware moment of a local stamp YYYYMMDD[HHMMSS], or None if it is not one."""
    stripped = (text or "").strip()
    if len(stripped) not in (8, 14) or not (stripped.isascii() and stripped.isdigit()):
        return None
    try:
        return stamp_moment(stripped.ljust(14, "0"))
    except ValueError:
        return None


def stamp_moment(stamp: str) -> datetime:
    """The aware moment of a stamp of 14 digits; ValueError if there is no such moment."""
    year, month, day_of_month = int(stamp[:4]), int(stamp[4:6]), int(stamp[6:8])
    hour, minute, second = int(stamp[8:10]), int(stamp[10:12]), int(stamp[12:])
    return datetime(year, month, day_of_month, hour, minute, second, tzinfo=LOCAL_TIME)


def local_stamp(moment: datetime) -> str:
    """The stamp YYYYMMDDHHMMSS of an aware moment, local time."""
    return moment.astimezone(LOCAL_TIME).strftime(_STAMP)


def day(row: Row, column: str) -> date | None:
    """The local date in this column, None if it is empty; UnreadableError if it is no date."""
    text = filled(row, column)
    if not text:
        return None
    moment = local_moment(text)
    if moment is None:
        raise UnreadableError(column, "is not a date YYYYMMDD or YYYYMMDDHHMMSS")
    return moment.date()


def is_juvenile(row: Row, column: str, today: date) -> bool:
    """Whether the person born on the date in this column is not yet 18; an empty column says no."""
    born = day(row, column)
    return born is not None and (today.year, today.month, today.day) < (born.year + 18, born.month, born.day)


def decoded(row: Row, coded: Coded) -> str:
    """What the code in this row means, '' for nothing to tell; UnreadableError for a code outside the table."""
    code = filled(row, coded.column)
    if code not in coded.codes:
        raise UnreadableError(coded.column, "holds a code that the mapping does not know" if code else "is empty")
    return coded.codes[code]


def appeared_on(row: Row, appearance: Appearance) -> date | None:
    """When this suspect appeared before the police, None as long as that has not happened."""
    if not appearance.when.holds(row):
        return None
    dates = (day(row, column) for column in appearance.columns)
    return next((found for found in dates if found), None)


def penalties(row: Row, phrases: Phrases) -> list[dict[str, object]]:
    """The penalties the words in this row state; UnreadableError if any piece is not a known wording."""
    words = "".join(unicodedata.normalize("NFKC", filled(row, phrases.column)).split())
    pieces = phrases.between.split(words.replace(",", "，").replace(";", "，"))
    return [_penalty(piece, phrases) for piece in pieces]


def _penalty(piece: str, phrases: Phrases) -> dict[str, object]:
    for phrase in phrases.phrases:
        if found := phrase.pattern.fullmatch(piece):
            return {"kind": phrase.penalty, **{name: int(number) for name, number in found.groupdict().items()}}
    raise UnreadableError(phrases.column, "holds words that the mapping does not know")


def rendered(template: str, row: Row, extra: Mapping[str, str] | None = None) -> str:
    """The template with the columns of this row filled in; UnreadableError if one of them is empty."""
    values = {column: filled(row, column) for column in template_columns(template)}
    for column, value in values.items():
        if not value:
            raise UnreadableError(column, "is empty, but a key is made of it")
    return template.format_map({**values, **(extra or {})})
