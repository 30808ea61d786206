"""What staff do about the messages of one person: tell it themselves, say that the number is another's, or works again.

Every act is in the audit. Nothing here gives a telephone number or a name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from caseq.rules.access import may_enter
from caseq.rules.book import Book
from caseq.rules.case import Milestone, RecordType, bureau_date
from caseq.rules.duties import Staff
from caseq.rules.news import Editor
from caseq.rules.numbers import lookup_key
from caseq.runtime import Runtime
from caseq.store import (
    auditing,
    deadnumbers,
    grants,
    ledger,
    message_views,
    outcomes,
    pushes,
    recipients,
    shown,
    tasks,
    tellings,
)
from caseq.store.database import Connection
from caseq.store.grants import GrantRow
from caseq.store.recipients import Recipient
from caseq.store.tasks import Kind
from caseq.store.tellings import By, Telling
from caseq.texting.composing import party_in
from caseq.texting.failing import dead_cause
from caseq.texting.overseeing import Refused, to_do_of

NOBODY = Refused("No such party in a live case of this number; `caseq access list` shows who there is.")
#: A clock at the counter may be so much before ours.
_AHEAD = timedelta(minutes=5)
BY_STAFF = "said by staff"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A telling that was recorded: its milestone, how many messages it ended, whether a task is done by it."""

    milestone: str
    ended: int
    task_done: bool


def told(
    runtime: Runtime,
    case_number: str,
    party: str,
    milestone: str,
    channel: By,
    at: datetime,
    by: str,
    staff_id: int | None = None,
) -> Recorded | Refused:
    """What was recorded: that staff told this party of this milestone (its key, or its name if the case has one such).

    What waits to be told of it ends, and so does what comes later as long as the person sees the same.
    """
    now = runtime.clock()
    if at > now + _AHEAD:
        return Refused("That moment lies ahead.")
    with runtime.database.transaction() as connection:
        grant = grant_of(runtime, connection, case_number, party)
        if grant is None:
            return NOBODY
        # What the person sees is read and what waits is ended with no push in between.
        pushes.hold_back(connection, grant.source)
        found = _seen(runtime, connection, grant, milestone, now)
        if isinstance(found, Refused):
            return found
        key, seen = found
        if (changed := _changed_since(connection, grant, key, at)) is not None:
            return Refused(f"It was changed after that, at {changed.isoformat(timespec='seconds')}: tell what is new.")
        print_ = shown.fingerprint(runtime.sealer, seen)
        tellings.add(connection, Telling(grant.party_id, key, channel, print_, at, by), now)
        ended = outcomes.told_in_person(connection, grant.party_id, key, now)
        done = tasks.finish_telling(connection, grant.party_id, key, by, now)
        facts = {"by": by, "milestone": key, "channel": channel.value, "at": at.isoformat(), "ended": len(ended)}
        note(connection, "told", grant, now, facts, staff_id)
    return Recorded(key, len(ended), done)


def told_now(runtime: Runtime, by: Staff, task_id: int, channel: By) -> Recorded | Refused:
    """What was recorded of a task of this person's unit to tell somebody: that it was done just now."""
    task = next((task for task in to_do_of(runtime, by) if task.id == task_id), None)
    if task is None or task.kind is not Kind.TELL or not (task.case_number and task.party and task.milestone):
        return Refused(f"{task_id}: nobody is to be told by this; it may be done already.")
    now = runtime.clock()
    return told(runtime, task.case_number, task.party, task.milestone, channel, now, by.badge, by.id)


def _seen(
    runtime: Runtime, connection: Connection, grant: GrantRow, milestone: str, now: datetime
) -> tuple[str, shown.Shown] | Refused:
    """The key of the milestone that was named, and what the party sees of it."""
    settings = runtime.settings
    book = ledger.books_of(connection, settings.policy, [grant.case_id])[grant.case_id]
    case_key = next(iter(book.cases))
    case, party = book.cases[case_key].live, party_in(book, grant.party)
    keys = _named(book, case_key, milestone)
    if len(keys) != 1:
        return Refused("The case has several of that name: say its key." if keys else "The case has no such milestone.")
    seen = None
    is_open = case is not None and grant.source not in settings.policy.shadow
    # A grant that staff took away closes the page; the person may be told all the same.
    if is_open and case and party and may_enter(settings.policy, case, party, bureau_date(now)):
        editor = Editor(settings.policy, now, settings.sending.news_within, in_shadow=False)
        seen = editor.seen_now(book, case_key, party, RecordType.MILESTONE, keys[0])
    return Refused("The person may not see this milestone: it must not be told.") if seen is None else (keys[0], seen)


def _named(book: Book, case_key: str, milestone: str) -> list[str]:
    live: Mapping[str, Milestone] = {
        key: entry.live for key, entry in book.milestones_of(case_key) if entry.live is not None
    }
    return [milestone] if milestone in live else [key for key, record in live.items() if record.name == milestone]


def _changed_since(connection: Connection, grant: GrantRow, key: str, at: datetime) -> datetime | None:
    """When the milestone was changed for this party after they were told of it at that moment; None if it was not.

    What first came in afterwards is what they were told: the clerk entered it later.
    """
    came = message_views.news_of(connection, grant.party_id, key)
    return came[-1] if came and came[0] <= at < came[-1] else None


def dead(runtime: Runtime, case_number: str, party: str, by: str, reason: str) -> int | Refused:
    """How many parties stand with the number of this one, to which nothing is sent from now on; somebody calls it."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        grant = grant_of(runtime, connection, case_number, party)
        if grant is None:
            return NOBODY
        to = recipients.recipient(connection, runtime.sealer, runtime.settings.policy, grant.party_id, now)
        if to.phone is None:
            return Refused(without_number(to))
        if deadnumbers.among(connection, to.phone_hashes):
            return Refused("Nothing is sent to this number already.")
        deadnumbers.note(connection, runtime.sealer, to.phone, BY_STAFF, now)
        cause = dead_cause(grant.party_id, to.phone_hash)
        tasks.make(connection, Kind.CALL, cause, f"number: {BY_STAFF}", now, party_id=grant.party_id)
        note(connection, "number_dead", grant, now, {"by": by, "reason": reason})
        return message_views.with_number(connection, to.phone_hashes)


def works(runtime: Runtime, case_number: str, party: str, by: str, reason: str) -> Refused | None:
    """Let messages go to the number of this party again; None if that was done."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        grant = grant_of(runtime, connection, case_number, party)
        if grant is None:
            return NOBODY
        to = recipients.recipient(connection, runtime.sealer, runtime.settings.policy, grant.party_id, now)
        if to.phone is None:
            return Refused(without_number(to))
        if not deadnumbers.works(connection, to.phone_hashes, now):
            return Refused("This number was not dead: messages go there.")
        note(connection, "number_works", grant, now, {"by": by, "reason": reason})
    return None


def without_number(to: Recipient) -> str:
    """Why this party has no number that anything could be sent to."""
    if to.is_broken:
        return "The contact of this party was edited by hand: docs/operators.md."
    return "Its number is sealed with a key that is not here." if to.is_sealed_away else "This party has no number."


def grant_of(runtime: Runtime, connection: Connection, case_number: str, party: str) -> GrantRow | None:
    """The grant of this party, None if there is none in a live case of this number."""
    policy, key = runtime.settings.policy, lookup_key(case_number)
    return grants.named(grants.of_case(connection, policy, key, bureau_date(runtime.clock())), key, party)


def note(
    connection: Connection,
    act: str,
    grant: GrantRow,
    now: datetime,
    facts: Mapping[str, object],
    staff_id: int | None = None,
) -> None:
    """Write the audit row of an act on this grant."""
    party_id, case_id = grant.party_id, grant.case_id
    auditing.record(connection, act, now, party_id=party_id, case_id=case_id, facts=facts, staff_id=staff_id)
