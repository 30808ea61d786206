"""Statements that every reader waits for: compiled once, then run by the driver itself on a pooled connection.

SQLAlchemy builds them and keeps the pool. Its work for one execution costs more than such a statement does, and on
SQLite its switch to autocommit sends a PRAGMA after which the engine parses every statement anew.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ColumnElement, Connection, Dialect, Insert, Select, create_engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from caseq.store.database import Database, translated


class Prepared:
    """One statement in the words of one dialect, with the conversions of its values both ways."""

    def __init__(self, statement: Select[Any] | Insert, dialect: Dialect) -> None:
        self._raw: Any = None
        if dialect.name == "postgresql":
            # With %(name)s the driver would look for them in the whole text at every execution.
            self._raw = dialect.loaded_dbapi.RawCursor
            dialect = create_engine("postgresql+psycopg://", paramstyle="numeric_dollar").dialect
        compiled = statement.compile(dialect=dialect)
        self._text = compiled.string
        self._order = compiled.positiontup or ()
        impl = {name: bind.type.dialect_impl(dialect) for name, bind in compiled.binds.items()}
        self._bind = {name: type_.bind_processor(dialect) for name, type_ in impl.items()}
        columns = statement.selected_columns if isinstance(statement, Select) else ()
        self._loaders = list(_loaders(columns, dialect))

    def run(self, driver: Any, values: Mapping[str, Any]) -> Any:
        """The driver's cursor after the statement ran with these values, which are named as its parameters."""
        bound = {name: values[name] if bind is None else bind(values[name]) for name, bind in self._bind.items()}
        cursor = driver if self._raw is None else self._raw(driver)
        return cursor.execute(self._text, [bound[name] for name in self._order])

    def run_many(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run the statement once for each of these rows, in the transaction of the connection."""
        binds = [(place, bind) for place, name in enumerate(self._order) if (bind := self._bind[name]) is not None]
        bound = []
        for row in rows:
            values = [row[name] for name in self._order]
            for place, bind in binds:
                values[place] = bind(values[place])
            bound.append(tuple(values))
        connection.exec_driver_sql(self._text, bound)

    def load(self, row: Sequence[Any], start: int, stop: int) -> list[Any]:
        """The values of the columns from `start` to before `stop` of one row, as SQLAlchemy would give them."""
        pairs = zip(row[start:stop], self._loaders[start:stop], strict=True)
        return [value if loader is None else loader(value) for value, loader in pairs]


def _loaders(columns: Iterable[ColumnElement[Any]], dialect: Dialect) -> Iterator[Any]:
    for column in columns:
        yield column.type.dialect_impl(dialect).result_processor(dialect, None)


@contextmanager
def driver_connection(database: Database) -> Iterator[Any]:
    """The driver's own connection, on which every statement stands alone; DatabaseUnavailable if it fails.

    As with SQLAlchemy's connections, one that broke takes the others of its pool with it: they are as old as it is.
    """
    dialect = database.engine.dialect
    driver = None
    try:
        pooled = database.engine.raw_connection()
        driver = pooled.driver_connection
        try:
            _stand_alone(driver, database.is_sqlite)
            yield driver
            if not database.is_sqlite:
                driver.autocommit = False
        except BaseException as error:
            pooled.invalidate(error)
            raise
        finally:
            pooled.close()
    except (SQLAlchemyError, dialect.loaded_dbapi.Error) as error:
        if dialect.is_disconnect(error, driver, None):
            database.engine.dispose()
        with translated():
            raise _as_raised_by_sqlalchemy(error, dialect) from error


@contextmanager
def raised_by_sqlalchemy(connection: Connection) -> Iterator[Any]:
    """The driver's own connection under this one, inside its transaction; what it raises comes as SQLAlchemy's.

    One that broke takes the others of its pool with it, too.
    """
    dialect, driver = connection.dialect, connection.connection.driver_connection
    try:
        yield driver
    except dialect.loaded_dbapi.Error as error:
        if dialect.is_disconnect(error, driver, None):
            connection.invalidate(error)
            connection.engine.dispose()
        raise _as_raised_by_sqlalchemy(error, dialect) from error


def _as_raised_by_sqlalchemy(error: Exception, dialect: Dialect) -> BaseException:
    """The driver's error in the wrapper that SQLAlchemy would have put around it."""
    if isinstance(error, SQLAlchemyError):
        return error
    return DBAPIError.instance(None, None, error, dialect.loaded_dbapi.Error, hide_parameters=True)


def _stand_alone(driver: Any, is_sqlite: bool) -> None:
    """Switch the connection to autocommit without a word to the engine."""
    if is_sqlite:
        driver.isolation_level = None
    else:
        driver.autocommit = True
