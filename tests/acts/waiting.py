"""A line on which news wait ten minutes and not into the night, and how to look at it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from datetime import time as day_time
from typing import Any

from sqlalchemy import select

from caseq.rules.case import BUREAU_TIME
from caseq.rules.telling import Channel, Manner, Quiet
from caseq.rules.telling import Line as TellingLine
from caseq.store.tables import parties, tasks
from tests.provider import Line
from tests.service import CASE, Service, event, milestone, party
from tests.service import case as case_data

NIGHT = Quiet(day_time(21), day_time(8))
DELAY = timedelta(minutes=10)
PLAIN = Manner(Channel.SMS, DELAY, NIGHT, tell_first=False)
FIRST = Manner(Channel.SMS, DELAY, NIGHT, tell_first=True)
OLD = {"time": "2026-01-05T09:00:00+08:00"}


def here(text: str) -> datetime:
    """A moment of the bureau's day."""
    return datetime.fromisoformat(text).replace(tzinfo=BUREAU_TIME).astimezone(UTC)


def told_as(service: Service, *manners: TellingLine) -> Line:
    """The service with this table of who is told when, and a provider of the test's own."""
    lines = (*manners, TellingLine(None, None, PLAIN))
    settings = replace(service.runtime.settings, telling=lines)
    return Line.of(replace(service, runtime=replace(service.runtime, settings=settings)))


def at(line: Line, text: str) -> None:
    line.service.clock.now = here(text)


def now_of(line: Line) -> dict[str, str]:
    return {"time": line.service.clock().isoformat()}


def change(line: Line, name: str = "case_filed", sequence: str = "2", **more: Any) -> None:
    """Push a milestone, formed now."""
    line.service.push(event("milestone", milestone(name, **more), sequence=sequence, **now_of(line)))


def sent(line: Line) -> int:
    """How many messages the provider has, after the worker did all there is to do now."""
    line.service.work()
    return len(line.provider.taken)


def sent_by(line: Line, text: str, late: timedelta = timedelta()) -> datetime | None:
    """When the first message went out, if the worker comes at every moment at which something is due (so much later),
    until this moment."""
    already, clock = len(line.provider.taken), line.service.clock
    while sent(line) == already:
        due = [row.due_at for row in line.messages() if row.state in ("queued", "held") and row.due_at > clock.now]
        if not due or min(due) + late > here(text):
            return None
        clock.now = min(due) + late
    return clock.now


def many(line: Line, count: int) -> None:
    """So many cases, each with a victim of its own and news for it."""
    for n in range(count):
        number = f"{CASE[:-2]}{n + 20}"
        line.service.push(
            event("case", case_data(), case=number, **OLD),
            event("party", party(key=f"P{n}", phone=phone_of(n)), case=number, **OLD),
        )
        line.service.push(event("milestone", milestone(key=f"M{n}"), case=number, **now_of(line)))


def phone_of(n: int) -> str:
    return f"199111200{n:02}"


def tasks_of(line: Line) -> list[str]:
    """The kinds of what somebody has to do."""
    with line.service.runtime.database.autocommit() as connection:
        return list(connection.execute(select(tasks.c.kind)).scalars())


def whom(line: Line) -> Any:
    """The row of the victim."""
    with line.service.runtime.database.autocommit() as connection:
        return connection.execute(select(parties)).one()
