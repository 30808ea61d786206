"""How the service is doing: readiness and the figures that operators watch."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from caseq.errors import DatabaseUnavailable
from caseq.runtime import Runtime
from caseq.store import heartbeats, outbox, pushes, schema


@dataclass(frozen=True)
class State:
    """Figures from the database: messages by (purpose, state), events that wait, silence of sources in seconds."""

    messages: Mapping[tuple[str, str], int]
    oldest_message_seconds: float
    waiting: Mapping[str, int]
    source_seconds: Mapping[str, float]


def readiness(runtime: Runtime) -> dict[str, str]:
    """What the service needs and whether it is there: "ok", or what is wrong in a few words."""
    try:
        with runtime.database.autocommit() as connection:
            migrated = schema.is_current(connection)
            seen = heartbeats.newest(connection, "worker") if migrated else None
    except DatabaseUnavailable:
        return {"database": "does not answer", "migrations": "unknown", "worker": "unknown"}
    silent = timedelta(seconds=runtime.settings.operations.worker_silent_seconds)
    alive = seen is not None and runtime.clock() - seen < silent
    return {
        "database": "ok",
        "migrations": "ok" if migrated else "run caseq upgrade",
        "worker": "ok" if alive else "no worker was seen lately",
    }


def state(runtime: Runtime) -> State:
    """The figures of this moment."""
    now = runtime.clock()
    with runtime.database.autocommit() as connection:
        oldest = outbox.oldest_due(connection, now)
        return State(
            messages=outbox.counts(connection),
            oldest_message_seconds=(now - oldest).total_seconds() if oldest else 0.0,
            waiting=pushes.waiting_counts(connection),
            source_seconds={
                source.name: (now - source.last_push_at).total_seconds() for source in pushes.source_states(connection)
            },
        )


def beat(runtime: Runtime, name: str) -> None:
    """Note that the worker of this name is alive."""
    with runtime.database.transaction() as connection:
        heartbeats.beat(connection, name, runtime.clock())
