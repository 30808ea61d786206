"""Refused events, for staff to look at; a refused event that is taken in later leaves by itself (intake)."""

from collections.abc import Collection

from caseq.rules.book import ELSEWHERE
from caseq.runtime import Runtime
from caseq.store import pushes
from caseq.store.pushes import Quarantined


def waiting(runtime: Runtime, numbers: Collection[int] = ()) -> list[Quarantined]:
    """The refused events that wait for somebody, oldest first; only those with these numbers, if any are given."""
    with runtime.database.autocommit() as connection:
        found = pushes.in_quarantine(connection, runtime.sealer)
    return [item for item in found if not numbers or item.id in numbers]


def elsewhere(runtime: Runtime) -> list[Quarantined]:
    """The refused events whose case was live under another source then, oldest first."""
    return [item for item in waiting(runtime) if item.errors == ELSEWHERE]
