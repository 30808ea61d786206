"""What stands on the receipt of a party, and what makes its case one to be careful with."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, or_, select

from caseq.store.tables import cases, parties, preferences


@dataclass(frozen=True, slots=True)
class About:
    """A party and its case. `has_minor`: a live record tells of a minor; `is_careful`: the party said how to be reached
    safely, that others use its telephone, or that it wants no SMS; `has_wishes`: it stated any."""

    kind: str
    role: str
    number_key: str
    unit_code: str | None
    unit_name: str
    unit_address: str | None
    unit_phone: str | None
    narrowed: bool
    has_minor: bool
    has_wishes: bool
    is_careful: bool
    sms: bool


def about(connection: Connection, party_id: int) -> About:
    """What the receipt of this party is made of."""
    minors = select(parties.c.id).where(
        parties.c.case_id == cases.c.id, parties.c.juvenile.is_(True), parties.c.withdrawn.is_(False)
    )
    of_case = (cases.c.number_key, cases.c.unit_code, cases.c.unit_name, cases.c.unit_address, cases.c.unit_phone)
    has_minor = or_(cases.c.juvenile, minors.correlate(cases).exists()).label("has_minor")
    wanted = select(cases.c.kind, parties.c.role, *of_case, cases.c.narrowed, has_minor, parties.c.sms).where(
        parties.c.id == party_id
    )
    row = connection.execute(wanted.join(cases, cases.c.id == parties.c.case_id)).one()
    stated = connection.execute(select(preferences).where(preferences.c.party_id == party_id)).one_or_none()
    of_row = row._asdict()
    wishes = {"has_wishes": stated is not None, "is_careful": _is_careful(stated)}
    return About(**{**of_row, **wishes, "sms": bool(row.sms if stated is None else stated.sms)})


def _is_careful(stated: Any) -> bool:
    if stated is None:
        return False
    return bool(stated.shared_phone or stated.safe_contact_sealed or not stated.sms)
