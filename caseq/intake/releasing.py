"""The bureau decides about what waits for release: agree, return, withhold, send again, take a release back.

A change is placed in the ledger by its last signature, in the transaction of that signature, by the same way as one
that was pushed. Nobody signs two steps of one change, whoever they sign for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from caseq.intake import placing
from caseq.rules.approval import Decision, State, Step, may_sign
from caseq.rules.case import bureau_date
from caseq.rules.duties import Duty, Staff, StaffRole
from caseq.runtime import Runtime
from caseq.settings import Source
from caseq.store import auditing, delegations, pushes, releases
from caseq.store.database import Connection
from caseq.store.releases import Release

#: So long at most a change may be withheld before somebody has to look at it again.
LONGEST_WITHHELD = timedelta(days=366)


class Done(StrEnum):
    """What became of a decision."""

    SIGNED = "signed"  # others sign next
    RELEASED = "released"
    RETURNED = "returned"
    WITHHELD = "withheld"
    SENT_AGAIN = "sent again"
    UNDONE = "undone"
    NOT_YOURS = "not yours"
    SIGNED_ALREADY = "signed already"  # the second signature of one person
    OVERTAKEN = "overtaken"  # somebody decided first, or something newer came
    LOOKS_OTHERWISE = "looks otherwise"  # readers would see something else than what was previewed
    TOO_LATE = "too late"  # an SMS may be on its way
    UNFIT = "unfit"  # without a reason, a ground or an end that can be


@dataclass(frozen=True, slots=True)
class _Turn:
    """A release whose source is locked, and who acts on it: `own` is whose step it is, None if nobody's here."""

    connection: Connection
    source: Source
    release: Release
    own: Staff | None
    now: datetime


def agree(runtime: Runtime, by: Staff, release_id: int, step: int, mark: str) -> Done:
    """Sign the step of a change whose preview bore this mark; the last signature releases it."""
    with _turn(runtime, by, release_id) as turn:
        if turn is None:
            return Done.NOT_YOURS
        if (refused := _why_not(turn, step)) is not None:
            return refused
        if _has_signed(turn, by):
            return Done.SIGNED_ALREADY
        is_last = step + 1 == len(turn.release.chain)
        if (refused := _placed_or_not(runtime, turn, mark, is_last)) is not None:
            return refused
        values = {"state": State.RELEASED.value, "released_at": turn.now} if is_last else {"state": State.WAITING.value}
        if not _move(turn, step, {**values, "step": step + 1, "ground": None, "withheld_until": None}):
            return Done.OVERTAKEN
        _decide(turn, by, Decision.AGREED, preview_hash=mark)
        return Done.RELEASED if is_last else Done.SIGNED


def _placed_or_not(runtime: Runtime, turn: _Turn, mark: str, is_last: bool) -> Done | None:
    """Why the change cannot be agreed to as it was previewed; if it can, the last signature places it."""
    savepoint = turn.connection.begin_nested()
    found = placing.preview_within(runtime, turn.connection, turn.release, turn.source, turn.now)
    if found is None or found.mark != mark or not is_last:
        savepoint.rollback()
    else:
        savepoint.commit()
    if found is None:
        return Done.OVERTAKEN
    return None if found.mark == mark else Done.LOOKS_OTHERWISE


def give_back(runtime: Runtime, by: Staff, release_id: int, step: int, reason: str) -> Done:
    """Return the change to its unit, for this reason; all signatures are to be given anew."""
    if not reason.strip():
        return Done.UNFIT
    with _turn(runtime, by, release_id) as turn:
        if turn is None:
            return Done.NOT_YOURS
        if (refused := _why_not(turn, step)) is not None:
            return refused
        if not _move(turn, step, {"state": State.RETURNED.value, "step": 0}):
            return Done.OVERTAKEN
        _decide(turn, by, Decision.RETURNED, reason.strip())
        return Done.RETURNED


def withhold(runtime: Runtime, by: Staff, release_id: int, step: int, ground: str, until: date, reason: str) -> Done:
    """Keep the change from everybody to the end of this day, on a legal ground; then it is to be decided anew."""
    today = bureau_date(runtime.clock())
    known = runtime.settings.approval.ground(ground)
    if known is None or not reason.strip() or not today <= until <= today + LONGEST_WITHHELD:
        return Done.UNFIT
    with _turn(runtime, by, release_id) as turn:
        if turn is None:
            return Done.NOT_YOURS
        if (refused := _why_not(turn, step)) is not None:
            return refused
        values = {"state": State.WITHHELD.value, "step": 0, "ground": known.key, "withheld_until": until}
        if not _move(turn, step, values):
            return Done.OVERTAKEN
        _decide(turn, by, Decision.WITHHELD, f"{known.key}: {reason.strip()}")
        return Done.WITHHELD


def send_again(runtime: Runtime, by: Staff, release_id: int, reason: str) -> Done:
    """Have a change decided anew: a returned one by somebody of its unit or of those who may sign it, a withheld one
    before its day by the latter only."""
    if not reason.strip():
        return Done.UNFIT
    with _turn(runtime, by, release_id) as turn:
        if turn is None or not (turn.own or _is_of_unit(by, turn.release)):
            return Done.NOT_YOURS
        was = releases.at_step(0, State.RETURNED, *([State.WITHHELD] if turn.own else []))
        values = {"state": State.WAITING.value, "ground": None, "withheld_until": None}
        if not releases.move(turn.connection, release_id, was, **values):
            return Done.OVERTAKEN
        _decide(turn, by, Decision.SENT_AGAIN, reason.strip())
        return Done.SENT_AGAIN


def undo(runtime: Runtime, by: Staff, release_id: int, reason: str) -> Done:
    """Take a release back before any SMS about it went out; nobody sees it any more, and it is with its unit again."""
    if not reason.strip():
        return Done.UNFIT
    with _turn(runtime, by, release_id) as turn:
        if turn is None or not any(_signs(by, turn, step) for step in turn.release.chain):
            return Done.NOT_YOURS
        in_time = releases.released_after(turn.now - runtime.settings.approval.undo)
        if turn.release.state is not State.RELEASED:
            return Done.OVERTAKEN
        back = {"state": State.RETURNED.value, "step": 0, "released_at": None}
        if not releases.move(turn.connection, release_id, in_time, **back):
            return Done.TOO_LATE
        if not placing.undo_placing(runtime, turn.connection, turn.source, turn.release, turn.now):
            turn.connection.rollback()
            return Done.OVERTAKEN
        _decide(turn, by, Decision.UNDONE, reason.strip())
        return Done.UNDONE


@contextmanager
def _turn(runtime: Runtime, by: Staff, release_id: int) -> Iterator[_Turn | None]:
    """A transaction in which pushes and other decisions of the same source wait; None: there is no such release.

    The source is locked before anything of the release is decided on, as a push locks it.
    """
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        found = releases.one(connection, release_id)
        if found is None or not by.may(Duty.QUEUE) or not by.is_of(found.unit_code):
            yield None
            return
        pushes.hold_back(connection, found.source)
        found = releases.one(connection, release_id)
        assert found is not None
        turn = _Turn(connection, runtime.settings.sources[found.source], found, None, now)
        step = found.turn
        own = _signer(by, turn, step) if step is not None else None
        yield _Turn(connection, turn.source, found, own, now)


def _why_not(turn: _Turn, step: int) -> Done | None:
    """Why this person cannot decide at this step now, None if they can: a form that is older than the change is
    overtaken, whoever's turn it is by now."""
    if turn.release.step == step and turn.own is None:
        return Done.NOT_YOURS
    return None if turn.release.step == step and _is_open(turn) else Done.OVERTAKEN


def _signer(by: Staff, turn: _Turn, step: Step) -> Staff | None:
    """Whose signature this person gives at this step: the own one, or that of somebody who delegated it; else None."""
    if not by.may(Duty.REVIEW):
        return None
    if may_sign(step, turn.release.unit_code, by):
        return by
    others = delegations.given_to(turn.connection, by, turn.now)
    return next((other for other in others if may_sign(step, turn.release.unit_code, other)), None)


def _signs(by: Staff, turn: _Turn, step: Step) -> bool:
    return _signer(by, turn, step) is not None


def _is_of_unit(by: Staff, release: Release) -> bool:
    return by.unit is not None and by.unit == release.unit_code and by.role in (StaffRole.UNIT, StaffRole.LEADER)


def _is_open(turn: _Turn) -> bool:
    """Whether the change can be signed: it waits, or its time of being withheld is over."""
    release = turn.release
    until = release.withheld_until
    is_over = release.state is State.WITHHELD and until is not None and until < bureau_date(turn.now)
    return release.state is State.WAITING or is_over


def _has_signed(turn: _Turn, by: Staff) -> bool:
    """Whether this person's signature stands on the change already, since it was last returned."""
    signed: set[int] = set()
    for one in releases.decided(turn.connection, turn.release.id):
        signed = {*signed, one.staff_id} if one.decision is Decision.AGREED else set()
    return by.id in signed


def _move(turn: _Turn, step: int, values: dict[str, object]) -> bool:
    was = releases.at_step(step, turn.release.state)
    return releases.move(turn.connection, turn.release.id, was, **values) is not None


def _decide(
    turn: _Turn, by: Staff, decision: Decision, reason: str | None = None, preview_hash: str | None = None
) -> None:
    release, own = turn.release, turn.own
    for_id = own.id if own is not None and own.id != by.id else None
    step = release.step
    releases.decide(turn.connection, release.id, turn.now, by.id, for_id, step, decision, reason, preview_hash)
    facts = {"release": release.id, "step": step, "for": for_id, "reason": reason}
    act = f"release_{decision}"
    auditing.record(turn.connection, act, turn.now, case_id=release.case_id, staff_id=by.id, facts=facts)
