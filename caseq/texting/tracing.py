"""Finding out what became of messages: receipts that providers send, and questions put to them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from caseq.errors import OutcomeUnknown, SealBroken
from caseq.rules.delivery import Failure, Receipt, Status
from caseq.runtime import Runtime
from caseq.sms.gateway import Accepted, SmsGateway
from caseq.sms.route import Router
from caseq.store import attempts, outbox, outbox_figures, outcomes, tasks
from caseq.store.attempts import Attempt, Outcome
from caseq.store.database import Connection
from caseq.store.outbox import Job, Purpose, State
from caseq.texting import failing
from caseq.texting.sending import first_ask, sms_of

log = structlog.get_logger("caseq.texting")

#: So often a message is handed over, if the provider says every time that it does not know it or that a later attempt
#: may help; then a human looks.
MOST_ATTEMPTS = 3
NEVER_FOUND_OUT = "the provider could not be asked"
#: A message is looked for among those of so much earlier, too: our clock may have been ahead when it was sent. Others
#: with the same text are not taken for it, because their ids are known.
CLOCK_MAY_BE_WRONG_BY = timedelta(days=1)


def hear(runtime: Runtime, gateway: str, key: str | None, receipt: Receipt) -> bool:
    """Take a receipt that a provider sent, by our key if it names it, else by the provider's id; whether it said
    anything new. Receipts may come twice, in any order, and before the worker's own record."""
    now = runtime.clock()
    attempt_id = attempts.id_of(key) if key else None
    if key and attempt_id is None:
        return False
    with runtime.database.transaction() as connection:
        heard = attempts.hear(connection, gateway, attempt_id, receipt, now)
        if heard is None:
            return False
        _take(runtime, connection, heard, receipt, now)
    return True


def hint(runtime: Runtime, keys: Sequence[str]) -> None:
    """Somebody who cannot prove who they are says that these messages have news: ask their provider soon."""
    ids = [attempt_id for key in keys if (attempt_id := attempts.id_of(key)) is not None]
    with runtime.database.transaction() as connection:
        outcomes.ask_now(connection, attempts.messages_of(connection, ids), runtime.clock())


def _take(runtime: Runtime, connection: Connection, attempt_id: int, receipt: Receipt, now: datetime) -> None:
    message_id = attempts.message_of(connection, attempt_id)
    states = {Status.DELIVERED: State.DELIVERED, Status.FAILED: State.FAILED}
    state = states.get(receipt.status, State.SENT)
    dead = _number(runtime, connection, message_id) if receipt.failure is Failure.NUMBER else None
    job = outcomes.hear(connection, message_id, state, now, receipt.code, first_ask(runtime, now))
    if job is None:
        return
    log.info("message_heard", message=message_id, purpose=job.purpose, status=receipt.status, code=receipt.code)
    if receipt.status is Status.DELIVERED:
        tasks.finish_of(connection, message_id, "the provider's receipt", now)
    if receipt.status is Status.FAILED:
        _failed(runtime, connection, job, receipt, now, dead)


def _number(runtime: Runtime, connection: Connection, message_id: int) -> str | None:
    """The number that a message went to, as long as its end is open."""
    job = outbox.read(connection, message_id)
    try:
        return str(outbox.body(runtime.sealer, job)["to"]) if job else None
    except (SealBroken, ValueError):
        return None


def _failed(
    runtime: Runtime, connection: Connection, job: Job, receipt: Receipt, now: datetime, dead: str | None
) -> None:
    """A message that was accepted did not arrive; what may arrive later is tried again, a code never. A notice to a
    former number goes there again: the job, as it was before its end erased the number, still has it."""
    code = receipt.code or receipt.status.value
    may_help = receipt.failure in (Failure.LATER, Failure.ACCOUNT) and job.purpose is not Purpose.CODE
    calls = attempts.handed_over(connection, job.id)
    if may_help and calls < MOST_ATTEMPTS:
        outcomes.queue_again(connection, job.id, now + _pause(runtime, calls), code, job.to_sealed)
        return
    failing.failed(runtime, connection, job, code, now, dead)


def _pause(runtime: Runtime, doublings: int) -> timedelta:
    """How long a message waits before it is handed over again: the longest pause, and twice as long every time."""
    return timedelta(seconds=runtime.settings.worker.retry_longest_seconds * 2**doublings)


def claim_to_ask(runtime: Runtime, most: int) -> list[Job]:
    """Claim messages whose provider is to be asked what became of them."""
    now, lease = runtime.clock(), timedelta(seconds=runtime.settings.worker.lease_seconds)
    with runtime.database.transaction() as connection:
        return outcomes.claim_to_ask(connection, most, now, lease)


def ask(runtime: Runtime, router: Router, job: Job) -> None:
    """Ask the provider what became of a message of unknown outcome, or of one that was sent without a receipt so far.

    A code is never sent again by the machine: it is useless by now, and its owner asks for a new one.
    """
    with runtime.database.transaction() as connection:
        is_sent = job.state is State.SENT
        calls = reversed(attempts.alive(connection, job.id))
        attempt = next((call for call in calls if (call.outcome is Outcome.ACCEPTED) == is_sent), None)
        if attempt is None:
            _nothing_to_ask(connection, job, runtime.clock())
            return
    gateway = router.gateways.get(attempt.gateway)
    try:
        if gateway is None:
            raise OutcomeUnknown(f"no gateway {attempt.gateway} here")
        (_reconcile if job.state is State.UNKNOWN else _ask_for_receipt)(runtime, gateway, job, attempt)
    except OutcomeUnknown as error:
        _ask_again(runtime, job, attempt, error)
    except (SealBroken, ValueError):
        with runtime.database.transaction() as connection:
            outcomes.end(connection, job, State.NEEDS_HUMAN, runtime.clock(), "its text cannot be opened any more")
            failing.call_somebody(connection, job, "its text cannot be opened any more", runtime.clock())


def _nothing_to_ask(connection: Connection, job: Job, now: datetime) -> None:
    """A claimed message whose worker was lost before the call, or was surely refused: nothing can have been sent."""
    if not outcomes.put_back(connection, job, now, "worker lost before it was sent"):
        outcomes.ask_again(connection, job, None, now)


def _reconcile(runtime: Runtime, gateway: SmsGateway, job: Job, attempt: Attempt) -> None:
    body = outbox.body(runtime.sealer, job)
    with runtime.database.autocommit() as connection:
        hashes = runtime.sealer.fingerprints("phone", body["to"])
        known = outbox_figures.provider_ids(connection, hashes)
    accepted = gateway.find(sms_of(attempt.id, body), attempt.at - CLOCK_MAY_BE_WRONG_BY, known)
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        if accepted is not None:
            attempts.finish(connection, attempt.id, Outcome.ACCEPTED, now, provider_id=accepted.id)
            held = outcomes.mark_sent(connection, job, now, first_ask(runtime, now))
            log.info("message_found", message=job.id, purpose=job.purpose, gateway=accepted.gateway, recorded=held)
            return
        attempts.finish(connection, attempt.id, Outcome.NOT_FOUND, now)
        _not_found(runtime, connection, job, now)


def _not_found(runtime: Runtime, connection: Connection, job: Job, now: datetime) -> None:
    reason, calls = "not found at the provider", attempts.handed_over(connection, job.id)
    if job.purpose is Purpose.CODE:
        outcomes.end(connection, job, State.FAILED, now, reason)
    elif calls < MOST_ATTEMPTS:
        outcomes.put_back(connection, job, now if calls < 2 else now + _pause(runtime, calls - 2), reason)
    elif outcomes.end(connection, job, State.NEEDS_HUMAN, now, reason):
        failing.call_somebody(connection, job, reason, now)
    log.warning("message_not_found", message=job.id, purpose=job.purpose)


def _ask_for_receipt(runtime: Runtime, gateway: SmsGateway, job: Job, attempt: Attempt) -> None:
    assert attempt.provider_id is not None
    sms = sms_of(attempt.id, outbox.body(runtime.sealer, job))
    receipt = gateway.receipt(sms, Accepted(attempt.gateway, attempt.provider_id), attempt.at)
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        if receipt is not None and attempts.hear(connection, attempt.gateway, attempt.id, receipt, now):
            _take(runtime, connection, attempt.id, receipt, now)
        if receipt is None or not receipt.status.is_final:
            outcomes.ask_again(connection, job, _next_ask(runtime, job, now), now)


def _next_ask(runtime: Runtime, job: Job, now: datetime) -> datetime | None:
    """When a sent message is asked about again; None after the last time: some carriers never say more.

    The times count from when it was sent: a question between them, because of a hint, takes none of them away.
    """
    assert job.sent_at is not None
    times = (job.sent_at + pause for pause in runtime.settings.sending.receipt_after)
    return next((time for time in times if time > now), None)


def _ask_again(runtime: Runtime, job: Job, attempt: Attempt, error: OutcomeUnknown) -> None:
    """Ask later; of what could not be found out for too long no more: a human looks."""
    now = runtime.clock()
    log.warning("provider_not_asked", message=job.id, code=error.code)
    with runtime.database.transaction() as connection:
        if now - attempt.at < runtime.settings.sending.give_up_after:
            ask_at = now + timedelta(seconds=runtime.settings.worker.ask_after_seconds)
            outcomes.ask_again(connection, job, ask_at, now)
        elif job.state is State.SENT:
            outcomes.ask_again(connection, job, None, now)
        elif job.purpose is Purpose.CODE:
            outcomes.end(connection, job, State.FAILED, now, NEVER_FOUND_OUT)
        elif outcomes.end(connection, job, State.NEEDS_HUMAN, now, NEVER_FOUND_OUT):
            failing.call_somebody(connection, job, NEVER_FOUND_OUT, now)
