"""Refused events, for staff to look at; a refused event that is taken in later leaves by itself (intake)."""

from collections.abc import Collection

from caseq.runtime import Runtime
from caseq.store import pushes
from caseq.store.pushes import Quarantined


def waiting(runtime: Runtime, numbers: Collection[int] = ()) -> list[Quarantined]:
    """The refused events that wait for somebody, oldest first; only those with these numbers, if any are given."""
    with runtime.database.autocommit() as connection:
        found = pushes.in_quarantine(connection, runtime.sealer)
    return [item for item in found if not numbers or item.id in numbers]
