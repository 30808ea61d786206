"""Puts the cases of a database together: all rows that belong to them, with what they point to beside them."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection
from sqlalchemy.sql.expression import ColumnClause

from adapters.columns import columns_read, key_columns, lookup_columns
from adapters.mapping import CASE_TABLE, Lookup, SystemMapping, Table
from adapters.reading import CaseRows
from adapters.sources.keys import KeyForm
from adapters.sources.schema import MappedTable
from adapters.sources.searching import Cells, Place, Search
from adapters.values import Unread, UnreadableError, filled

#: The rows of cases while they are put together, by case number and table.
_Found = dict[str, dict[str, list[Cells]]]


class Gathering:
    """The mapped tables of one database, from which whole cases are read."""

    def __init__(self, mapping: SystemMapping, tables: Mapping[str, MappedTable], search: Search) -> None:
        self.mapping = mapping
        self.tables = tables
        self.search = search
        self._raw = {table.name: key_columns(mapping, table) for table in mapping.tables}

    def cases(self, connection: Connection, numbers: Sequence[str]) -> list[CaseRows]:
        """All rows of these cases, in the order asked for.

        A number that the database holds equal to that of a case, but writes otherwise (in other letter case, with
        zeros before it), has no rows of its own: that case follows behind all others.
        """
        found: _Found = {number: {} for number in numbers}
        for table in self.mapping.tables:
            if table.name == CASE_TABLE:
                self._add_roots(connection, table, found)
            elif table.parent is None or table.parent.column == table.case_number:
                self._add_numbered(connection, table, found)
            else:
                self._add_children(connection, table, found)
        return [CaseRows(number, tables) for number, tables in found.items()]

    def numbers(self, connection: Connection, table: Table, pointers: Iterable[str]) -> dict[str, str]:
        """The case number for each of these values of the parent column, if there are such a parent and such a case."""
        assert table.parent is not None
        above, parent = self.mapping.table(table.parent.table), table.parent
        place = self.search.place(connection, self.tables[above.name], parent.key, self._column(table, parent.column))
        wanted = above.case_number or (above.parent.column if above.parent else "")
        names = tuple(dict.fromkeys((parent.key, wanted)))
        asked: dict[str, dict[str, None]] = {}
        for pointer in pointers:
            asked.setdefault(place.form.of(pointer), {})[pointer.strip()] = None
        keys = [next(iter(some)) for some in asked.values()]
        rows = list(self.search.rows(connection, place, names, keys, names, frozenset(names)))
        further = {} if above.case_number else self.numbers(connection, above, (filled(row, wanted) for row in rows))
        found: dict[str, str] = {}
        for row in rows:
            up = filled(row, wanted)
            if number := up if above.case_number else further.get(up):
                found |= dict.fromkeys(asked.get(place.form.of_row(row, parent.key), ()), number)
        return found

    def _column(self, table: Table, name: str) -> ColumnClause[object]:
        """The database's column for this name of the mapping, which may be one of a lookup."""
        mapped = self.tables[table.name]
        lookup, _, column = name.partition(".")
        return mapped.columns[name] if name in mapped.columns else mapped.lookups[lookup].columns[column]

    def _add_roots(self, connection: Connection, table: Table, found: _Found) -> None:
        place = self._number_place(connection, table)
        asked = {place.form.of_stripped(number) for number in found}
        by_form: dict[str, list[Cells]] = {}
        for row in self._rows(connection, table, place, list(found)):
            # Some databases hold more equal than we do: what was not asked for is not taken.
            if (form := place.form.of_row(row, table.case_number)) in asked:
                by_form.setdefault(form, []).append(row)
        for rows in by_form.values():
            for number in {filled(row, table.case_number): None for row in rows}:
                found.setdefault(number, {})[CASE_TABLE] = rows

    def _add_numbered(self, connection: Connection, table: Table, found: _Found) -> None:
        """Adds the rows that give a case number; they then write it as the case does."""
        place = self._number_place(connection, table)
        owners = _owners(place.form, found)
        for row in self._rows(connection, table, place, list(found)):
            for number in owners.get(place.form.of_row(row, table.case_number), ()):
                mine = row if row[table.case_number] == number else {**row, table.case_number: number}
                found[number].setdefault(table.name, []).append(mine)

    def _number_place(self, connection: Connection, table: Table) -> Place:
        root = self.mapping.table(CASE_TABLE)
        return self.search.place(
            connection, self.tables[table.name], table.case_number, self._column(root, root.case_number)
        )

    def _add_children(self, connection: Connection, table: Table, found: _Found) -> None:
        """Adds the rows that point to a row of the parent table; they then write its key as the parent does."""
        parent = table.parent
        assert parent is not None
        key = self._column(self.mapping.table(parent.table), parent.key)
        place = self.search.place(connection, self.tables[table.name], parent.column, key)
        owners: dict[str, dict[str, str]] = {}
        for number, tables in found.items():
            for row in tables.get(parent.table, ()):
                if text := filled(row, parent.key):
                    owners.setdefault(place.form.of_stripped(text), {})[number] = text
        wanted = dict.fromkeys(text for one in owners.values() for text in one.values())
        for row in self._rows(connection, table, place, list(wanted)):
            for number, text in owners.get(place.form.of_row(row, parent.column), {}).items():
                mine = row if row[parent.column] == text else {**row, parent.column: text}
                found[number].setdefault(table.name, []).append(mine)

    def _rows(self, connection: Connection, table: Table, place: Place, keys: Sequence[str]) -> list[Cells]:
        """The rows of this table with one of these keys, by row id, with what they point to beside them."""
        names = columns_read(self.mapping, table)
        rows = list(self.search.rows(connection, place, names, keys, names, self._raw[table.name]))
        for lookup in table.lookups:
            self._look_up(connection, table, lookup, rows)
        rows.sort(key=lambda row: tuple(filled(row, name) for name in table.row_id))
        return rows

    def _look_up(self, connection: Connection, table: Table, lookup: Lookup, rows: Sequence[Cells]) -> None:
        """Puts the columns of the lookup beside those of the rows that point to it."""
        mapped = self.tables[table.name].lookups[lookup.name]
        names = lookup_columns(self.mapping, table, lookup)
        labels = tuple(f"{lookup.name}.{name}" for name in names)
        place = self.search.place(connection, mapped, lookup.key, self._column(table, lookup.by))
        pointing: dict[str, list[Cells]] = {}
        for row in rows:
            try:
                pointing.setdefault(place.form.of_row(row, lookup.by), []).append(row)
            except UnreadableError as fault:
                row.update(_unread(lookup, labels, fault.column, fault.reason))
        for row in pointing.pop("", ()):
            row.update(dict.fromkeys(labels))
        keys = [filled(some[0], lookup.by) for some in pointing.values()]
        found = self.search.rows(connection, place, names, keys, labels, self._raw[table.name])
        there = _told_apart(place.form, lookup, labels, found)
        missing = _unread(lookup, labels, lookup.by, f"points to no row of {lookup.table}")
        for form, some in pointing.items():
            for row in some:
                row.update(there.get(form, missing))


def _owners(form: KeyForm, found: _Found) -> dict[str, list[str]]:
    """By form, the numbers to which a row with this number belongs: those of a case, or else those asked for."""
    owners: dict[str, list[str]] = {}
    for number in found:
        owners.setdefault(form.of_stripped(number), []).append(number)
    return {
        key: [number for number in numbers if CASE_TABLE in found[number]] or numbers for key, numbers in owners.items()
    }


def _told_apart(form: KeyForm, lookup: Lookup, labels: Sequence[str], rows: Iterable[Cells]) -> dict[str, Cells]:
    """The rows by their key; in place of several that have one key and say different things, cells without a text."""
    key, found = f"{lookup.name}.{lookup.key}", dict[str, Cells]()
    several = _unread(lookup, labels, lookup.by, f"points to several rows of {lookup.table}")
    for row in rows:
        before = found.setdefault(form.of_row(row, key), row)
        if before is not row and {**before, key: ""} != {**row, key: ""}:
            found[form.of_row(row, key)] = several
    return found


def _unread(lookup: Lookup, labels: Sequence[str], column: str, reason: str) -> Cells:
    """The cells of this lookup where nobody knows what they hold; when that was changed is told by the row alone."""
    cells: Cells = dict.fromkeys(labels, Unread.of(column, reason))
    return cells | {f"{lookup.name}.{lookup.changed}": None} if lookup.changed else cells
