"""Finds the mapped tables and columns in a database, whatever their letter case; reads no row."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Inspector
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.dialects.postgresql.base import PGInspector
from sqlalchemy.sql.expression import ColumnClause, TableClause
from sqlalchemy.types import Boolean, Date, DateTime, Integer, Numeric

from adapters.columns import columns_read, lookup_columns
from adapters.mapping import SystemMapping, Table
from adapters.mapping_words import NO, YES, coded, compared
from adapters.naming import fault_of
from adapters.sections import Fault, MappingError


@dataclass(frozen=True, slots=True)
class MappedTable:
    """A table as the database has it; `columns` gives the database's column for the mapping's name."""

    clause: TableClause
    columns: Mapping[str, ColumnClause[Any]]
    lookups: Mapping[str, "MappedTable"] = field(default_factory=dict)


def find_tables(mapping: SystemMapping, inspector: Inspector) -> dict[str, MappedTable]:
    """The mapped tables by the mapping's name, each with its lookups.

    MappingError names what is missing, and the words that are expected of a boolean, which never says them.
    """
    found, faults = {}, _Faults(mapping.file)
    for table in mapping.tables:
        faults.table, faults.prefixes = table.name, [""]
        own = _find(mapping, inspector, table.table, columns_read(mapping, table), faults)
        faults.prefixes = [f"{lookup.name}." for lookup in table.lookups] + [""]
        lookups = {
            lookup.name: _find(mapping, inspector, lookup.table, lookup_columns(mapping, table, lookup), faults)
            for lookup in table.lookups
        }
        found[table.name] = MappedTable(own.clause, own.columns, lookups)
        _check_booleans(mapping, table, found[table.name], faults)
    if faults.found:
        raise MappingError(faults.found)
    return found


def table_names(inspector: Inspector, schema: str | None) -> list[str]:
    """The names of all that rows can be read from: tables and views, of PostgreSQL also those of other kinds."""
    names = [*inspector.get_table_names(schema), *inspector.get_view_names(schema)]
    if isinstance(inspector, PGInspector):
        names += [*inspector.get_materialized_view_names(schema), *inspector.get_foreign_table_names(schema)]
    return names


@dataclass(slots=True)
class _Faults:
    """What is wrong; `table` is how the mapping calls the table looked for, `prefixes` those of its lookups."""

    file: str
    found: list[Fault] = field(default_factory=list)
    table: str = ""
    prefixes: Sequence[str] = ()

    def add(self, name: str, called: str, reason: str) -> None:
        """Records the fault at the key that names the column or table."""
        ways = [fault_of(self.file, self.table, f"{prefix}{name}", called, reason) for prefix in self.prefixes]
        self.found.append(next((fault for fault in ways if fault.place), ways[-1]))


def _find(
    mapping: SystemMapping, inspector: Inspector, called: str, columns: Sequence[str], faults: _Faults
) -> MappedTable:
    prefix, _, name = called.rpartition(".")
    schema = prefix or mapping.source.schema or None
    actual = _one_of(table_names(inspector, schema), name, called, "a table of the case system", faults)
    if actual is None:
        return MappedTable(sql_table(name), {})
    types = {one["name"]: one["type"] for one in inspector.get_columns(actual, schema)}
    found: dict[str, ColumnClause[Any]] = {}
    for column in columns:
        meant = _one_of(types, column, f"{called}.{column}", "a column", faults)
        if meant is not None:
            found[column] = sql_column(meant, types[meant])
    # Two mapped names may be one column of the database, which is selected once.
    selected = {clause.name: clause for clause in found.values()}
    clauses = {column: selected[clause.name] for column, clause in found.items()}
    return MappedTable(sql_table(actual, *selected.values(), schema=schema), clauses)


def _check_booleans(mapping: SystemMapping, table: Table, found: MappedTable, faults: _Faults) -> None:
    clauses = dict(found.columns)
    for name, there in found.lookups.items():
        clauses |= {f"{name}.{column}": clause for column, clause in there.columns.items()}
    faults.prefixes = [""]
    for column, words in (*compared(mapping, table), *coded(mapping, table)):
        other = ", ".join(f'"{word}"' for word in sorted(words - {YES, NO}))
        if other and column in clauses and _is_boolean(clauses[column]):
            faults.add(column, column, f'is a boolean, which reads as "1" or "0": write one of these for {other}')


def _is_boolean(column: ColumnClause[Any]) -> bool:
    # A domain of PostgreSQL has the type that it is made of inside.
    return isinstance(getattr(column.type, "data_type", column.type), Boolean)


def _one_of(there: Collection[str], name: str, called: str, what: str, faults: _Faults) -> str | None:
    """The one of these names that is meant: the same, or the only one that differs in letter case alone."""
    if name in there:
        return name
    alike = sorted({one for one in there if one.lower() == name.lower()})
    if len(alike) == 1:
        return alike[0]
    where = called if what == "a table of the case system" else name
    faults.add(
        where, called, f"may be {' or '.join(alike)}: write it as the database does" if alike else f"is not {what}"
    )
    return None


def is_moment(column: ColumnClause[Any]) -> bool:
    """Whether the database itself keeps this column as a date or a time."""
    return isinstance(column.type, Date | DateTime)


def is_number(column: ColumnElement[Any]) -> bool:
    """Whether the database itself keeps this column as a number."""
    return isinstance(column.type, Integer | Numeric)
