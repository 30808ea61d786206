"""The parties of one case, read from its rows."""

from typing import Any

from adapters.mapping import PartyMapping, Row
from adapters.reading import PARTY, CaseContext, iso, present
from adapters.values import UnreadableError, appeared_on, decoded, filled, is_juvenile, rendered


def add_parties(context: CaseContext) -> None:
    """Adds the parties of this case to its reading, in the mapping's order."""
    for party in context.mapping.parties:
        for row in context.open_rows(party.table):
            if party.only and not party.only.holds(row.values):
                continue
            try:
                data = _data(context, party, row.values)
            except UnreadableError as fault:
                context.reading.refuse(row.origin, PARTY, fault)
                continue
            if data:
                context.add(PARTY, data["party"], row, row.created, data)


def _data(context: CaseContext, party: PartyMapping, row: Row) -> dict[str, Any]:
    """The data of this party; empty for a role that is none, and for a contact with neither name nor phone."""
    role = party.role if isinstance(party.role, str) else decoded(row, party.role)
    if not role or not (filled(row, party.name) or filled(row, party.phone)):
        return {}
    return present(
        {
            "party": rendered(party.key, row, {"role": role}),
            "role": role,
            "name": filled(row, party.name),
            "phone": row[party.phone] if filled(row, party.phone) else None,
            "subject": rendered(party.subject, row),
            "appeared_on": iso(appeared_on(row, party.appeared_on)) if party.appeared_on else None,
            "juvenile": bool(party.born_on) and is_juvenile(row, party.born_on, context.today),
            "sms": party.sms,
        }
    )
