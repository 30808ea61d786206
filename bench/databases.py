"""A database of the benchmark's own on each engine, made for one run and dropped after it."""

import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from caseq.store import schema
from caseq.store.database import Database
from caseq.store.sealing import Sealer

DEFAULT_POSTGRES_URL = "postgresql://127.0.0.1:5432/test"
ENGINES = ("postgresql", "sqlite")
#: What the service sets on every SQLite connection; reference programs must be as careful.
SQLITE_PRAGMAS = ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON")


@dataclass(frozen=True)
class Place:
    """Where the data of one engine is: a URL for caseq, and what the raw driver takes."""

    engine: str
    url: str
    raw: str

    @property
    def is_sqlite(self) -> bool:
        return self.engine == "sqlite"


def postgres_url(given: str | None) -> str:
    return given or os.environ.get("CASEQ_TEST_POSTGRES_URL") or DEFAULT_POSTGRES_URL


def postgres_version(url: str) -> str | None:
    """The version of the server, None if it does not answer."""
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            return connection.info.parameter_status("server_version")
    except psycopg.OperationalError:
        return None


@contextmanager
def made(engine: str, postgres: str, folder: Path) -> Iterator[Place]:
    """An empty database with the newest schema, dropped at the end."""
    with _sqlite(folder) if engine == "sqlite" else _postgresql(postgres) as place:
        database = Database(place.url, Sealer(["x" * 32]))
        schema.upgrade(database)
        database.close()
        yield place


@contextmanager
def _sqlite(folder: Path) -> Iterator[Place]:
    path = folder / "bench.db"
    yield Place("sqlite", f"sqlite:///{path}", str(path))


@contextmanager
def _postgresql(url: str) -> Iterator[Place]:
    name = f"caseq_bench_{uuid.uuid4().hex[:12]}"
    with closing(psycopg.connect(url, autocommit=True)) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            own = _with_database(url, name)
            yield Place("postgresql", own.replace("postgresql://", "postgresql+psycopg://", 1), own)
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _with_database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def settle(place: Place) -> None:
    """Write out what waits and bring statistics up to date, so that nobody pays for another's rows."""
    if place.is_sqlite:
        with closing(sqlite3.connect(place.raw, isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return
    with psycopg.connect(place.raw, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def backends(place: Place) -> list[int]:
    """The processes of the PostgreSQL server that work for this database (on this machine), none for SQLite."""
    if place.is_sqlite:
        return []
    with psycopg.connect(place.raw, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    return [pid for (pid,) in rows]
