"""The mapping of one case system as checked values: which columns are read, and what becomes of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from adapters.sources.fileformat import Drops
from adapters.sources.settings import SourceSettings

#: One row of the case system: only mapped columns, every value as text, None for NULL. A column of a lookup is
#: called by both names, such as person.XM.
Row = Mapping[str, str | None]

#: How the mapping calls the root table; every other table is a child of it or of another child.
CASE_TABLE = "case"


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds for a row when the column is one of `values` (or, with `inverted`, when it is none of them).

    Empty text stands for NULL.
    """

    column: str
    values: frozenset[str]
    inverted: bool = False


#: Conditions that must all hold; none: always.
Conditions = tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """A text of a row: the first filled of `columns`, else `always`; nothing unless `when` holds.

    With `codes`, the text is a code, and the value is what it means; '' means that there is nothing to tell.
    """

    columns: tuple[str, ...] = ()
    always: str = ""
    codes: Mapping[str, str] | None = None
    when: Conditions = ()


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table whose row is found by one column of the rows that point to it; its columns are called `name`.COLUMN."""

    name: str
    table: str
    key: str
    by: str
    changed: str = ""


@dataclass(frozen=True, slots=True)
class Parent:
    """How a child row finds its parent: the child's `column` equals `key` of a row of `table`."""

    table: str
    column: str
    key: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table: where its rows are, how they hang together, and which of them never leave.

    `row_id` are the columns that together tell the row from all others. `changed` holds the time of the last change
    in the form `changed_form`; `polled` is the column by which changed rows are found where that is another one. A row
    for which one of `deleted` or one of `secret` holds never leaves.
    """

    name: str
    table: str
    row_id: tuple[str, ...]
    case_number: str
    parent: Parent | None
    changed: str
    changed_form: str
    created: str
    deleted: Conditions
    secret: Conditions
    lookups: tuple[Lookup, ...] = ()
    drops: Drops | None = None
    polled: str = ""


@dataclass(frozen=True, slots=True)
class UnitMapping:
    """The handling unit of a case."""

    code: Value
    name: Value
    address: Value
    phone: Value


@dataclass(frozen=True, slots=True)
class TransferMapping:
    """Where a case was transferred to."""

    name: Value
    phone: Value
    on: Value


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
class PenaltyMapping:
    """One penalty read from columns of its own: there is one if its kind is told and its numbers are filled."""

    kind: Value
    amount: Value
    days: Value


@dataclass(frozen=True, slots=True)
class Penalties:
    """Penalties read from columns of their own, in this order."""

    parts: tuple[PenaltyMapping, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """A detail told by the place in a history: the first entry has one value, later ones another."""

    first: str
    later: str


@dataclass(frozen=True, slots=True)
class Day:
    """A detail that is a date."""

    value: Value


@dataclass(frozen=True, slots=True)
class Flag:
    """A detail that is true as long as the conditions hold."""

    conditions: Conditions


Detail = Value | Day | Flag | Phrases | Penalties | Turn


@dataclass(frozen=True, slots=True)
class SubjectByName:
    """A suspect given by name: the one row of `table` in the same case whose column `name` says the same."""

    column: str
    table: str
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Subject:
    """The suspect a record concerns: a template, or a name; the whole case, if that is empty and `may_be_empty`."""

    template: str = ""
    by_name: SubjectByName | None = None
    may_be_empty: bool = False

    @property
    def is_given(self) -> bool:
        """Whether the mapping says whom the record concerns, or that it may concern the whole case."""
        return bool(self.template or self.by_name or self.may_be_empty)


@dataclass(frozen=True, slots=True)
class HoldMapping:
    """Why, and until when, a milestone is held back from everybody."""

    reason: Value
    until: Value


@dataclass(frozen=True, slots=True)
class MilestoneMapping:
    """How rows of one table become milestones; `names` are all that `name` can say.

    Without a `key`, the place of the row and the name of the milestone are its key.
    """

    name: Value
    names: frozenset[str]
    table: str
    kinds: frozenset[str]
    only: Conditions
    key: str
    subject: Subject
    occurred_on: Value
    document_number: Value
    history: str
    hold: HoldMapping | None
    tell_first: Conditions | None
    details: Mapping[str, Detail]


@dataclass(frozen=True, slots=True)
class PartyMapping:
    """How rows of one table become parties. Without a `key`, the place of the row and the role are the key."""

    table: str
    key: str
    role: Value
    kinds: frozenset[str]
    only: Conditions
    name: Value
    phone: Value
    subject: Subject
    appeared_on: Value
    born_on: Value
    juvenile: Conditions | None
    valid_from: Value
    valid_until: Value
    sms: Conditions | bool


@dataclass(frozen=True, slots=True)
class CaseMapping:
    """How the root row becomes the case."""

    kind: Value
    state: Value
    opened_on: Value
    concluded_on: Value
    aliases: tuple[str, ...]
    merged_into: Value
    transferred_to: TransferMapping | None
    juvenile: Conditions | None
    trade: Value
    unit: UnitMapping


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
    """Everything one mapping file says; in `tables` every parent stands before its children, the root first.

    `undecided` are the lines that a draft marked as guesses and nobody has decided yet.
    """

    file: str
    name: str
    state: str
    source: SourceSettings
    service: ServiceSettings
    tables: tuple[Table, ...]
    case: CaseMapping
    milestones: tuple[MilestoneMapping, ...]
    parties: tuple[PartyMapping, ...]
    by_name: Mapping[str, Table] = field(repr=False)
    undecided: tuple[int, ...] = ()

    def table(self, name: str) -> Table:
        """The table the mapping calls by this name."""
        return self.by_name[name]
