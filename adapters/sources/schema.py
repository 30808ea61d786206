"""Finds the mapped tables and columns in a database, whatever their letter case; reads no row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Inspector
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.sql.expression import ColumnClause, TableClause
from sqlalchemy.types import Date, DateTime, Integer, Numeric

from adapters.columns import columns_read, lookup_columns
from adapters.mapping import SystemMapping
from adapters.sections import Fault, MappingError


@dataclass(frozen=True, slots=True)
class MappedTable:
    """A table as the database has it; `columns` gives the database's column for the mapping's name."""

    clause: TableClause
    columns: Mapping[str, ColumnClause[Any]]
    lookups: Mapping[str, "MappedTable"] = field(default_factory=dict)


def find_tables(mapping: SystemMapping, inspector: Inspector) -> dict[str, MappedTable]:
    """The mapped tables by the mapping's name, each with its lookups; MappingError names what is missing."""
    found, faults = {}, _Faults(mapping.file)
    for table in mapping.tables:
        lookups = {
            lookup.name: _find(mapping, inspector, lookup.table, lookup_columns(mapping, table, lookup), faults)
            for lookup in table.lookups
        }
        own = _find(mapping, inspector, table.table, columns_read(mapping, table), faults)
        found[table.name] = MappedTable(own.clause, own.columns, lookups)
    if faults.found:
        raise MappingError(faults.found)
    return found


@dataclass(slots=True)
class _Faults:
    file: str
    found: list[Fault] = field(default_factory=list)

    def add(self, key: str, reason: str) -> None:
        self.found.append(Fault(self.file, None, key, reason))


def _find(
    mapping: SystemMapping, inspector: Inspector, called: str, columns: Sequence[str], faults: _Faults
) -> MappedTable:
    prefix, _, name = called.rpartition(".")
    schema = prefix or mapping.source.schema or None
    there = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    actual = {found.lower(): found for found in there}.get(name.lower())
    if actual is None:
        faults.add(called, "is not a table of the case system")
        return MappedTable(sql_table(name), {})
    types = {found["name"].lower(): (found["name"], found["type"]) for found in inspector.get_columns(actual, schema)}
    for column in columns:
        if column.lower() not in types:
            faults.add(f"{called}.{column}", "is not a column")
    found: dict[str, ColumnClause[Any]] = {
        column: sql_column(*types[column.lower()]) for column in columns if column.lower() in types
    }
    # Two mapped names may be one column of the database, which is selected once.
    selected = {clause.name: clause for clause in found.values()}
    clauses = {column: selected[clause.name] for column, clause in found.items()}
    return MappedTable(sql_table(actual, *selected.values(), schema=schema), clauses)


def is_moment(column: ColumnClause[Any]) -> bool:
    """Whether the database itself keeps this column as a date or a time."""
    return isinstance(column.type, Date | DateTime)


def is_number(column: ColumnClause[Any]) -> bool:
    """Whether the database itself keeps this column as a number."""
    return isinstance(column.type, Integer | Numeric)
