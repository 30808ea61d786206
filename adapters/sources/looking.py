"""A look at a case system that nobody has mapped yet: its tables, their columns, and a sample of rows. Only reads."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Inspector, func, inspect, select
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import Date, DateTime, LargeBinary

from adapters.moments import LOCAL_TIME
from adapters.sources.cells import as_it_is, text_row
from adapters.sources.engines import fault_code, open_engine
from adapters.sources.fileformat import Drops
from adapters.sources.schema import table_names
from adapters.sources.source import SourceUnavailableError

MOST_ROWS = 1000
_MOST_TABLES = 300
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name and type, whether it is a date by type, and the texts of the sample, '' for empty."""

    name: str
    type: str
    is_date: bool
    sample: Sequence[str]


@dataclass(frozen=True, slots=True)
class LookedAt:
    """One table, or one file (then `drops` says how it is read); `rows` counts all rows, None if nobody knows.

    `unnamed` are the columns that no mapping can name; they are not among the `columns`.
    """

    name: str
    rows: int | None
    key: tuple[str, ...]
    columns: Sequence[Column]
    drops: Drops | None = None
    unnamed: Sequence[Column] = ()


def look_at_database(url: str, schema: str) -> list[LookedAt]:
    """Every table and view of the database, with at most 1000 rows of each."""
    engine = open_engine(url)
    try:
        with engine.connect() as connection, connection.begin():
            inspector = inspect(connection)
            names = sorted(table_names(inspector, schema or None))[:_MOST_TABLES]
            return [_table(connection, inspector, name, schema or None) for name in names]
    except SQLAlchemyError as error:
        raise SourceUnavailableError(fault_code(error)) from error
    finally:
        engine.dispose()


def _table(connection: Connection, inspector: Inspector, name: str, schema: str | None) -> LookedAt:
    found = [one for one in inspector.get_columns(name, schema) if not isinstance(one["type"], LargeBinary)]
    clause = sql_table(name, *(sql_column(one["name"], one["type"]) for one in found), schema=schema)
    key = tuple(inspector.get_pk_constraint(name, schema).get("constrained_columns") or ())
    rows = connection.execute(select(func.count()).select_from(clause)).scalar()
    names = [one["name"] for one in found]
    chosen = select(*map(as_it_is, clause.columns)).limit(MOST_ROWS)
    sample = [text_row(names, row, LOCAL_TIME) for row in connection.execute(chosen)]
    columns = [
        Column(
            one["name"],
            str(one["type"]),
            isinstance(one["type"], Date | DateTime),
            [(row[one["name"]] or "").strip()[:_LONGEST] for row in sample],
        )
        for one in found
    ]
    return LookedAt(name, rows, key, columns)
