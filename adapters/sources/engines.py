"""Engines that cannot write, and the ways in which databases differ."""

from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from adapters.sections import Fault, MappingError

#: How a transaction sees the database as it was at one moment without holding up those who write.
_ISOLATION = {"oracle": "SERIALIZABLE", "mssql": "READ COMMITTED"}
#: How many values one statement may compare a column with.
_VALUES = {"oracle": 1000, "mssql": 2000}
_MOST_VALUES = 30_000
_DRIVERS = {"mysql": "mariadb", "mariadb": "mariadb", "oracle": "oracle", "mssql": "sqlserver"}


def open_engine(url: str) -> Engine:
    """An engine whose connections cannot write; MappingError if the URL is none or its driver is missing."""
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise _unusable("is not a database URL such as postgresql://user@host/name") from error
    try:
        engine = create_engine(_read_only(address), pool_pre_ping=True, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
        extra = _DRIVERS.get(address.get_backend_name())
        hint = f"; pip install 'caseq[{extra}]'" if extra and isinstance(error, ImportError) else ""
        raise _unusable(f"cannot be used: {type(error).__name__}{hint}") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if engine.dialect.name in ("mysql", "mariadb"):
        event.listen(engine, "connect", _prepare_mariadb)
    level = _ISOLATION.get(engine.dialect.name, "REPEATABLE READ")
    return engine.execution_options(isolation_level=level, postgresql_readonly=True)


def _unusable(reason: str) -> MappingError:
    return MappingError([Fault("source", None, "url", reason)])


def _read_only(address: URL) -> URL:
    database = address.database
    if address.get_backend_name() != "sqlite" or not database or database.startswith("file:"):
        return address
    return address.set(database=f"file:{quote(database)}", query={"mode": "ro", "uri": "true"})


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    connection.text_factory = lambda text: text.decode("utf-8", "replace")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _prepare_mariadb(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION READ ONLY")


def values_at_once(engine: Engine) -> int:
    """How many values one statement of this database may compare a column with."""
    return _VALUES.get(engine.dialect.name, _MOST_VALUES)


def fault_code(error: Exception) -> str:
    """What went wrong, as the kind of the error and the database's code for it: its text may hold values of rows."""
    if not isinstance(error, DBAPIError):
        return type(error).__name__
    code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None)
    if code is None and error.orig is not None and error.orig.args and isinstance(error.orig.args[0], int):
        code = error.orig.args[0]
    return f"{type(error).__name__} {code}" if code else type(error).__name__
