"""The ledger: cases, parties and milestones as pushed, read and written a batch at a time."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, TypeGuard

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, bindparam, func, or_, select, text, true

from caseq.rules.book import Book, Entry
from caseq.rules.case import (
    Case,
    CaseState,
    Event,
    Hold,
    Kind,
    Milestone,
    MilestoneName,
    Party,
    RecordType,
    Role,
    Unit,
    Withdrawal,
)
from caseq.rules.disclosure import Policy
from caseq.store import bulk
from caseq.store.database import in_byte_order
from caseq.store.tables import cases, milestones, parties

UNKNOWN = "unknown"  # role or name of a record of which only the withdrawal arrived
#: What no decision about a push looks at.
_UNREAD = frozenset(
    {"name_sealed", "phone_sealed", "phone_as_given_sealed", "contact_mac", "contact_broken_at", "changed_at", "barred"}
)
#: In the words of the index of live case numbers: SQLite uses it for no others.
_IS_LIVE = text("cases.withdrawn IS false")
_ALL: ColumnElement[bool] = true()
Fingerprint = Callable[[str | None], str | None]


def open_book(
    connection: Connection,
    source: str,
    kinds: frozenset[Kind],
    policy: Policy,
    events: Iterable[Event],
    fingerprint: Fingerprint,
) -> Book:
    """The part of the ledger that these events of one source touch."""
    events = list(events)
    wanted = {event.case_key for event in events}
    asked = {"source": source, "keys": bulk.given(wanted)}
    elsewhere = connection.execute(_of_others(connection.dialect.name), asked).scalars()
    book = Book(source, kinds, policy.items, fingerprint, frozenset(elsewhere))
    own = connection.execute(_of_source(connection.dialect.name, cases), asked).all()
    for row in own:
        book.know(RecordType.CASE, row.number_key, _case_entry(row))
        if row.narrowed:
            book.narrowed.add(row.number_key)
    keys_of_ids = {row.id: row.number_key for row in own}
    _know_what_is_left(connection, book, keys_of_ids, events)
    _know_parties(connection, book, keys_of_ids, _keys(events, RecordType.PARTY))
    _know_milestones(connection, book, keys_of_ids, (), _keys(events, RecordType.MILESTONE))
    _know_other_milestones(connection, book, keys_of_ids, events, policy)
    for event in events:
        # A minor may come behind what must not be told of: nobody is to hear of that first.
        if book.narrows(event, book.known(event)):
            book.narrowed.add(event.case_key)
    return book


def books_of(connection: Connection, policy: Policy, case_ids: Collection[int]) -> Mapping[int, Book]:
    """Each of these cases whole, as it is now, by its id: for reading only."""
    books: dict[int, Book] = {}
    for row in connection.execute(_whole(connection.dialect.name, cases), _ids(case_ids)):
        book = books[row.id] = Book(row.source, frozenset(), policy.items, lambda _: None)
        book.know(RecordType.CASE, row.number_key, _case_entry(row))
        if row.narrowed:
            book.narrowed.add(row.number_key)
    keys = {case_id: next(iter(book.cases)) for case_id, book in books.items()}
    whole = (RecordType.PARTY, parties, _party_entry), (RecordType.MILESTONE, milestones, _milestone_entry)
    for type_, table, entry_of in whole:
        for row in connection.execute(_whole(connection.dialect.name, table), _ids(case_ids)):
            books[row.case_id].know(type_, row.key, entry_of(row, keys[row.case_id]))
    return books


def _ids(case_ids: Collection[int]) -> dict[str, Any]:
    return {"ids": bulk.given(case_ids)}


@cache
def _of_others(dialect: str) -> Select[Any]:
    """Which of some numbers are those of live cases of other sources."""
    others = select(cases.c.number_key).where(_IS_LIVE, cases.c.source != bindparam("source"))
    return bulk.each(dialect, others, cases.c.number_key, "keys")


@cache
def _of_source(dialect: str, table: Table) -> Select[Any]:
    """What there is of some records of a source, by number or key, without what `_UNREAD` leaves out."""
    seen = select(*(column for column in table.c if column.name not in _UNREAD))
    key = table.c.number_key if table is cases else table.c.key
    return bulk.each(dialect, seen.where(table.c.source == bindparam("source")), key, "keys")


@cache
def _whole(dialect: str, table: Table) -> Select[Any]:
    """What there is of some cases in a table: all of them, and of records what `_UNREAD` does not leave out."""
    seen = select(*(column for column in table.c if column.name not in _UNREAD))
    return seen.where(bulk.among_given(dialect, table.c.id if table is cases else table.c.case_id, "ids"))


def _know_what_is_left(
    connection: Connection, book: Book, keys_of_ids: dict[int, str], events: Iterable[Event]
) -> None:
    """Enter the live records of the cases whose number an event writes another way than the ledger has it."""
    written = {(event.case_key, event.case_number) for event in events}
    numbers = {key: entry.record.number for key, entry in book.cases.items() if entry.record}
    renamed = {key for key, number in written if numbers.get(key, number) != number}
    ids = [id_ for id_, key in keys_of_ids.items() if key in renamed]
    for type_, table in ((RecordType.PARTY, parties), (RecordType.MILESTONE, milestones)) if ids else ():
        live = select(table.c.case_id, table.c.key).where(table.c.withdrawn.is_(False))
        for row in connection.execute(live.where(bulk.among(connection, table.c.case_id, ids))):
            book.left[keys_of_ids[row.case_id]].add((type_, row.key))


def _know_other_milestones(
    connection: Connection, book: Book, keys_of_ids: dict[int, str], events: Iterable[Event], policy: Policy
) -> None:
    """Enter what it takes to know what the events change on anybody's page: of a case or party all milestones of the
    case, of a milestone those that may read like it."""
    whole: set[str] = set()
    stated: dict[str, list[Milestone]] = defaultdict(list)
    for event in events:
        key = event.case_key
        records = _states_of(book, event)
        if records is None:
            whole.add(key)
        elif key in book.cases and (case := book.cases[key].record) is not None:
            stated[key] += [one for one in records if (case.kind, one.name) in policy.line_fields]
    whole_ids = [id_ for id_, key in keys_of_ids.items() if key in whole]
    _know_milestones(connection, book, keys_of_ids, whole_ids, ())
    compared = {key: records for key, records in stated.items() if records and key not in whole}
    ids = [id_ for id_, key in keys_of_ids.items() if key in compared]
    alike = _may_read_like(connection, policy, list(chain.from_iterable(compared.values())))
    _know_milestones(connection, book, keys_of_ids, ids, (), alike)


def _states_of(book: Book, event: Event) -> Sequence[Milestone] | None:
    """What a milestone is by the event, and was before it; None if the event is of something else."""
    record = event.record
    if not isinstance(record, Milestone) and not _is_withdrawal_of(record, RecordType.MILESTONE):
        return None
    known = book.milestones.get(record.key)
    return [one for one in (record, known.record if known else None) if isinstance(one, Milestone)]


def _may_read_like(connection: Connection, policy: Policy, stated: Sequence[Milestone]) -> ColumnElement[bool]:
    """Of the name of one of these and, where all who read of every suspect see its day, of its day or of none."""
    names = {one.name for one in stated}
    dayless = {name for (_, name), fields in policy.line_fields.items() if "occurred_on" not in fields}
    of_day = or_(
        milestones.c.occurred_on.is_(None),
        bulk.among(connection, milestones.c.occurred_on, {one.occurred_on for one in stated if one.occurred_on}),
        bulk.among(connection, milestones.c.name, names & dayless),
    )
    return and_(bulk.among(connection, milestones.c.name, names), of_day)


def _is_withdrawal_of(record: object, type_: RecordType) -> TypeGuard[Withdrawal]:
    return isinstance(record, Withdrawal) and record.record is type_


def _keys(events: Iterable[Event], type_: RecordType) -> list[str]:
    record_type = Party if type_ is RecordType.PARTY else Milestone
    return [
        event.record.key
        for event in events
        if isinstance(event.record, record_type) or _is_withdrawal_of(event.record, type_)
    ]


def _know_parties(connection: Connection, book: Book, keys_of_ids: dict[int, str], keys: Collection[str]) -> None:
    """Enter the parties with these keys, and of these cases those who can be told of news: nobody asks for others."""
    can_be_told = and_(parties.c.sms, ~parties.c.withdrawn, parties.c.phone_hash.is_not(None))
    rows = list(_touched(connection, parties, book.source, keys_of_ids, keys, can_be_told))
    _know_origins(connection, book, keys_of_ids, rows)
    for row in rows:
        book.know(RecordType.PARTY, row.key, _party_entry(row, keys_of_ids[row.case_id]))


def _know_milestones(
    connection: Connection,
    book: Book,
    keys_of_ids: dict[int, str],
    case_ids: Collection[int],
    keys: Collection[str],
    of_cases: ColumnElement[bool] = _ALL,
) -> None:
    """Enter the milestones with these keys, and of these cases those that `of_cases` takes."""
    rows = list(_touched(connection, milestones, book.source, case_ids, keys, of_cases))
    _know_origins(connection, book, keys_of_ids, rows)
    for row in rows:
        book.know(RecordType.MILESTONE, row.key, _milestone_entry(row, keys_of_ids[row.case_id]))


def _know_origins(connection: Connection, book: Book, keys_of_ids: dict[int, str], rows: Collection[Row[Any]]) -> None:
    """Add the cases that these records are in and no event names: a record may be on its way out of a narrowed one."""
    if unknown := {row.case_id for row in rows} - keys_of_ids.keys():
        of_case = select(cases.c.id, cases.c.number_key, cases.c.narrowed)
        for row in connection.execute(of_case.where(bulk.among(connection, cases.c.id, unknown))):
            keys_of_ids[row.id] = row.number_key
            if row.narrowed:
                book.narrowed.add(row.number_key)


def _touched(
    connection: Connection,
    table: Table,
    source: str,
    case_ids: Collection[int],
    keys: Collection[str],
    of_cases: ColumnElement[bool],
) -> Iterator[Row[Any]]:
    """The source's records with these keys, and those of these cases, its own, that `of_cases` takes; some come twice.

    Two queries, because SQLite would read all records of the source for one with OR.
    """
    dialect = connection.dialect.name
    if case_ids:
        yield from connection.execute(_whole(dialect, table).where(of_cases), _ids(case_ids))
    if keys:
        yield from connection.execute(_of_source(dialect, table), {"source": source, "keys": bulk.given(keys)})


def party_ids(connection: Connection, source: str, keys: Collection[str]) -> Mapping[str, int]:
    """The ids of these parties of a source, by key."""
    if not keys:
        return {}
    asked = {"source": source, "keys": bulk.given(keys)}
    return {row.key: row.id for row in connection.execute(_of_source(connection.dialect.name, parties), asked)}


def _case_entry(row: Row[Any]) -> Entry[Case]:
    case = Case(
        number=row.number,
        kind=Kind(row.kind),
        unit=Unit(row.unit_name, row.unit_code, row.unit_address, row.unit_phone),
        state=CaseState(row.state),
        juvenile=row.juvenile,
        ended_on=row.ended_on,
    )
    return Entry(case, row.number_key, row.sequence, row.formed_at, row.withdrawn, id=row.id)


def _party_entry(row: Row[Any], case_key: str) -> Entry[Party]:
    party = None
    if row.role != UNKNOWN:
        party = Party(
            key=row.key,
            role=Role(row.role),
            subject=row.subject,
            appeared_on=row.appeared_on,
            juvenile=row.juvenile,
            valid_from=row.valid_from,
            valid_until=row.valid_until,
            sms=row.sms,
        )
    return Entry(party, case_key, row.sequence, row.formed_at, row.withdrawn, row.phone_hash, row.id)


def _milestone_entry(row: Row[Any], case_key: str) -> Entry[Milestone]:
    milestone = None
    if row.name != UNKNOWN:
        milestone = Milestone(
            key=row.key,
            name=MilestoneName(row.name),
            subject=row.subject,
            occurred_on=row.occurred_on,
            document_number=row.document_number,
            details=row.details,
            hold=Hold(row.hold_reason or "", row.hidden_until) if row.hidden_until else None,
            tell_first=row.tell_first,
        )
    return Entry(
        milestone,
        case_key,
        row.sequence,
        row.formed_at,
        row.withdrawn,
        id=row.id,
        released_at=row.released_at,
        line_since=row.line_since,
    )


def counts(connection: Connection, source: str) -> dict[str, int]:
    """How many live records of one source the ledger holds, by record type."""
    held = {}
    for record, table in ((RecordType.CASE, cases), (RecordType.PARTY, parties), (RecordType.MILESTONE, milestones)):
        live = select(func.count()).select_from(table).where(table.c.source == source, table.c.withdrawn.is_(False))
        held[record.value] = connection.execute(live).scalar_one()
    return held


@dataclass(frozen=True, slots=True)
class Held:
    """One live record of a source: its key (of a case: its number as given), its case and its sequence."""

    key: str
    case_number: str
    sequence: str


_KEYS = {RecordType.CASE: cases.c.number, RecordType.PARTY: parties.c.key, RecordType.MILESTONE: milestones.c.key}


def held(connection: Connection, source: str, type_: RecordType, after: str, most: int) -> list[Held]:
    """The live records of this type of one source whose keys follow `after`, in the order of the keys' bytes."""
    table = _KEYS[type_].table
    key = in_byte_order(connection, _KEYS[type_])
    read = select(_KEYS[type_].label("key"), cases.c.number, table.c.sequence)
    if table is not cases:
        read = read.join_from(table, cases, cases.c.id == table.c.case_id)
    # In the words of the index, as _IS_LIVE is.
    live = read.where(table.c.source == source, text(f"{table.name}.withdrawn IS false"), key > after)
    rows = connection.execute(live.order_by(key).limit(most))
    return [Held(row.key, row.number, row.sequence) for row in rows]


def sequences(connection: Connection, source: str, type_: RecordType, keys: Collection[str]) -> dict[str, str]:
    """By key, the newest sequence that is stored of those of these records that were ever there."""
    column = _KEYS[type_]
    there = select(column, column.table.c.sequence).where(column.table.c.source == source)
    return {row[0]: row[1] for row in connection.execute(there.where(bulk.among(connection, column, keys)))}


def unit_code(connection: Connection, case_number: str) -> str | None:
    """The code of the unit that handles the live case of this number."""
    wanted = select(cases.c.unit_code).where(cases.c.number == case_number, cases.c.withdrawn.is_(False))
    return connection.execute(wanted).scalars().first()
