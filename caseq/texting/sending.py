"""Claiming messages, handing them to a gateway, and recording what came of it: two transactions round the call."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from caseq.errors import (
    AccountProblem,
    NumberDead,
    OutcomeUnknown,
    Rejected,
    SealBroken,
    SmsError,
    TooLate,
    TryLater,
)
from caseq.runtime import Runtime
from caseq.sms.gateway import Accepted, Sms
from caseq.sms.route import Router
from caseq.store import attempts, outbox, outcomes, spending
from caseq.store.attempts import Outcome
from caseq.store.database import Connection
from caseq.store.outbox import Job, Lane, Purpose, State
from caseq.texting import capping, failing
from caseq.texting.composing import DEAD_NUMBER, KEY_PAUSE, Composer, Decision, Drop, Later, Redirect, Say

log = structlog.get_logger("caseq.texting")

NOT_BEGUN, NOT_UNDERSTOOD = "not begun in time", "cannot be understood: see the log"
#: What code raises that meets a row as no code of ours writes it.
_NOT_UNDERSTOOD = (LookupError, ValueError, TypeError, AttributeError, AssertionError)


@dataclass(frozen=True, slots=True)
class Ready:
    """A message about to be sent: claimed, its text and this attempt written down. A worker that was stopped and comes
    back after `sms.begin_by` sends nothing: somebody else may have asked about it. `tried`: gateways that surely did
    not take it just now."""

    job: Job
    attempt_id: int
    gateway: str
    sms: Sms
    tried: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Done:
    """What came of one call: the acceptance, or why there is none; None if it was not begun in time."""

    ready: Ready
    result: Accepted | SmsError | None


def claim(runtime: Runtime, router: Router, most: Mapping[Lane, int]) -> list[Ready]:
    """Claim messages that are due, so many of each lane, and write down what each is going to say.

    What a lost worker claimed becomes unknown first. What must not or need not go out any more ends here.
    """
    worker, now, began = runtime.settings.worker, runtime.clock(), time.monotonic()
    lease, ask_after = timedelta(seconds=worker.lease_seconds), timedelta(seconds=worker.ask_after_seconds)
    with runtime.database.transaction() as connection:
        if lost := outcomes.give_up_leases(connection, now, lease, ask_after):
            log.warning("leases_lost", count=lost)
        outcomes.catch_up(connection, now, ask_after)
        jobs: list[Job] = []
        stopped = spending.stopped(connection)
        for lane, wanted in sorted(most.items()):  # in one order, because each is locked
            room = 0 if lane in stopped else capping.affordable(runtime, connection, lane, router.room(wanted), now)
            jobs += outbox.claim(connection, lane, room, now, lease)
        if not jobs:
            return []
        # Nothing is begun that could not end, with the longest call of a provider, within the lease.
        begin_by = began + worker.lease_seconds - worker.longest_call_seconds
        return _prepare(runtime, router, connection, jobs, now, begin_by)


def _prepare(
    runtime: Runtime, router: Router, connection: Connection, jobs: Sequence[Job], now: datetime, begin_by: float
) -> list[Ready]:
    said: list[tuple[Job, Say, str]] = []
    for job, decision in _decisions(runtime, connection, jobs, now):
        gateway = _gateway_for(router, decision)
        if isinstance(decision, Say) and gateway is not None:
            said.append((job, decision, gateway))
        else:
            _not_now(connection, router, job, decision, now)
    return _write_down(runtime, connection, said, now, begin_by)


def _decisions(
    runtime: Runtime, connection: Connection, jobs: Sequence[Job], now: datetime
) -> Iterator[tuple[Job, Decision]]:
    """What becomes of each message; one that cannot be read spoils none of those that were claimed with it."""
    try:
        composer = Composer(runtime, connection, jobs, now)
    except _NOT_UNDERSTOOD as error:
        if len(jobs) > 1:
            for job in jobs:
                yield from _decisions(runtime, connection, [job], now)
            return
        yield jobs[0], _not_understood(jobs[0], error)
        return
    for job in jobs:
        yield job, _decide(composer, job, now)


def _decide(composer: Composer, job: Job, now: datetime) -> Decision:
    try:
        return composer.decide(job)
    except SealBroken as error:
        log.error("seal_broken", message=job.id, purpose=str(error))
        return Later(now + KEY_PAUSE, "its key is not in CASEQ_SECRET_KEY", State.QUEUED)
    except _NOT_UNDERSTOOD as error:
        return _not_understood(job, error)


def _not_understood(job: Job, error: Exception) -> Decision:
    log.error("message_not_understood", message=job.id, kind=type(error).__name__, exc_info=error)
    return Drop(NOT_UNDERSTOOD)


def _gateway_for(router: Router, decision: Decision) -> str | None:
    return router.choose(decision.to) if isinstance(decision, Say) else None


def _not_now(connection: Connection, router: Router, job: Job, decision: Decision, now: datetime) -> None:
    """End the message, or let it wait."""
    reason: str
    if isinstance(decision, Drop):
        reason = decision.reason
        if reason == NOT_UNDERSTOOD:
            outcomes.end(connection, job, State.NEEDS_HUMAN, now, reason)
            failing.call_somebody(connection, job, reason, now)
        else:
            outcomes.end(connection, job, State.DROPPED, now, reason)
            _drop(connection, decision.unchanged, now)
            if reason == DEAD_NUMBER and job.purpose is Purpose.NEWS:
                failing.unreachable(connection, job, reason, now)
    elif isinstance(decision, Redirect):
        outcomes.redirect(connection, job, decision.phone_hash, now)
        reason = "number changed"
    elif isinstance(decision, Later):
        outcomes.put_back(connection, job, decision.until, decision.reason, decision.state)
        reason = decision.reason
    elif not router.has_route(decision.to):
        outcomes.end(connection, job, State.NEEDS_HUMAN, now, reason := "no gateway for this number")
        failing.call_somebody(connection, job, reason, now)
    else:
        until = now + timedelta(seconds=router.opens_in(decision.to))
        outcomes.put_back(connection, job, until, reason := "gateway closed")
    log.info("message_not_sent", message=job.id, purpose=job.purpose, why=reason)


def _drop(connection: Connection, unchanged: Mapping[int, str], now: datetime) -> None:
    for reason in set(unchanged.values()):
        ids = [message_id for message_id, why in unchanged.items() if why == reason]
        outbox.drop_waiting(connection, ids, reason, now)


def _write_down(
    runtime: Runtime, connection: Connection, said: Sequence[tuple[Job, Say, str]], now: datetime, begin_by: float
) -> list[Ready]:
    ids = attempts.begin(connection, [(job.id, gateway) for job, _, gateway in said], now)
    ready = []
    for (job, say, gateway), attempt_id in zip(said, ids, strict=True):
        outbox.merge(connection, job.id, say.merged, now)
        _drop(connection, say.unchanged, now)
        ready.append(Ready(job, attempt_id, gateway, replace(sms_of(attempt_id, _body(say)), begin_by=begin_by)))
    rows = [(job, _body(say), say.written.version) for job, say, _ in said]
    outbox.about_to_send(connection, runtime.sealer, rows)
    capping.spend(runtime, connection, [(one.job.lane, one.gateway) for one in ready], now)
    return ready


def _body(say: Say) -> dict[str, Any]:
    written = say.written
    return {
        "to": say.to,
        "text": written.text,
        "valid_seconds": say.valid_seconds,
        "template": written.template,
        "language": written.language,
        "values": dict(written.values),
    }


def sms_of(attempt_id: int, body: Mapping[str, Any]) -> Sms:
    """The message as this attempt gives it to a gateway, from what was written down."""
    return Sms(attempts.key_of(attempt_id), **body)


def send(router: Router, ready: Ready) -> Done:
    """Call the gateway; nothing is recorded yet."""
    try:
        ready.sms.check_time()
        return Done(ready, router.send(ready.gateway, ready.sms))
    except TooLate:
        log.error("too_late_to_send", message=ready.job.id)
        return Done(ready, None)
    except SmsError as error:
        return Done(ready, error)
    except Exception as error:
        log.error("sending_failed", message=ready.job.id, kind=type(error).__name__, exc_info=error)
        return Done(ready, OutcomeUnknown(type(error).__name__))


def record(runtime: Runtime, router: Router, done: Sequence[Done]) -> list[Ready]:
    """Record what came of these calls; gives what may be tried at once through another gateway, because the first one
    surely did not take it."""
    now = runtime.clock()
    again: list[Ready] = []
    with runtime.database.transaction() as connection:
        _record_accepted(runtime, connection, done, now)
        for one in done:
            if isinstance(one.result, SmsError):
                again += _record_error(runtime, router, connection, one.ready, one.result, now)
            elif one.result is None:
                attempts.finish(connection, one.ready.attempt_id, Outcome.LATER, now, code=NOT_BEGUN)
                outcomes.put_back(connection, one.ready.job, now, NOT_BEGUN)
    return again


def _record_accepted(runtime: Runtime, connection: Connection, done: Sequence[Done], now: datetime) -> None:
    """Record what providers took; that a lease was lost in the meantime makes that no less true."""
    taken = [(one.ready, one.result) for one in done if isinstance(one.result, Accepted)]
    if not taken:
        return
    attempts.finish_accepted(connection, [(ready.attempt_id, accepted.id) for ready, accepted in taken], now)
    outcomes.mark_all_sent(connection, [ready.job for ready, _ in taken], now, first_ask(runtime, now))
    for message_id in outcomes.taken_unnoticed(connection, [ready.attempt_id for ready, _ in taken]):
        outcomes.hear(connection, message_id, State.SENT, now, None, first_ask(runtime, now))
    for ready, accepted in taken:
        log.info("message_sent", message=ready.job.id, purpose=ready.job.purpose, gateway=accepted.gateway)


def first_ask(runtime: Runtime, now: datetime) -> datetime:
    """When the provider of a message that was just sent is asked what became of it, if no receipt came."""
    return now + runtime.settings.sending.receipt_after[0]


_OUTCOMES: Mapping[type[SmsError], Outcome] = {
    OutcomeUnknown: Outcome.UNKNOWN,
    NumberDead: Outcome.REJECTED,
    Rejected: Outcome.REJECTED,
    AccountProblem: Outcome.ACCOUNT,
    TryLater: Outcome.LATER,
}


def _record_error(
    runtime: Runtime, router: Router, connection: Connection, ready: Ready, error: SmsError, now: datetime
) -> list[Ready]:
    job = ready.job
    attempts.finish(connection, ready.attempt_id, _OUTCOMES[type(error)], now, code=error.code)
    again: list[Ready] = []
    if isinstance(error, OutcomeUnknown):
        ask_at = now + timedelta(seconds=runtime.settings.worker.ask_after_seconds)
        outcomes.mark_unknown(connection, job, ask_at, error.code)
    elif isinstance(error, Rejected):
        if outcomes.end(connection, job, State.FAILED, now, error.code):
            dead = ready.sms.to if isinstance(error, NumberDead) else None
            failing.failed(runtime, connection, job, error.code, now, dead)
    elif isinstance(error, TryLater):
        again = _elsewhere(runtime, router, connection, ready, now)
        if not again:
            _try_later(runtime, connection, job, error, now)
    level = "error" if isinstance(error, AccountProblem) else "warning"
    getattr(log, level)("message_not_accepted", message=job.id, kind=type(error).__name__, code=error.code)
    return again


def _elsewhere(runtime: Runtime, router: Router, connection: Connection, ready: Ready, now: datetime) -> list[Ready]:
    """The same message through the next gateway, if there is one that was not tried for it just now."""
    tried = ready.tried | {ready.gateway}
    gateway = router.choose(ready.sms.to, but=tried) if time.monotonic() < ready.sms.begin_by else None
    if gateway is None or not outcomes.still_holds(connection, ready.job):
        return []
    attempt_id = attempts.begin(connection, [(ready.job.id, gateway)], now)[0]
    capping.spend(runtime, connection, [(ready.job.lane, gateway)], now)
    return [Ready(ready.job, attempt_id, gateway, replace(ready.sms, key=attempts.key_of(attempt_id)), tried)]


def _try_later(runtime: Runtime, connection: Connection, job: Job, error: TryLater, now: datetime) -> None:
    """Let the message wait; one that was refused again and again for too long goes to a human."""
    first = attempts.of_messages(connection, [job.id])[job.id][0].at
    if now - first < runtime.settings.sending.give_up_after or job.purpose is Purpose.CODE:
        outcomes.put_back(connection, job, now + _pause(runtime, job, error), error.code)
        return
    outcomes.end(connection, job, State.NEEDS_HUMAN, now, f"refused too long: {error.code}")
    failing.call_somebody(connection, job, error.code, now)


def _pause(runtime: Runtime, job: Job, error: TryLater) -> timedelta:
    """How long to wait: what the provider says, otherwise twice as long every time; the longest for the account."""
    worker = runtime.settings.worker
    doubled = worker.retry_seconds * 2 ** min(job.attempts, 20)
    seconds = worker.retry_longest_seconds if isinstance(error, AccountProblem) else doubled
    return timedelta(seconds=error.retry_after or min(seconds, worker.retry_longest_seconds))
