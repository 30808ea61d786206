"""Telephone numbers corrected at the counter: asked for by one person, agreed to by another, kept against the source.

A correction lasts until the source states another number than the one it had when the correction was made.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from caseq.rules.book import Change
from caseq.rules.case import Event, Party
from caseq.rules.numbers import mobile
from caseq.store import contacts
from caseq.store.database import insert_into
from caseq.store.sealing import Sealer, bound
from caseq.store.tables import cases, corrections, number_changes, parties

WAS, WANTED, STATED = "number_changes.was", "number_changes.phone", "corrections.stated"
_UNDECIDED = number_changes.c.decided_at.is_(None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A correction that waits for the second person: numbers whole, so that they can be compared with the papers."""

    id: int
    party_id: int
    asked_by: int
    asked_at: datetime
    ends_at: datetime
    papers: Sequence[str]
    was: str | None = field(repr=False)
    phone: str = field(repr=False)
    source: str
    case_id: int
    case_number: str
    unit_code: str | None
    kind: str
    role: str


def ask(connection: Connection, sealer: Sealer, row: Mapping[str, Any], was: str | None, phone: str) -> int | None:
    """The id of this request (party_id, asked_by, asked_at, ends_at, papers); None if one of the party waits already.

    One that is too late makes room.
    """
    party_id = row["party_id"]
    forget_old(connection, row["asked_at"])
    sealed = {
        "was_sealed": _sealed(sealer, WAS, party_id, was),
        "phone_sealed": _sealed(sealer, WANTED, party_id, phone),
    }
    adding = insert_into(connection, number_changes).values(**row, **sealed).on_conflict_do_nothing()
    return connection.execute(adding.returning(number_changes.c.id)).scalar_one_or_none()


def waiting(connection: Connection, sealer: Sealer, now: datetime, id_: int | None = None) -> Sequence[Wanted]:
    """The requests that can still be agreed to, oldest first, or the one with this id; those whose key is lost not."""
    of_party = (parties.c.source, parties.c.case_id, parties.c.role)
    of_case = (cases.c.number.label("case_number"), cases.c.unit_code, cases.c.kind)
    wanted = select(number_changes, *of_party, *of_case).join(parties, parties.c.id == number_changes.c.party_id)
    wanted = wanted.join(cases, cases.c.id == parties.c.case_id).where(_UNDECIDED, number_changes.c.ends_at > now)
    wanted = wanted if id_ is None else wanted.where(number_changes.c.id == id_)
    rows = connection.execute(wanted.order_by(number_changes.c.id)).all()
    return [_wanted(sealer, row) for row in rows if row.phone_sealed and sealer.knows(row.phone_sealed)]


def _wanted(sealer: Sealer, row: Any) -> Wanted:
    kept = Wanted.__dataclass_fields__.keys() - {"papers", "was", "phone"}
    return Wanted(
        **{name: getattr(row, name) for name in kept},
        papers=row.papers.split(","),
        was=_opened(sealer, WAS, row.party_id, row.was_sealed),
        phone=_opened(sealer, WANTED, row.party_id, row.phone_sealed) or "",
    )


def decide(connection: Connection, id_: int, by: int, agreed: bool, now: datetime) -> bool:
    """Let this person decide on a request of somebody else that waits; False if it does not, or is their own.

    This statement alone decides who was the second person; both numbers are forgotten with it.
    """
    mine = update(number_changes).where(
        number_changes.c.id == id_,
        _UNDECIDED,
        number_changes.c.ends_at > now,
        *((number_changes.c.asked_by != by,) if agreed else ()),
    )
    decided = mine.values(decided_by=by, decided_at=now, agreed=agreed, was_sealed=None, phone_sealed=None)
    return connection.execute(decided.returning(number_changes.c.id)).first() is not None


def void(connection: Connection, id_: int) -> None:
    """Note that what was agreed to could not be done."""
    connection.execute(update(number_changes).where(number_changes.c.id == id_).values(agreed=False))


def forget_old(connection: Connection, now: datetime) -> None:
    """Forget the numbers of requests that nobody decided in time."""
    late = update(number_changes).where(_UNDECIDED, number_changes.c.ends_at <= now)
    connection.execute(late.values(decided_at=now, agreed=False, was_sealed=None, phone_sealed=None))


def renumber(connection: Connection, sealer: Sealer, row: Any, was: str | None, phone: str, now: datetime) -> None:
    """Give the party of this row (contacts.COLUMNS, intact and bound) another number, and keep it."""
    facts = {**row._asdict(), "phone_hash": sealer.fingerprint("phone", phone)}
    values = {
        "phone_hash": facts["phone_hash"],
        "phone_sealed": sealer.seal(bound(contacts.PHONE, row.source, row.key), phone.encode()),
        "contact_mac": contacts.mac(sealer, facts),
    }
    connection.execute(update(parties).where(parties.c.id == row.id).values(values))
    known = select(corrections.c.party_id).where(corrections.c.party_id == row.id)
    if connection.execute(known).first() is None:  # a second correction is still one of what the source states
        kept = {"party_id": row.id, "source": row.source, "key": row.key, "since": now}
        connection.execute(insert(corrections), {**kept, "stated_sealed": _sealed(sealer, STATED, row.id, was)})


def contact_row(connection: Connection, party_id: int) -> Any:
    """The row of a party with contacts.COLUMNS, locked, so that no push or login changes it meanwhile."""
    wanted = select(*contacts.COLUMNS).where(parties.c.id == party_id)
    return connection.execute(wanted.with_for_update()).one()


@dataclass(frozen=True, slots=True)
class Kept:
    """What a push is taken as: its events, and the ids of those in which a corrected number stands."""

    events: Sequence[Event | None]
    ids: frozenset[str]
    parties: Mapping[str, int]


def keep(connection: Connection, sealer: Sealer, source: str, events: Sequence[Event | None], now: datetime) -> Kept:
    """These events of a source that is locked, with the corrected number where one still states what it stated then."""
    keys = {event.record.key for event in events if event is not None and isinstance(event.record, Party)}
    found = _in_force(connection, sealer, source, now) if keys else {}
    kept, ids = list(events), set[str]()
    for n, event in enumerate(events):
        if event is None or not isinstance(event.record, Party) or event.record.key not in found:
            continue
        stated, phone, _ = found[event.record.key]
        if mobile(event.record.phone) == stated:
            kept[n] = replace(event, record=replace(event.record, phone=phone))
            ids.add(event.id)
    return Kept(kept, frozenset(ids), {key: party_id for key, (*_, party_id) in found.items()})


def end(connection: Connection, kept: Kept, changes: Iterable[Change]) -> None:
    """Forget the corrections of parties of which the source states another number by now."""
    last = {change.key: change.event for change in changes if isinstance(change.event.record, Party)}
    over = [kept.parties[key] for key, event in last.items() if key in kept.parties and event.id not in kept.ids]
    if over:
        connection.execute(delete(corrections).where(corrections.c.party_id.in_(over)))


def _in_force(
    connection: Connection, sealer: Sealer, source: str, now: datetime
) -> Mapping[str, tuple[str | None, str, int]]:
    """By key of the party: the number that its source stated, the one from the counter, the party's id."""
    wanted = select(corrections.c.stated_sealed, *contacts.COLUMNS)
    wanted = wanted.join(parties, parties.c.id == corrections.c.party_id)
    found = {}
    for row in connection.execute(wanted.where(corrections.c.source == source)).all():
        contact = contacts.checked(connection, sealer, row, now)
        if contact.phone is None or not (row.stated_sealed is None or sealer.knows(row.stated_sealed)):
            continue  # edited by hand, or under a lost key: what the source states heals it
        found[row.key] = (_opened(sealer, STATED, row.id, row.stated_sealed), contact.phone, row.id)
    return found


def purpose(of: str, party_id: int) -> str:
    """What a number of this party is sealed for."""
    return bound(of, party_id)


def _sealed(sealer: Sealer, of: str, party_id: int, phone: str | None) -> str | None:
    return sealer.seal(purpose(of, party_id), phone.encode()) if phone else None


def _opened(sealer: Sealer, of: str, party_id: int, sealed: str | None) -> str | None:
    return sealer.unseal(purpose(of, party_id), sealed).decode() if sealed else None
