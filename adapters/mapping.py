"""The mapping of one case system as checked values: which columns are read, and what becomes of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import Formatter

#: One row of the case system: only mapped columns, every value as text, None for NULL.
Row = Mapping[str, str | None]

#: How the mapping calls the root table; every other table is a child of it, joined by the case number.
CASE_TABLE = "case"


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds for a row when the column is one of `values` (or, with `inverted`, when it is none of them)."""

    column: str
    values: frozenset[str]
    inverted: bool = False

    def holds(self, row: Row) -> bool:
        """Whether this row meets the condition; NULL counts as empty text."""
        return ((row[self.column] or "").strip() in self.values) is not self.inverted


@dataclass(frozen=True, slots=True)
class Table:
    """One polled table: its bookkeeping columns, and which of its rows never leave."""

    name: str
    table: str
    row_id: str
    case_number: str
    changed: str
    created: str
    deleted: Condition | None
    secret: Condition | None


@dataclass(frozen=True, slots=True)
class UnitLookup:
    """The table of handling units: `by` is the case's column that holds the unit's code."""

    table: str
    by: str
    code: str
    name: str
    address: str
    phone: str


@dataclass(frozen=True, slots=True)
class Coded:
    """A value read from a code column; a code mapped to '' means that there is nothing to tell."""

    column: str
    codes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Phrase:
    """One wording and the penalty it means; the groups `amount` and `days` hold its number."""

    pattern: re.Pattern[str]
    penalty: str


@dataclass(frozen=True, slots=True)
class Phrases:
    """Penalties read from words: split at `between`, and each piece must be one of the phrases."""

    column: str
    between: re.Pattern[str]
    phrases: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """A detail told by the place in a history: the first entry has one value, later ones another."""

    first: str
    later: str


Detail = Coded | Phrases | Turn


@dataclass(frozen=True, slots=True)
class MilestoneMapping:
    """How rows of one table become milestones of one name."""

    name: str
    table: str
    kinds: frozenset[str]
    key: str
    subject: str
    occurred_on: str
    document_number: str
    history: str
    details: Mapping[str, Detail]


@dataclass(frozen=True, slots=True)
class Appearance:
    """When a suspect appeared: the first filled one of `columns`, if the condition holds."""

    columns: tuple[str, ...]
    when: Condition


@dataclass(frozen=True, slots=True)
class PartyMapping:
    """How rows of one table become parties."""

    table: str
    key: str
    role: str | Coded
    only: Condition | None
    name: str
    phone: str
    subject: str
    appeared_on: Appearance | None
    born_on: str
    sms: bool


@dataclass(frozen=True, slots=True)
class CaseMapping:
    """How the root row becomes the case."""

    kind: Coded
    state: str
    opened_on: str
    aliases: tuple[str, ...]
    merged_into: str
    unit: UnitLookup | None


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """How the case system is reached and polled."""

    url: str
    poll_seconds: float
    overlap_minutes: float
    chunk_cases: int
    full_read_hours: float


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """How the service is reached: at `url`, or by files put into the folder `files`; the other one is ''.

    `sources` gives the push source of each kind of case.
    """

    url: str
    ca_file: str
    heartbeat_seconds: float
    retry_first_seconds: float
    retry_most_seconds: float
    sources: Mapping[str, str]
    files: str = ""
    full_copy_hours: float = 24
    first_batch: int = 1


@dataclass(frozen=True, slots=True)
class SystemMapping:
    """Everything one mapping file says; `tables` begins with the root table."""

    file: str
    name: str
    state: str
    source: SourceSettings
    service: ServiceSettings
    tables: tuple[Table, ...]
    case: CaseMapping
    milestones: tuple[MilestoneMapping, ...]
    parties: tuple[PartyMapping, ...]

    def table(self, name: str) -> Table:
        """The table the mapping calls by this name."""
        return next(table for table in self.tables if table.name == name)


def template_columns(template: str) -> Iterator[str]:
    """The columns a template such as '{RYBH}:family' names, `role` apart."""
    return (name for _, name, _, _ in Formatter().parse(template) if name and name != "role")


def columns_read(mapping: SystemMapping, table: Table) -> tuple[str, ...]:
    """The columns of this table that are ever selected, sorted; no other column leaves the case system."""
    named = [table.row_id, table.case_number, table.changed, table.created]
    named += [condition.column for condition in (table.deleted, table.secret) if condition]
    if table.name == CASE_TABLE:
        named += _case_columns(mapping.case)
    for milestone in mapping.milestones:
        if milestone.table == table.name:
            named += _milestone_columns(milestone)
    for party in mapping.parties:
        if party.table == table.name:
            named += _party_columns(party)
    return tuple(sorted({column for column in named if column}))


def _case_columns(case: CaseMapping) -> list[str]:
    by = [case.unit.by] if case.unit else []
    return [case.kind.column, case.opened_on, *case.aliases, case.merged_into, *by]


def _milestone_columns(milestone: MilestoneMapping) -> list[str]:
    templates = [*template_columns(milestone.key), *template_columns(milestone.subject)]
    details = [detail.column for detail in milestone.details.values() if not isinstance(detail, Turn)]
    return [milestone.occurred_on, milestone.document_number, milestone.history, *templates, *details]


def _party_columns(party: PartyMapping) -> list[str]:
    named = [*template_columns(party.key), *template_columns(party.subject), party.name, party.phone, party.born_on]
    if isinstance(party.role, Coded):
        named.append(party.role.column)
    if party.only:
        named.append(party.only.column)
    if party.appeared_on:
        named += [*party.appeared_on.columns, party.appeared_on.when.column]
    return named
