"""Writing a batch of changes into the ledger and its history, a statement per table."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Connection, Delete, Select, Table, bindparam, delete, select, update

from caseq.rules.book import Change
from caseq.rules.case import Case, Milestone, Party, RecordType, Withdrawal
from caseq.rules.numbers import lookup_key, mobile
from caseq.rules.workdays import Due
from caseq.store import bulk, contacts
from caseq.store.access import RECHECK
from caseq.store.ledger import UNKNOWN
from caseq.store.sealing import Seal, Sealer, bound
from caseq.store.tables import case_aliases, cases, history, milestones, parties, sessions

STATE = "history.state"
NumberOf = Callable[[str | None], str | None]
#: The name, the number and the number as it was given.
_SEALED_OF_A_PARTY = 3
TABLES: Mapping[RecordType, Table] = {
    RecordType.CASE: cases,
    RecordType.PARTY: parties,
    RecordType.MILESTONE: milestones,
}


def write(
    connection: Connection,
    sealer: Sealer,
    number_of: NumberOf,
    source: str,
    case_ids: dict[str, int],
    changes: Sequence[Change],
    lines: Mapping[str, datetime],
    told_by: Mapping[str, Due],
    now: datetime,
) -> None:
    """Store the changes and their history.

    `case_ids` (case key to id) must hold every case already stored and gains the new ones. `lines` are the milestones
    that did not change, by key, but since when their line is shown. `number_of` does what `mobile` does.
    """
    stated = {(c.type, c.key): c for c in changes if not isinstance(c.event.record, Withdrawal) or c.before is None}
    new = _new(changes)
    _write_cases(connection, source, case_ids, [c for c in stated.values() if c.type is RecordType.CASE], new, now)
    party_changes = [change for change in stated.values() if change.type is RecordType.PARTY]
    seal = sealer.sealing(_SEALED_OF_A_PARTY * len(party_changes))
    rows = [_party_row(sealer, seal, number_of, source, case_ids, change, now) for change in party_changes]
    _put(connection, parties, rows, "key", new)
    milestone_changes = [change for change in stated.values() if change.type is RecordType.MILESTONE]
    rows = [_milestone_row(source, case_ids, change, told_by.get(change.key), now) for change in milestone_changes]
    _put(connection, milestones, rows, "key", new)
    _keep_lines(connection, source, lines)
    _withdraw(connection, source, changes)
    _narrow(connection, case_ids, changes)
    _bar_grown(connection, source, changes)
    _end_sessions(connection, sealer, source, changes)
    _write_history(connection, sealer, source, case_ids, changes, now)


_Records = Mapping[Table, Collection[str]]


def _new(changes: Iterable[Change]) -> _Records:
    """The keys of the records that the ledger does not have yet: nobody else writes any of this source meanwhile."""
    first: dict[tuple[RecordType, str], Change] = {}
    for change in changes:
        first.setdefault((change.type, change.key), change)
    new: dict[Table, set[str]] = {table: set() for table in TABLES.values()}
    for (type_, key), change in first.items():
        if change.before is None:
            new[TABLES[type_]].add(key)
    return new


def _put(connection: Connection, table: Table, rows: bulk.Rows, key: str, new: _Records) -> None:
    """Store these rows of one source."""
    is_new = new[table].__contains__
    bulk.put(connection, table, [row for row in rows if is_new(row[key])])
    bulk.put(connection, table, [row for row in rows if not is_new(row[key])], key=("source", key), replace=True)


def _write_cases(
    connection: Connection,
    source: str,
    case_ids: dict[str, int],
    changes: Sequence[Change],
    new: _Records,
    now: datetime,
) -> None:
    rows = [_case_row(source, change, now) for change in changes]
    added = [row for row in rows if row["number_key"] in new[cases]]
    for row, id_ in zip(added, bulk.new_ids(connection, cases, len(added)), strict=True):
        row["id"] = case_ids[row["number_key"]] = id_
    _put(connection, cases, rows, "number_key", new)
    ids = [case_ids[change.case_key] for change in changes]
    known = [case_ids[change.case_key] for change in changes if change.case_key not in new[cases]]
    if known:
        connection.execute(delete(case_aliases).where(bulk.among(connection, case_aliases.c.case_id, known)))
    wanted = {
        id_: sorted({lookup_key(text) for text in _record(change, Case).aliases})
        for id_, change in zip(ids, changes, strict=True)
    }
    numbers = _numbers_among(connection, source, {alias for aliases in wanted.values() for alias in aliases})
    rows = [{"case_id": id_, "alias_key": one} for id_, aliases in wanted.items() for one in aliases]
    bulk.put(connection, case_aliases, [row for row in rows if row["alias_key"] not in numbers])
    _take_numbers_from_aliases(connection, source, [c.case_key for c in changes if c.case_key in new[cases]])


def _numbers_among(connection: Connection, source: str, aliases: set[str]) -> set[str]:
    """Which of these aliases are or were numbers of cases of this source.

    Such a number finds its people by where they were (store/logins.py). As an alias it would tell everybody in the case
    which other case went into it.
    """
    if not aliases:
        return set()
    asked = {"source": source, "keys": bulk.given(aliases)}
    return set(connection.execute(_numbers(connection.dialect.name), asked).scalars())


@cache
def _numbers(dialect: str) -> Select[Any]:
    numbers = select(cases.c.number_key).where(cases.c.source == bindparam("source"))
    return bulk.each(dialect, numbers, cases.c.number_key, "keys")


def _take_numbers_from_aliases(connection: Connection, source: str, new: Sequence[str]) -> None:
    """A new case takes its number away from the aliases of other cases of its source."""
    if new:
        asked = {"of_source": source, "keys": bulk.given(new)}
        connection.execute(_called(connection.dialect.name), asked)


@cache
def _called(dialect: str) -> Delete:
    """Takes aliases away from the cases of a source."""
    # A value for each row, and no join: without statistics PostgreSQL would read all cases of the source for that.
    its_source = select(cases.c.source).where(cases.c.id == case_aliases.c.case_id).scalar_subquery()
    called = delete(case_aliases).where(bulk.among_given(dialect, case_aliases.c.alias_key, "keys"))
    return called.where(its_source == bindparam("of_source"))


def _record(change: Change, type_: type[Any]) -> Any:
    assert isinstance(change.event.record, type_)
    return change.event.record


def _common(change: Change) -> dict[str, Any]:
    return {
        "sequence": change.event.sequence,
        "formed_at": change.event.time,
        "withdrawn": isinstance(change.event.record, Withdrawal),
    }


def _case_row(source: str, change: Change, now: datetime) -> dict[str, Any]:
    assert isinstance(change.after.record, Case)
    case = change.after.record
    return {
        "source": source,
        "number": case.number,
        "number_key": change.case_key,
        "kind": case.kind.value,
        "state": case.state.value,
        "opened_on": case.opened_on,
        "concluded_on": case.concluded_on,
        "unit_code": case.unit.code,
        "unit_name": case.unit.name,
        "unit_address": case.unit.address,
        "unit_phone": case.unit.phone,
        "merged_into": case.merged_into,
        "transferred_to": case.transferred_to,
        "juvenile": case.juvenile,
        "trade": case.trade,
        "ended_on": case.ended_on,
        "changed_at": now,
        **_common(change),
    }


def _party_row(
    sealer: Sealer,
    seal: Seal,
    number_of: NumberOf,
    source: str,
    case_ids: Mapping[str, int],
    change: Change,
    now: datetime,
) -> dict[str, Any]:
    record = change.event.record
    party = record if isinstance(record, Party) else None

    def sealed(purpose: str, text: str | None) -> str | None:
        return seal(bound(purpose, source, change.key), text.encode()) if text else None

    row = {
        "source": source,
        "key": change.key,
        "case_id": case_ids[change.case_key],
        "role": party.role.value if party else UNKNOWN,
        "subject": party.subject if party else None,
        "name_sealed": sealed(contacts.NAME, party.name) if party else None,
        "phone_sealed": sealed(contacts.PHONE, number_of(party.phone)) if party else None,
        "phone_as_given_sealed": sealed(contacts.PHONE_AS_GIVEN, party.phone) if party else None,
        "phone_hash": getattr(change.after, "phone_hash", None),
        "contact_broken_at": None,
        "appeared_on": party.appeared_on if party else None,
        "juvenile": party.juvenile if party else False,
        "valid_from": party.valid_from if party else None,
        "valid_until": party.valid_until if party else None,
        "sms": party.sms if party else False,
        "changed_at": now,
        **_common(change),
    }
    return {**row, "contact_mac": contacts.mac(sealer, row)}


def _milestone_row(
    source: str, case_ids: Mapping[str, int], change: Change, due: Due | None, now: datetime
) -> dict[str, Any]:
    record = change.event.record
    milestone = record if isinstance(record, Milestone) else None
    return {
        "source": source,
        "key": change.key,
        "case_id": case_ids[change.case_key],
        "name": milestone.name.value if milestone else UNKNOWN,
        "subject": milestone.subject if milestone else None,
        "occurred_on": milestone.occurred_on if milestone else None,
        "document_number": milestone.document_number if milestone else None,
        "details": dict(milestone.details or {}) if milestone else {},
        "hidden_until": milestone.hidden_until if milestone else None,
        "hold_reason": milestone.hold.reason if milestone and milestone.hold else None,
        "tell_first": milestone.tell_first if milestone else False,
        "released_at": change.after.released_at or now,
        "line_since": change.after.line_since,
        "published_at": now,
        "due_at": due.at if due else None,
        "due_provisional": due.is_provisional if due else None,
        **_common(change),
    }


def _keep_lines(connection: Connection, source: str, lines: Mapping[str, datetime]) -> None:
    if lines:
        dated = update(milestones).where(milestones.c.source == source, milestones.c.key == bindparam("the_key"))
        rows = [{"the_key": key, "since": since} for key, since in lines.items()]
        connection.execute(dated.values(line_since=bindparam("since")), rows)


def _withdraw(connection: Connection, source: str, changes: Sequence[Change]) -> None:
    """Mark the records whose last change is a withdrawal; what they held stays for the history and for staff."""
    last = {(change.type, change.key): change for change in changes}
    for type_, table in TABLES.items():
        key = table.c.number_key if type_ is RecordType.CASE else table.c.key
        rows = [
            {"the_key": c.key, "the_sequence": c.event.sequence, "the_time": c.event.time}
            for (changed, _), c in last.items()
            if changed is type_ and c.after.withdrawn and c.before is not None
        ]
        if rows:
            marked = update(table).where(table.c.source == source, key == bindparam("the_key"))
            connection.execute(
                marked.values(withdrawn=True, sequence=bindparam("the_sequence"), formed_at=bindparam("the_time")),
                rows,
            )


def _narrow(connection: Connection, case_ids: Mapping[str, int], changes: Sequence[Change]) -> None:
    """Note which cases are read narrowly from now on; only staff take that back (`grants.widen`)."""
    ids = {case_ids[change.case_key] for change in changes if change.narrows}
    if ids:
        connection.execute(update(cases).where(bulk.among(connection, cases.c.id, ids)).values(narrowed=True))


def _bar_grown(connection: Connection, source: str, changes: Sequence[Change]) -> None:
    """Bar those who are minors no more until staff have checked who asks: their guardians did so far."""
    grown = [
        change.key
        for change in changes
        if change.before is not None
        and isinstance(was := change.before.record, Party)
        and isinstance(now := change.after.record, Party)
        and was.juvenile
        and not now.juvenile
    ]
    if grown:
        theirs = update(parties).where(parties.c.source == source, bulk.among(connection, parties.c.key, grown))
        connection.execute(theirs.where(parties.c.barred.is_(None)).values(barred=RECHECK))


def _end_sessions(connection: Connection, sealer: Sealer, source: str, changes: Sequence[Change]) -> None:
    """End the sessions of parties whose number is another one now: the old number may have been a stranger's."""
    renumbered = [change.key for change in changes if _has_another_number(sealer, change)]
    if renumbered:
        of_source = select(parties.c.id).where(parties.c.source == source)
        wanted = bulk.each(connection.dialect.name, of_source, parties.c.key, "keys")
        theirs = connection.execute(wanted, {"keys": bulk.given(renumbered)}).scalars()
        connection.execute(delete(sessions).where(bulk.among(connection, sessions.c.party_id, theirs)))


def _has_another_number(sealer: Sealer, change: Change) -> bool:
    """Whether the party had a number and it was another one; the same one may be stored under an older key."""
    party = change.after.record
    if not isinstance(party, Party) or change.before is None:
        return False
    was = change.before.phone_hash
    if was in (None, change.after.phone_hash):
        return False
    number = mobile(party.phone)
    return number is None or was not in sealer.fingerprints("phone", number)


def _write_history(
    connection: Connection,
    sealer: Sealer,
    source: str,
    case_ids: Mapping[str, int],
    changes: Sequence[Change],
    now: datetime,
) -> None:
    seal = sealer.sealing(len(changes))
    rows = [
        {
            "source": source,
            "event_id": change.event.id,
            "record": change.type.value,
            "key": change.key,
            "case_id": case_ids.get(change.case_key),
            "sequence": change.event.sequence,
            "formed_at": change.event.time,
            "received_at": now,
            "withdrawal": isinstance(change.event.record, Withdrawal),
            "state_sealed": seal(STATE, orjson.dumps(change.event.raw["data"])),
        }
        for change in changes
    ]
    bulk.put(connection, history, rows)
