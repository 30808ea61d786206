"""Whether a milestone is released to a reader, and if not, the ground: its scope, a hold, another organ."""

from datetime import date
from enum import StrEnum


class Scope(StrEnum):
    """Which suspects an item may concern: none (the whole case), any, or the reader's own."""

    CASE = "case"
    EVERY_SUBJECT = "every subject"
    OWN = "own"


class Hidden(StrEnum):
    """Why a reader does not see an item."""

    TRANSFERRED = "transferred"  # another organ handles the case
    NO_RULE = "no rule"
    NEVER_ONLINE = "never online"  # a rule there is, but it is told on paper only
    WHOLE_CASE_ONLY = "whole case only"  # the rule shows this item only where it concerns no suspect
    ANOTHER_SUSPECT = "another suspect"
    NARROWED = "narrowed"  # somebody on the suspect's side is a minor
    HELD = "held"
    ALIKE = "alike"  # it reads like another one, which is shown
    WITHDRAWN = "withdrawn"  # the source took it back


def out_of_scope(scope: Scope, own: str | None, subject: str | None, narrowed: bool = False) -> Hidden | None:
    """Why an item about `subject` (None: the whole case) is outside the scope for a reader whose own is `own`.

    In a `narrowed` case nobody reads of a subject who is not the reader's own. None: it is within the scope.
    """
    if subject is None:
        return None
    if scope is Scope.EVERY_SUBJECT:
        return Hidden.NARROWED if narrowed else None
    if scope is Scope.CASE:
        return Hidden.WHOLE_CASE_ONLY
    return None if subject == own else Hidden.ANOTHER_SUSPECT


def concerns(scope: Scope, own: str | None, subject: str | None, narrowed: bool = False) -> bool:
    """Whether an item about `subject` is within the scope for this reader, as `out_of_scope` says."""
    return out_of_scope(scope, own, subject, narrowed) is None


def is_held(hidden_until: date | None, today: date) -> bool:
    """Whether a held milestone is still hidden on this day (the last day of the hold is hidden too)."""
    return hidden_until is not None and today <= hidden_until
