"""Reads a case system in a SQL database: only mapped columns, never a write, one short transaction at a time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnClause, ColumnElement, Connection, Engine, Select, and_, func, inspect, null, select
from sqlalchemy.exc import SQLAlchemyError

from adapters.columns import columns_read, lookup_columns
from adapters.mapping import CASE_TABLE, Lookup, SystemMapping, Table
from adapters.moments import changed_stamp, is_of_form
from adapters.reading import CaseRows, origin, zone_of
from adapters.sources.cells import text_row
from adapters.sources.changed import comparable
from adapters.sources.engines import fault_code, values_at_once
from adapters.sources.schema import MappedTable, find_tables, is_moment, is_number, whole_numbers
from adapters.sources.source import ChangedRow, SourceUnavailableError
from adapters.values import filled

_ROWS_AT_A_TIME = 2000

#: A row while it is put together: its columns and those of its lookups.
_Cells = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class _Polled:
    """One statement that finds changed rows: it selects `names` of the table, the case number, the change column."""

    table: Table
    names: tuple[str, ...]
    statement: Select[Any]
    form: str


class SqlSource:
    """The case system behind one engine; tables and columns are looked up in the database at the first read."""

    def __init__(self, mapping: SystemMapping, engine: Engine) -> None:
        self.mapping = mapping
        self.engine = engine
        self.zone = zone_of(mapping)
        self._tables: dict[str, MappedTable] = {}

    def changed_rows(self, since: str | None) -> Iterator[ChangedRow]:
        """Every row of every polled table changed at this stamp or later; for None, the root row of every case."""
        with self._reading():
            polled = list(self._polled(since))
        for one in polled:
            with self._reading() as connection:
                streamed = connection.execution_options(yield_per=_ROWS_AT_A_TIME).execute(one.statement)
                for *ids, number, changed in streamed:
                    row = text_row((*one.names, "number", "changed"), (*ids, number, changed), self.zone)
                    stamp = changed_stamp(row["changed"], one.form, self.zone)
                    yield ChangedRow(origin(one.table, row), filled(row, "number"), stamp)

    def newest_change(self) -> str:
        """The stamp of the newest change of any row; '' if there is none."""
        newest = ""
        with self._reading() as connection:
            for table, where, column in self._change_columns():
                text = self._newest(connection, where, column)
                newest = max(newest, changed_stamp(text, self._form(table, where), self.zone))
        return newest

    def doubtful_changes(self) -> dict[str, int]:
        """In how many rows each change column (table.column) is not of the form that the mapping gives."""
        found = {}
        with self._reading() as connection:
            for table, where, column in self._change_columns():
                form = self._form(table, where)
                if count := self._count_of_another_form(connection, where.columns[column], form):
                    found[f"{where.clause.name}.{column}"] = count
        return found

    def _count_of_another_form(self, connection: Connection, column: ColumnClause[Any], form: str) -> int:
        if is_moment(column):
            return 0
        # One row stands before all the others or behind them as texts, so each is looked at.
        streamed = connection.execution_options(yield_per=_ROWS_AT_A_TIME).execute(select(column))
        texts = (text_row(("changed",), (value,), self.zone)["changed"] for (value,) in streamed)
        return sum(bool(text and text.strip()) and not is_of_form(text, form) for text in texts)

    def _change_columns(self) -> Iterator[tuple[Table, MappedTable, str]]:
        """Every column that says when a row changed, of tables and lookups."""
        for table in self.mapping.tables:
            mapped = self._tables[table.name]
            sources = [(mapped, table.polled or table.changed)]
            sources += [(mapped.lookups[lookup.name], lookup.changed) for lookup in table.lookups]
            yield from ((table, where, column) for where, column in sources if column)

    def _newest(self, connection: Connection, where: MappedTable, column: str) -> str | None:
        value = connection.execute(select(func.max(where.columns[column]))).scalar()
        return text_row(("changed",), (value,), self.zone)["changed"]

    def _form(self, table: Table, where: MappedTable) -> str:
        return "stamp" if table.polled and where is self._tables[table.name] else table.changed_form

    def cases(self, numbers: Sequence[str]) -> list[CaseRows]:
        """All rows of these cases, read in one transaction and in the order asked for."""
        found: dict[str, dict[str, list[_Cells]]] = {number: {} for number in numbers}
        with self._reading() as connection:
            for table in self.mapping.tables:
                for number, row in self._rows_of_cases(connection, table, found):
                    found[number].setdefault(table.name, []).append(row)
        return [CaseRows(number, tables) for number, tables in found.items()]

    def _rows_of_cases(
        self, connection: Connection, table: Table, found: Mapping[str, Mapping[str, list[_Cells]]]
    ) -> list[tuple[str, _Cells]]:
        """The rows of this table that belong to these cases, with the case number, by row id within a case."""
        if table.parent is None:
            owners = {number: {number: None} for number in found}
            rows = self._roots(connection, table, list(found))
            column = table.case_number
        else:
            owners = {}
            wanted: dict[str | None, None] = {}
            for number, tables in found.items():
                for row in tables.get(table.parent.table, ()):
                    if key := filled(row, table.parent.key):
                        owners.setdefault(key, {})[number] = None
                        wanted[row[table.parent.key]] = None
            rows = list(self._fetch(connection, table, table.parent.column, list(wanted)))
            column = table.parent.column
        for lookup in table.lookups:
            self._look_up(connection, table, lookup, rows)
        rows.sort(key=lambda row: tuple(filled(row, name) for name in table.row_id))
        # Some databases compare without regard to letter case: what was not asked for is not taken.
        return [(number, row) for row in rows for number in owners.get(filled(row, column), ())]

    def _roots(self, connection: Connection, table: Table, numbers: Sequence[str]) -> list[_Cells]:
        """The root rows of these numbers, also those whose number stands between spaces."""
        rows = list(self._fetch(connection, table, table.case_number, numbers))
        missing = sorted(set(numbers) - {filled(row, table.case_number) for row in rows})
        if missing and not is_number(self._tables[table.name].columns[table.case_number]):
            rows += self._fetch(connection, table, table.case_number, missing, is_trimmed=True)
        return rows

    def _fetch(
        self, connection: Connection, table: Table, column: str, values: Sequence[str | None], is_trimmed: bool = False
    ) -> Iterator[_Cells]:
        names = columns_read(self.mapping, table)
        return self._select(connection, self._tables[table.name], names, column, values, is_trimmed)

    def _select(
        self,
        connection: Connection,
        mapped: MappedTable,
        names: Sequence[str],
        column: str,
        values: Sequence[str | None],
        is_trimmed: bool = False,
    ) -> Iterator[_Cells]:
        """The rows whose column has one of these values, as texts."""
        compared: ColumnElement[Any] = mapped.columns[column]
        wanted: list[Any] = [value for value in values if value is not None]
        if is_number(mapped.columns[column]):
            wanted = whole_numbers(mapped.columns[column], wanted)
        if is_trimmed:
            compared = func.trim(compared)
        size = values_at_once(self.engine)
        for start in range(0, len(wanted), size):
            chosen = select(*(mapped.columns[name].label(f"c{index}") for index, name in enumerate(names)))
            for cells in connection.execute(chosen.where(compared.in_(wanted[start : start + size]))):
                yield text_row(names, cells, self.zone)

    def _look_up(self, connection: Connection, table: Table, lookup: Lookup, rows: Sequence[_Cells]) -> None:
        """Puts the columns of the lookup beside those of the rows that point to it."""
        names = lookup_columns(self.mapping, table, lookup)
        keys = dict.fromkeys(row.get(lookup.by) for row in rows if filled(row, lookup.by))
        mapped = self._tables[table.name].lookups[lookup.name]
        found = self._select(connection, mapped, names, lookup.key, list(keys))
        there = {filled(one, lookup.key): one for one in found}
        for row in rows:
            one = there.get(filled(row, lookup.by), {})
            row.update({f"{lookup.name}.{name}": one.get(name) for name in names})

    def _polled(self, since: str | None) -> Iterator[_Polled]:
        """The statements that find changed rows."""
        for table in self.mapping.tables:
            mapped, column = self._tables[table.name], table.polled or table.changed
            if since is None:
                if table.name == CASE_TABLE:
                    yield self._statement(table, mapped, column)
                continue
            if column:
                yield self._statement(table, mapped, column, since)
            for lookup in table.lookups:
                if lookup.changed and lookup.by in mapped.columns:
                    yield self._statement_of_lookup(table, lookup, since)

    def _statement(self, table: Table, mapped: MappedTable, column: str, since: str | None = None) -> _Polled:
        form = self._form(table, mapped)
        chosen = self._with_number(table, mapped.columns[column] if column else null())
        if since is not None:
            asked = comparable(mapped.columns[column], form, since, self.zone)
            chosen = chosen.where(mapped.columns[column] >= asked)
        return _Polled(table, table.row_id, chosen, form)

    def _statement_of_lookup(self, table: Table, lookup: Lookup, since: str) -> _Polled:
        """Rows that point to a changed row of this lookup."""
        mapped = self._tables[table.name]
        there = mapped.lookups[lookup.name]
        other = there.clause.alias("looked_up")
        changed = other.c[there.columns[lookup.changed].name]
        chosen = self._with_number(table, changed)
        pointed = mapped.columns[lookup.by] == other.c[there.columns[lookup.key].name]
        asked = comparable(there.columns[lookup.changed], table.changed_form, since, self.zone)
        return _Polled(table, table.row_id, chosen.where(and_(pointed, changed >= asked)), table.changed_form)

    def _with_number(self, table: Table, changed: ColumnElement[Any]) -> Select[Any]:
        """Selects the id of every row of this table, the number of its case, and the change column."""
        mapped = self._tables[table.name]
        ids = [mapped.columns[name].label(f"id{index}") for index, name in enumerate(table.row_id)]
        joined: Any = mapped.clause
        at, child = table, mapped
        while not at.case_number and at.parent is not None:
            above = self._tables[at.parent.table]
            joined = joined.outerjoin(above.clause, child.columns[at.parent.column] == above.columns[at.parent.key])
            at, child = self.mapping.table(at.parent.table), above
        number = child.columns[at.case_number]
        return select(*ids, number.label("number"), changed.label("changed")).select_from(joined)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self.engine.connect() as connection, connection.begin():
                if not self._tables:
                    self._tables = find_tables(self.mapping, inspect(connection))
                yield connection
        except SQLAlchemyError as error:
            raise SourceUnavailableError(fault_code(error)) from error
