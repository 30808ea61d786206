"""A PostgreSQL database of these tests' own with the wall in it, and two roles of unique names; all are dropped."""

import secrets
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from caseq.settings import load
from caseq.store import wall
from tests.conftest import empty, migrated
from tests.service import Clock, Service, environment
from tests.service import service as build_service
from tests.wall.walling import Urls, Walled, apply, plain


@pytest.fixture(scope="session")
def walled_database(postgresql_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Urls]:
    """One database, its owner (no superuser) and the role behind the wall; all three are dropped at the end.

    A superuser has run once what `caseq policy sql` prints, as docs/operators.md asks for.
    """
    name = f"caseq_wall_{uuid.uuid4().hex[:12]}"
    roles = {role: secrets.token_hex(16) for role in (f"{name}_owner", name)}
    url = make_url(postgresql_server).set(database=name)
    admin = create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            for role, password in roles.items():
                connection.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'"))
            connection.execute(text(f"CREATE DATABASE {name} OWNER {name}_owner"))
        owner, reader = (url.set(username=role, password=password) for role, password in roles.items())
        urls = Urls(*(one.render_as_string(hide_password=False) for one in (url, owner, reader)))
        migrated(urls.owner)
        settings = load(environment(urls.owner, tmp_path_factory.mktemp("walled")))
        statements = wall.sql(settings.policy, settings.login.session_idle, name)
        with psycopg.connect(plain(urls.admin)) as superuser:
            superuser.execute(statements.encode())
        yield urls
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            for role in roles:
                connection.execute(text(f"DROP ROLE IF EXISTS {role}"))
        admin.dispose()


@pytest.fixture
def walled(walled_database: Urls, tmp_path: Path) -> Iterator[Walled]:
    """A service with the time of day on an empty database, whose case query runs behind the wall."""
    empty(walled_database.owner)
    clock = Clock(datetime.now(UTC))
    service: Service = build_service(
        walled_database.owner, tmp_path, clock, CASEQ_QUERY_DATABASE_URL=walled_database.reader
    )
    apply(service.runtime)
    yield Walled(service, walled_database)
    service.runtime.database.close()
    assert service.runtime.behind_wall is not None
    service.runtime.behind_wall.close()


@pytest.fixture
def reader(walled: Walled) -> Iterator[psycopg.Connection]:
    """A connection of the role behind the wall, for whoever got hold of it."""
    with psycopg.connect(plain(walled.urls.reader), autocommit=True, prepare_threshold=None) as connection:
        yield connection
