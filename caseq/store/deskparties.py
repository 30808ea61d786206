"""The parties of a case as a clerk chooses among them: role words and no names, and which of them has a number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Select, literal, select, type_coerce
from sqlalchemy.types import NullType

from caseq.rules.disclosure import Policy
from caseq.store.access import days, may_enter
from caseq.store.casenumbers import numbered
from caseq.store.ledger import UNKNOWN
from caseq.store.tables import cases, parties, sources


@dataclass(frozen=True, slots=True)
class DeskParty:
    """One live party of one live case, and the unit that handles it; `n` counts those of its role in the case."""

    party_id: int
    case_id: int
    source: str
    case_number: str
    kind: str
    unit_code: str | None
    unit_name: str
    key: str
    role: str
    may_enter: bool
    has_number: bool
    n: int = 0


def of_case(
    connection: Connection, policy: Policy, case_key: str, today: date, phone_hashes: Sequence[str] = ()
) -> Sequence[DeskParty]:
    """The live parties of the live cases with this number, or those of them with one of these fingerprints of a
    telephone number."""
    wanted = _parties(policy).where(cases.c.id.in_(numbered(literal(case_key))))
    found, counted = [], dict[tuple[int, str], int]()
    for row in connection.execute(wanted, days(policy, today)):
        n = counted[row.case_id, row.role] = counted.get((row.case_id, row.role), 0) + 1
        if not phone_hashes or row.phone_hash in phone_hashes:
            found.append(_party(row, n))
    return found


def one(connection: Connection, policy: Policy, party_id: int, today: date) -> DeskParty | None:
    """The live party with this id in a live case, None if there is none (any more)."""
    row = connection.execute(_parties(policy).where(parties.c.id == party_id), days(policy, today)).one_or_none()
    return None if row is None else _party(row, 0)


def heard(connection: Connection, source: str) -> tuple[datetime, float | None]:
    """When this source spoke last, and how many seconds it is usually silent."""
    usual = type_coerce(sources.c.usual_seconds, NullType()).label("usual_seconds")
    wanted = select(sources.c.last_push_at, usual).where(sources.c.name == source)
    row = connection.execute(wanted).one()
    return row.last_push_at, row.usual_seconds


def _parties(policy: Policy) -> Select[Any]:
    return (
        select(
            parties.c.id.label("party_id"),
            parties.c.case_id,
            parties.c.source,
            cases.c.number.label("case_number"),
            cases.c.kind,
            cases.c.unit_code,
            cases.c.unit_name,
            parties.c.key,
            parties.c.role,
            may_enter(policy).label("may_enter"),
            parties.c.phone_hash,
        )
        .join(cases, cases.c.id == parties.c.case_id)
        .where(cases.c.withdrawn.is_(False), parties.c.withdrawn.is_(False), parties.c.role != UNKNOWN)
        .order_by(cases.c.number, parties.c.role, parties.c.id)
    )


def _party(row: Any, n: int) -> DeskParty:
    values = row._asdict()
    has_number = values.pop("phone_hash") is not None
    return DeskParty(**{**values, "may_enter": bool(row.may_enter)}, has_number=has_number, n=n)
