"""The long layout in a throw-away database on each engine, and an adapter with its mapping."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from tests.adapters.bench import Adapter
from tests.adapters.longlayout import LongSystem

MAPPING = Path(__file__).with_name("data") / "long.toml"
POSTGRES = os.environ.get("CASEQ_TEST_POSTGRES_URL", "postgresql://127.0.0.1:5432/test")
MARIADB = os.environ.get("CASEQ_TEST_MARIADB_URL", "mysql+pymysql://root@127.0.0.1:3306/test")


@dataclass
class LongAdapter(Adapter):
    """The adapter with the mapping of the long layout."""

    schema: str = ""

    def environment(self) -> dict[str, str]:
        return {**super().environment(), "CASEQ_TEST_SCHEMA": self.schema}

    def file(self) -> Path:
        """The mapping, unchanged."""
        self.state_path.parent.mkdir(exist_ok=True)
        return Path(shutil.copy(MAPPING, self.state_path.parent))


@contextmanager
def _made(url: URL, variable: str, kind: str, end: str) -> Iterator[str]:
    """The name of a throw-away schema or database on this server."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 2})
    name = f"long_{uuid.uuid4().hex[:12]}"
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE {kind} {name}"))
    except SQLAlchemyError as error:
        pytest.skip(f"no database at {variable}: {type(error).__name__}")
    try:
        yield name
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP {kind} {name} {end}"))
        engine.dispose()


@contextmanager
def _system(url: URL, schema: str | None = None) -> Iterator[LongSystem]:
    engine = create_engine(url)
    try:
        yield LongSystem(engine, url.render_as_string(hide_password=False), schema)
    finally:
        engine.dispose()


@contextmanager
def _sqlite(folder: Path) -> Iterator[LongSystem]:
    with _system(make_url(f"sqlite:///{folder / 'long.db'}")) as system:
        yield system


@contextmanager
def _postgres(_folder: Path) -> Iterator[LongSystem]:
    url = make_url(POSTGRES).set(drivername="postgresql+psycopg")
    with _made(url, "CASEQ_TEST_POSTGRES_URL", "SCHEMA", "CASCADE") as schema, _system(url, schema) as system:
        yield system


@contextmanager
def _mariadb(_folder: Path) -> Iterator[LongSystem]:
    pytest.importorskip("pymysql")
    url = make_url(MARIADB)
    server = url.set(database="")
    with _made(server, "CASEQ_TEST_MARIADB_URL", "DATABASE", "") as name, _system(url.set(database=name)) as system:
        yield system


ENGINES: dict[str, Callable[[Path], AbstractContextManager[LongSystem]]] = {
    "sqlite": _sqlite,
    "postgresql": _postgres,
    "mariadb": _mariadb,
}
