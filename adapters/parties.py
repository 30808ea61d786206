"""The parties of one case, read from its rows."""

from typing import Any

from adapters.mapping import PartyMapping, Row
from adapters.reading import PARTY, CaseContext, OpenRow, iso, present
from adapters.values import (
    UnreadableError,
    all_hold,
    day_of,
    filled,
    is_juvenile,
    phone_of,
    rendered,
    required,
    text_of,
)
from adapters.vocabulary import SUSPECT_SIDE


def add_parties(context: CaseContext) -> None:
    """Adds the parties of this case to its reading, in the mapping's order.

    A minor on the suspect's side of whom no party tells is told of by the case; while nobody can say whether somebody
    is one, nothing leaves that is about a suspect, because others could read it.
    """
    for party in context.mapping.parties:
        if context.kind not in party.kinds:
            continue
        for row in context.open_rows(party.table):
            try:
                data = _data(context, party, row) if all_hold(party.only, row.values) else {}
            except UnreadableError as fault:
                context.reading.refuse(row.origin, PARTY, fault)
                data = {}
            if data:
                context.add(PARTY, data["party"], row, row.created, data)
            elif _may_be_of_a_suspect(party, row.values):
                _consider_age(context, party, row.values)


def _may_be_of_a_suspect(party: PartyMapping, row: Row) -> bool:
    try:
        return all_hold(party.only, row) and required(row, party.role) in SUSPECT_SIDE
    except UnreadableError:
        return True


def _consider_age(context: CaseContext, party: PartyMapping, row: Row) -> None:
    """Has the case tell that this is a minor; or nothing about suspects leave, where that cannot be read."""
    try:
        is_minor = is_juvenile(day_of(row, party.born_on, context.zone), context.today)
        # An empty column says nothing of anybody, least of all in a row of nobody.
        is_flagged = _is_flagged(party, row) and any(filled(row, one.column) for one in party.juvenile or ())
    except UnreadableError as fault:
        context.hold_back_of_suspects(fault.column)
        return
    if is_minor or is_flagged:
        context.tell_of_a_minor()


def _data(context: CaseContext, party: PartyMapping, open_row: OpenRow) -> dict[str, Any]:
    """The data of this party; empty for a role that is none, and for a contact with neither name nor phone."""
    row, zone = open_row.values, context.zone
    role = required(row, party.role)
    name, phone = text_of(row, party.name), phone_of(row, party.phone)
    if not role or not (name or phone):
        return {}
    born_on = day_of(row, party.born_on, zone)
    return present(
        {
            "party": rendered(party.key, row, {"role": role}) if party.key else f"{open_row.origin}:{role}",
            "role": role,
            "name": name,
            "phone": phone,
            "subject": context.subject(party.subject, row),
            "appeared_on": iso(day_of(row, party.appeared_on, zone)),
            "juvenile": is_juvenile(born_on, context.today) or _is_flagged(party, row),
            "valid_from": iso(day_of(row, party.valid_from, zone)),
            "valid_until": iso(day_of(row, party.valid_until, zone)),
            "sms": party.sms if isinstance(party.sms, bool) else all_hold(party.sms, row),
        }
    )


def _is_flagged(party: PartyMapping, row: Row) -> bool:
    return party.juvenile is not None and all_hold(party.juvenile, row)
