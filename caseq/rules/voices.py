"""What people say of the service: a rating a month, complaints with their two levels; what may be said and when."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

#: From very dissatisfied to very satisfied.
SCORES = range(1, 6)
SATISFIED = range(4, 6)
LONGEST_TEXT = 500
LONGEST_ANSWER = 1000


class About(StrEnum):
    """What a complaint is about."""

    LATE = "late"
    WRONG = "wrong"
    CANNOT_SEE = "cannot_see"
    CONDUCT = "conduct"  # of officers: read and answered by whoever leads them, not by themselves
    OTHER = "other"


class State(StrEnum):
    """Whose turn it is: the unit's, the party's, the supervising office's, nobody's any more."""

    OPEN = "open"
    ANSWERED = "answered"
    SECOND = "second"
    CLOSED = "closed"


class Level(StrEnum):
    """Who answers: the unit, or the office above it."""

    UNIT = "unit"
    SUPERVISOR = "supervisor"


#: At which level a complaint of this state waits, and what the answer makes of it.
WAITS_AT: Mapping[State, Level] = {State.OPEN: Level.UNIT, State.SECOND: Level.SUPERVISOR}
AFTER: Mapping[Level, tuple[State, State]] = {
    Level.UNIT: (State.OPEN, State.ANSWERED),
    Level.SUPERVISOR: (State.SECOND, State.CLOSED),
}


def cleaned(text: str) -> str:
    """The text as plain lines: no control characters but the ends of lines, nothing before and after."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    plain = ("".join(c for c in line if unicodedata.category(c) not in ("Cc", "Cs")).rstrip() for line in lines)
    return "\n".join(plain).strip()


def may_go_on(state: State, due_at: datetime, now: datetime) -> bool:
    """Whether the party may turn to the supervising office: after an answer, or when none came in time."""
    return state is State.ANSWERED or (state is State.OPEN and due_at <= now)
