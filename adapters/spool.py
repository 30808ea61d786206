"""The outgoing events: kept until the service has answered for them. Functions that write need a transaction."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from adapters.carriers.carrier import Parcel
from adapters.changes import Change

MOST_EVENTS = 500
MOST_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Refused:
    """One event that the service refused: which fields, and why."""

    source: str
    type: str
    key: str
    case_number: str
    event_id: str
    reasons: Mapping[str, Sequence[str]]


def append(connection: sqlite3.Connection, made: Sequence[Change]) -> None:
    """Appends these events; those that wait do so for the last withdrawal before them."""
    newest = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outgoing'").fetchone()
    last: int | None = None
    rows = []
    for position, change in enumerate(made, start=(newest[0] if newest else 0) + 1):
        known = change.known
        after = last if change.waits else None
        rows.append(
            (position, known.source, change.event_id, known.type, known.key, known.case_number, after, change.body)
        )
        last = last if change.waits else position
    connection.executemany("INSERT INTO outgoing VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)


#: One row for a whole batch: SQLite lets go of the interpreter at every row, and a reading thread is slow to give
#: it back. `after` is the position of an event that must be answered for first.
_NEXT = """
SELECT json_group_array(json_array(position, event_id, is_waiting, size)) FROM (
  SELECT position, event_id, length(CAST(body AS BLOB)) AS size,
    EXISTS (SELECT 1 FROM outgoing other WHERE other.position = outgoing.after) AS is_waiting
  FROM outgoing WHERE source = ? ORDER BY position LIMIT ?)
"""
_BODY = """
SELECT '[' || group_concat(body, ',') || ']' FROM (
  SELECT body FROM outgoing WHERE source = ? ORDER BY position LIMIT ?)
"""


def next_batch(connection: sqlite3.Connection, source: str, most: int = MOST_EVENTS) -> Parcel | None:
    """The next events of this source, up to the first that still waits for another; None if there are none.

    The id follows from the body, so a batch sent again has the same.
    """
    rows = json.loads(connection.execute(_NEXT, (source, most)).fetchone()[0])
    ids: list[str] = []
    last, room = 0, MOST_BYTES - 2
    for position, event_id, is_waiting, size in rows:
        room -= size + 1
        if is_waiting or (ids and room < 0):
            break
        ids.append(event_id)
        last = position
    if not ids:
        return None
    body = connection.execute(_BODY, (source, len(ids))).fetchone()[0].encode()
    return Parcel(source, f"batch-{sha256(body).hexdigest()[:32]}", body, len(ids), ids, last=last)


def waiting_count(connection: sqlite3.Connection, source: str | None = None) -> int:
    """How many events wait, of this source or of all."""
    if source is None:
        (count,) = connection.execute("SELECT count(*) FROM outgoing").fetchone()
    else:
        (count,) = connection.execute("SELECT count(*) FROM outgoing WHERE source = ?", (source,)).fetchone()
    return int(count)


def waiting_counts(connection: sqlite3.Connection) -> dict[str, int]:
    """How many events of each source wait; sources without any are left out."""
    return dict(connection.execute("SELECT source, count(*) FROM outgoing GROUP BY source").fetchall())


def is_waiting(connection: sqlite3.Connection, source: str) -> bool:
    """Whether any event of this source waits."""
    return connection.execute("SELECT 1 FROM outgoing WHERE source = ? LIMIT 1", (source,)).fetchone() is not None


def settle(
    connection: sqlite3.Connection, parcel: Parcel, refused: Mapping[str, Mapping[str, Sequence[str]]]
) -> dict[str, str]:
    """Takes the answered parcel out of the spool; what is in `refused` (id to fields) is kept as refused.

    The answer gives the type of each refused event by its id.
    """
    rows = []
    for event_id, reasons in refused.items():
        found = connection.execute(
            "SELECT source, type, key, case_number, event_id, ?, body FROM outgoing"
            " WHERE source = ? AND position <= ? AND event_id = ?",
            (json.dumps(reasons, ensure_ascii=False), parcel.source, parcel.last, event_id),
        )
        rows += found.fetchall()
    release(connection, parcel.source, parcel.last)
    connection.executemany("INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    return {row[4]: row[1] for row in rows}


def release(connection: sqlite3.Connection, source: str, last: int) -> None:
    """Takes the events of this source up to this position out of the spool, and forgets that they were refused."""
    connection.execute(
        "DELETE FROM refused WHERE source = ?1 AND (type, key) IN"
        " (SELECT type, key FROM outgoing WHERE source = ?1 AND position <= ?2)",
        (source, last),
    )
    connection.execute("DELETE FROM outgoing WHERE source = ? AND position <= ?", (source, last))


def refused_events(connection: sqlite3.Connection) -> list[Refused]:
    """The events the service refused and that have not been accepted in a later state since."""
    rows = connection.execute(
        "SELECT source, type, key, case_number, event_id, reasons FROM refused ORDER BY source, case_number, key"
    )
    return [
        Refused(source, record_type, key, number, event_id, json.loads(reasons))
        for source, record_type, key, number, event_id, reasons in rows
    ]
