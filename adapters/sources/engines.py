"""Engines that cannot write, and the ways in which databases differ."""

from typing import Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, Connection, Engine, create_engine, event, func
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from adapters.sections import Fault, MappingError

#: How a transaction sees the database as it was at one moment without holding up those who write.
_ISOLATION = {"oracle": "SERIALIZABLE", "mssql": "READ COMMITTED"}
#: How many values one statement may compare a column with.
_VALUES = {"oracle": 1000, "mssql": 2000}
_MOST_VALUES = 30_000
#: What psycopg calls values that arrive as texts.
_PSYCOPG_TEXT = 0
#: What Python strips from the ends of a text; TRIM alone takes blanks only.
_WHITE = "".join(sign for sign in map(chr, range(0x3001)) if sign.isspace())
_NO_URL = (
    "is not a database URL such as postgresql+psycopg://user:password@host/name, with signs like @ : / in a password "
    "written as %40 %3A %2F; look at CASEQ_ADAPTER_SOURCE_URL, or where else it comes from"
)
#: Seconds, in the words of each driver; a statement may take its time as long as the network is there.
_PATIENCE: dict[str, dict[str, str]] = {
    "psycopg": {"connect_timeout": "30", "keepalives_idle": "60", "keepalives_interval": "10"},
    "pymysql": {"connect_timeout": "30"},
}
_DRIVERS = {"mysql": "mariadb", "mariadb": "mariadb", "oracle": "oracle", "mssql": "sqlserver"}


def open_engine(url: str) -> Engine:
    """An engine whose connections cannot write; MappingError if the URL is none or its driver is missing."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        # The text of the error can be a piece of a password with an @ or a colon in it.
        raise _unusable(_NO_URL) from None
    try:
        engine = create_engine(_patient(_read_only(address)), pool_pre_ping=True, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
        extra = _DRIVERS.get(address.get_backend_name())
        hint = f"; pip install 'caseq[{extra}]'" if extra and isinstance(error, ImportError) else ""
        raise _unusable(f"cannot be used: {type(error).__name__}{hint}") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    if engine.dialect.driver == "psycopg":
        no_date = engine.dialect.loaded_dbapi.DataError
        event.listen(engine, "connect", lambda connection, _record: _prepare_psycopg(connection, no_date))
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


def _patient(address: URL) -> URL:
    """The address with time limits for a server that takes a connection and says nothing, unless it has its own."""
    return address.update_query_dict({**_PATIENCE.get(address.get_driver_name(), {}), **address.query})


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    connection.text_factory = _text_or_bytes


def _text_or_bytes(found: bytes) -> str | bytes:
    """The text, or the bytes if they are not UTF-8: replaced signs would make two different keys one."""
    try:
        return found.decode()
    except UnicodeDecodeError:
        return found


def _prepare_psycopg(connection: Any, no_date: type[Exception]) -> None:
    """Lets dates that Python cannot hold (infinity, BC) arrive as texts, instead of failing the whole statement."""
    for name in ("date", "timestamp", "timestamptz"):
        usual = connection.adapters.get_loader(connection.adapters.types[name].oid, _PSYCOPG_TEXT)
        connection.adapters.register_loader(name, _tolerant_loader(usual, no_date))


def _tolerant_loader(usual: Any, no_date: type[Exception]) -> type[Any]:
    """A loader of psycopg that gives what `usual` does, or the text as the database wrote it."""

    class Tolerant:
        format = _PSYCOPG_TEXT

        def __init__(self, oid: int, context: Any = None) -> None:
            self.usual = usual(oid, context)

        def load(self, data: Any) -> Any:
            try:
                return self.usual.load(data)
            except no_date:
                return bytes(data).decode()

    return Tolerant


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _prepare_mariadb(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION READ ONLY")


def values_at_once(engine: Engine) -> int:
    """How many values one statement of this database may compare a column with."""
    return _VALUES.get(engine.dialect.name, _MOST_VALUES)


def trimmed(connection: Connection, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The text of this column without white space of any kind around it, or anywhere in it."""
    name, signs = connection.dialect.name, _WHITE
    if name == "postgresql":
        encoding = str(connection.exec_driver_sql("SHOW server_encoding").scalar())
        signs = signs if encoding == "UTF8" else "".join(filter(str.isascii, signs))
    if name in ("sqlite", "postgresql"):
        return func.trim(column, signs)
    for sign in signs:
        column = func.replace(column, sign, "")
    return column


def fault_code(error: Exception) -> str:
    """What went wrong, as the kind of the error and the database's code for it: its text may hold values of rows."""
    if not isinstance(error, DBAPIError):
        return type(error).__name__
    code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None)
    if code is None and error.orig is not None and error.orig.args and isinstance(error.orig.args[0], int):
        code = error.orig.args[0]
    return f"{type(error).__name__} {code}" if code else type(error).__name__
