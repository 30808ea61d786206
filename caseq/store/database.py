"""The database: engines for SQLite and PostgreSQL, and the only place that begins and commits."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Double,
    Table,
    cast,
    create_engine,
    event,
    extract,
    func,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InternalError,
    OperationalError,
    ProgrammingError,
    StatementError,
    TimeoutError,
)
from sqlalchemy.pool import QueuePool

from caseq.errors import DatabaseUnavailable, Unstorable
from caseq.store.sealing import Sealer

__all__ = ["Connection", "Database", "in_byte_order", "insert_into", "is_answering", "seconds_between", "translated"]

BUSY_MILLISECONDS = 10_000
INSUFFICIENT_PRIVILEGE = "42501"
UNDEFINED_TABLE = "42P01"
UNDEFINED_SCHEMA = "3F000"
_NOT_THERE = (INSUFFICIENT_PRIVILEGE, UNDEFINED_TABLE, UNDEFINED_SCHEMA)
POOL_SIZE = 8
#: Of every connection to PostgreSQL, whatever the role or the database has for a setting. A process that is stopped,
#: or whose machine is gone, in the middle of a transaction holds its locks no longer than any statement may take.
_OPTIONS = (
    "-c statement_timeout=30000 -c idle_in_transaction_session_timeout=30000 -c timezone=UTC"
    r" -c default_transaction_read_only=off -c default_transaction_isolation=read\ committed"
)
#: An error's text goes to the log; the parameters of its statement are facts of a case and must not.
_HIDDEN = True


class Database:
    """One database and the sealer of its personal columns.

    `transaction()` gives a writing connection and commits at the end; `autocommit()` gives one on which
    every statement stands alone, for reads and for single writing statements.
    """

    def __init__(self, url: str, sealer: Sealer) -> None:
        self.url = make_url(url)
        self.sealer = sealer
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite(self.url) if self.is_sqlite else _postgresql(self.url)
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection inside BEGIN (SQLite: BEGIN IMMEDIATE); DatabaseUnavailable if the engine cannot."""
        with translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def rehearsal(self) -> Iterator[Connection]:
        """A connection inside a transaction of which nothing is kept."""
        with translated(), self.engine.connect() as connection:
            transaction = connection.begin()
            try:
                yield connection
            finally:
                transaction.rollback()

    @contextmanager
    def autocommit(self) -> Iterator[Connection]:
        """A connection without a transaction: no BEGIN and no COMMIT travel to the server."""
        with translated(), self._autocommit.connect() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def translated() -> Iterator[None]:
    """DatabaseUnavailable for what is the database's fault and not the caller's, Unstorable for a value that is."""
    try:
        yield
    except (OperationalError, TimeoutError, IntegrityError, InternalError) as error:
        raise DatabaseUnavailable(type(error).__name__) from error
    except DataError as error:
        raise Unstorable(type(error.orig).__name__) from error
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) in _NOT_THERE:
            raise DatabaseUnavailable("no such table or schema, or no right to use it") from error
        raise
    except StatementError as error:
        if isinstance(error, DBAPIError):
            raise
        raise Unstorable(type(error.orig).__name__) from error  # a value that its column cannot take in


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT, in the dialect of the connection."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def in_byte_order(connection: Connection, column: Column[str]) -> ColumnElement[str]:
    """The column, compared and sorted by its bytes: SQLite does so anyway, PostgreSQL as the database was made."""
    return column.collate("C") if connection.dialect.name == "postgresql" else column


def seconds_between(dialect: str, earlier: ColumnElement[Any], later: ColumnElement[Any]) -> ColumnElement[float]:
    """The seconds from one moment to another, which SQLite keeps as text."""
    if dialect == "postgresql":
        return cast(extract("epoch", later - earlier), Double)
    return (func.julianday(later) - func.julianday(earlier)) * 86_400.0


def _sqlite(url: URL) -> Any:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        hide_parameters=_HIDDEN,
        poolclass=QueuePool,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        connect_args={"timeout": BUSY_MILLISECONDS / 1000, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgresql(url: URL) -> Any:
    return create_engine(
        url,
        hide_parameters=_HIDDEN,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        pool_pre_ping=False,
        connect_args={"connect_timeout": 5, "options": _OPTIONS},
    )


def is_answering(database: Database) -> bool:
    """Whether the database answers a trivial question."""
    try:
        with database.autocommit() as connection:
            return bool(connection.execute(text("SELECT 1")).scalar() == 1)
    except DatabaseUnavailable:
        return False
