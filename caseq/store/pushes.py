"""What surrounds the ledger of a push: sources, received ids, parked events, quarantine, checkpoint."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Insert, Row, Select, String, bindparam, delete, func, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from caseq.errors import SealBroken
from caseq.rules.silence import Bounds
from caseq.store import bulk, silence
from caseq.store.database import insert_into
from caseq.store.sealing import Sealer
from caseq.store.tables import Moment, parked, quarantine, received, sources

PARKED, REFUSED = "parked.event", "quarantine.event"


@dataclass(frozen=True, slots=True)
class SourceState:
    """What the service knows of one source: when it last spoke, the newest sequence it stored, its usual silence."""

    name: str
    last_push_at: datetime
    last_batch: int | None
    newest_sequence: str | None
    usual_seconds: float | None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One refused event, kept until somebody retries it with success."""

    id: int
    source: str
    event_id: str | None
    received_at: datetime
    errors: Mapping[str, Sequence[str]]
    raw: Any


def lock_source(
    connection: Connection, source: str, spoke_at: datetime, heard_at: datetime, bounds: Bounds
) -> SourceState:
    """The state of the source, whose pushes queue behind this transaction until it ends.

    That it spoke is noted, and what that teaches about its silences, unless it spoke later already: a file may have
    been on its way for days.
    """
    statement = insert_into(connection, sources).values(name=source, last_push_at=spoke_at)
    locked = statement.on_conflict_do_update(index_elements=["name"], set_=silence.noted(connection.dialect.name))
    row = connection.execute(locked.returning(sources), silence.push(spoke_at, heard_at, bounds)).one()
    return _state(row)


def hold_back(connection: Connection, source: str) -> None:
    """Let the pushes of this source queue behind this transaction; nothing is noted of it."""
    connection.execute(select(sources.c.name).where(sources.c.name == source).with_for_update())


def note_sequence(connection: Connection, source: str, newest: str) -> None:
    """Remember the newest sequence stored."""
    connection.execute(update(sources).where(sources.c.name == source).values(newest_sequence=newest))


def source_state(connection: Connection, source: str) -> SourceState | None:
    row = connection.execute(select(sources).where(sources.c.name == source)).one_or_none()
    return _state(row) if row else None


def source_states(connection: Connection) -> list[SourceState]:
    rows = connection.execute(select(sources).order_by(sources.c.name))
    return [_state(row) for row in rows]


def _state(row: Row[Any]) -> SourceState:
    return SourceState(row.name, row.last_push_at, row.last_batch, row.newest_sequence, row.usual_seconds)


def receive(connection: Connection, source: str, ids: Collection[str], now: datetime) -> set[str]:
    """Note that these events of this source came; returns the ids of those that had not come before."""
    if not ids:
        return set()
    asked = {"source": source, "keys": bulk.given(ids), "now": now}
    return set(connection.execute(_receiving(connection.dialect.name), asked).scalars())


@cache
def _receiving(dialect: str) -> Insert:
    columns = ("source", "event_id", "received_at")
    each = bulk.values_given(dialect, "keys")
    rows = select(bindparam("source", type_=String), each, bindparam("now", type_=Moment)).where(true())
    inserting = postgresql.insert(received) if dialect == "postgresql" else sqlite.insert(received)
    return inserting.from_select(columns, rows).on_conflict_do_nothing().returning(received.c.event_id)


def forget_received(connection: Connection, source: str, ids: Collection[str]) -> None:
    """Let these ids be taken in again: they were refused, some after they were parked, and somebody may retry them."""
    if ids:
        gone = bulk.among(connection, received.c.event_id, ids)
        connection.execute(delete(received).where(received.c.source == source, gone))


def park(
    connection: Connection, sealer: Sealer, source: str, waiting: Sequence[tuple[str, Any]], now: datetime
) -> None:
    """Keep events whose case is not there yet: (case key, raw event) pairs."""
    rows = [
        {
            "source": source,
            "event_id": raw["id"],
            "case_key": case_key,
            "sequence": raw["sequence"],
            "received_at": now,
            "event_sealed": sealer.seal(PARKED, json.dumps(raw).encode()),
        }
        for case_key, raw in waiting
    ]
    bulk.put(connection, parked, rows)


def parked_for(connection: Connection, sealer: Sealer, source: str, case_keys: Collection[str]) -> list[Any]:
    """The raw events that wait for these cases, in the order of their sequence."""
    if not case_keys:
        return []
    asked = {"source": source, "keys": bulk.given(case_keys)}
    rows = connection.execute(_parked_for(connection.dialect.name), asked).scalars()
    return [json.loads(sealer.unseal(PARKED, sealed)) for sealed in rows]


@cache
def _parked_for(dialect: str) -> Select[Any]:
    wanted = select(parked.c.event_sealed).where(parked.c.source == bindparam("source"))
    wanted = wanted.where(bulk.among_given(dialect, parked.c.case_key, "keys"))
    return wanted.order_by(parked.c.sequence, parked.c.id)


def unpark(connection: Connection, source: str, ids: Sequence[str]) -> None:
    if ids:
        placed = bulk.among(connection, parked.c.event_id, ids)
        connection.execute(delete(parked).where(parked.c.source == source, placed))


def refuse_parked(
    connection: Connection,
    sealer: Sealer,
    source: str,
    raws: Sequence[Any],
    errors: Mapping[str, Sequence[str]],
    now: datetime,
) -> None:
    """Move these parked events into quarantine; somebody may retry them."""
    ids = [raw["id"] for raw in raws]
    unpark(connection, source, ids)
    forget_received(connection, source, ids)
    put_in_quarantine(connection, sealer, source, [(raw, errors) for raw in raws], now)


def put_in_quarantine(
    connection: Connection,
    sealer: Sealer,
    source: str,
    refused: Sequence[tuple[Any, Mapping[str, Sequence[str]]]],
    now: datetime,
) -> None:
    """Keep refused events with their errors; the same event refused again is kept once, with its newest errors."""
    rows: dict[str, dict[str, Any]] = {}
    for raw, errors in refused:
        text = json.dumps(raw, sort_keys=True).encode()
        event_id = raw.get("id") if isinstance(raw, dict) and isinstance(raw.get("id"), str) else None
        digest = sha256(text).hexdigest()
        rows[digest] = {
            "source": source,
            "event_id": event_id[:200] if event_id else None,
            "received_at": now,
            "resolved_at": None,
            "errors": errors,
            "event_sealed": sealer.seal(REFUSED, text),
            "event_hash": sealer.fingerprint(REFUSED, digest),
        }
    bulk.put(connection, quarantine, list(rows.values()), key=("source", "event_hash"), replace=True)


def in_quarantine(connection: Connection, sealer: Sealer) -> list[Quarantined]:
    """The refused events that still wait for somebody, oldest first."""
    wanted = select(quarantine).where(quarantine.c.resolved_at.is_(None)).order_by(quarantine.c.id)
    return [
        Quarantined(
            row.id,
            row.source,
            row.event_id,
            row.received_at,
            row.errors,
            json.loads(sealer.unseal(REFUSED, row.event_sealed)),
        )
        for row in connection.execute(wanted)
    ]


def release_from_quarantine(connection: Connection, source: str, ids: Sequence[str], now: datetime) -> None:
    """Mark as resolved what was refused under these event ids and has been taken in now."""
    is_open = quarantine.c.source == source, quarantine.c.resolved_at.is_(None)
    if ids and connection.execute(select(quarantine.c.id).where(*is_open).limit(1)).first():
        taken = bulk.among(connection, quarantine.c.event_id, ids)
        connection.execute(update(quarantine).where(*is_open, taken).values(resolved_at=now))


def refused_events(connection: Connection, sealer: Sealer) -> Iterator[tuple[int, str, Mapping[str, Any], Any]]:
    """Number, source, errors and raw event of all that still waits, but for what no key here opens."""
    wanted = select(quarantine.c.id, quarantine.c.source, quarantine.c.errors, quarantine.c.event_sealed)
    for number, source, errors, sealed in connection.execute(wanted.where(quarantine.c.resolved_at.is_(None))):
        with suppress(SealBroken):
            yield number, source, errors, json.loads(sealer.unseal(REFUSED, sealed))


def end_quarantine(connection: Connection, numbers: Collection[int], now: datetime) -> None:
    """Mark these refused events as resolved."""
    if numbers:
        ended = quarantine.c.resolved_at.is_(None), bulk.among(connection, quarantine.c.id, numbers)
        connection.execute(update(quarantine).where(*ended).values(resolved_at=now))


def waiting_counts(connection: Connection) -> dict[str, int]:
    """How many events are parked and how many are in quarantine."""
    open_ = select(func.count()).select_from(quarantine).where(quarantine.c.resolved_at.is_(None))
    return {
        "parked": connection.execute(select(func.count()).select_from(parked)).scalar_one(),
        "quarantine": connection.execute(open_).scalar_one(),
    }


def waiting_by_source(connection: Connection) -> Mapping[tuple[str, str], int]:
    """How many events of each source are parked or in quarantine, by where and source."""
    open_ = select(quarantine.c.source, func.count()).where(quarantine.c.resolved_at.is_(None))
    refused = connection.execute(open_.group_by(quarantine.c.source))
    waits = connection.execute(select(parked.c.source, func.count()).group_by(parked.c.source))
    found = {("quarantine", row[0]): int(row[1]) for row in refused}
    return {**found, **{("parked", row[0]): int(row[1]) for row in waits}}
