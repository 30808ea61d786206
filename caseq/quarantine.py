"""Refused events, for staff to look at; a refused event that is taken in later leaves by itself (intake)."""

from collections.abc import Collection

from caseq.rules.book import ELSEWHERE
from caseq.rules.duties import Staff
from caseq.runtime import Runtime
from caseq.store import auditing, pushes
from caseq.store.pushes import Quarantined


def waiting(runtime: Runtime, numbers: Collection[int] = ()) -> list[Quarantined]:
    """The refused events that wait for somebody, oldest first; only those with these numbers, if any are given."""
    with runtime.database.autocommit() as connection:
        found = pushes.in_quarantine(connection, runtime.sealer)
    return [item for item in found if not numbers or item.id in numbers]


def elsewhere(runtime: Runtime) -> list[Quarantined]:
    """The refused events whose case was live under another source then, oldest first."""
    return [item for item in waiting(runtime) if item.errors == ELSEWHERE]


def note_retry(runtime: Runtime, by: Staff, item: Quarantined, outcome: str) -> None:
    """Keep in the audit who had this event taken in once more, and what became of it."""
    facts = {"quarantine": item.id, "outcome": outcome}
    with runtime.database.transaction() as connection:
        now = runtime.clock()
        auditing.record(connection, "quarantine_retry", now, source=item.source, staff_id=by.id, facts=facts)
