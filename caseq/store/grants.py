"""The grants of a case as staff see them, and what they may do: bar one, or open it again. No names, no telephones."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, func, literal, or_, select, update

from caseq.rules.case import SUSPECT_SIDE
from caseq.rules.disclosure import Policy
from caseq.rules.numbers import lookup_key
from caseq.store.access import days, may_enter, one_of
from caseq.store.casenumbers import numbered
from caseq.store.tables import cases, parties


@dataclass(frozen=True, slots=True)
class GrantRow:
    """One live party: whether it may enter today, and why it is barred if it is (store/access.py)."""

    party_id: int
    case_id: int
    source: str
    case_number: str
    party: str
    role: str
    subject: str | None
    may_enter: bool
    barred: str | None


def of_case(connection: Connection, policy: Policy, case_key: str, today: date) -> Sequence[GrantRow]:
    """The live parties of the live cases that have this number or are also called so."""
    wanted = _grants(policy).where(cases.c.id.in_(numbered(literal(case_key))))
    return _rows(connection, policy, wanted, today)


def named(found: Sequence[GrantRow], case_key: str, party: str) -> GrantRow | None:
    """The one grant of this party; where two sources use its key, that in the case whose own number was given."""
    theirs = [row for row in found if row.party == party]
    if len(theirs) > 1:
        theirs = [row for row in theirs if lookup_key(row.case_number) == case_key]
    return theirs[0] if len(theirs) == 1 else None


def left_behind(connection: Connection, policy: Policy, today: date) -> Sequence[GrantRow]:
    """Who may enter a case that was merged into another: nothing new comes there any more."""
    merged = _grants(policy).where(cases.c.merged_into.is_not(None), may_enter(policy))
    return _rows(connection, policy, merged, today)


def count_left_behind(connection: Connection, policy: Policy, today: date) -> int:
    """How many parties `left_behind` names."""
    merged = select(func.count()).select_from(parties.join(cases, cases.c.id == parties.c.case_id))
    counted = merged.where(cases.c.merged_into.is_not(None), may_enter(policy))
    return int(connection.execute(counted, days(policy, today)).scalar_one())


def bar(connection: Connection, party_id: int, barred: str | None) -> None:
    """Bar a party for this reason, or open its grant again (None)."""
    connection.execute(update(parties).where(parties.c.id == party_id).values(barred=barred))


@dataclass(frozen=True, slots=True)
class NarrowedCase:
    """One live case: whether it is read narrowly, and whether a live record still tells of a minor suspect in it."""

    case_id: int
    case_number: str
    narrowed: bool
    has_minor: bool


def lock_case(connection: Connection, case_key: str) -> NarrowedCase | None:
    """The live case with this number, which no push changes until this transaction ends; None if there is none."""
    locked = select(cases.c.id).where(cases.c.number_key == case_key, cases.c.withdrawn.is_(False))
    case_id = connection.execute(locked.with_for_update()).scalar_one_or_none()
    if case_id is None:
        return None
    minors = select(parties.c.id).where(
        parties.c.case_id == cases.c.id,
        parties.c.juvenile,
        parties.c.withdrawn.is_(False),
        one_of(parties.c.role, SUSPECT_SIDE),
    )
    has_minor = or_(cases.c.juvenile, minors.exists())
    # Not read with the lock: what a push wrote that came first would not be seen.
    read = select(cases.c.id, cases.c.number, cases.c.narrowed, has_minor).where(cases.c.id == case_id)
    return NarrowedCase(*tuple(connection.execute(read).one()))


def widen(connection: Connection, case_id: int) -> None:
    """Let a narrowed case be read as any other again, until a source tells of a minor once more."""
    connection.execute(update(cases).where(cases.c.id == case_id).values(narrowed=False))


def _grants(policy: Policy) -> Select[Any]:
    return (
        select(
            parties.c.id,
            parties.c.case_id,
            parties.c.source,
            cases.c.number,
            parties.c.key,
            parties.c.role,
            parties.c.subject,
            may_enter(policy).label("may_enter"),
            parties.c.barred,
        )
        .join(cases, cases.c.id == parties.c.case_id)
        .where(cases.c.withdrawn.is_(False), parties.c.withdrawn.is_(False))
        .order_by(cases.c.number, parties.c.key)
    )


def _rows(connection: Connection, policy: Policy, wanted: Select[Any], today: date) -> Sequence[GrantRow]:
    return [GrantRow(*tuple(row)) for row in connection.execute(wanted, days(policy, today))]
