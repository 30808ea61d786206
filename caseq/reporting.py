"""Figures of the service: of a year, with the rows behind each; in time or late by unit; the totals that are public."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from caseq.rules.annual import Annual, OnTime, Opinions, Performance, Row, Span, Status, span
from caseq.rules.approval import Nearness, nearness
from caseq.rules.case import bureau_date
from caseq.rules.voices import SATISFIED
from caseq.runtime import Runtime
from caseq.store import reporting
from caseq.store.outbox import State
from caseq.store.reporting import Asked

#: The names of the figures, each of which is a set of rows.
NAMES = tuple(reporting.FIGURES)
#: No limit of so few working days as are called "soon" ends later than this.
_LONGEST_SOON = timedelta(days=90)


def annual(runtime: Runtime, year: int, told: Callable[[str], None] = lambda _name: None) -> Annual:
    """All figures of a year; `told` hears the name of each as soon as it is there."""
    asked = _asked(runtime, span(year))
    figures = {}
    for name in NAMES:
        with runtime.database.autocommit() as connection:
            figures[name] = reporting.figure(connection, name, asked)
        told(name)
    with runtime.database.autocommit() as connection:
        return Annual(asked.span, asked.now, figures, reporting.units(connection))


def rows(runtime: Runtime, year: int, name: str) -> Iterator[Row]:
    """The rows behind a figure of a year: ids and what they are counted by, no names of persons."""
    with runtime.database.autocommit() as connection:
        yield from reporting.listed(connection, name, _asked(runtime, span(year)))


def years(runtime: Runtime) -> Sequence[int]:
    """The years that can be reported on: this one and those before it, the newest first."""
    this = bureau_date(runtime.clock()).year
    return range(this, this - 5, -1)


def performance(runtime: Runtime) -> Sequence[Performance]:
    """The totals of this year and of the one before it."""
    this = bureau_date(runtime.clock()).year
    return [_totals(runtime, _asked(runtime, span(year))) for year in (this, this - 1)]


def _totals(runtime: Runtime, asked: Asked) -> Performance:
    with runtime.database.autocommit() as connection:
        told = reporting.figure(connection, "told", asked, ["status"])
        rated = reporting.figure(connection, "ratings", asked, ["score"])
        complained = reporting.figure(connection, "complaints", asked, ["status"])
        return Performance(
            year=asked.span.year,
            queries=reporting.figure(connection, "views", asked, []).total(),
            in_time=told.total(status=Status.IN_TIME),
            late=told.total(status=Status.LATE),
            overdue=told.total(status=Status.OVERDUE),
            delivered=reporting.figure(connection, "messages", asked, ["state"]).total(state=State.DELIVERED.value),
            opinions=Opinions(
                ratings=rated.total(),
                satisfied=sum(rated.total(score=score) for score in SATISFIED),
                complaints=complained.total(),
                answered=complained.total(status=Status.IN_TIME) + complained.total(status=Status.LATE),
            ),
        )


def on_time(runtime: Runtime, since: datetime, until: datetime, unit: str | None = None) -> Sequence[OnTime]:
    """How each unit, or this one, tells what is due from `since` to before `until`; and what is due today and soon."""
    now = runtime.clock()
    asked = _asked(runtime, Span(bureau_date(since).year, (since,), until))
    with runtime.database.autocommit() as connection:
        told = reporting.figure(connection, "told", asked, ["unit", "status"])
        names = reporting.units(connection)
        near = reporting.due_moments(connection, now, now + _LONGEST_SOON)
    found = sorted({str(key) for (key,) in told.by("unit")} | set(near)) if unit is None else [unit]
    counts = told.by("unit", "status")
    return [_of_unit(runtime, now, key, names.get(key, key), counts, near.get(key, ())) for key in found]


def _of_unit(
    runtime: Runtime,
    now: datetime,
    unit: str,
    name: str,
    counts: Mapping[tuple[Any, ...], int],
    near: Sequence[tuple[datetime, int]],
) -> OnTime:
    settings = runtime.settings
    by_nearness = dict.fromkeys(Nearness, 0)
    for due_at, count in near:
        by_nearness[nearness(due_at, now, settings.workdays, settings.approval.due_soon)] += count
    stands = {status.value: counts.get((unit, status.value), 0) for status in Status}
    return OnTime(unit, name, **stands, due_today=by_nearness[Nearness.TODAY], due_soon=by_nearness[Nearness.SOON])


def _asked(runtime: Runtime, of: Span) -> Asked:
    return Asked(of, runtime.clock(), [ground.key for ground in runtime.settings.approval.grounds])
