"""Dates and times as case systems and clerks write them, and the stamps the adapter reckons with."""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

LOCAL_TIME = timezone(timedelta(hours=8), "UTC+8")
_STAMP = "%Y%m%d%H%M%S"
#: Day 0 of the serial numbers of spreadsheets (with their leap day in 1900 reckoned in).
_SERIAL_ZERO = datetime(1899, 12, 30)
#: The days a five-digit serial may mean: 1927 to 2119. No other way of writing a date has five digits.
_FIRST_SERIAL, _LAST_SERIAL = 10_000, 80_000
#: Before it a stamp would not have its 14 digits.
_FIRST_YEAR = 1000
#: The years in which the service takes it that a thing happened; 1899-12-30 and 9999-12-31 are what programs write for
#: a day that is not known.
YEARS = range(1900, 2200)
#: The day of programs that have no date, and that of a database for none.
_NO_DAY = re.compile(r"000[01][-/.年]?[01]?\d[-/.月]?[0-3]?\d日?(?:[T ]?[\d:.]*)?")

#: The forms of change columns that count from 1970, and how many they count a second.
EPOCHS = {"epoch": 1, "epoch_ms": 1000}

#: How a text or number says when a row changed, so that its order is that of time; a column of a date type needs none.
CHANGED_FORMS = {
    "stamp": re.compile(r"[0-9]{14}"),
    "iso": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}.*"),
    "iso_t": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}.*"),
    "epoch": re.compile(r"[0-9]{9,10}"),
    "epoch_ms": re.compile(r"[0-9]{12,13}"),
}

_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(?:(\d{2})(?:\.\d+)?)?)?")
_PARTS = re.compile(
    r"(\d{4})(?:-|/|\.|年)(\d{1,2})(?:-|/|\.|月)(\d{1,2})日?"
    r"(?:[T ]*(\d{1,2})(?::|时|点)(?:(\d{1,2})(?:(?::|分)(?:(\d{1,2})(?:[.,]\d+)?秒?)?)?)?"
    r" ?(Z|[+-]\d{2}:?\d{2})?)?"
)
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")


def moment(text: str | None, zone: tzinfo = LOCAL_TIME) -> datetime | None:
    """The aware moment this text means, None if it is none; without an offset it is a time in `zone`.

    Known are YYYYMMDD[HHMM[SS]], ISO 8601 and its likes with / and ., 2017年3月29日[ 14时5分], and serials of
    spreadsheets (42823.5). A date alone is its first second. The year 1 of programs that have no date is none.
    """
    plain = unicodedata.normalize("NFKC", text or "").strip()
    try:
        for pattern, read in _WAYS:
            if match := pattern.fullmatch(plain):
                found = read(match, zone)
                return found if found and found.astimezone(LOCAL_TIME).year >= _FIRST_YEAR else None
    except (ValueError, OverflowError):
        return None
    return None


def is_no_day(text: str) -> bool:
    """Whether this text is the date 0000-00-00 or 0001-01-01, which stand for none."""
    return text[:1] in "0０" and _NO_DAY.fullmatch(unicodedata.normalize("NFKC", text).strip()) is not None


def _from_digits(found: re.Match[str], zone: tzinfo) -> datetime | None:
    numbers = [int(part or 0) for part in found.groups()]
    return datetime(*numbers, tzinfo=zone)  # type: ignore[misc,arg-type]


def _from_parts(found: re.Match[str], zone: tzinfo) -> datetime | None:
    *numbers, offset = found.groups()
    return datetime(*(int(part or 0) for part in numbers), tzinfo=_offset(offset) or zone)  # type: ignore[misc,arg-type]


def _offset(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _from_serial(found: re.Match[str], zone: tzinfo) -> datetime | None:
    days = float(found[0])
    if not _FIRST_SERIAL <= days < _LAST_SERIAL:
        return None
    return (_SERIAL_ZERO + timedelta(seconds=round(days * 86_400))).replace(tzinfo=zone)


_WAYS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], tzinfo], datetime | None]], ...] = (
    (_DIGITS, _from_digits),
    (_PARTS, _from_parts),
    (_SERIAL, _from_serial),
)


def _stamp_of(found: datetime | None) -> str:
    return local_stamp(found) if found and found.year in YEARS else ""


# Every row is stamped more than once, and the rows of one case were often changed together.
@lru_cache(maxsize=4096)
def stamp(text: str | None, zone: tzinfo = LOCAL_TIME) -> str:
    """The stamp of what this text means; '' if it means no moment, or one in which nothing can have happened."""
    return _stamp_of(moment(text, zone))


def changed_stamp(text: str | None, form: str, zone: tzinfo = LOCAL_TIME) -> str:
    """The stamp of a value of a change column in this form; '' if it is none."""
    plain = (text or "").strip()
    if form in EPOCHS and plain.isascii() and plain.isdigit():
        return _counted_stamp(plain, EPOCHS[form])
    return stamp(plain, zone)


def is_of_form(text: str | None, form: str) -> bool:
    """Whether a value of a change column is written in this form; one that is not would be compared wrongly."""
    return CHANGED_FORMS[form].fullmatch((text or "").strip()) is not None


def _counted_stamp(count: str, per_second: int) -> str:
    try:
        return _stamp_of(datetime.fromtimestamp(int(count) / per_second, UTC))
    except (ValueError, OverflowError, OSError):
        return ""


def stamp_moment(text: str) -> datetime:
    """The aware moment of a stamp of 14 digits; ValueError if there is no such moment."""
    year, month, day_of_month = int(text[:4]), int(text[4:6]), int(text[6:8])
    hour, minute, second = int(text[8:10]), int(text[10:12]), int(text[12:])
    return datetime(year, month, day_of_month, hour, minute, second, tzinfo=LOCAL_TIME)


def stamp_time(text: str) -> str:
    """The ISO 8601 form, with its offset, of a stamp of 14 digits."""
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[8:10]}:{text[10:12]}:{text[12:]}+08:00"


def local_stamp(found: datetime) -> str:
    """The stamp YYYYMMDDHHMMSS of an aware moment, local time."""
    return found.astimezone(LOCAL_TIME).strftime(_STAMP)
