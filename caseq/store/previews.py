"""Parties and their cases as staff have them explained and previewed: with what the query of a case leaves out."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, literal, null, or_, select

from caseq.rules.access import Standing
from caseq.rules.case import Case, CaseState, Kind, Party, RecordType, Role, Unit
from caseq.rules.disclosure import Policy, StoredCase, StoredMilestone
from caseq.store.access import days, may_enter
from caseq.store.casenumbers import numbered
from caseq.store.ledger import UNKNOWN
from caseq.store.tables import cases, history, milestones, parties

#: So many cases are in memory at a time.
CASES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class HeldMilestone:
    """One milestone as the ledger has it, withdrawn ones too; `stored` without what makes a view of it."""

    key: str
    stored: StoredMilestone
    hold_reason: str | None
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class Found:
    """One party of one case with everything that decides what it sees; `stored` holds the milestones not withdrawn."""

    party_id: int
    case_id: int
    case: Case
    party: Party
    standing: Standing
    has_number: bool
    may_enter: bool
    stored: StoredCase
    milestones: Sequence[HeldMilestone]


def find(connection: Connection, policy: Policy, case_key: str, party_key: str, today: date) -> Sequence[Found]:
    """The parties with this key that are in a case of this number, or were once; withdrawn ones too.

    `case_key` may be any number that the case has or had. Several sources may use the same key.
    """
    wanted = _parties(may_enter(policy).label("enters")).where(
        parties.c.key == party_key, parties.c.role != UNKNOWN, _is_or_was_in(case_key)
    )
    rows = connection.execute(wanted.order_by(parties.c.id), days(policy, today)).all()
    return [_found(row, _held(connection, row.case_id)) for row in rows]


def of_party(connection: Connection, policy: Policy, party_id: int, today: date) -> Found | None:
    """The party with this id; None if there is none."""
    wanted = _parties(may_enter(policy).label("enters")).where(parties.c.id == party_id, parties.c.role != UNKNOWN)
    row = connection.execute(wanted, days(policy, today)).one_or_none()
    return None if row is None else _found(row, _held(connection, row.case_id))


def readers_of(connection: Connection, policy: Policy, case_id: int, today: date) -> tuple[Sequence[Found], StoredCase]:
    """The live parties of a case, and the case as somebody with no role reads it: nothing is open to that one."""
    entered = _parties(may_enter(policy).label("enters")).where(parties.c.case_id == case_id)
    live = entered.where(parties.c.withdrawn.is_(False), parties.c.role != UNKNOWN).order_by(parties.c.id)
    rows = connection.execute(live, days(policy, today)).all()
    held = _held(connection, case_id)
    of_case = select(cases, literal("").label("role"), null().label("subject")).where(cases.c.id == case_id)
    nobody = connection.execute(of_case).one()
    seen = [milestone.stored for milestone in held if not milestone.withdrawn]
    return [_found(row, held) for row in rows], _stored(nobody, seen)


def _is_or_was_in(case_key: str) -> ColumnElement[bool]:
    called = numbered(literal(case_key))
    was_there = select(history.c.id).where(
        history.c.case_id.in_(called),
        history.c.source == parties.c.source,
        history.c.record == RecordType.PARTY.value,
        history.c.key == parties.c.key,
    )
    return or_(parties.c.case_id.in_(called), was_there.exists())


def _parties(*more: ColumnElement[Any]) -> Select[Any]:
    of_party = (parties.c.key, parties.c.role, parties.c.subject, parties.c.appeared_on, parties.c.juvenile)
    span = (parties.c.valid_from, parties.c.valid_until, parties.c.barred, parties.c.phone_hash)
    unit = (cases.c.unit_name, cases.c.unit_address, cases.c.unit_phone)
    of_case = (cases.c.source, cases.c.number, cases.c.kind, cases.c.state, cases.c.transferred_to, cases.c.ended_on)
    return select(
        parties.c.id,
        parties.c.case_id,
        *of_party,
        *span,
        parties.c.withdrawn.label("party_withdrawn"),
        *of_case,
        *unit,
        cases.c.narrowed,
        cases.c.withdrawn.label("case_withdrawn"),
        *more,
    ).join(cases, cases.c.id == parties.c.case_id)


def _held(connection: Connection, case_id: int) -> list[HeldMilestone]:
    of_case = select(milestones).where(milestones.c.case_id == case_id, milestones.c.name != UNKNOWN)
    rows = connection.execute(of_case.order_by(milestones.c.id))
    return [HeldMilestone(row.key, _milestone(row), row.hold_reason, row.withdrawn) for row in rows]


def _milestone(row: Row[Any]) -> StoredMilestone:
    return StoredMilestone(
        row.name,
        row.subject,
        row.occurred_on,
        row.document_number,
        row.details,
        row.hidden_until,
        row.released_at,
        row.line_since,
    )


def _unit(row: Row[Any]) -> Unit:
    return Unit(row.unit_name, None, row.unit_address, row.unit_phone)


def _stored(row: Row[Any], seen: Sequence[StoredMilestone]) -> StoredCase:
    """The case of one party; how fresh it is does not matter here and is left out."""
    return StoredCase(
        number=row.number,
        kind=row.kind,
        state=row.state,
        role=row.role,
        subject=row.subject,
        narrowed=row.narrowed,
        unit=_unit(row),
        transferred_to=row.transferred_to,
        milestones=seen,
        as_of=None,
        source_silent=False,
        source=row.source,
    )


def _found(row: Row[Any], held: Sequence[HeldMilestone]) -> Found:
    case = Case(row.number, Kind(row.kind), _unit(row), CaseState(row.state), ended_on=row.ended_on)
    party = Party(
        key=row.key,
        role=Role(row.role),
        subject=row.subject,
        appeared_on=row.appeared_on,
        juvenile=row.juvenile,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
    )
    return Found(
        party_id=row.id,
        case_id=row.case_id,
        case=case,
        party=party,
        standing=Standing(row.source, row.case_withdrawn, row.party_withdrawn, row.barred),
        has_number=row.phone_hash is not None,
        may_enter=bool(row.enters),
        stored=_stored(row, [milestone.stored for milestone in held if not milestone.withdrawn]),
        milestones=held,
    )


@dataclass(frozen=True, slots=True)
class Grantee:
    """One live party that may enter its case under the old policy, the new one or both."""

    party: str
    has_number: bool
    enters_old: bool
    enters_new: bool
    stored: StoredCase


def count_cases(connection: Connection) -> int:
    """How many cases `grantees` goes through."""
    live = select(func.count()).select_from(cases).where(cases.c.withdrawn.is_(False))
    return int(connection.execute(live).scalar_one())


def grantees(connection: Connection, old: Policy, new: Policy, today: date) -> Iterator[tuple[int, Sequence[Grantee]]]:
    """Everybody who may enter under one of the policies, some cases at a time: (how many cases, their parties)."""
    enters_old, enters_new = may_enter(old), may_enter(new)
    wanted = _parties(enters_old.label("enters_old"), enters_new.label("enters_new")).where(or_(enters_old, enters_new))
    values = {**days(old, today), **days(new, today)}
    last = 0
    while ids := _next_cases(connection, last):
        first, last = ids[0], ids[-1]
        rows = connection.execute(wanted.where(cases.c.id.between(first, last)).order_by(parties.c.id), values).all()
        seen = _live_milestones(connection, first, last) if rows else {}
        yield len(ids), [_grantee(row, seen.get(row.case_id, ())) for row in rows]


def _next_cases(connection: Connection, last: int) -> Sequence[int]:
    live = select(cases.c.id).where(cases.c.withdrawn.is_(False), cases.c.id > last)
    return connection.execute(live.order_by(cases.c.id).limit(CASES_AT_ONCE)).scalars().all()


def _live_milestones(connection: Connection, first: int, last: int) -> Mapping[int, Sequence[StoredMilestone]]:
    seen: defaultdict[int, list[StoredMilestone]] = defaultdict(list)
    live = select(milestones).where(milestones.c.case_id.between(first, last), milestones.c.withdrawn.is_(False))
    for row in connection.execute(live):
        seen[row.case_id].append(_milestone(row))
    return seen


def _grantee(row: Row[Any], seen: Sequence[StoredMilestone]) -> Grantee:
    has_number = row.phone_hash is not None
    return Grantee(row.key, has_number, bool(row.enters_old), bool(row.enters_new), _stored(row, seen))
