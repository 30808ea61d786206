"""PostgreSQL as the case system: the same rows give the same events."""

import os
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from adapters.sources.engines import open_engine
from caseq.demo import layout
from tests.adapters.bench import Adapter, Source
from tests.adapters.peer import Peer

URL = os.environ.get("CASEQ_TEST_POSTGRES_URL", "postgresql+psycopg://127.0.0.1:5432/test")


@pytest.fixture
def schema_url(own_file: Path) -> Iterator[str]:
    """The URL of a throw-away schema that holds the own case system."""
    engine = create_engine(URL, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 2})
    schema = f"adapter_{uuid.uuid4().hex[:12]}"
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
    except SQLAlchemyError as error:
        pytest.skip(f"no PostgreSQL at CASEQ_TEST_POSTGRES_URL: {type(error).__name__}")
    url = make_url(URL).update_query_dict({"options": f"-csearch_path={schema}"})
    _copy(own_file, url.render_as_string(hide_password=False))
    yield url.render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


def _copy(path: Path, url: str) -> None:
    database = sqlite3.connect(path)
    engine = create_engine(url)
    with engine.begin() as connection:
        for (statement,) in database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type DESC"):
            connection.execute(text(statement))
        for table in layout.COLUMNS:
            cursor = database.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in cursor.description]
            marks = ", ".join(f":{name}" for name in names)
            rows = [dict(zip(names, row, strict=True)) for row in cursor]
            connection.execute(text(f"INSERT INTO {table} VALUES ({marks})"), rows)
    engine.dispose()
    database.close()


def test_postgresql_gives_the_events_that_sqlite_gives(
    schema_url: str, own_file: Path, peer: Peer, tmp_path: Path
) -> None:
    assert Adapter(schema_url, peer, tmp_path / "state" / "postgres.db").once()
    from_postgres = peer.facts()
    peer.stored.clear()
    assert Adapter(Source(own_file).url, peer, tmp_path / "state" / "sqlite.db").once()
    assert from_postgres == peer.facts()


def test_postgresql_is_read_in_transactions_that_cannot_write(schema_url: str) -> None:
    engine = open_engine(schema_url)
    with engine.connect() as connection, pytest.raises(SQLAlchemyError, match="read-only"):
        connection.execute(text("DELETE FROM b_asj_aj"))
    engine.dispose()
