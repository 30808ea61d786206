"""The shapes between the rows of a case and its records."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, tzinfo
from typing import Any

from adapters.history import Entry
from adapters.mapping import Row, Subject, SubjectByName, SystemMapping, Table
from adapters.mapping_values import template_columns
from adapters.moments import LOCAL_TIME, changed_stamp, stamp
from adapters.values import UnreadableError, any_holds, filled, is_closed, rendered, same_name

CASE, MILESTONE, PARTY = "case", "milestone", "party"
#: What is refused where a whole row is kept back, whatever it would have become.
ROW = "row"

#: The histories of rows, by (origin, name of the milestone).
Histories = Mapping[tuple[str, str], tuple[Entry, ...]]


@dataclass(frozen=True, slots=True)
class CaseRows:
    """All rows that belong to one case number, by the mapping's name of their table."""

    number: str
    tables: Mapping[str, Sequence[Row]]


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
    """What is not pushed; `name` is case, party, milestone or row, `code` an unknown code that may be shown."""

    origin: str
    name: str
    column: str
    reason: str
    code: str = ""


@dataclass(slots=True)
class Reading:
    """What was read of one case: records, refusals, the histories as they are now, and each row's change stamp.

    `is_explained` if another case claims a number that reads alike: what goes because of that is not missing.
    """

    number: str
    records: list[Record] = field(default_factory=list)
    refusals: list[LocalRefusal] = field(default_factory=list)
    histories: dict[tuple[str, str], tuple[Entry, ...]] = field(default_factory=dict)
    changed: dict[str, str] = field(default_factory=dict)
    is_explained: bool = False

    def refuse(self, place: str, name: str, fault: UnreadableError) -> None:
        """Records that this record cannot be read."""
        self.refusals.append(LocalRefusal(place, name, fault.column, fault.reason, fault.code))


@dataclass(frozen=True, slots=True)
class OpenRow:
    """One row that may leave, with where it is and when it was changed and created (stamps, '' if not known)."""

    values: Row
    origin: str
    changed: str
    created: str


@dataclass(frozen=True, slots=True)
class CaseContext:
    """One open case while it is read; `open_tables` keeps the rows that may leave."""

    mapping: SystemMapping
    rows: CaseRows
    histories: Histories
    today: date
    kind: str
    reading: Reading
    open_tables: dict[str, list[OpenRow]] = field(default_factory=dict)

    @property
    def zone(self) -> tzinfo:
        """The zone of the source's times that name none."""
        return zone_of(self.mapping)

    def add(self, record_type: str, key: str, row: OpenRow, formed: str, data: Mapping[str, Any]) -> None:
        """Adds one record to the reading."""
        source = self.mapping.service.sources[self.kind]
        number = self.rows.number
        self.reading.records.append(Record(source, record_type, key, number, row.origin, row.changed, formed, data))

    def tell_of_a_minor(self) -> None:
        """Has the case itself say that somebody on the suspect's side is a minor."""
        case = self.reading.records[0]
        self.reading.records[0] = replace(case, data={**case.data, "juvenile": True})

    def hold_back_of_suspects(self, column: str) -> None:
        """Refuses the milestones that are about a suspect, because of what cannot be read in this column."""
        fault = UnreadableError(column, "cannot be read, and may say that one is a minor")
        records = self.reading.records
        for record in [one for one in records if one.type == MILESTONE and "subject" in one.data]:
            records.remove(record)
            self.reading.refuse(record.origin, MILESTONE, fault)

    def open_rows(self, name: str) -> Sequence[OpenRow]:
        """The rows of this table that may leave: neither deleted nor secret, nor children of such a row.

        A row whose guard cannot be told is kept back and refused.
        """
        if name not in self.open_tables:
            self.open_tables[name] = list(self._open_rows(self.mapping.table(name)))
        return self.open_tables[name]

    def _open_rows(self, table: Table) -> Iterator[OpenRow]:
        parent = table.parent
        keys = {filled(row.values, parent.key) for row in self.open_rows(parent.table)} if parent else None
        for row in self.rows.tables.get(table.name, ()):
            is_child = keys is None or parent is None or filled(row, parent.column) in keys
            try:
                is_open = is_child and not any_holds((*table.deleted, *table.secret), row)
            except UnreadableError as fault:
                self.reading.refuse(origin(table, row), ROW, fault)
                continue
            if is_open:
                yield open_row(self.mapping, table, row)

    def subject(self, subject: Subject, row: Row) -> str:
        """The key of the suspect this row concerns, '' for the whole case; UnreadableError if that is not certain."""
        by_name = subject.by_name
        columns = [by_name.column] if by_name else template_columns(subject.template)
        if not columns or (subject.may_be_empty and not any(filled(row, column) for column in columns)):
            return ""
        return self._named(by_name, row) if by_name else rendered(subject.template, row)

    def _named(self, by_name: SubjectByName, row: Row) -> str:
        """Of two of one name nobody can tell who is meant, also if one of them is secret; who is secret and has no name
        here (registers keep none) may be anybody."""
        wanted, table = same_name(filled(row, by_name.column)), self.mapping.table(by_name.table)
        may_leave = [one.values for one in self.open_rows(table.name)]
        names = [(one, same_name(filled(one, by_name.name)), one in may_leave) for one in self._there(table)]
        named = [(one, is_open) for one, name, is_open in names if name == wanted or not (name or is_open)]
        keys = {rendered(by_name.key, one) for one, _ in named}
        if not wanted or len(keys) != 1 or not all(is_open for _, is_open in named):
            raise UnreadableError(by_name.column, "is not the name of just one person of the case")
        return keys.pop()

    def _there(self, table: Table) -> Iterator[Row]:
        """The rows of this table that are not deleted, nor children of such a row, whether or not they may leave."""
        parent = table.parent
        keys = {filled(one, parent.key) for one in self._there(self.mapping.table(parent.table))} if parent else None
        for row in self.rows.tables.get(table.name, ()):
            if not is_closed(table.deleted, row, unclear=False) and (
                keys is None or parent is None or filled(row, parent.column) in keys
            ):
                yield row


def zone_of(mapping: SystemMapping) -> tzinfo:
    """The zone of the source's times that name none."""
    return UTC if mapping.source.is_utc else LOCAL_TIME


def origin(table: Table, row: Row) -> str:
    """Where a row is: the mapping's name of its table, and its id."""
    return f"{table.name}:{':'.join(filled(row, column) for column in table.row_id)}"


def changed_at(mapping: SystemMapping, table: Table, row: Row) -> str:
    """The stamp of when this row, or a row that it points to, was last changed; '' if nobody knows."""
    columns = [table.changed or table.polled]
    columns += [f"{lookup.name}.{lookup.changed}" for lookup in table.lookups if lookup.changed]
    return max(changed_stamp(row.get(column), table.changed_form, zone_of(mapping)) for column in columns)


def open_row(mapping: SystemMapping, table: Table, row: Row) -> OpenRow:
    """This row with its bookkeeping columns read."""
    created = stamp(row.get(table.created), zone_of(mapping))
    return OpenRow(row, origin(table, row), changed_at(mapping, table, row), created)


def present(values: Mapping[str, Any]) -> dict[str, Any]:
    """These values without the keys that are null, false or empty."""
    return {key: value for key, value in values.items() if value not in (None, False, "", [], {})}


def iso(moment: date | None) -> str | None:
    """The date as YYYY-MM-DD."""
    return moment.isoformat() if moment else None
