"""Reads the part of a mapping that names the tables: their bookkeeping columns, and how they hang together."""

from collections.abc import Sequence
from dataclasses import replace

from adapters.mapping import CASE_TABLE, Lookup, Parent, Table
from adapters.mapping_values import conditions
from adapters.moments import CHANGED_FORMS
from adapters.sections import Section
from adapters.sources.charset import ENCODINGS
from adapters.sources.fileformat import Drops
from adapters.sources.filerows import FORMATS, MissingReaderError, require_reader

_LOOKUP_OF_UNIT = "unit"


def tables(part: Section) -> tuple[Table, ...]:
    """The tables of the mapping, the root first, every parent before its children."""
    if CASE_TABLE not in part.values:
        part.fault(CASE_TABLE, "is missing: it is the root table")
    return _in_order([_table(part.section(name), name, list(part.values)) for name in part.values], part)


def with_unit_lookup(table: Table, lookup: Lookup) -> Table:
    """The root table with the lookup of its handling unit."""
    return replace(table, lookups=(*table.lookups, lookup))


def unit_lookup(part: Section) -> Lookup | None:
    """The lookup that `unit = { table, by, code, … }` of the case stands for; None if its values are columns."""
    if "table" not in part:
        return None
    return Lookup(_LOOKUP_OF_UNIT, part.name("table"), part.name("code"), part.name("by"))


def _table(part: Section, name: str, names: Sequence[str]) -> Table:
    drops = _drops(part.section("drops")) if part.report.has_headings else None
    is_root = name == CASE_TABLE
    parent = _parent(part.section("parent"), names) if "parent" in part and not is_root else None
    table = Table(
        name=name,
        table=name if drops else part.name("table"),
        row_id=part.names("id"),
        case_number=part.name("case_number", "" if parent else None),
        parent=parent,
        changed=part.name("changed", ""),
        changed_form=part.choice("changed_form", CHANGED_FORMS, "stamp"),
        created=part.name("created", ""),
        deleted=conditions(part, "deleted") or (),
        secret=conditions(part, "secret") or (),
        lookups=_lookups(part),
        drops=drops,
    )
    part.close()
    return table if is_root or parent else replace(table, parent=Parent(CASE_TABLE, table.case_number, ""))


def _parent(part: Section, names: Sequence[str]) -> Parent:
    parent = Parent(part.choice("table", names, CASE_TABLE), part.name("column"), part.name("key"))
    part.close()
    return parent


def _lookups(part: Section) -> tuple[Lookup, ...]:
    inner = part.section("lookups", required=False)
    if inner.values and part.report.has_headings:
        part.fault("lookups", "are for databases: a register must have what it says in its own rows")
    found = []
    for name in inner.values:
        if not name.isidentifier():
            inner.fault(name, "must be one plain name of letters, digits and _")
        one = inner.section(name)
        found.append(Lookup(name, one.name("table"), one.name("key"), one.name("by"), one.name("changed", "")))
        one.close()
    return tuple(found)


def _drops(part: Section) -> Drops:
    drops = Drops(
        pattern=part.text("pattern"),
        format=part.choice("format", FORMATS),
        complete=part.flag("complete", None),
        encoding=part.choice("encoding", ("", *ENCODINGS), ""),
        delimiter=part.choice("delimiter", (",", ";", "\t"), ","),
        sheet=part.text("sheet", ""),
        header_row=int(part.number("header_row", 1, 1)),
        record=part.text("record", ""),
        ends_open=part.flag("ends_open", False),
    )
    if "/" in drops.pattern or "\\" in drops.pattern:
        part.fault("pattern", "must be the name of files in the inbox, such as petitions-*.xlsx")
    try:
        require_reader(drops.format)
    except MissingReaderError as error:
        part.fault("format", str(error))
    if (drops.format == "xml") != bool(drops.record):
        part.fault("record", "is the path of the element that is a row: needed for xml, and for nothing else")
    part.close()
    return drops


def _in_order(found: Sequence[Table], part: Section) -> tuple[Table, ...]:
    """The tables with every parent before its children; a fault for those that hang on each other in a ring."""
    ordered: list[Table] = []
    waiting = sorted(found, key=lambda table: table.name != CASE_TABLE)
    while waiting:
        placed = {table.name for table in ordered}
        ready = [table for table in waiting if table.parent is None or table.parent.table in placed]
        if not ready:
            if CASE_TABLE in placed:
                part.fault(waiting[0].name, "does not hang on the case table")
            break
        ordered += ready
        waiting = [table for table in waiting if table not in ready]
    by_name = {table.name: table for table in ordered}
    return tuple(_with_parent_key(table, by_name) for table in ordered)


def _with_parent_key(table: Table, by_name: dict[str, Table]) -> Table:
    """The table joined by the case number gets the root's column as its parent's key."""
    if table.parent is None or table.parent.key:
        return table
    return replace(table, parent=replace(table.parent, key=by_name[CASE_TABLE].case_number))
