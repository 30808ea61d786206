"""What a source's push teaches about its silences, in SQL; the twin of `usual` in rules/silence.py."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Double, bindparam, case, func

from caseq.rules.silence import GROWTH, MEMORY, Bounds
from caseq.store.database import seconds_between
from caseq.store.tables import Moment, sources

_SPOKE_AT, _HEARD_AT = bindparam("spoke_at", type_=Moment), bindparam("heard_at", type_=Moment)
_LATEST, _LEAST = bindparam("latest", type_=Double), bindparam("least", type_=Double)


@cache
def noted(dialect: str) -> dict[str, ColumnElement[Any]]:
    """The columns of a source that has spoken again, from its row and from the parameters of `push`."""
    last, before = sources.c.last_push_at, sources.c.usual_seconds
    age, passed = seconds_between(dialect, last, _HEARD_AT), seconds_between(dialect, last, _SPOKE_AT)
    known = func.coalesce(before, _LATEST)
    most = GROWTH * case((known < _LEAST, _LEAST), else_=known)
    grown = case((age < most, age), else_=most)
    shrunk = known - (known - age) * passed / (MEMORY * known)
    return {
        "last_push_at": case((last < _SPOKE_AT, _SPOKE_AT), else_=last),
        "usual_seconds": case((last >= _SPOKE_AT, before), (age > known, grown), else_=shrunk),
    }


def push(spoke_at: datetime, heard_at: datetime, bounds: Bounds) -> dict[str, Any]:
    """The parameters of `noted` for one push: when its source wrote it and when it came."""
    return {
        "spoke_at": spoke_at,
        "heard_at": heard_at,
        "latest": bounds.latest.total_seconds(),
        "least": bounds.least.total_seconds(),
    }
