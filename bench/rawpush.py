"""The least that storing a push can cost: the very rows that the push left, straight into their tables.

No signature, no check, no look at what is there, no sealing: PostgreSQL by one COPY for each table, SQLite by one
executemany for each, all in one transaction.
"""

import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy.orm import Session

from bench import ordinary
from bench.databases import SQLITE_PRAGMAS, Place

SOURCE = "bench"
#: The tables that a push of milestones writes a row into for every event, and the column that names the event.
TABLES: Mapping[str, tuple[str, str]] = {
    "milestones": ("key", "{}-%"),
    "history": ("key", "{}-%"),
    "received": ("event_id", "milestone:{}-%"),
    "outbox": ("cause", "%:milestone:{}-%"),
}


def store_again(place: Place, prefix: str, tables: Sequence[str] = tuple(TABLES)) -> float:
    """Seconds to store once more what the push of the events with this prefix left in these tables."""
    return _insert(place, prefix, tables) if place.is_sqlite else _copy(place, prefix, tables)


def _copy(place: Place, prefix: str, tables: Sequence[str]) -> float:
    with closing(psycopg.connect(place.raw, autocommit=True)) as connection:
        taken = {}
        for name in tables:
            column, pattern = TABLES[name]
            statement = sql.SQL("DELETE FROM {} WHERE {} LIKE %s RETURNING *")
            cursor = connection.execute(
                statement.format(sql.Identifier(name), sql.Identifier(column)), [pattern.format(prefix)]
            )
            taken[name] = [[Jsonb(v) if isinstance(v, dict) else v for v in row] for row in cursor]
            connection.execute(sql.SQL("VACUUM {}").format(sql.Identifier(name)))
        began = time.perf_counter()
        with connection.transaction(), connection.cursor() as cursor:
            for name, rows in taken.items():
                with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(name))) as copy:
                    for row in rows:
                        copy.write_row(row)
        return time.perf_counter() - began


def _insert(place: Place, prefix: str, tables: Sequence[str]) -> float:
    with closing(sqlite3.connect(place.raw, isolation_level=None, timeout=10)) as connection:
        for pragma in SQLITE_PRAGMAS:
            connection.execute(pragma)
        taken = {}
        for name in tables:
            column, pattern = TABLES[name]
            which = f"FROM {name} WHERE {column} LIKE ?"
            taken[name] = connection.execute(f"SELECT * {which}", [pattern.format(prefix)]).fetchall()
            connection.execute(f"DELETE {which}", [pattern.format(prefix)])
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        for name, rows in taken.items():
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)  # noqa: S608 - constants
        connection.execute("COMMIT")
        return time.perf_counter() - began


def store_by_orm(place: Place, events: Sequence[Mapping[str, Any]], case_ids: Mapping[str, int]) -> float:
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
