"""What a change column is compared with, whatever type the database keeps it in."""

import re
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import DateTime
from sqlalchemy.sql.expression import ColumnClause

from adapters.moments import EPOCHS, changed_stamp, is_of_form, stamp_moment
from adapters.sources.schema import is_moment, is_number

_TEXTS = {"stamp": "%Y%m%d%H%M%S", "iso": "%Y-%m-%d %H:%M:%S", "iso_t": "%Y-%m-%dT%H:%M:%S"}
#: How long the longest of these is; behind it may stand parts of a second, and an offset.
_TO_THE_SECOND = 19
_PARTS_OF_A_SECOND = re.compile(r"(?:[.,][0-9]*)?")


def comparable(column: ColumnClause[Any], form: str, since: str, zone: tzinfo) -> Any:
    """What the column is to be compared with to find rows changed at this stamp or later."""
    moment = stamp_moment(since)
    if is_moment(column):
        return _database_moment(column, moment, zone)
    if form in EPOCHS:
        number = int(moment.timestamp()) * EPOCHS[form]
        return number if is_number(column) else str(number)
    text = moment.astimezone(zone).strftime(_TEXTS[form])
    return int(text) if is_number(column) and text.isdigit() else text


def is_comparable(text: str, form: str, zone: tzinfo) -> bool:
    """Whether comparing this text, as polls do, compares times: it is of this form, and in `zone` if it names one."""
    plain = text.strip()
    to_the_second, rest = plain[:_TO_THE_SECOND], plain[_TO_THE_SECOND:]
    return is_of_form(plain, form) and (
        _PARTS_OF_A_SECOND.fullmatch(rest) is not None
        or changed_stamp(plain, form, zone) == changed_stamp(to_the_second, form, zone)
    )


def _database_moment(column: ColumnClause[Any], moment: datetime, zone: tzinfo) -> Any:
    if isinstance(column.type, DateTime):
        # SQLite compares texts, and "09:00:07" of other programs stands before the "09:00:07.000000" asked for.
        moment -= timedelta(microseconds=1)
        return moment if column.type.timezone else moment.astimezone(zone).replace(tzinfo=None)
    return moment.astimezone(zone).date()
