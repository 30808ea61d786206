"""What was kept of how parties were told: the history of their case, messages with every call, tellings, looks."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, or_, select, text

from caseq.rules.case import Case, Kind, Milestone, Party, RecordType, Role, bureau_date
from caseq.rules.events import BUILDERS
from caseq.rules.notice import SURELY_SEEN, ByStaff, Call, Channel, Message
from caseq.rules.notice import Receipt as Heard
from caseq.rules.replay import Bar, Past, Reader
from caseq.store import attempts as calls
from caseq.store.attempts import Attempt, Outcome
from caseq.store.database import seconds_between
from caseq.store.outbox import WAITING, Purpose, State
from caseq.store.sealing import Sealer
from caseq.store.tables import audit, cases, history, milestones, outbox, parties, tellings
from caseq.store.views import ACT
from caseq.store.writing import STATE

#: The act of the audit under which proofs stand.
PROOF = "proof"
#: In the words of the indexes: SQLite uses them for no others.
OF_PARTY = text("act IN ('view', 'revoke', 'confirm')")
IS_PROOF = text("act = 'proof'")
_ENDED = (State.SENT.value, State.DELIVERED.value)
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Whose:
    """One party in its case, with what decides how much it sees."""

    party_id: int
    case_id: int
    case_number: str
    party: str
    unit_code: str | None
    unit_name: str
    reader: Reader


def whose(connection: Connection, party_id: int) -> Whose:
    """The party with this id."""
    wanted = select(parties, cases.c.number, cases.c.kind, cases.c.narrowed, cases.c.unit_code, cases.c.unit_name)
    row = connection.execute(wanted.join(cases, cases.c.id == parties.c.case_id).where(parties.c.id == party_id)).one()
    reader = Reader(Kind(row.kind), Role(row.role), row.subject, row.narrowed, row.source)
    return Whose(row.id, row.case_id, row.number, row.key, row.unit_code, row.unit_name, reader)


def pasts(connection: Connection, sealer: Sealer, of: Whose) -> list[Past]:
    """Every state of the case, of its milestones and of this party, in the order in which they came."""
    mine = or_(history.c.record != RecordType.PARTY.value, history.c.key == of.party)
    rows = connection.execute(select(history).where(history.c.case_id == of.case_id, mine).order_by(history.c.id))
    return [_past(sealer, of.case_number, row) for row in rows]


def _past(sealer: Sealer, case_number: str, row: Row[Any]) -> Past:
    state: Case | Party | Milestone | None = None
    if not row.withdrawal:
        data = json.loads(sealer.unseal(STATE, row.state_sealed))
        built = BUILDERS[f"caseq.{row.record}.v1"](case_number, data)
        assert isinstance(built, (Case, Party, Milestone))
        state = built
    return Past(row.received_at, RecordType(row.record), row.key, row.formed_at, state)


@dataclass(frozen=True, slots=True)
class Looks:
    """The looks of a party at its case, oldest first, and when staff barred it or let it in again."""

    views: Sequence[datetime]
    bars: Sequence[Bar]


def looks(connection: Connection, of: Whose) -> Looks:
    """What the audit has of this party."""
    mine = (audit.c.party_id == of.party_id, OF_PARTY)
    rows = connection.execute(select(audit.c.at, audit.c.act, audit.c.case_id).where(*mine).order_by(audit.c.at)).all()
    views = [row.at for row in rows if row.act == ACT and row.case_id == of.case_id]
    return Looks(views, [Bar(row.at, row.act == "revoke") for row in rows if row.act != ACT])


@dataclass(frozen=True, slots=True)
class About:
    """A message, and of which change it is: when that came, and which record it changed."""

    record: str | None
    key: str | None
    message: Message


def messages(connection: Connection, party_id: int) -> list[About]:
    """Every message of news for this party; one that was told with others has the calls of the SMS it went in."""
    mine = select(outbox).where(outbox.c.party_id == party_id, outbox.c.purpose == Purpose.NEWS.value)
    rows = {row.id: row for row in connection.execute(mine.order_by(outbox.c.id))}
    of_message = calls.of_messages(connection, list(rows)) if rows else {}
    together = {row.part_of for row in rows.values() if row.part_of is not None}
    return [_about(rows, of_message, together, row) for row in rows.values()]


def _about(
    rows: Mapping[int, Row[Any]], of_message: Mapping[int, Sequence[Attempt]], together: set[int], row: Row[Any]
) -> About:
    chain = _chain(rows, row)
    sent = chain[-1]
    made = [_call(one) for part in chain for one in of_message.get(part.id, ()) if one.outcome is Outcome.ACCEPTED]
    message = Message(
        state=sent.state,
        reason=sent.reason,
        made_at=row.created_at,
        template=sent.template,
        version=sent.template_version,
        language=sent.language,
        together=len(chain) > 1 or row.id in together,
        calls=made,
        waits_until=sent.due_at if sent.state in WAITING else None,
        end_then=row.legal_end_at,
    )
    record, key = _record_of(row)
    return About(record, key, message)


def _chain(rows: Mapping[int, Row[Any]], row: Row[Any]) -> Sequence[Row[Any]]:
    """The row, the one in whose SMS it was told, and so on: that one may have been told with another later."""
    chain = [row]
    while (into := rows.get(chain[-1].part_of)) is not None and into not in chain:
        chain.append(into)
    return chain


def _record_of(row: Row[Any]) -> tuple[str | None, str | None]:
    """What the change was of; rows queued before the outbox knew say it in their cause."""
    if row.record is not None:
        return row.record, row.key
    record, _, rest = row.cause.partition(":")[2].partition(":")
    return record, rest.rpartition(":")[0]


def _call(attempt: Attempt) -> Call:
    status = attempt.status.value if attempt.status else ""
    return Call(
        gateway=attempt.gateway,
        receipt_id=attempt.provider_id,
        handed_at=attempt.ended_at or attempt.at,
        receipt=Heard(status) if status in set(Heard) else Heard.NONE,
        heard_at=attempt.status_at,
        code=attempt.status_code,
    )


def by_staff(connection: Connection, party_id: int) -> Sequence[tuple[str, ByStaff]]:
    """What staff told this party, with the milestone's key, in the order of recording."""
    rows = connection.execute(select(tellings).where(tellings.c.party_id == party_id).order_by(tellings.c.id))
    return [(row.key, ByStaff(Channel(row.channel), row.told_at, row.recorded_at, row.by)) for row in rows]


@dataclass(frozen=True, slots=True)
class Proven:
    """One row of the audit that has a hash: when, of which case and party, by whom, why, in which form."""

    at: datetime
    case_number: str | None
    party: str | None
    facts: Mapping[str, Any]


def proven(connection: Connection, hash_: str) -> Sequence[Proven]:
    """The rows of the audit with this hash, of a document or of a file made of one, oldest first."""
    named = or_(audit.c.facts["hash"].as_string() == hash_, audit.c.facts["file"].as_string() == hash_)
    wanted = select(audit.c.at, cases.c.number, parties.c.key, audit.c.facts)
    joined = wanted.outerjoin(cases, cases.c.id == audit.c.case_id).outerjoin(parties, parties.c.id == audit.c.party_id)
    rows = connection.execute(joined.where(IS_PROOF, named).order_by(audit.c.id))
    return [Proven(row.at, row.number, row.key, row.facts) for row in rows]


@dataclass(frozen=True, slots=True)
class Window:
    """Of what is asked who was not told: legal ends up to `horizon`, what there was to tell from `since` on."""

    unit: str | None
    horizon: datetime
    since: datetime
    today: date


def untold(connection: Connection, window: Window) -> Iterator[Sequence[int]]:
    """The ids of the parties that may not have been told of something, some at a time: whoever has a message that no
    provider took, and whoever gets none about something and has not looked since."""
    last, dialect = 0, connection.dialect.name
    while ids := connection.execute(_untold(dialect, window, last)).scalars().all():
        last = ids[-1]
        yield ids


def _untold(dialect: str, window: Window, last: int) -> Select[Any]:
    told_in = outbox.alias("told_in")
    is_told = select(told_in.c.id).where(told_in.c.id == outbox.c.part_of, told_in.c.state.in_(_ENDED)).exists()
    #: Of whoever became a party later, or has a number only now, a message has no end of its own.
    recent = and_(outbox.c.legal_end_at.is_(None), outbox.c.created_at >= window.since)
    waiting = select(outbox.c.id).where(
        outbox.c.party_id == parties.c.id,
        outbox.c.purpose == Purpose.NEWS.value,
        or_(outbox.c.legal_end_at <= window.horizon, recent),
        outbox.c.state.not_in(_ENDED),
        ~is_told,
    )
    wanted = select(parties.c.id).join(cases, cases.c.id == parties.c.case_id)
    live = (parties.c.withdrawn.is_(False), cases.c.withdrawn.is_(False), parties.c.id > last)
    whom = [cases.c.unit_code == window.unit] if window.unit else []
    found = wanted.where(*live, parties.c.barred.is_(None), *whom, or_(waiting.exists(), _silent(dialect, window)))
    return found.order_by(parties.c.id).limit(_AT_ONCE)


def _silent(dialect: str, window: Window) -> ColumnElement[bool]:
    """Whether no message was made of something, because the party gets none or because a hold ended by itself, and the
    party has not looked since."""
    later = seconds_between(dialect, milestones.c.released_at, audit.c.at) >= SURELY_SEEN.total_seconds()
    looked = select(audit.c.id).where(audit.c.party_id == parties.c.id, OF_PARTY, audit.c.act == ACT, later)
    told = select(tellings.c.id).where(tellings.c.party_id == parties.c.id, tellings.c.key == milestones.c.key)
    unseen = and_(
        or_(parties.c.phone_hash.is_(None), ~parties.c.sms),
        milestones.c.formed_at >= window.since,
        ~looked.correlate(parties, milestones).exists(),
    )
    held = milestones.c.hidden_until.between(bureau_date(window.since), window.today)
    untold_ = select(milestones.c.id).where(
        milestones.c.case_id == parties.c.case_id,
        milestones.c.withdrawn.is_(False),
        ~told.correlate(parties, milestones).exists(),
        or_(unseen, held),
    )
    return untold_.correlate(parties, cases).exists()
