"""What a person who is signed in says of the service: a rating a month, complaints, and a second word further up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from caseq.rules import voices as rules
from caseq.rules import workdays
from caseq.rules.case import bureau_date
from caseq.rules.voices import About, Level, State
from caseq.runtime import Runtime
from caseq.store import auditing, complaints, sessions, tasks, voices
from caseq.store.complaints import Complaint, Turn, Whose
from caseq.store.database import Connection
from caseq.store.sessions import SignedIn
from caseq.store.voices import Rating

T = TypeVar("T")
CLAUSE = "config/caseq.toml [voices]"


class Failed(StrEnum):
    """Why nothing was kept."""

    SIGNED_OUT = "signed out"
    ELSEWHERE = "elsewhere"  # another organ handles the case now
    EMPTY = "empty"
    TOO_LONG = "too long"
    TOO_MANY = "too many"  # as many complaints wait already as may
    NOT_NOW = "not now"  # no such complaint, or it waits for its answer and the time for that is not over


#: How long the page of the case says that there is an answer.
_LATELY = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Heard:
    """All that a grant complained of, newest first; whether it may complain once more; which may go further up."""

    complaints: Sequence[Complaint]
    may_complain: bool
    may_go_on: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Speaker:
    """Who speaks in this transaction, and at what moment."""

    who: SignedIn
    of: Whose
    now: datetime


def rating(runtime: Runtime, token: str) -> Rating | Failed | None:
    """What whoever is signed in said of this month, None if nothing yet."""
    return _spoken(runtime, token, lambda connection, speaker: _rating(runtime, connection, speaker))


def _rating(runtime: Runtime, connection: Connection, speaker: _Speaker) -> Rating | None:
    of = speaker.of
    return voices.rating_of(connection, runtime.sealer, of.party_id, of.case_id, month_of(speaker.now))


def rate(runtime: Runtime, token: str, score: int, text: str) -> Rating | Failed:
    """Keep the rating of this month, in place of an earlier one."""
    if score not in rules.SCORES:
        raise ValueError("a rating is 1 to 5")
    text = rules.cleaned(text)
    if len(text) > rules.LONGEST_TEXT:
        return Failed.TOO_LONG

    def keep(connection: Connection, speaker: _Speaker) -> Rating:
        said = Rating(month_of(speaker.now), score, text, speaker.now)
        of = speaker.of
        voices.rate(connection, runtime.sealer, of.party_id, of.case_id, of.unit_code, said)
        _note(connection, "rate", speaker, {"score": score, "has_text": bool(text)})
        return said

    return _spoken(runtime, token, keep)


def heard(runtime: Runtime, token: str) -> Heard | Failed:
    """What whoever is signed in complained of, with the answers."""

    def look(connection: Connection, speaker: _Speaker) -> Heard:
        found = complaints.of_grant(connection, runtime.sealer, speaker.of)
        further = {one.n for one in found if rules.may_go_on(one.state, one.first.due_at, speaker.now)}
        return Heard(found, _wait(found) < runtime.settings.voices.open_at_once, frozenset(further))

    return _spoken(runtime, token, look)


def has_answer(runtime: Runtime, token: str) -> bool:
    """Whether a complaint of whoever has this session, and could just look at the case with it, was answered lately."""
    return complaints.has_answer(runtime.database, token, runtime.clock() - _LATELY)


def complain(runtime: Runtime, token: str, about: About, text: str) -> Complaint | Failed:
    """Keep a complaint, for the unit to answer; what waits for an answer already, word for word, is not kept twice."""
    text = rules.cleaned(text)
    if (fault := _fault(text)) is not None:
        return fault

    def keep(connection: Connection, speaker: _Speaker) -> Complaint | Failed:
        sealer, of = runtime.sealer, speaker.of
        complaints.lock(connection, of)
        before = complaints.of_grant(connection, sealer, of)
        same = (one for one in before if (one.state, one.about, one.first.text) == (State.OPEN, about, text))
        if (twice := next(same, None)) is not None:
            return twice
        if _wait(before) >= runtime.settings.voices.open_at_once:
            return Failed.TOO_MANY
        turn = _turn(runtime, text, speaker.now, runtime.settings.voices.answer_days)
        id_, n = complaints.add(connection, sealer, of, about, turn)
        # Nobody of the unit reads in its list of tasks that its officers were complained of.
        case_id = None if about is About.CONDUCT else of.case_id
        _task(connection, tasks.Kind.ANSWER, id_, turn, case_id)
        _note(connection, "complain", speaker, {"complaint": id_, "about": about.value})
        return Complaint(id_, n, about, State.OPEN, turn, None)

    return _spoken(runtime, token, keep)


def go_on(runtime: Runtime, token: str, n: int, text: str) -> Failed | None:
    """Take the complaint of this number to the supervising office; None if that is done."""
    text = rules.cleaned(text)
    if (fault := _fault(text)) is not None:
        return fault

    def keep(connection: Connection, speaker: _Speaker) -> Failed | None:
        turn = _turn(runtime, text, speaker.now, runtime.settings.voices.second_days)
        id_ = complaints.go_on(connection, runtime.sealer, speaker.of, n, turn)
        if id_ is None:
            return Failed.NOT_NOW
        tasks.finish_answer(connection, tasks.Kind.ANSWER, str(id_), "party", speaker.now)
        _task(connection, tasks.Kind.SUPERVISE, id_, turn, None)
        _note(connection, "complain_further", speaker, {"complaint": id_})
        return None

    return _spoken(runtime, token, keep)


def recount(runtime: Runtime) -> None:
    """Make provisional due dates of what waits for an answer final where all their days are known now."""
    days = {Level.UNIT: runtime.settings.voices.answer_days, Level.SUPERVISOR: runtime.settings.voices.second_days}
    with runtime.database.transaction() as connection:
        for level, kind in tasks.AT_LEVEL.items():
            for id_, at in complaints.provisional(connection, level):
                if not (due := _due(runtime, at, days[level])).is_provisional:
                    complaints.settle(connection, id_, level, due.at)
                    tasks.move_answer(connection, kind, str(id_), due.at)


def month_of(moment: datetime) -> str:
    """The month of this moment at the bureau, "2026-11"."""
    return bureau_date(moment).strftime("%Y-%m")


def _spoken(runtime: Runtime, token: str, act: Callable[[Connection, _Speaker], T]) -> T | Failed:
    """What the act gives in a transaction of whoever is signed in and could look at the case now."""
    now, settings = runtime.clock(), runtime.settings
    with runtime.database.transaction() as connection:
        who = sessions.signed_in(connection, settings.policy, token, now, settings.login.session_idle)
        if who is None:
            return Failed.SIGNED_OUT
        of = complaints.whose(connection, who.party_id)
        return Failed.ELSEWHERE if of.is_elsewhere else act(connection, _Speaker(who, of, now))


def _fault(text: str) -> Failed | None:
    if not text:
        return Failed.EMPTY
    return Failed.TOO_LONG if len(text) > rules.LONGEST_TEXT else None


def _wait(found: Sequence[Complaint]) -> int:
    return sum(one.state in rules.WAITS_AT for one in found)


def _turn(runtime: Runtime, text: str, now: datetime, days: int) -> Turn:
    due = _due(runtime, now, days)
    return Turn(text, now, due.at, due.is_provisional, "", None)


def _due(runtime: Runtime, said_at: datetime, days: int) -> workdays.Due:
    limit = workdays.Limit(days, workdays.LimitUnit.WORKING_DAYS, CLAUSE)
    return workdays.due(runtime.settings.workdays, said_at, limit)


def _task(connection: Connection, kind: tasks.Kind, id_: int, turn: Turn, case_id: int | None) -> None:
    tasks.make(connection, kind, str(id_), "complaint", turn.at, case_id=case_id, due_at=turn.due_at)


def _note(connection: Connection, act: str, speaker: _Speaker, facts: dict[str, Any]) -> None:
    who = speaker.who
    auditing.record(
        connection, act, speaker.now, session_id=who.session_id, party_id=who.party_id, case_id=who.case_id, facts=facts
    )
