"""What each mapped column of a table holds: names, phones, dates, keys, words of the mapping."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from adapters.mapping import (
    CASE_TABLE,
    Condition,
    Day,
    Flag,
    MilestoneMapping,
    PartyMapping,
    Penalties,
    Phrases,
    SubjectByName,
    SystemMapping,
    Table,
    Value,
)
from adapters.mapping_values import template_columns
from adapters.sections import plain


@dataclass(slots=True)
class Roles:
    """The columns of one table by what they hold; `words` are the texts that the mapping itself names.

    A row that may not leave keeps its `guards` and nothing else. `public` tell of the handling unit.
    """

    names: set[str] = field(default_factory=set)
    phones: set[str] = field(default_factory=set)
    born: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    dates: set[str] = field(default_factory=set)
    public: set[str] = field(default_factory=set)
    guards: set[str] = field(default_factory=set)
    phrases: dict[str, list[Phrases]] = field(default_factory=dict)
    words: dict[str, set[str]] = field(default_factory=dict)

    def note(self, *values: Value) -> None:
        """Takes in the words that these values name."""
        for value in values:
            for column in value.columns:
                self.words.setdefault(column, set()).update(value.codes or ())
            self.conditions(value.when)

    def conditions(self, found: tuple[Condition, ...] | None) -> None:
        """Takes in the words that these conditions name."""
        for condition in found or ():
            self.words.setdefault(condition.column, set()).update(map(plain, condition.values))


def roles(mapping: SystemMapping, table: Table) -> Roles:
    """What the columns of this table hold."""
    found = Roles()
    found.guards.update(column for column in _joins(mapping, table) if column)
    found.guards.update(condition.column for condition in (*table.deleted, *table.secret))
    found.keys.update(column for column in _joins(mapping, table) if column)
    found.dates.update({table.changed, table.created, table.polled} - {""})
    found.conditions((*table.deleted, *table.secret))
    for lookup in table.lookups:
        found.keys.update({lookup.by, f"{lookup.name}.{lookup.key}"})
        found.dates.update({f"{lookup.name}.{lookup.changed}"} if lookup.changed else set())
    if table.name == CASE_TABLE:
        _case(mapping, found)
    for milestone in mapping.milestones:
        if milestone.table == table.name:
            _milestone(milestone, found)
    for party in mapping.parties:
        if party.table == table.name:
            _party(party, found)
    for by_name in _by_names(mapping):
        if by_name.table == table.name:
            found.names.add(by_name.name)
            found.keys.update(template_columns(by_name.key))
    return found


def _joins(mapping: SystemMapping, table: Table) -> Iterator[str]:
    yield from (*table.row_id, table.case_number, table.parent.column if table.parent else "")
    yield from (child.parent.key for child in mapping.tables if child.parent and child.parent.table == table.name)


def _by_names(mapping: SystemMapping) -> Iterator[SubjectByName]:
    subjects = [milestone.subject for milestone in mapping.milestones]
    subjects += [party.subject for party in mapping.parties]
    yield from (subject.by_name for subject in subjects if subject.by_name)


def _case(mapping: SystemMapping, found: Roles) -> None:
    case = mapping.case
    unit, transfer = case.unit, case.transferred_to
    found.note(case.kind, case.state, case.opened_on, case.concluded_on, case.merged_into, case.trade)
    found.conditions(case.juvenile)
    found.dates.update((*case.opened_on.columns, *case.concluded_on.columns))
    found.keys.update((*case.aliases, *case.merged_into.columns))
    for value in (unit.code, unit.name, unit.address, unit.phone):
        found.public.update(value.columns)
    if transfer:
        found.public.update((*transfer.name.columns, *transfer.phone.columns))
        found.dates.update(transfer.on.columns)


def _milestone(milestone: MilestoneMapping, found: Roles) -> None:
    found.note(milestone.name, milestone.occurred_on, milestone.document_number)
    found.conditions((*milestone.only, *(milestone.tell_first or ())))
    found.dates.update(milestone.occurred_on.columns)
    found.keys.update((*milestone.document_number.columns, *template_columns(milestone.key)))
    _subject(milestone, found)
    if milestone.hold:
        found.note(milestone.hold.reason, milestone.hold.until)
        found.dates.update(milestone.hold.until.columns)
    for detail in milestone.details.values():
        match detail:
            case Value():
                found.note(detail)
            case Day(value):
                found.note(value)
                found.dates.update(value.columns)
            case Flag(conditions):
                found.conditions(conditions)
            case Phrases():
                found.phrases.setdefault(detail.column, []).append(detail)
            case Penalties(parts):
                for part in parts:
                    found.note(part.kind, part.amount, part.days)
                    found.public.update((*part.amount.columns, *part.days.columns))
            case _:
                pass


def _party(party: PartyMapping, found: Roles) -> None:
    days = (party.appeared_on, party.valid_from, party.valid_until)
    found.note(party.role, party.name, party.phone, party.born_on, *days)
    found.conditions((*party.only, *(party.juvenile or ())))
    found.conditions(None if isinstance(party.sms, bool) else party.sms)
    found.names.update(party.name.columns)
    found.phones.update(party.phone.columns)
    found.born.update(party.born_on.columns)
    found.keys.update(template_columns(party.key))
    for value in days:
        found.dates.update(value.columns)
    _subject(party, found)


def _subject(part: MilestoneMapping | PartyMapping, found: Roles) -> None:
    found.keys.update(template_columns(part.subject.template))
    if part.subject.by_name:
        found.names.add(part.subject.by_name.column)
