"""Which columns a mapping reads: no other column is ever selected."""

from collections.abc import Iterator

from adapters.mapping import (
    CASE_TABLE,
    Conditions,
    Day,
    Detail,
    Flag,
    Lookup,
    MilestoneMapping,
    PartyMapping,
    Penalties,
    Phrases,
    Subject,
    SystemMapping,
    Table,
    Value,
)
from adapters.mapping_values import template_columns


def columns_read(mapping: SystemMapping, table: Table) -> tuple[str, ...]:
    """The columns of this table that are ever selected, sorted; those of its lookups are apart."""
    own = {column for column in _named(mapping, table) if not _is_of(table, column)}
    return tuple(sorted(own | {lookup.by for lookup in table.lookups if not _is_of(table, lookup.by)}))


def lookup_columns(mapping: SystemMapping, table: Table, lookup: Lookup) -> tuple[str, ...]:
    """The columns of this lookup of this table that are ever selected, sorted, with its key."""
    named = {*_named(mapping, table), *(other.by for other in table.lookups)}
    prefix = f"{lookup.name}."
    own = {column.removeprefix(prefix) for column in named if column.startswith(prefix)}
    return tuple(sorted({*own, lookup.key, lookup.changed} - {""}))


def key_columns(mapping: SystemMapping, table: Table) -> frozenset[str]:
    """The columns of this table, and of its lookups as name.COLUMN, by which rows are told apart, joined or ordered."""
    keys = [*table.row_id, table.case_number, table.changed, table.created, table.polled]
    keys += [table.parent.column] if table.parent else []
    keys += [child.parent.key for child in mapping.tables if child.parent and child.parent.table == table.name]
    for lookup in table.lookups:
        keys += [lookup.by, f"{lookup.name}.{lookup.key}", f"{lookup.name}.{lookup.changed}"]
    records: tuple[MilestoneMapping | PartyMapping, ...] = (*mapping.milestones, *mapping.parties)
    for record in records:
        if record.table == table.name:
            keys += [*template_columns(record.key), *template_columns(record.subject.template)]
        by_name = record.subject.by_name
        if by_name and by_name.table == table.name:
            keys += template_columns(by_name.key)
    return frozenset(keys)


def _is_of(table: Table, column: str) -> bool:
    return any(column.startswith(f"{lookup.name}.") for lookup in table.lookups)


def _named(mapping: SystemMapping, table: Table) -> set[str]:
    """Every column of this table, and of its lookups as name.COLUMN, that the mapping names."""
    named = [*table.row_id, table.case_number, table.changed, table.created, table.polled]
    named += _conditions((*table.deleted, *table.secret))
    named += [table.parent.column] if table.parent else []
    named += [child.parent.key for child in mapping.tables if child.parent and child.parent.table == table.name]
    if table.name == CASE_TABLE:
        named += _case(mapping)
    for milestone in mapping.milestones:
        if milestone.table == table.name:
            named += _milestone(milestone)
    for party in mapping.parties:
        if party.table == table.name:
            named += _party(party)
    named += _names_looked_up(mapping, table)
    return {column for column in named if column}


def _value(*values: Value) -> Iterator[str]:
    for value in values:
        yield from value.columns
        yield from _conditions(value.when)


def _conditions(conditions: Conditions | None) -> list[str]:
    return [condition.column for condition in conditions or ()]


def _case(mapping: SystemMapping) -> list[str]:
    case, unit = mapping.case, mapping.case.unit
    named = [*_value(case.kind, case.state, case.opened_on, case.concluded_on, case.merged_into, case.trade)]
    named += [*case.aliases, *_conditions(case.juvenile), *_value(unit.code, unit.name, unit.address, unit.phone)]
    transfer = case.transferred_to
    return [*named, *_value(transfer.name, transfer.phone, transfer.on)] if transfer else named


def _milestone(milestone: MilestoneMapping) -> list[str]:
    named = [*_value(milestone.name, milestone.occurred_on, milestone.document_number), milestone.history]
    named += [*template_columns(milestone.key), *_subject(milestone.subject), *_conditions(milestone.only)]
    named += _conditions(milestone.tell_first)
    if milestone.hold:
        named += _value(milestone.hold.reason, milestone.hold.until)
    return [*named, *(column for detail in milestone.details.values() for column in _detail(detail))]


def _detail(detail: Detail) -> list[str]:
    match detail:
        case Value():
            return [*_value(detail)]
        case Day(value):
            return [*_value(value)]
        case Flag(conditions):
            return _conditions(conditions)
        case Phrases():
            return [detail.column]
        case Penalties(parts):
            return [column for part in parts for column in _value(part.kind, part.amount, part.days)]
        case _:
            return []


def _subject(subject: Subject) -> list[str]:
    return [subject.by_name.column] if subject.by_name else [*template_columns(subject.template)]


def _party(party: PartyMapping) -> list[str]:
    days = (party.appeared_on, party.born_on, party.valid_from, party.valid_until)
    named = [*_value(party.role, party.name, party.phone, *days), *template_columns(party.key)]
    named += [*_subject(party.subject), *_conditions(party.only)]
    sms = None if isinstance(party.sms, bool) else party.sms
    return [*named, *_conditions(party.juvenile), *_conditions(sms)]


def _names_looked_up(mapping: SystemMapping, table: Table) -> list[str]:
    """The columns of this table by which records elsewhere find a suspect whose name they give."""
    subjects = [milestone.subject.by_name for milestone in mapping.milestones]
    subjects += [party.subject.by_name for party in mapping.parties]
    found = [by_name for by_name in subjects if by_name and by_name.table == table.name]
    return [column for by_name in found for column in (by_name.name, *template_columns(by_name.key))]
