"""The least that storing milestones can cost: the same rows straight into the table, and nothing else.

No signature, no check, no history, no idempotency, no outbox: PostgreSQL by COPY, SQLite by one executemany.
"""

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from bench import ordinary
from bench.databases import SQLITE_PRAGMAS, Place

SOURCE = "bench"
Events = Sequence[Mapping[str, Any]]


def rows(events: Events, case_ids: Mapping[str, int]) -> list[dict[str, Any]]:
    """The rows of these events, of a source of their own."""
    now = datetime.now(UTC)
    return [
        {"source": SOURCE, "key": raw["data"]["milestone"], **ordinary.milestone_values(raw, case_ids, now)}
        for raw in events
    ]


def store(place: Place, events: Events, case_ids: Mapping[str, int]) -> float:
    """Seconds to store the events in one transaction, and nothing kept afterwards."""
    found = rows(events, case_ids)
    return _insert(place, found) if place.is_sqlite else _copy(place, found)


def _copy(place: Place, found: Sequence[Mapping[str, Any]]) -> float:
    names = list(found[0])
    values = [[Jsonb(v) if isinstance(v, dict) else v for v in row.values()] for row in found]
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    with closing(psycopg.connect(place.raw)) as connection:
        began = time.perf_counter()
        statement = sql.SQL("COPY milestones ({}) FROM STDIN").format(columns)
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in values:
                copy.write_row(row)
        connection.commit()
        seconds = time.perf_counter() - began
        connection.execute("DELETE FROM milestones WHERE source = %s", [SOURCE])
        connection.commit()
    return seconds


def _insert(place: Place, found: Sequence[Mapping[str, Any]]) -> float:
    names = ", ".join(found[0])
    marks = ", ".join("?" * len(found[0]))
    values = [[_plain(value) for value in row.values()] for row in found]
    with closing(sqlite3.connect(place.raw, isolation_level=None, timeout=10)) as connection:
        for pragma in SQLITE_PRAGMAS:
            connection.execute(pragma)
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(f"INSERT INTO milestones ({names}) VALUES ({marks})", values)  # noqa: S608
        connection.execute("COMMIT")
        seconds = time.perf_counter() - began
        connection.execute("DELETE FROM milestones WHERE source = ?", [SOURCE])
    return seconds


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return value.isoformat() if hasattr(value, "isoformat") else value


def store_by_orm(place: Place, events: Events, case_ids: Mapping[str, int]) -> float:
    """Seconds to store the events as ORM objects, each looked up first, with history and received ids."""
    engine = ordinary.engine_for(place.url)
    with engine.connect():
        pass
    began = time.perf_counter()
    with Session(engine) as db:
        ordinary.store_milestones(db, SOURCE, events, case_ids)
    seconds = time.perf_counter() - began
    with engine.begin() as connection:
        for table in (ordinary.Milestone, ordinary.Received, ordinary.History):
            connection.execute(table.__table__.delete().where(table.__table__.c.source == SOURCE))
    engine.dispose()
    return seconds
