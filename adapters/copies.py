"""Full copies for one-way air gaps: all that the service should hold is written again, as it was sent last.

The last event of every record is kept in the state, under a position that only grows. A copy holds the positions up
to the newest one when it began, divided into parts. A record that changes meanwhile moves behind the end: it drops
out of the copy, and its change leaves in an ordinary batch afterwards. Parts can shrink, but their number stands.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters import spool
from adapters.changes import TRY_AGAIN, WITHDRAWN, Change
from adapters.statefile import transaction

MOST_EVENTS = 1000
MOST_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Part:
    """The next part of a copy under way: its place in the copy, and its events."""

    copy: str
    number: int
    parts: int
    events: int
    body: bytes


def keep(connection: sqlite3.Connection, made: Sequence[Change]) -> None:
    """Keeps these events as the last of their records; needs a transaction.

    A record that moved keeps its withdrawal from the former case too: the service may have missed that one.
    """
    _keep(connection, ((*change.known[:4], change.body) for change in made))


def _keep(connection: sqlite3.Connection, rows: Iterable[tuple[str, str, str, str, bytes]]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO kept (source, type, key, case_number, body) VALUES (?, ?, ?, ?, ?)", rows
    )


def is_under_way(connection: sqlite3.Connection, source: str) -> bool:
    """Whether parts of a copy of this source are still to be written."""
    query = "SELECT 1 FROM full_copy WHERE source = ? AND part < parts"
    return connection.execute(query, (source,)).fetchone() is not None


def is_due(connection: sqlite3.Connection, source: str, now: datetime, hours: float) -> bool:
    """Whether a new copy of this source should begin: never made or too old, and all cases have been read."""
    row = connection.execute("SELECT begun_at FROM full_copy WHERE source = ?", (source,)).fetchone()
    if row and timedelta() <= now - datetime.fromisoformat(row[0]) < timedelta(hours=hours):
        return False
    is_read = connection.execute("SELECT 1 FROM setting WHERE name = 'full_read'").fetchone()
    is_pending = connection.execute("SELECT 1 FROM pending LIMIT 1").fetchone()
    return bool(is_read) and not is_pending


def begin(connection: sqlite3.Connection, source: str, now: datetime) -> None:
    """Divides what is kept of this source into the parts of a new copy.

    Its id is the moment in microseconds, so no two copies share one.
    """
    ends = _ends(connection, source)
    copy = now.strftime("%Y%m%d%H%M%S%f")
    with transaction(connection):
        connection.execute("DELETE FROM copy_part WHERE source = ?", (source,))
        rows = ((source, part, last) for part, last in enumerate(ends, start=1))
        connection.executemany("INSERT INTO copy_part VALUES (?, ?, ?)", rows)
        state = (source, copy, now.isoformat(), 0, len(ends))
        connection.execute("INSERT OR REPLACE INTO full_copy VALUES (?, ?, ?, ?, ?)", state)


def _ends(connection: sqlite3.Connection, source: str) -> list[int]:
    """The last position of each part; at least one part, so that an empty state makes a copy that says so."""
    rows = connection.execute(
        "SELECT position, length(CAST(body AS BLOB)) FROM kept WHERE source = ? ORDER BY position", (source,)
    )
    ends: list[int] = []
    events, size, last = 0, 2, 0
    for position, length in rows:
        if events and (events == MOST_EVENTS or size + length + 1 > MOST_BYTES):
            ends.append(last)
            events, size = 0, 2
        events, size, last = events + 1, size + length + 1, position
    return [*ends, last]


def next_part(connection: sqlite3.Connection, source: str) -> Part:
    """The part of the copy under way that comes next."""
    copy, written, parts = connection.execute(
        "SELECT copy, part, parts FROM full_copy WHERE source = ?", (source,)
    ).fetchone()
    query = "SELECT last FROM copy_part WHERE source = ? AND part = ?"
    before = connection.execute(query, (source, written)).fetchone()
    (last,) = connection.execute(query, (source, written + 1)).fetchone()
    # One row, as in the spool.
    events, body = connection.execute(
        "SELECT count(*), CAST(group_concat(body, ',') AS BLOB) FROM"
        " (SELECT body FROM kept WHERE source = ? AND position > ? AND position <= ? ORDER BY position)",
        (source, before[0] if before else 0, last),
    ).fetchone()
    return Part(copy, written + 1, parts, events, b"[" + (body or b"") + b"]")


def part_is_written(connection: sqlite3.Connection, source: str, part: int) -> None:
    """Notes that this part stands in the folder; needs a transaction."""
    connection.execute("UPDATE full_copy SET part = ? WHERE source = ?", (part, source))


def prepare(connection: sqlite3.Connection) -> None:
    """Makes up for what was sent before files were: what is not kept is read and sent again; needs a transaction."""
    waiting = spool.waiting_events(connection)
    rows = ((event.source, event.type, event.key, event.case_number, event.body.encode()) for event in waiting)
    _keep(connection, rows)
    missing = connection.execute(
        "UPDATE record SET fingerprint = ? WHERE fingerprint <> ? AND NOT EXISTS"
        " (SELECT 1 FROM kept WHERE (kept.source, kept.type, kept.key, kept.case_number)"
        " = (record.source, record.type, record.key, record.case_number))",
        (TRY_AGAIN, WITHDRAWN),
    )
    if missing.rowcount:
        connection.execute("DELETE FROM setting WHERE name = 'full_read'")


def forget(connection: sqlite3.Connection) -> None:
    """Drops what only copies need: over the network it would grow old, and it names people; needs a transaction."""
    connection.execute("DELETE FROM kept")
    connection.execute("DELETE FROM full_copy")
    connection.execute("DELETE FROM copy_part")
