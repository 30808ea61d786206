"""Refused events: shown to staff, and taken in again once the cause is gone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from caseq import intake
from caseq.intake import Pushed, Result
from caseq.rules.events import Outcome
from caseq.runtime import Runtime
from caseq.store import pushes
from caseq.store.pushes import Quarantined

Check = Callable[[Any, str], Mapping[str, Sequence[str]]]


def waiting(runtime: Runtime) -> list[Quarantined]:
    """The refused events that wait, oldest first."""
    with runtime.database.autocommit() as connection:
        return pushes.in_quarantine(connection, runtime.sealer)


def one(runtime: Runtime, number: int) -> Quarantined | None:
    """The refused event with this number, None if none waits under it."""
    with runtime.database.autocommit() as connection:
        return next(iter(pushes.in_quarantine(connection, runtime.sealer, number)), None)


def retry(runtime: Runtime, numbers: Sequence[int], check: Check) -> Iterator[tuple[Quarantined, Result]]:
    """Take the events in once more, each in its own transaction; `check` gives the errors of an event."""
    for item in waiting(runtime):
        source = runtime.settings.sources.get(item.source)
        if source is None or (numbers and item.id not in numbers):
            continue
        result = intake.take(runtime, source, [Pushed(item.raw, check(item.raw, item.source))], f"retry {item.id}")[0]
        if result.outcome is not Outcome.REFUSED:
            with runtime.database.transaction() as connection:
                pushes.resolve_quarantined(connection, item.id, runtime.clock())
        yield item, result
