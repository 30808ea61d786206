"""The outgoing events: kept until the service has answered for them. Functions that write need a transaction."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from adapters.changes import Change

MOST_EVENTS = 500
MOST_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Waiting:
    """One event in the spool; `after` is the position of one that must be answered for first."""

    position: int
    source: str
    event_id: str
    type: str
    key: str
    case_number: str
    after: int | None
    body: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some events of one source in order; the id follows from the body, so a batch sent again has the same."""

    source: str
    events: tuple[Waiting, ...]

    @property
    def body(self) -> bytes:
        """The JSON array of the events."""
        return ("[" + ",".join(event.body for event in self.events) + "]").encode()

    @property
    def id(self) -> str:
        """The webhook-id."""
        return "batch-" + sha256(self.body).hexdigest()[:32]


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
    last: int | None = None
    for change in made:
        known = change.known
        after = last if change.waits else None
        row = (known.source, change.event_id, known.type, known.key, known.case_number, after, change.body)
        cursor = connection.execute(
            "INSERT INTO outgoing (source, event_id, type, key, case_number, after, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
            row,
        )
        last = last if change.waits else cursor.lastrowid


def next_batch(connection: sqlite3.Connection, source: str, most: int = MOST_EVENTS) -> Batch | None:
    """The next events of this source, up to the first that still waits for another; None if there are none."""
    rows = connection.execute(
        "SELECT position, source, event_id, type, key, case_number,"
        " (SELECT other.position FROM outgoing other WHERE other.position = outgoing.after), body"
        " FROM outgoing WHERE source = ? ORDER BY position LIMIT ?",
        (source, most),
    )
    events: list[Waiting] = []
    size = 2
    for row in rows:
        event = Waiting(*row)
        size += len(event.body.encode()) + 1
        if event.after is not None or (events and size > MOST_BYTES):
            break
        events.append(event)
    return Batch(source, tuple(events)) if events else None


def waiting_count(connection: sqlite3.Connection, source: str | None = None) -> int:
    """How many events wait, of this source or of all."""
    count: int = connection.execute(
        "SELECT count(*) FROM outgoing WHERE ?1 IS NULL OR source = ?1", (source,)
    ).fetchone()[0]
    return count


def settle(connection: sqlite3.Connection, batch: Batch, refused: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
    """Takes the answered batch out of the spool; the events in `refused` (id to fields) are kept as refused."""
    for event in batch.events:
        connection.execute("DELETE FROM outgoing WHERE position = ?", (event.position,))
        if event.event_id in refused:
            reasons = json.dumps(refused[event.event_id], ensure_ascii=False)
            row = (event.source, event.type, event.key, event.case_number, event.event_id, reasons, event.body)
            connection.execute("INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        else:
            record = (event.source, event.type, event.key)
            connection.execute("DELETE FROM refused WHERE source = ? AND type = ? AND key = ?", record)


def refused_events(connection: sqlite3.Connection) -> list[Refused]:
    """The events the service refused and that have not been accepted in a later state since."""
    rows = connection.execute(
        "SELECT source, type, key, case_number, event_id, reasons FROM refused ORDER BY source, case_number, key"
    )
    return [
        Refused(source, record_type, key, number, event_id, json.loads(reasons))
        for source, record_type, key, number, event_id, reasons in rows
    ]
