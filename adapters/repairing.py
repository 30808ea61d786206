"""Marks the records that the service holds differently, so that the next run pushes them again."""

import sqlite3

from adapters import bookmark, claims
from adapters.changes import TRY_AGAIN, WITHDRAWN, Known
from adapters.comparing import Difference


def mark(state: sqlite3.Connection, found: Difference) -> None:
    """Makes the state say what the service holds of this record, and its cases to be read; inside a transaction.

    A record that only the service holds is then withdrawn, unless the case system has it; all others are pushed again
    under a sequence later than both sides'.
    """
    numbers = [side[0] for side in (found.here, found.there) if side]
    sequence = max(side[1] for side in (found.here, found.there) if side)
    held = found.there or found.here
    assert held
    fingerprint = TRY_AGAIN if found.there else WITHDRAWN
    known = Known(found.source, found.type, found.key, held[0], "", fingerprint, sequence)
    bookmark.keep_known(state, [known])
    claims.note_held(state, numbers)
    bookmark.add_cases(state, numbers)
