"""What staff see of messages and do to them: look, send once more, hold back, let go; and what they have to do by hand.

Every act has a name and a reason, in the audit. Nothing here gives a telephone number, a name or a text.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from caseq.rules.duties import Staff
from caseq.runtime import Runtime
from caseq.store import attempts, auditing, message_views, outcomes, spending, tasks
from caseq.store.attempts import Attempt
from caseq.store.database import Connection
from caseq.store.message_views import Listed, Message, Wanted
from caseq.store.outbox import BY_STAFF, WAITING, Lane, Purpose, State
from caseq.store.tasks import Finished, Kind, Task

#: Due for so long and not gone: there is no worker, or the provider refuses.
OVERDUE = timedelta(minutes=5)
#: Failures of before that are seen to, or never will be.
RECENT = timedelta(days=7)
#: What needs eyes, the most urgent first; what waits counts once it is overdue, failures while they are recent.
EYES = (State.NEEDS_HUMAN, State.FAILED, State.UNKNOWN, State.CLAIMED, State.QUEUED, State.HELD)

#: What the units have to do about messages; other tasks have boards of their own.
BY_HAND = (Kind.CALL, Kind.TELL, Kind.LOOK)


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was done; `why` is one line for whoever asked."""

    why: str


def listed(runtime: Runtime, wanted: Wanted) -> Iterator[Listed]:
    """The messages that are wanted, by state, purpose and id; if no state is, those that need eyes."""
    now = runtime.clock()
    for state in wanted.states or EYES:
        of_state = replace(wanted, states=(state,))
        if not wanted.states and state in (State.CLAIMED, State.QUEUED):
            of_state = replace(of_state, due_before=now - OVERDUE)
        if not wanted.states and state is State.FAILED:
            of_state = replace(of_state, ended_after=now - RECENT)
        for purpose in wanted.purposes or Purpose:
            yield from _pages(runtime, replace(of_state, purposes=(purpose,)))


def _pages(runtime: Runtime, wanted: Wanted) -> Iterator[Listed]:
    """The messages of one state and purpose, which an index has in the order of ids, in portions: nothing is locked or
    held open between two of them, however slowly they are read."""
    last = 0
    while True:
        with runtime.database.autocommit() as connection:
            found = message_views.page(connection, wanted, last)
        yield from found
        if not found:
            return
        last = found[-1].id


def show(runtime: Runtime, message_id: int) -> tuple[Message, Sequence[Attempt]] | None:
    """All that is known of a message but its number and its text, with every call of a provider; None: no such."""
    with runtime.database.autocommit() as connection:
        message = message_views.message(connection, message_id)
        calls = attempts.of_messages(connection, [message_id]).get(message_id, ())
    return None if message is None else (message, calls)


def retry(runtime: Runtime, message_id: int, by: str, reason: str) -> Message | Refused:
    """The message before it was queued once more, after it failed or was given up."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        message = message_views.message(connection, message_id)
        if message is None:
            return _unknown(message_id)
        if message.purpose in (Purpose.CODE, Purpose.RESOLVE):
            return Refused(f"{message_id}: a code is never sent again; the person asks for a new one.")
        if not outcomes.queue_again(connection, message_id, now, "retried by staff"):
            return Refused(f"{message_id}: {_why_not_again(message)}")
        _note(connection, runtime, "message_retried", message, by, reason)
    return message


def _why_not_again(message: Message) -> str:
    if message.state in (State.FAILED, State.NEEDS_HUMAN):
        return "the former number that it was for was erased when it ended."
    return f"it is {message.state}; only what failed or needs a human is sent once more."


def hold(runtime: Runtime, message_id: int, by: str, reason: str) -> Message | Refused:
    """The message before staff held it back, for as long as they do not release it."""
    with runtime.database.transaction() as connection:
        message = message_views.message(connection, message_id)
        if message is None:
            return _unknown(message_id)
        if _is_held_by_staff(message):
            return Refused(f"{message_id}: staff hold it already.")
        if not outcomes.hold(connection, message_id):
            return Refused(f"{message_id}: it is {message.state}; only what waits can be held.")
        _note(connection, runtime, "message_held", message, by, reason)
    return message


def release(runtime: Runtime, message_id: int, by: str, reason: str) -> Message | Refused:
    """The message before it was let go; it is due at once, and only the quiet hours hold it back."""
    with runtime.database.transaction() as connection:
        message = message_views.message(connection, message_id)
        if message is None:
            return _unknown(message_id)
        if not outcomes.release(connection, message_id, runtime.clock()):
            return Refused(f"{message_id}: {_why_not_let_go(message)}")
        _note(connection, runtime, "message_released", message, by, reason)
    return message


def _why_not_let_go(message: Message) -> str:
    if message.state in WAITING:
        return f"staff do not hold it; it waits for its time ({message.facts['reason'] or 'its turn'})."
    return f"it is {message.state}; only what staff hold can be released."


def _is_held_by_staff(message: Message) -> bool:
    return message.state is State.HELD and message.facts["reason"] == BY_STAFF


def _unknown(message_id: int) -> Refused:
    return Refused(f"{message_id}: there is no such message.")


def _note(connection: Connection, runtime: Runtime, act: str, message: Message, by: str, reason: str) -> None:
    facts = {"by": by, "reason": reason, "message": message.id, "was": message.state.value}
    now = runtime.clock()
    auditing.record(connection, act, now, party_id=message.party_id, case_id=message.case_id, facts=facts)


def stop_news(runtime: Runtime, by: str, reason: str) -> Refused | None:
    """Stop all news, for every worker from its next claim; what is under way ends. None if that was done."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        if not spending.stop(connection, Lane.NEWS, by, reason, now):
            since = spending.stopped(connection)[Lane.NEWS].since
            return Refused(f"News are stopped already, since {since.isoformat(timespec='seconds')}.")
        auditing.record(connection, "news_stopped", now, facts={"by": by, "reason": reason})
    return None


def let_news_go(runtime: Runtime, by: str, reason: str) -> Refused | None:
    """Let news go on after they were stopped; None if that was done."""
    with runtime.database.transaction() as connection:
        if not spending.let_go(connection, Lane.NEWS):
            return Refused("News are not stopped.")
        auditing.record(connection, "news_released", runtime.clock(), facts={"by": by, "reason": reason})
    return None


def to_do(runtime: Runtime, unit: str | None) -> Sequence[Task]:
    """What somebody has to do by hand, by unit, what is due first in front; of the unit with this code only, if any."""
    with runtime.database.autocommit() as connection:
        return tasks.waiting(connection, unit)


def finish(runtime: Runtime, task_id: int, by: str, note: str) -> Finished | Refused:
    """What the task was about that is done now; a message that waited for a human is over with it."""
    with runtime.database.transaction() as connection:
        return _finish(runtime, connection, task_id, by, None, note)


def to_do_of(runtime: Runtime, by: Staff) -> Sequence[Task]:
    """What this person's unit has to do by hand, or all units, what is due first in front."""
    with runtime.database.autocommit() as connection:
        return _of(connection, by)


def finish_own(runtime: Runtime, task_id: int, by: Staff, note: str) -> Finished | Refused:
    """The same as `finish` at the console, for a task of this person's unit."""
    with runtime.database.transaction() as connection:
        if all(task.id != task_id for task in _of(connection, by)):
            return Refused(f"{task_id}: there is no such task to do in this unit; it may be done already.")
        return _finish(runtime, connection, task_id, by.badge, by.id, note)


def _of(connection: Connection, by: Staff) -> Sequence[Task]:
    found = [task for task in tasks.waiting(connection, by.unit) if task.kind in BY_HAND]
    return sorted(found, key=lambda task: (task.due_at or task.made_at, task.id))


def _finish(
    runtime: Runtime, connection: Connection, task_id: int, by: str, staff_id: int | None, note: str
) -> Finished | Refused:
    now = runtime.clock()
    done = tasks.finish(connection, task_id, by, note, now)
    if done is None:
        return Refused(f"{task_id}: there is no such task to do; it may be done already.")
    if done.message_id is not None:
        outcomes.settle(connection, done.message_id, now)
    facts: Mapping[str, object] = {"by": by, "reason": note, "task": task_id, "kind": done.kind.value}
    party_id, case_id = done.party_id, done.case_id
    auditing.record(connection, "task_done", now, party_id=party_id, case_id=case_id, facts=facts, staff_id=staff_id)
    return done
