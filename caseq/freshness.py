"""What administrators see of the sources: since when each is silent, what is missing of it and what of it waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from caseq.runtime import Runtime
from caseq.store import files, heartbeats, pushes
from caseq.store.pushes import SourceState


@dataclass(frozen=True, slots=True)
class Freshness:
    """One source: when it last spoke (None: never), how long it is silent as a rule, and whether that is too long now.

    `files_missing` is None for a source that sends no files; `parked` events wait for their case, `refused` for staff.
    """

    source: str
    last_push_at: datetime | None
    usual_seconds: float | None
    is_silent: bool
    in_shadow: bool
    files_missing: int | None
    parked: int
    refused: int


@dataclass(frozen=True, slots=True)
class Board:
    """All sources that are connected or ever spoke, and the worker: when one was last seen, and whether it is alive."""

    sources: Sequence[Freshness]
    worker_seen_at: datetime | None
    worker_is_alive: bool


def board(runtime: Runtime) -> Board:
    """The sources and the worker at this moment."""
    now, settings = runtime.clock(), runtime.settings
    with runtime.database.autocommit() as connection:
        states = {state.name: state for state in pushes.source_states(connection)}
        waiting = pushes.waiting_by_source(connection)
        missing = files.missing_counts(connection)
        seen = heartbeats.newest(connection, "worker")
    with_key = {source.name for source in settings.sources.values() if source.keys}
    found = [
        Freshness(
            source=name,
            last_push_at=states[name].last_push_at if name in states else None,
            usual_seconds=states[name].usual_seconds if name in states else None,
            is_silent=name in with_key and name in states and _is_silent(runtime, states[name], now),
            in_shadow=name in settings.policy.shadow,
            files_missing=missing.get(name),
            parked=waiting.get(("parked", name), 0),
            refused=waiting.get(("quarantine", name), 0),
        )
        for name in sorted(with_key | states.keys())
    ]
    alive_for = timedelta(seconds=settings.operations.worker_silent_seconds)
    return Board(found, seen, seen is not None and now - seen < alive_for)


def _is_silent(runtime: Runtime, state: SourceState, now: datetime) -> bool:
    silence = runtime.settings.sources[state.name].silence
    return now - state.last_push_at > silence.silent_after(state.usual_seconds)
