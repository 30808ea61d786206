"""Telling those of groups 5 to 7, who have no query online: a notice is made, it goes out, and what became of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from caseq.rules import byhand, workdays
from caseq.rules.byhand import Method, Receiver, Result
from caseq.rules.case import Kind, MilestoneName, Role, bureau_date
from caseq.rules.duties import Duty, Staff
from caseq.rules.numbers import LONGEST_NUMBER
from caseq.rules.timelimits import limit_for
from caseq.runtime import Runtime
from caseq.store import auditing, deliveries, tasks, tellings
from caseq.store.database import Connection
from caseq.store.deliveries import Ended, ToTell, Window
from caseq.store.tasks import Kind as TaskKind
from caseq.store.tellings import By, Telling

#: A clock at the counter may be so much before ours.
_AHEAD = timedelta(minutes=5)
_BY: dict[Method, By] = {
    Method.IN_PERSON: By.IN_PERSON,
    Method.POST: By.PAPER,
    Method.LEFT: By.PAPER,
    Method.CALL_BACK: By.TELEPHONE,
}


class Refused(StrEnum):
    """Why nothing was noted."""

    NOT_YOURS = "not yours"
    NOBODY = "nobody"  # nothing of the kind is to be told by hand, or it is another unit's
    NO_DOCUMENT = "no document"  # what goes on paper has a number
    UNDER_WAY = "under way"  # a notice of this is under way, or was delivered
    KNOWN = "known"  # what became of it was noted before
    AHEAD = "ahead"  # that moment has not come
    BEFORE = "before"  # at that moment the notice was not made yet
    NOT_THEIRS = "not theirs"  # this receiver may not take it
    LONG_DOCUMENT = "long document"
    NO_RECEIVER = "no receiver"  # what was delivered, somebody took


def to_tell(runtime: Runtime, by: Staff) -> Sequence[ToTell]:
    """What is to be told by hand and was not delivered yet, with the end of its time, due first in front."""
    if not by.may(Duty.NOTICES):
        return ()
    with runtime.database.autocommit() as connection:
        found = deliveries.to_tell(connection, _window(runtime, by))
    dated = [_dated(runtime, one) for one in found]
    return sorted(dated, key=lambda one: (one.due_at, one.milestone_id))


def _window(runtime: Runtime, by: Staff) -> Window:
    """What was formed longer ago than news are told of was old when it came, unless it has an end of its own."""
    now, settings = runtime.clock(), runtime.settings
    addressees = byhand.addressees(settings.policy)
    return Window(addressees, by.unit, bureau_date(now), now - settings.sending.news_within)


def _dated(runtime: Runtime, one: ToTell) -> ToTell:
    if one.due_at is not None:
        return one
    settings = runtime.settings
    what = (Kind(one.kind), MilestoneName(one.name), Role(one.role), one.details)
    end = workdays.due(settings.workdays, one.formed_at, limit_for(settings.time_limits, *what))
    return replace(one, due_at=end.at, due_provisional=end.is_provisional)


def find(runtime: Runtime, by: Staff, party_id: int, milestone_id: int) -> ToTell | Refused:
    """What is to be told of this milestone to this party, for the page on which its notice is made."""
    if not by.may(Duty.NOTICES):
        return Refused.NOT_YOURS
    with runtime.database.autocommit() as connection:
        found = deliveries.one(connection, _window(runtime, by), party_id, milestone_id)
    return Refused.NOBODY if found is None else _dated(runtime, found)


def make(
    runtime: Runtime, by: Staff, party_id: int, milestone_id: int, method: Method, document_number: str
) -> int | Refused:
    """The id of the notice that was made of this milestone for this party, once, whoever sends the form first."""
    now, document = runtime.clock(), document_number.strip() or None
    if not by.may(Duty.NOTICES):
        return Refused.NOT_YOURS
    if method is not Method.CALL_BACK and document is None:
        return Refused.NO_DOCUMENT
    if document is not None and len(document) > LONGEST_NUMBER:
        return Refused.LONG_DOCUMENT
    with runtime.database.transaction() as connection:
        what = deliveries.one(connection, _window(runtime, by), party_id, milestone_id)
        if what is None:
            return Refused.NOBODY
        id_ = deliveries.make(connection, what, method, document, by.id, now)
        if id_ is None:
            return Refused.UNDER_WAY
        facts = {"delivery": id_, "milestone": what.key, "method": method.value}
        auditing.record(
            connection, "notice_made", now, party_id=party_id, case_id=what.case_id, facts=facts, staff_id=by.id
        )
    return id_


def record(
    runtime: Runtime, by: Staff, delivery_id: int, result: Result, receiver: Receiver | None, at: datetime
) -> Refused | None:
    """Note what became of a notice; None if it is noted. What was not delivered is a task of the unit."""
    now = runtime.clock()
    if not by.may(Duty.NOTICES):
        return Refused.NOT_YOURS
    if at > now + _AHEAD:
        return Refused.AHEAD
    if result is Result.DELIVERED and receiver is None:
        return Refused.NO_RECEIVER
    taken_by = receiver if result is Result.DELIVERED else None
    with runtime.database.transaction() as connection:
        about = deliveries.about(connection, delivery_id)
        if about is None or not by.is_of(about.unit_code):
            return Refused.NOBODY
        if at < about.made_at.replace(second=0, microsecond=0):
            return Refused.BEFORE
        if taken_by is not None and not byhand.may_receive(about.kind, taken_by):
            return Refused.NOT_THEIRS
        if not deliveries.end(connection, delivery_id, result, taken_by, at, by.id, now):
            return Refused.KNOWN
        _follow(connection, about, delivery_id, result, by, at, now)
        facts = {"delivery": delivery_id, "milestone": about.key, "result": result.value}
        auditing.record(
            connection, "delivery", now, party_id=about.party_id, case_id=about.case_id, facts=facts, staff_id=by.id
        )
    return None


def _follow(
    connection: Connection, about: Ended, delivery_id: int, result: Result, by: Staff, at: datetime, now: datetime
) -> None:
    """What was delivered counts as told; what was not is to be done another way."""
    if result is Result.DELIVERED:
        telling = Telling(about.party_id, about.key, _BY[about.method], None, at, by.badge)
        tellings.add(connection, telling, now)
        tasks.finish_telling(connection, about.party_id, about.key, by.badge, now)
    else:
        reason = f"delivery: {result.value}"
        tasks.make(connection, TaskKind.CALL, f"delivery:{delivery_id}", reason, now, party_id=about.party_id)
