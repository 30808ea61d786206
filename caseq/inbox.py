"""Staff hear what people say of the service: ratings of their unit, complaints to answer, at two levels."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from caseq.rules import voices as rules
from caseq.rules.duties import Duty, Staff, StaffRole
from caseq.rules.voices import About, Level
from caseq.runtime import Runtime
from caseq.store import auditing, complaints, outbox, tasks, voices
from caseq.store.complaints import Answered, Complaint, Desk, Waiting
from caseq.store.outbox import News
from caseq.store.voices import OfUnit, Said

_RATED = timedelta(days=365)
_MOST = 50
_DUTY = {Level.UNIT: Duty.INBOX, Level.SUPERVISOR: Duty.SUPERVISE}


@dataclass(frozen=True, slots=True)
class Box:
    """What lies in somebody's inbox: complaints that wait there, what was answered last, ratings of the last year and
    the last words beside them."""

    level: Level
    waiting: Sequence[Waiting]
    answered: Sequence[Waiting]
    units: Sequence[OfUnit]
    words: Sequence[Said]


def level_of(by: Staff) -> Level | None:
    """At which level this person answers, None at neither."""
    return next((level for level, duty in _DUTY.items() if by.may(duty)), None)


def box(runtime: Runtime, by: Staff, level: Level) -> Box:
    """The inbox of this person."""
    desk, now = desk_of(by), runtime.clock()
    with runtime.database.autocommit() as connection:
        return Box(
            level,
            complaints.waiting(connection, desk, level),
            complaints.answered(connection, desk, _MOST),
            voices.by_unit(connection, now - _RATED, now + timedelta(seconds=1), desk.unit),
            voices.last_words(connection, runtime.sealer, desk.unit, _MOST),
        )


def read(runtime: Runtime, by: Staff, id_: int) -> tuple[Waiting, Complaint] | None:
    """One complaint with its texts, noted in the audit; None if there is none in this person's inbox.

    The office above reads what was taken there, and nothing before.
    """
    with runtime.database.transaction() as connection:
        found = complaints.one(connection, runtime.sealer, desk_of(by), id_)
        if found is not None and level_of(by) is Level.SUPERVISOR and found[1].second is None:
            return None
        if found is not None:
            facts = {"complaint": id_}
            case_id = found[0].case_id
            auditing.record(connection, "complaint_read", runtime.clock(), case_id=case_id, facts=facts, staff_id=by.id)
        return found


class Failed(StrEnum):
    """Why nothing was answered; GONE: somebody answered first, or it is not in this person's inbox."""

    EMPTY = "empty"
    TOO_LONG = "too long"
    GONE = "gone"


def answer(runtime: Runtime, by: Staff, id_: int, text: str) -> Failed | None:
    """Answer a complaint that waits at this person's level; of two answers the first one stands. None: it is done."""
    text, level, now = rules.cleaned(text), level_of(by), runtime.clock()
    if not text:
        return Failed.EMPTY
    if len(text) > rules.LONGEST_ANSWER:
        return Failed.TOO_LONG
    if level is None:
        return Failed.GONE
    with runtime.database.transaction() as connection:
        done = complaints.answer(connection, runtime.sealer, desk_of(by), id_, level, text, by.id, now)
        if done is None:
            return Failed.GONE
        tasks.finish_answer(connection, tasks.AT_LEVEL[level], str(id_), by.badge, now)
        facts = {"complaint": id_, "level": level.value, "in_time": done.in_time}
        auditing.record(connection, "complaint_answer", now, case_id=done.case_id, facts=facts, staff_id=by.id)
        outbox.add_news(connection, [_news(id_, level, done, now)], now)
    return None


def _news(complaint_id: int, level: Level, done: Answered, now: datetime) -> News:
    """That there is an answer, as an SMS like any other: it says that there is something new, not what."""
    return News(
        party_id=done.party_id,
        phone_hash=done.phone_hash,
        cause=f"answer:{complaint_id}:{level}",
        record=None,
        key=None,
        milestone=None,
        formed_at=now,
        due_at=now,
    )


def desk_of(by: Staff) -> Desk:
    """What this person reads: of the own unit, and what is said of officers only as who leads or supervises them."""
    abouts = frozenset(About)
    return Desk(by.unit, abouts - {About.CONDUCT} if by.role is StaffRole.UNIT else abouts)
