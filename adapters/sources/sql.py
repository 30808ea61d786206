"""Reads a case system in a SQL database: only mapped columns, never a write, one short transaction at a time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, Inspector, create_engine, event, inspect, select
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.sql.expression import ColumnClause, TableClause

from adapters.mapping import CASE_TABLE, Row, SystemMapping, UnitLookup, columns_read
from adapters.reading import CaseRows, origin
from adapters.sections import Fault, MappingError
from adapters.values import filled

_ROWS_AT_A_TIME = 2000


class SourceUnavailableError(Exception):
    """The case system does not answer, or is locked; nothing was read, try again later."""


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """One row that may have changed: where it is, its case, and its change stamp."""

    origin: str
    case_number: str
    changed: str


@dataclass(frozen=True, slots=True)
class MappedTable:
    """A table as the database has it; `columns` gives the database's column for the mapping's name."""

    clause: TableClause
    columns: Mapping[str, ColumnClause[Any]]


def open_engine(url: str) -> Engine:
    """An engine whose connections cannot write; MappingError if the URL is none or its driver is missing."""
    try:
        address = make_url(url)
        engine = create_engine(_read_only(address), pool_pre_ping=True, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise MappingError([Fault("source.url", None, "url", f"cannot be used: {type(error).__name__}")]) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


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


class SqlSource:
    """The case system behind one engine; tables and columns are looked up in the database at the first read."""

    def __init__(self, mapping: SystemMapping, engine: Engine) -> None:
        self.mapping = mapping
        self.engine = engine
        self._tables: dict[str, MappedTable] = {}
        self._units: MappedTable | None = None

    def changed_rows(self, since: str | None) -> Iterator[ChangedRow]:
        """Every row of every polled table changed at this stamp or later; all rows for None."""
        for table in self.mapping.tables:
            with self._reading() as connection:
                mapped = self._tables[table.name]
                names = (table.row_id, table.case_number, table.changed)
                statement = select(*(mapped.columns[name] for name in names))
                if since is not None:
                    statement = statement.where(mapped.columns[table.changed] >= since)
                result = connection.execution_options(yield_per=_ROWS_AT_A_TIME).execute(statement)
                for values in result:
                    row = _row(names, values)
                    number, changed = filled(row, table.case_number), filled(row, table.changed)
                    yield ChangedRow(origin(table, row), number, changed)

    def cases(self, numbers: Sequence[str]) -> list[CaseRows]:
        """All rows of these cases, read in one transaction and in the order asked for."""
        with self._reading() as connection:
            found: dict[str, dict[str, list[Row]]] = {number: {} for number in numbers}
            for table in self.mapping.tables:
                mapped = self._tables[table.name]
                wanted = mapped.columns[table.case_number].in_(numbers)
                for row in _rows(connection, mapped, columns_read(self.mapping, table), wanted, table.row_id):
                    number = filled(row, table.case_number)
                    # Some databases compare without regard to letter case: what was not asked for is not taken.
                    if number in found:
                        found[number].setdefault(table.name, []).append(row)
            units = self._unit_rows(connection, found)
        return [CaseRows(number, rows, self._unit(rows, units)) for number, rows in found.items()]

    def _unit_rows(self, connection: Connection, found: Mapping[str, Mapping[str, list[Row]]]) -> dict[str, Row]:
        lookup, mapped = self.mapping.case.unit, self._units
        if lookup is None or mapped is None:
            return {}
        codes = {filled(row, lookup.by) for tables in found.values() for row in tables.get(CASE_TABLE, [])}
        columns = _unit_columns(lookup)
        wanted = mapped.columns[lookup.code].in_(sorted(codes))
        rows = _rows(connection, mapped, columns, wanted, lookup.code)
        return {filled(row, lookup.code): row for row in rows}

    def _unit(self, rows: Mapping[str, list[Row]], units: Mapping[str, Row]) -> Row | None:
        lookup, roots = self.mapping.case.unit, rows.get(CASE_TABLE)
        return units.get(filled(roots[0], lookup.by)) if lookup and roots else None

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self.engine.connect() as connection, connection.begin():
                if not self._tables:
                    self._look_up(inspect(connection))
                yield connection
        except (DBAPIError, SQLAlchemyError) as error:
            raise SourceUnavailableError(type(error).__name__) from error

    def _look_up(self, inspector: Inspector) -> None:
        """Finds the mapped tables and columns whatever their letter case; MappingError names what is missing."""
        faults: list[Fault] = []
        tables = {
            table.name: self._find(inspector, table.table, columns_read(self.mapping, table), faults)
            for table in self.mapping.tables
        }
        lookup = self.mapping.case.unit
        self._units = self._find(inspector, lookup.table, _unit_columns(lookup), faults) if lookup else None
        if faults:
            raise MappingError(faults)
        self._tables = tables

    def _find(self, inspector: Inspector, name: str, columns: Sequence[str], faults: list[Fault]) -> MappedTable:
        names = {found.lower(): found for found in (*inspector.get_table_names(), *inspector.get_view_names())}
        actual = names.get(name.lower())
        if actual is None:
            faults.append(Fault(self.mapping.file, None, name, "is not a table of the case system"))
            return MappedTable(sql_table(name), {})
        there = {found["name"].lower(): found["name"] for found in inspector.get_columns(actual)}
        missing = [column for column in columns if column.lower() not in there]
        faults += [Fault(self.mapping.file, None, f"{name}.{column}", "is not a column") for column in missing]
        found_columns: dict[str, ColumnClause[Any]] = {
            column: sql_column(there[column.lower()]) for column in columns if column not in missing
        }
        return MappedTable(sql_table(actual, *found_columns.values()), found_columns)


def _unit_columns(lookup: UnitLookup) -> tuple[str, ...]:
    return (lookup.code, lookup.name, lookup.address, lookup.phone)


def _rows(connection: Connection, mapped: MappedTable, names: Sequence[str], wanted: Any, order: str) -> Iterator[Row]:
    statement = select(*(mapped.columns[name] for name in names)).where(wanted).order_by(mapped.columns[order])
    return (_row(names, values) for values in connection.execute(statement))


def _row(names: Sequence[str], values: Sequence[Any]) -> Row:
    return {name: _text(value) for name, value in zip(names, values, strict=True)}


def _text(value: Any) -> str | None:
    """The value as the text a B_ASJ column would hold, dates as stamps; None stays None."""
    if isinstance(value, datetime):
        return value.strftime("%Y%m%d%H%M%S")
    if isinstance(value, date):
        return value.strftime("%Y%m%d")
    return None if value is None else str(value)
