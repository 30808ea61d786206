"""The statements that find changed rows in a database, and rows that belong to no case."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, cast, func, literal, null, select, union_all
from sqlalchemy.sql.expression import ColumnClause
from sqlalchemy.types import LargeBinary, String

from adapters.mapping import CASE_TABLE, Lookup, SystemMapping, Table
from adapters.sources.cells import as_it_is
from adapters.sources.changed import comparable
from adapters.sources.schema import MappedTable, is_number


@dataclass(frozen=True, slots=True)
class Poll:
    """One statement that finds rows: it selects the id of the table, the case number, the value that points to the
    parent row (or NULL), and the change column, which is of this form."""

    table: Table
    statement: Select[Any]
    form: str


@dataclass(frozen=True, slots=True)
class Polls:
    """The statements for one mapping and the tables of its database; `dialect` is the name of the database's kind."""

    mapping: SystemMapping
    tables: Mapping[str, MappedTable]
    zone: tzinfo
    dialect: str

    def form(self, table: Table, where: MappedTable) -> str:
        """How the change column of this table, or of this lookup of it, is written."""
        return "stamp" if table.polled and where is self.tables[table.name] else table.changed_form

    def changed(self, since: str | None) -> Iterator[Poll]:
        """What finds every row changed at this stamp or later; for None, the root row of every case."""
        for table in self.mapping.tables:
            mapped, column = self.tables[table.name], table.polled or table.changed
            if since is None:
                if table.name == CASE_TABLE:
                    yield self._poll(table, mapped, column)
                continue
            if column:
                yield self._poll(table, mapped, column, since)
            for lookup in table.lookups:
                if lookup.changed and lookup.by in mapped.columns:
                    yield self._poll_of_lookup(table, lookup.name, since)

    def without_parent(self) -> Iterator[Poll]:
        """What finds the rows of every child table for which the database itself knows no row of the parent."""
        for table in self.mapping.tables:
            if not table.case_number and table.parent is not None:
                chosen, number = self._with_number(table, null())
                pointer = self.tables[table.name].columns[table.parent.column]
                yield Poll(table, chosen.where(number.is_(None), pointer.is_not(None)), table.changed_form)

    def numbers_without_case(self) -> Iterator[tuple[Table, Select[Any]]]:
        """What finds, for every table with case numbers of its own, those that no root row has as the database has it.

        Grouped, because that costs one pass over both tables, whatever indices there are.
        """
        root = self.mapping.table(CASE_TABLE)
        numbers = self.tables[CASE_TABLE].columns[root.case_number]
        for table in self.mapping.tables:
            if table.name != CASE_TABLE and table.case_number:
                own = self.tables[table.name].columns[table.case_number]
                mine, theirs = self._grouped(own, numbers), self._grouped(numbers, own)
                both = union_all(
                    select(mine.label("number"), literal(0).label("is_case")).select_from(
                        self.tables[table.name].clause
                    ),
                    select(theirs, literal(1)).select_from(self.tables[CASE_TABLE].clause),
                ).subquery()
                lacking = func.max(both.c.is_case) == 0
                yield table, select(as_it_is(both.c.number)).group_by(both.c.number).having(lacking)

    def _grouped(self, column: ColumnClause[Any], other: ColumnClause[Any]) -> ColumnElement[Any]:
        """The column as it can stand in one column with the other."""
        if self.dialect in ("mysql", "mariadb"):
            # Two columns that are ordered differently cannot stand in one; as bytes they can.
            return cast(column, LargeBinary)
        return column if _is_alike(column, other) else cast(column, String)

    def _poll(self, table: Table, mapped: MappedTable, column: str, since: str | None = None) -> Poll:
        form = self.form(table, mapped)
        chosen, _ = self._with_number(table, mapped.columns[column] if column else null())
        if since is not None:
            asked = comparable(mapped.columns[column], form, since, self.zone)
            chosen = chosen.where(mapped.columns[column] >= asked)
        return Poll(table, chosen, form)

    def _poll_of_lookup(self, table: Table, name: str, since: str) -> Poll:
        """Rows that point to a changed row of this lookup."""
        lookup = next(one for one in table.lookups if one.name == name)
        mapped = self.tables[table.name]
        there = mapped.lookups[lookup.name]
        other = there.clause.alias("looked_up")
        changed = other.c[there.columns[lookup.changed].name]
        chosen, _ = self._with_number(table, changed)
        pointed = self._is_same(mapped.columns[lookup.by], other.c[there.columns[lookup.key].name])
        asked = comparable(there.columns[lookup.changed], table.changed_form, since, self.zone)
        return Poll(table, chosen.where(and_(pointed, changed >= asked)), table.changed_form)

    def odd_pointers(self, table: Table, lookup: Lookup, pointers: Collection[str]) -> Poll:
        """What finds the rows that point to this lookup by one of these texts."""
        chosen, _ = self._with_number(table, null())
        by = self.tables[table.name].columns[lookup.by]
        return Poll(table, chosen.where(by.in_(pointers)), table.changed_form)

    def keys_of_changed(self, table: Table, lookup: Lookup, since: str) -> Select[Any]:
        """The keys of the rows of this lookup that changed at this stamp or later."""
        there = self.tables[table.name].lookups[lookup.name]
        changed = there.columns[lookup.changed]
        asked = comparable(changed, table.changed_form, since, self.zone)
        return select(as_it_is(there.columns[lookup.key])).where(changed >= asked)

    def _with_number(self, table: Table, changed: ColumnElement[Any]) -> tuple[Select[Any], ColumnElement[Any]]:
        """The id of every row of this table, the number of its case, what points to its parent, the change column."""
        mapped = self.tables[table.name]
        ids = [as_it_is(mapped.columns[name]).label(f"id{index}") for index, name in enumerate(table.row_id)]
        joined: Any = mapped.clause
        at, child = table, mapped
        while not at.case_number and at.parent is not None:
            above = self.tables[at.parent.table]
            is_parent = self._is_same(child.columns[at.parent.column], above.columns[at.parent.key])
            joined = joined.outerjoin(above.clause, is_parent)
            at, child = self.mapping.table(at.parent.table), above
        number = child.columns[at.case_number]
        pointer = null() if table.case_number or not table.parent else mapped.columns[table.parent.column]
        told = [
            as_it_is(number).label("number"),
            as_it_is(pointer).label("pointer"),
            as_it_is(changed).label("changed"),
        ]
        return select(*ids, *told).select_from(joined), number

    def _is_same(self, one: ColumnElement[Any], other: ColumnElement[Any]) -> ColumnElement[bool]:
        """That both columns hold the same key, as far as the database compares their types; see `Gathering.numbers`."""
        if self.dialect == "sqlite" or _is_alike(one, other):
            return one == other
        return cast(one, String) == cast(other, String)


def _is_alike(one: ColumnElement[Any], other: ColumnElement[Any]) -> bool:
    """Whether every database compares values of these two columns as they are."""
    if isinstance(one.type, String) or isinstance(other.type, String):
        return isinstance(one.type, String) and isinstance(other.type, String)
    return (is_number(one) and is_number(other)) or type(one.type) is type(other.type)
