"""Reads a case system in a SQL database: only mapped columns, never a write, one short transaction at a time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ColumnClause, Connection, Engine, func, inspect, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.types import NullType, String

from adapters.mapping import Lookup, SystemMapping, Table
from adapters.moments import changed_stamp
from adapters.reading import CaseRows, origin, zone_of
from adapters.sources.cells import as_it_is, text_row
from adapters.sources.changed import is_comparable
from adapters.sources.engines import fault_code
from adapters.sources.gathering import Gathering
from adapters.sources.polls import Poll, Polls
from adapters.sources.schema import MappedTable, find_tables, is_moment
from adapters.sources.searching import Search
from adapters.sources.source import ChangedRow, SourceUnavailableError
from adapters.values import filled

_ROWS_AT_A_TIME = 2000


class SqlSource:
    """The case system behind one engine; tables and columns are looked up in the database at the first read."""

    def __init__(self, mapping: SystemMapping, engine: Engine) -> None:
        self.mapping = mapping
        self.engine = engine
        self.zone = zone_of(mapping)
        self.search = Search(engine, self.zone)
        self._tables: dict[str, MappedTable] = {}

    def changed_rows(self, since: str | None) -> Iterator[ChangedRow]:
        """Every row of every polled table changed at this stamp or later.

        For None, the root row of every case, the numbers that rows give and no case may have, and the rows that are
        lost.
        """
        with self._reading():
            polls = Polls(self.mapping, self._tables, self.zone, self.engine.dialect.name)
        if since is None:
            self.search.forget_odd()
        for poll in polls.changed(since):
            yield from self._found(poll)
        if since is not None:
            yield from self._oddly_pointing(polls, since)
        else:
            for poll in polls.without_parent():
                yield from (row for row in self._found(poll) if row.is_lost)
            yield from self._numbers_without_case(polls)

    def _found(self, poll: Poll) -> Iterator[ChangedRow]:
        """The rows that this statement finds; those without a number whose parent is written otherwise come last."""
        table, left = poll.table, list[tuple[str, str, str]]()
        names = (*table.row_id, "number", "pointer", "changed")
        with self._reading() as connection:
            for cells in connection.execution_options(yield_per=_ROWS_AT_A_TIME).execute(poll.statement):
                row = text_row(names, cells, self.zone)
                self._note_odd(table, row)
                found = (origin(table, row), changed_stamp(row["changed"], poll.form, self.zone))
                if (number := filled(row, "number")) or not (pointer := filled(row, "pointer")):
                    yield ChangedRow(found[0], number, found[1])
                else:
                    left.append((*found, pointer))
        if left:
            with self._reading() as connection:
                gathering = Gathering(self.mapping, self._tables, self.search)
                numbers = gathering.numbers(connection, table, (pointer for *_, pointer in left))
            for place, changed, pointer in left:
                number = numbers.get(pointer, "")
                yield ChangedRow(place, number, changed, is_lost=not number)

    def _oddly_pointing(self, polls: Polls, since: str) -> Iterator[ChangedRow]:
        """Rows that point to a changed row of a lookup by a key that the two write differently."""
        for table in self.mapping.tables:
            mapped = self._tables[table.name]
            for lookup in table.lookups:
                if not lookup.changed or lookup.by not in mapped.columns:
                    continue
                with self._reading() as connection:
                    pointers = self._odd_pointers(connection, polls, table, lookup, since)
                for start in range(0, len(pointers), _ROWS_AT_A_TIME):
                    yield from self._found(polls.odd_pointers(table, lookup, pointers[start : start + _ROWS_AT_A_TIME]))

    def _odd_pointers(
        self, connection: Connection, polls: Polls, table: Table, lookup: Lookup, since: str
    ) -> list[str]:
        """How rows write the keys of the changed rows of this lookup, where that is not as the lookup writes them."""
        mapped = self._tables[table.name]
        there = mapped.lookups[lookup.name]
        if not isinstance(mapped.columns[lookup.by].type, String | NullType):
            return []
        pointing = self.search.place(connection, mapped, lookup.by, there.columns[lookup.key])
        keyed = self.search.place(connection, there, lookup.key, mapped.columns[lookup.by])
        here, odd = self.search.odd_keys(connection, pointing), self.search.odd_keys(connection, keyed)
        if not here and not odd:
            return []
        found: dict[str, None] = {}
        for cells in connection.execute(polls.keys_of_changed(table, lookup, since)):
            key = filled(text_row(("key",), cells, self.zone), "key")
            found |= dict.fromkeys(here.get(pointing.form.of_stripped(key), ()))
            if keyed.form.of_stripped(key) in odd:
                found[key] = None
        return list(found)

    def _note_odd(self, table: Table, row: dict[str, str | None]) -> None:
        mapped = self._tables[table.name]
        if table.case_number:
            self.search.note(mapped, table.case_number, row["number"])
        elif table.parent is not None:
            self.search.note(mapped, table.parent.column, row["pointer"])

    def _numbers_without_case(self, polls: Polls) -> Iterator[ChangedRow]:
        """Numbers that rows give, and that no case has unless it is written otherwise."""
        for table, statement in polls.numbers_without_case():
            with self._reading() as connection:
                for cells in connection.execution_options(yield_per=_ROWS_AT_A_TIME).execute(statement):
                    row = text_row(("number",), cells, self.zone)
                    yield ChangedRow(f"{table.name}:", filled(row, "number"), "")

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
        streamed = connection.execution_options(yield_per=_ROWS_AT_A_TIME).execute(select(as_it_is(column)))
        texts = (text_row(("changed",), (value,), self.zone)["changed"] for (value,) in streamed)
        return sum(not is_comparable(text, form, self.zone) for text in texts if text and text.strip())

    def _change_columns(self) -> Iterator[tuple[Table, MappedTable, str]]:
        """Every column that says when a row changed, of tables and lookups."""
        for table in self.mapping.tables:
            mapped = self._tables[table.name]
            sources = [(mapped, table.polled or table.changed)]
            sources += [(mapped.lookups[lookup.name], lookup.changed) for lookup in table.lookups]
            yield from ((table, where, column) for where, column in sources if column)

    def _newest(self, connection: Connection, where: MappedTable, column: str) -> str | None:
        newest = as_it_is(func.max(where.columns[column]))
        return text_row(("changed",), (connection.execute(select(newest)).scalar(),), self.zone)["changed"]

    def _form(self, table: Table, where: MappedTable) -> str:
        return Polls(self.mapping, self._tables, self.zone, self.engine.dialect.name).form(table, where)

    def cases(self, numbers: Sequence[str]) -> list[CaseRows]:
        """All rows of these cases, read in one transaction and in the order asked for.

        Behind them may follow cases whose number the database holds equal to one of these, but writes otherwise.
        """
        with self._reading() as connection:
            return Gathering(self.mapping, self._tables, self.search).cases(connection, numbers)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self.engine.connect() as connection, connection.begin():
                if not self._tables:
                    self._tables = find_tables(self.mapping, inspect(connection))
                yield connection
        except SQLAlchemyError as error:
            raise SourceUnavailableError(fault_code(error)) from error
