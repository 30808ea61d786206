"""What a change column is compared with, whatever type the database keeps it in."""

from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import DateTime
from sqlalchemy.sql.expression import ColumnClause

from adapters.moments import EPOCHS, stamp_moment
from adapters.sources.schema import is_moment, is_number

_TEXTS = {"stamp": "%Y%m%d%H%M%S", "iso": "%Y-%m-%d %H:%M:%S", "iso_t": "%Y-%m-%dT%H:%M:%S"}


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


def _database_moment(column: ColumnClause[Any], moment: datetime, zone: tzinfo) -> Any:
    if isinstance(column.type, DateTime):
        # SQLite compares texts, and "09:00:07" of other programs stands before the "09:00:07.000000" asked for.
        moment -= timedelta(microseconds=1)
        return moment if column.type.timezone else moment.astimezone(zone).replace(tzinfo=None)
    return moment.astimezone(zone).date()
