"""The shapes between the rows of a case and its records."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from adapters.history import Entry
from adapters.mapping import Row, SystemMapping, Table
from adapters.values import UnreadableError, filled

CASE, MILESTONE, PARTY = "case", "milestone", "party"

#: The histories of rows, by (origin, name of the milestone).
Histories = Mapping[tuple[str, str], tuple[Entry, ...]]


@dataclass(frozen=True, slots=True)
class CaseRows:
    """All rows that carry one case number, by the mapping's name of their table, and the unit's row."""

    number: str
    tables: Mapping[str, Sequence[Row]]
    unit: Row | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One record the service should hold. `changed` and `formed` are stamps of the row and of the fact itself."""

    source: str
    type: str
    key: str
    case_number: str
    origin: str
    changed: str
    formed: str
    data: Mapping[str, Any]

    @property
    def id(self) -> tuple[str, str, str]:
        """The source, type and key: unique in the service."""
        return (self.source, self.type, self.key)


@dataclass(frozen=True, slots=True)
class LocalRefusal:
    """A record that is not pushed; `name` is case, party or the milestone's name."""

    origin: str
    name: str
    column: str
    reason: str


@dataclass(slots=True)
class Reading:
    """What was read of one case: records, refusals, the histories as they are now, and each row's change stamp."""

    number: str
    records: list[Record] = field(default_factory=list)
    refusals: list[LocalRefusal] = field(default_factory=list)
    histories: dict[tuple[str, str], tuple[Entry, ...]] = field(default_factory=dict)
    changed: dict[str, str] = field(default_factory=dict)

    def refuse(self, place: str, name: str, fault: UnreadableError) -> None:
        """Records that this record cannot be read."""
        self.refusals.append(LocalRefusal(place, name, fault.column, fault.reason))


@dataclass(frozen=True, slots=True)
class CaseContext:
    """One open case while it is read."""

    mapping: SystemMapping
    rows: CaseRows
    histories: Histories
    today: date
    kind: str
    reading: Reading

    def add(self, record_type: str, key: str, row: "OpenRow", formed: str, data: Mapping[str, Any]) -> None:
        """Adds one record to the reading."""
        source = self.mapping.service.sources[self.kind]
        number = self.rows.number
        self.reading.records.append(Record(source, record_type, key, number, row.origin, row.changed, formed, data))

    def open_rows(self, name: str) -> Iterator["OpenRow"]:
        """The rows of this table that may leave: neither deleted nor secret."""
        table = self.mapping.table(name)
        for row in self.rows.tables.get(name, ()):
            if not any(guard and guard.holds(row) for guard in (table.deleted, table.secret)):
                yield open_row(table, row)


@dataclass(frozen=True, slots=True)
class OpenRow:
    """One row that may leave, with where it is and when it was changed and created."""

    values: Row
    origin: str
    changed: str
    created: str


def origin(table: Table, row: Row) -> str:
    """Where a row is: the mapping's name of its table, and its id."""
    return f"{table.name}:{filled(row, table.row_id)}"


def open_row(table: Table, row: Row) -> OpenRow:
    """This row with its bookkeeping columns read."""
    return OpenRow(row, origin(table, row), filled(row, table.changed), filled(row, table.created))


def present(values: Mapping[str, Any]) -> dict[str, Any]:
    """These values without the keys that are null, false or empty."""
    return {key: value for key, value in values.items() if value not in (None, False, "", [], {})}


def iso(moment: date | None) -> str | None:
    """The date as YYYY-MM-DD."""
    return moment.isoformat() if moment else None
