"""Unusual reading by staff becomes a task of the auditor: many cases in an hour, or one of the own unit's officers."""

from collections.abc import Sequence
from datetime import timedelta
from enum import Enum, auto

from caseq.rules.case import BUREAU_TIME
from caseq.rules.numbers import lookup_key
from caseq.runtime import Runtime
from caseq.store import auditing, casenumbers, looks, tasks, watched
from caseq.store.watched import Reading, Watched

_HOUR = timedelta(hours=1)


class Refused(Enum):
    """Why nothing was changed: there is no such case, it is watched already, or it is not watched."""

    NOBODY = auto()
    WATCHED = auto()
    NOT_WATCHED = auto()


def watch(runtime: Runtime, case_number: str, by: str, reason: str) -> Refused | None:
    """From now on, reading of this case by staff of its own unit makes a task; None if that is so now."""
    return _change(runtime, case_number, by, reason, True)


def unwatch(runtime: Runtime, case_number: str, by: str, reason: str) -> Refused | None:
    """Reading of this case makes no task any more; None if that is so now."""
    return _change(runtime, case_number, by, reason, False)


def _change(runtime: Runtime, case_number: str, by: str, reason: str, begins: bool) -> Refused | None:
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        case_id = casenumbers.live_case(connection, lookup_key(case_number))
        if case_id is None:
            return Refused.NOBODY
        if begins and not watched.begin(connection, case_id, by, reason, now):
            return Refused.WATCHED
        if not begins and not watched.end(connection, case_id, now):
            return Refused.NOT_WATCHED
        act = "watch_case" if begins else "unwatch_case"
        auditing.record(connection, act, now, case_id=case_id, facts={"by": by, "reason": reason})
    return None


def watched_cases(runtime: Runtime) -> Sequence[Watched]:
    """The cases that are watched now."""
    with runtime.database.autocommit() as connection:
        return watched.all_of(connection)


def readings(runtime: Runtime) -> Sequence[Reading]:
    """The tasks about unusual reading that wait for the auditor, the newest first."""
    with runtime.database.autocommit() as connection:
        return watched.readings(connection)


def look(runtime: Runtime) -> None:
    """Make a task of the auditor for whoever read unusually in the last hour, once for each person and hour of the
    clock, also when that task is done already."""
    now = runtime.clock()
    hour = f"{now.astimezone(BUREAU_TIME):%Y%m%d%H}"
    with runtime.database.transaction() as connection:
        for staff_id, count in looks.much_read(connection, now - _HOUR, runtime.settings.audit.reads_an_hour):
            reason = f"staff {staff_id} read {count} cases within an hour"
            tasks.make(connection, tasks.Kind.READING, f"{hour}:{staff_id}", reason, now, anew=False)
        for staff_id, case_id in looks.watched_read(connection, now - _HOUR):
            reason = f"staff {staff_id} read watched case {case_id} of the own unit"
            tasks.make(connection, tasks.Kind.READING, f"{hour}:{staff_id}:{case_id}", reason, now, anew=False)
