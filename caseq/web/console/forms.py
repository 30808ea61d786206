"""What the forms of the desks have in common."""

import unicodedata
from datetime import date, datetime

from flask import request

#: No day of a case lies outside of these years; at the ends of the calendar there is no day before or after.
_FIRST_YEAR, _LAST_YEAR = 1900, 2200


def number_in(name: str) -> int:
    """The id in this field of the form, 0 if there is none: nothing has that id."""
    typed = request.form.get(name, "")
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 19 else 0


def badge_in(name: str) -> str:
    """The badge in this field, however wide it was typed."""
    return plain(request.form.get(name, ""))[:30]


def plain(typed: str) -> str:
    """What was typed, in letters and digits of one width and without spaces around it."""
    return unicodedata.normalize("NFKC", typed).strip()


def day_in(name: str) -> date | None:
    """The day in this field, None if there is none that can be meant."""
    return day_of(request.form.get(name, ""))


def day_of(typed: str) -> date | None:
    """The day that was typed as 2026-11-23, None if that is none that can be meant."""
    found = moment_of(typed)
    return found.date() if found is not None and len(typed) == len("2026-11-23") else None


def moment_of(typed: str) -> datetime | None:
    """The day and time that a field of a browser gives, without a zone; None if that is none that can be meant."""
    try:
        found = datetime.fromisoformat(typed)
    except ValueError:
        return None
    return found if _FIRST_YEAR <= found.year <= _LAST_YEAR and found.tzinfo is None else None
