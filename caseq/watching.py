"""How the service is doing: readiness, the figures that operators watch, the alarm when a source falls silent."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import structlog

from caseq.errors import DatabaseUnavailable
from caseq.rules.case import BUREAU_TIME, bureau_date
from caseq.rules.workdays import first_unknown
from caseq.runtime import Runtime
from caseq.store import (
    attempts,
    chain,
    contacts,
    deadnumbers,
    files,
    grants,
    heartbeats,
    outbox_figures,
    pushes,
    releases,
    schema,
    spending,
    tasks,
    wall,
)
from caseq.store.database import Connection
from caseq.store.files import Gap
from caseq.store.outbox import Lane
from caseq.store.pushes import SourceState
from caseq.store.tasks import Kind

log = structlog.get_logger("caseq.watching")

ALARM_AGAIN = timedelta(hours=1)
#: So many working days ahead the public holidays should be known: limits of five, and some days to mend it.
WORKING_DAYS_AHEAD = 10
#: What a provider's code looks like; anything else, and what could be a telephone number, is not told as one.
_CODE = re.compile(r"(?!.*[0-9]{7})[A-Za-z0-9_.:/ -]{0,60}")


@dataclass(frozen=True, slots=True)
class Heard:
    """How one source speaks: seconds since it last did, the usual silence in seconds (None: nothing learned yet),
    and whether it has been silent too long; a source without a key is not expected to speak."""

    source: str
    silent_seconds: float
    usual_seconds: float | None
    is_silent: bool


@dataclass(frozen=True)
class Messages:
    """Figures about messages: rows by (purpose, state), the age of the oldest due one, and of this day of the bureau
    the calls of providers by (gateway, outcome, code), what was handed over by (lane, gateway), how much a lane may at
    most, and yuan by gateway; what was handed over since the beginning; dead numbers; tasks (open, late) by kind;
    the lanes that staff stopped."""

    counts: Mapping[tuple[str, str], int]
    oldest_seconds: Mapping[Lane, float]
    attempts_today: Mapping[tuple[str, str, str], int]
    handed_over_today: Mapping[tuple[Lane, str], int]
    handed_over: Mapping[tuple[Lane, str], int]
    limits: Mapping[Lane, int]
    yuan_today: Mapping[str, float]
    dead_numbers: int
    tasks: Mapping[Kind, tuple[int, int]]
    stopped: frozenset[Lane]


@dataclass(frozen=True)
class State:
    """Figures from the database: messages, events that wait, how sources speak, batches that crossed no air gap
    although later ones did, parties still entered in cases that were merged into others, parties whose contact was
    found edited by hand, changes that wait for release and how many of these are late, for how many seconds a row of
    the audit has waited to be chained."""

    messages: Messages
    waiting: Mapping[str, int]
    sources: Sequence[Heard]
    files_missing: Mapping[str, int]
    left_behind: int
    contacts_broken: int
    releases: int
    releases_late: int
    unlinked_seconds: float


def readiness(runtime: Runtime) -> dict[str, str]:
    """What the service needs and whether it is there: "ok", or what is wrong in a few words; the wall only where the
    query of a case runs behind it."""
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
        **({"wall": walled} if (walled := wall_state(runtime)) is not None else {}),
    }


def wall_state(runtime: Runtime) -> str | None:
    """ "ok", or what is wrong with the wall that the query of a case runs behind; None if it runs behind none."""
    settings = runtime.settings
    if runtime.behind_wall is None:
        return None
    return wall.state(runtime.behind_wall, settings.policy, settings.login.session_idle)


def state(runtime: Runtime) -> State:
    """The figures of this moment."""
    now = runtime.clock()
    with runtime.database.autocommit() as connection:
        waiting, late = releases.counts(connection, now)
        return State(
            messages=_messages(runtime, connection, now),
            waiting=pushes.waiting_counts(connection),
            sources=[_heard(runtime, source, now) for source in pushes.source_states(connection)],
            files_missing=files.missing_counts(connection),
            left_behind=grants.count_left_behind(connection, runtime.settings.policy, bureau_date(now)),
            contacts_broken=contacts.count_broken(connection),
            releases=waiting,
            releases_late=late,
            unlinked_seconds=_unlinked_seconds(connection, now),
        )


def _unlinked_seconds(connection: Connection, now: datetime) -> float:
    """Since when the oldest row of the audit that is not chained waits for it."""
    oldest = chain.oldest_unlinked(connection, chain.settled(connection, now - chain.LATEST))
    return max((now - oldest).total_seconds(), 0.0) if oldest else 0.0


def _messages(runtime: Runtime, connection: Connection, now: datetime) -> Messages:
    sending, today = runtime.settings.sending, bureau_date(now)
    oldest = outbox_figures.oldest_due(connection, now)
    handed_over = spending.today(connection, today)
    yuan: Counter[str] = Counter()
    for (_, gateway), count in handed_over.items():
        yuan[gateway] += count
    return Messages(
        counts=outbox_figures.counts(connection),
        oldest_seconds={lane: (now - since).total_seconds() for lane, since in oldest.items()},
        attempts_today=_attempts(connection, today),
        handed_over_today=handed_over,
        handed_over=spending.totals(connection),
        limits={Lane.CODES: sending.most_codes_a_day, Lane.NEWS: sending.most_news_a_day},
        yuan_today={name: round(count * sending.prices.get(name, 0), 2) for name, count in yuan.items()},
        dead_numbers=deadnumbers.count(connection),
        tasks=tasks.counts(connection, now),
        stopped=frozenset(spending.stopped(connection)),
    )


def _attempts(connection: Connection, day: date) -> Mapping[tuple[str, str, str], int]:
    """How many calls of this day of the bureau ended how, by gateway, outcome and code."""
    found: Counter[tuple[str, str, str]] = Counter()
    since = datetime.combine(day, time(), BUREAU_TIME)
    for gateway, outcome, code, count in attempts.results_since(connection, since):
        found[gateway, outcome, code if _CODE.fullmatch(code) else "other"] += count
    return found


def gaps(runtime: Runtime) -> list[Gap]:
    """The batches that did not come although later ones did, as files across an air gap."""
    with runtime.database.autocommit() as connection:
        return files.gaps(connection)


def beat(runtime: Runtime, name: str) -> None:
    """Note that the worker of this name is alive."""
    with runtime.database.transaction() as connection:
        heartbeats.beat(connection, name, runtime.clock())


def _heard(runtime: Runtime, state: SourceState, now: datetime) -> Heard:
    silent_for = now - state.last_push_at
    source = runtime.settings.sources.get(state.name)
    expected = source is not None and bool(source.keys)
    is_silent = source is not None and expected and silent_for > source.silence.silent_after(state.usual_seconds)
    return Heard(state.name, silent_for.total_seconds(), state.usual_seconds, is_silent)


def sound_alarm(runtime: Runtime, sounded: Mapping[str, datetime]) -> dict[str, datetime]:
    """When the alarm for each silent source was last written to the log: once when its silence begins to be too
    long, again every hour, and a last line when it speaks again. `sounded` is what the look before this one gave."""
    now = runtime.clock()
    with runtime.database.autocommit() as connection:
        heard = [_heard(runtime, source, now) for source in pushes.source_states(connection)]
    silent = {one.source: one for one in heard if one.is_silent}
    for source in sounded.keys() - silent.keys():
        log.info("source_speaks_again", source=source)
    alarm = {}
    for source, one in silent.items():
        alarm[source] = sounded.get(source, now)
        if source not in sounded or now - sounded[source] >= ALARM_AGAIN:
            alarm[source] = now
            usual = None if one.usual_seconds is None else round(one.usual_seconds)
            log.error("source_silent", source=source, silent_seconds=round(one.silent_seconds), usual_seconds=usual)
    return alarm


def warn_of_the_mute(runtime: Runtime) -> None:
    """Write to the log which sources have a key and have never spoken."""
    with runtime.database.autocommit() as connection:
        known = {source.name for source in pushes.source_states(connection)}
    for source in runtime.settings.sources.values():
        if source.keys and source.name not in known:
            log.warning("source_never_spoke", source=source.name)


def holidays_state(runtime: Runtime) -> str:
    """Up to which year the public holidays are known, and what is wrong if that is not far enough."""
    known = f"known up to {runtime.settings.workdays.known_up_to}"
    if (unknown := _first_unknown_day(runtime)) is None:
        return known
    return f"{known}, not far enough: from {unknown} they are assumed (docs/operators.md, Working days)"


def warn_of_unknown_days(runtime: Runtime) -> None:
    """Write to the log if the public holidays of the next working days are not all known."""
    if (unknown := _first_unknown_day(runtime)) is not None:
        known_up_to = runtime.settings.workdays.known_up_to
        log.warning("holidays_unknown", unknown_from=unknown.isoformat(), known_up_to=known_up_to)


def _first_unknown_day(runtime: Runtime) -> date | None:
    return first_unknown(runtime.settings.workdays, bureau_date(runtime.clock()), WORKING_DAYS_AHEAD)
