"""The outgoing events: kept until the service has answered for them. Functions that write need a transaction.

They lie in packs, a row for many events of one source: a row for each would cost more than all the rest of sending it.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple

import orjson

from adapters.carriers.carrier import Parcel
from adapters.changes import Change

MOST_EVENTS = 1000
MOST_BYTES = 2 * 1024 * 1024
#: A batch takes whole packs: small ones fill it better.
PACK_EVENTS = 100
#: An event in a pack: its id, type, key, case number and the number of its bytes.
_About = tuple[str, str, str, str, int]


@dataclass(frozen=True, slots=True)
class Refused:
    """One event that the service refused: which fields, and why."""

    source: str
    type: str
    key: str
    case_number: str
    event_id: str
    reasons: Mapping[str, Sequence[str]]


class Waiting(NamedTuple):
    """One event that is still to be answered for."""

    source: str
    event_id: str
    type: str
    key: str
    case_number: str
    body: str


@dataclass(slots=True)
class _Pack:
    """Events of one source that follow each other there; `after` are the packs that must have been sent before."""

    position: int
    source: str
    after: Sequence[int]
    size: int = 2
    about: list[_About] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def row(self) -> tuple[int, str, str | None, int, str, bytes]:
        after = _text(self.after) if self.after else None
        return (self.position, self.source, after, len(self.about), _text(self.about), b",".join(self.bodies))


def append(connection: sqlite3.Connection, made: Sequence[Change]) -> None:
    """Appends these events; each waits for the last pack before it of every source that its change is `after`."""
    newest = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outgoing'").fetchone()
    position = newest[0] if newest else 0
    last = _last_positions(connection) if any(change.after for change in made) else {}
    packs: list[_Pack] = []
    unfinished: dict[str, _Pack] = {}
    for event_id, body, (source, record_type, key, number, *_), others in made:
        after, size = [last[other] for other in others if other in last], len(body)
        pack = unfinished.get(source)
        is_full = pack is None or len(pack.about) == PACK_EVENTS or pack.size + size + 1 > MOST_BYTES
        if pack is None or is_full or pack.after != after:
            position += 1
            pack = unfinished[source] = _Pack(position, source, after)
            packs.append(pack)
            last[source] = position
        pack.about.append((event_id, record_type, key, number, size))
        pack.bodies.append(body)
        pack.size += size + 1
    connection.executemany("INSERT INTO outgoing VALUES (?, ?, ?, ?, ?, ?)", (pack.row() for pack in packs))


def _last_positions(connection: sqlite3.Connection) -> dict[str, int]:
    """Where the last pack of each source is."""
    return dict(connection.execute("SELECT source, max(position) FROM outgoing GROUP BY source").fetchall())


#: One row for a whole batch: SQLite lets go of the interpreter at every row, and a reading thread is slow to give
#: it back.
_NEXT = """
SELECT json_group_array(json_array(position, events, size, is_waiting)) FROM (
  SELECT position, events, length(body) AS size,
    EXISTS (SELECT 1 FROM outgoing other WHERE other.position IN (SELECT value FROM json_each(outgoing.after)))
      AS is_waiting
  FROM outgoing WHERE source = ? AND position > ? ORDER BY position LIMIT ?)
"""
_PACKS = """
SELECT json_group_array(json(about)), CAST(group_concat(body, ',') AS BLOB) FROM (
  SELECT about, body FROM outgoing WHERE source = ? AND position > ? AND position <= ? ORDER BY position)
"""


def next_batch(
    connection: sqlite3.Connection, source: str, most: int = MOST_EVENTS, *, behind: int = 0, least: int = 1
) -> Parcel | None:
    """The next events of this source, up to the first pack that still waits for another; None if there are none.

    With `behind` those that follow this position, up to which whole packs are under way; None if fewer than `least`.
    Whole packs, but part of the first one if it alone holds more than `most`. The id follows from the body, so a batch
    sent again has the same.
    """
    rows = json.loads(connection.execute(_NEXT, (source, behind, most)).fetchone()[0])
    last, count, room = 0, 0, MOST_BYTES - 1
    for position, events, size, is_waiting in rows:
        room -= size + 1
        if is_waiting or (last and (count + events > most or room < 0)):
            break
        last, count = position, count + events
    if count < least:
        return None
    about, body = _front(connection, source, last, min(count, most), behind)
    body = b"[" + body + b"]"
    ids = [event_id for event_id, *_ in about]
    return Parcel(source, f"batch-{sha256(body).hexdigest()[:32]}", body, len(ids), ids, last=last)


def body_of(connection: sqlite3.Connection, parcel: Parcel) -> bytes:
    """The bytes of a batch that was taken from this spool and has not been settled."""
    return b"[" + _front(connection, parcel.source, parcel.last, parcel.events)[1] + b"]"


def _front(
    connection: sqlite3.Connection, source: str, last: int, count: int, behind: int = 0
) -> tuple[list[_About], bytes]:
    """The first so many events of this source `behind` a position, in the packs up to another one."""
    texts, body = connection.execute(_PACKS, (source, behind, last)).fetchone()
    about = [event for pack in json.loads(texts) for event in pack]
    if count < len(about):
        body = body[: sum(length + 1 for *_, length in about[:count]) - 1]
    return about[:count], body or b""


def waiting_events(connection: sqlite3.Connection) -> Iterator[Waiting]:
    """Every event that waits; those of one source in their order."""
    for source, about, body in connection.execute("SELECT source, about, body FROM outgoing ORDER BY position"):
        yield from _events(source, json.loads(about), body)


def _events(source: str, about: Sequence[_About], body: bytes) -> Iterator[Waiting]:
    start = 0
    for event_id, record_type, key, number, length in about:
        yield Waiting(source, event_id, record_type, key, number, body[start : start + length].decode())
        start += length + 1


def waiting_keys(connection: sqlite3.Connection, source: str, record_type: str) -> set[str]:
    """The keys of the records of this type with events that wait."""
    rows = connection.execute(
        "SELECT json_extract(event.value, '$[2]') FROM outgoing, json_each(outgoing.about) AS event"
        " WHERE outgoing.source = ? AND json_extract(event.value, '$[1]') = ?",
        (source, record_type),
    )
    return {key for (key,) in rows}


def waiting_count(connection: sqlite3.Connection, source: str | None = None) -> int:
    """How many events wait, of this source or of all."""
    counts = waiting_counts(connection)
    return sum(counts.values()) if source is None else counts.get(source, 0)


def waiting_counts(connection: sqlite3.Connection) -> dict[str, int]:
    """How many events of each source wait; sources without any are left out."""
    return dict(connection.execute("SELECT source, sum(events) FROM outgoing GROUP BY source").fetchall())


def is_waiting(connection: sqlite3.Connection, source: str) -> bool:
    """Whether any event of this source waits."""
    return connection.execute("SELECT 1 FROM outgoing WHERE source = ? LIMIT 1", (source,)).fetchone() is not None


def settle(
    connection: sqlite3.Connection, parcel: Parcel, refused: Mapping[str, Mapping[str, Sequence[str]]]
) -> dict[str, str]:
    """Takes the answered parcel out of the spool; what is in `refused` (id to fields) is kept as refused.

    What had been refused of its records before is forgotten. The answer gives the type of each refused event by its id.
    """
    rows = []
    if refused or connection.execute("SELECT 1 FROM refused WHERE source = ? LIMIT 1", (parcel.source,)).fetchone():
        about, body = _front(connection, parcel.source, parcel.last, parcel.events)
        events = list(_events(parcel.source, about, body))
        ids = ((event.source, event.type, event.key) for event in events)
        connection.executemany("DELETE FROM refused WHERE source = ? AND type = ? AND key = ?", ids)
        rows = [_refused(event, refused[event.event_id]) for event in events if event.event_id in refused]
        connection.executemany("INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    _take_out(connection, parcel)
    return {row[4]: row[1] for row in rows}


def _refused(event: Waiting, reasons: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    *place, body = event.type, event.key, event.case_number, event.event_id, event.body
    return (event.source, *place, json.dumps(reasons, ensure_ascii=False), body)


def _take_out(connection: sqlite3.Connection, parcel: Parcel) -> None:
    """Drops the packs of the parcel; of a pack that was sent in part, what was sent."""
    place = (parcel.source, parcel.last)
    (count,) = connection.execute(
        "SELECT total(events) FROM outgoing WHERE source = ? AND position <= ?", place
    ).fetchone()
    if count <= parcel.events:
        connection.execute("DELETE FROM outgoing WHERE source = ? AND position <= ?", place)
        return
    about, body = connection.execute("SELECT about, body FROM outgoing WHERE position = ?", (parcel.last,)).fetchone()
    events = json.loads(about)
    start = sum(length + 1 for *_, length in events[: parcel.events])
    rest = events[parcel.events :]
    row = (len(rest), _text(rest), body[start:], parcel.last)
    connection.execute("UPDATE outgoing SET events = ?, about = ?, body = ? WHERE position = ?", row)


def _text(values: Sequence[object]) -> str:
    return orjson.dumps(values).decode()


def refused_events(connection: sqlite3.Connection) -> list[Refused]:
    """The events the service refused and that have not been accepted in a later state since."""
    rows = connection.execute(
        "SELECT source, type, key, case_number, event_id, reasons FROM refused ORDER BY source, case_number, key"
    )
    return [
        Refused(source, record_type, key, number, event_id, json.loads(reasons))
        for source, record_type, key, number, event_id, reasons in rows
    ]
