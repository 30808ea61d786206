"""Sending messages: what waits in the outbox goes out once, or ends where somebody sees it.

The gateway is called between two transactions: the first claims and commits, the second records. What was
claimed and not recorded has an unknown outcome, and the provider is asked before anything is sent again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from caseq.errors import AccountProblem, OutcomeUnknown, Rejected, SmsError, TryLater
from caseq.rules import codes
from caseq.rules.messages import quiet_until
from caseq.runtime import Runtime
from caseq.sms.gateway import Accepted, Sms, SmsGateway
from caseq.store import logins, outbox, recipients
from caseq.store.database import Connection
from caseq.store.outbox import Job, Purpose, State

log = structlog.get_logger("caseq.texting")


@dataclass(frozen=True, slots=True)
class _Drop:
    """The message must not or need not go out any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Later:
    """The party wants no news at this time of day."""

    until: datetime


@dataclass(frozen=True, slots=True)
class _Redirect:
    """The party has another number than when the message was queued."""

    phone_hash: str


def claim(runtime: Runtime, most: int) -> list[Job]:
    """Claim messages that are due; what a lost worker claimed becomes unknown first."""
    now = runtime.clock()
    worker = runtime.settings.worker
    with runtime.database.transaction() as connection:
        lost = outbox.give_up_leases(
            connection, now, timedelta(seconds=worker.ask_after_seconds - worker.lease_seconds)
        )
        if lost:
            log.warning("leases_lost", count=lost)
        return outbox.claim(connection, most, now, now + timedelta(seconds=worker.lease_seconds))


def claim_unknown(runtime: Runtime, most: int) -> list[Job]:
    """Claim messages of unknown outcome whose time has come to ask the provider."""
    now = runtime.clock()
    lease_until = now + timedelta(seconds=runtime.settings.worker.lease_seconds)
    with runtime.database.transaction() as connection:
        return outbox.claim_unknown(connection, most, now, lease_until)


def send(runtime: Runtime, gateway: SmsGateway, job: Job) -> None:
    """Send one claimed message and record what came of it."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        message = _message(runtime, connection, job, now)
        if isinstance(message, _Drop):
            outbox.finish(connection, job, State.DROPPED, now, reason=message.reason)
        elif isinstance(message, _Redirect):
            outbox.redirect(connection, job, message.phone_hash, now)
        elif isinstance(message, _Later):
            outbox.put_back(connection, job, message.until, "quiet hours")
    if not isinstance(message, Sms):
        log.info("message_not_sent", message=job.id, purpose=job.purpose, why=type(message).__name__)
        return
    try:
        accepted = gateway.send(message)
    except SmsError as error:
        _record_error(runtime, job, error)
    else:
        _record_accepted(runtime, job, accepted)


def _message(runtime: Runtime, connection: Connection, job: Job, now: datetime) -> Sms | _Drop | _Redirect | _Later:
    """The text and number of a message as they are right at this moment, or why there is none."""
    settings = runtime.settings
    assert job.party_id is not None
    if job.to_sealed is not None:
        former = runtime.sealer.unseal(recipients.FORMER, job.to_sealed).decode()
        return _notice(runtime, job, former, "zh")
    to = recipients.recipient(connection, runtime.sealer, settings.policy, job.party_id, now)
    if to.is_broken:
        return _Drop("contact broken")
    if not to.may_enter:
        return _Drop("may not enter")
    if to.phone is None or to.phone_hash is None or not to.phone.startswith(settings.sending.prefixes):
        return _Drop("no number that may be sent to")
    if job.purpose is Purpose.DEVICE and (to.is_shared or not to.wants_sms):
        return _Drop("not wanted")
    if job.purpose in (Purpose.CODE, Purpose.DEVICE):
        if job.phone_hash not in to.phone_hashes:
            return _Drop("number changed")
        if job.purpose is Purpose.CODE:
            return _code_message(runtime, connection, job, to.phone, now)
        return _notice(runtime, job, to.phone, to.language)
    if not to.wants_sms:
        return _Drop("not wanted")
    if job.phone_hash not in to.phone_hashes:
        return _Redirect(to.phone_hash)
    if to.is_quiet and (until := quiet_until(now)):
        return _Later(until)
    text = settings.texts[to.language].news_text()
    return Sms(f"caseq-{job.id}", to.phone, text, settings.sending.news_valid_seconds)


def _notice(runtime: Runtime, job: Job, phone: str, language: str) -> Sms:
    settings = runtime.settings
    text = settings.texts[language].notice_text(job.purpose, settings.bureau.help_phone)
    return Sms(f"caseq-{job.id}", phone, text, settings.sending.news_valid_seconds)


def _code_message(runtime: Runtime, connection: Connection, job: Job, phone: str, now: datetime) -> Sms | _Drop:
    settings = runtime.settings
    assert job.challenge_id is not None
    assert job.n is not None
    asked = logins.challenge(connection, runtime.sealer, job.challenge_id)
    if asked is None or asked.expires_at <= now:
        return _Drop("expired")
    code = codes.code(codes.secret(runtime.sealer.derived(asked.key_id, codes.PURPOSE), asked.id), job.n)
    text = settings.texts[asked.language].code_text(code, settings.login.code_minutes)
    return Sms(f"caseq-{job.id}", phone, text, settings.sending.code_valid_seconds)


def _record_accepted(runtime: Runtime, job: Job, accepted: Accepted) -> None:
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        held = outbox.finish(connection, job, State.SENT, now, gateway=accepted.gateway, provider_id=accepted.id)
    log.info("message_sent", message=job.id, purpose=job.purpose, gateway=accepted.gateway, recorded=held)


def _record_error(runtime: Runtime, job: Job, error: SmsError) -> None:
    now = runtime.clock()
    worker = runtime.settings.worker
    with runtime.database.transaction() as connection:
        if isinstance(error, OutcomeUnknown):
            ask_at = job.claimed_at + timedelta(seconds=worker.ask_after_seconds)
            outbox.mark_unknown(connection, job, max(ask_at, now), error.code)
        elif isinstance(error, Rejected):
            outbox.finish(connection, job, State.FAILED, now, reason=error.code)
        elif isinstance(error, TryLater) and job.attempts < worker.tries:
            outbox.put_back(connection, job, now + _pause(runtime, job, error), error.code)
        else:
            outbox.finish(connection, job, State.NEEDS_HUMAN, now, reason=f"{worker.tries} tries: {error.code}")
    level = "error" if isinstance(error, AccountProblem) else "warning"
    getattr(log, level)("message_not_accepted", message=job.id, kind=type(error).__name__, code=error.code)


def _pause(runtime: Runtime, job: Job, error: TryLater) -> timedelta:
    """How long to wait: what the provider says, otherwise twice as long every time; the longest for the account."""
    worker = runtime.settings.worker
    doubled = worker.retry_seconds * 2 ** (job.attempts - 1)
    seconds = worker.retry_longest_seconds if isinstance(error, AccountProblem) else doubled
    return timedelta(seconds=error.retry_after or min(seconds, worker.retry_longest_seconds))


def ask_provider(runtime: Runtime, gateway: SmsGateway, job: Job) -> None:
    """Find out what became of a message of unknown outcome: it is sent, or it is queued again.

    A code is never sent again by the machine: it is useless by now, and its owner asks for a new one.
    """
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        message = _message(runtime, connection, job, now)
        hashes = runtime.sealer.fingerprints("phone", message.to) if isinstance(message, Sms) else ()
        known = outbox.provider_ids(connection, hashes)
    try:
        accepted = gateway.find(message, job.claimed_at, known) if isinstance(message, Sms) else None
    except SmsError as error:
        _ask_again(runtime, job, error)
        return
    if accepted is not None:
        _record_accepted(runtime, job, accepted)
        return
    with runtime.database.transaction() as connection:
        if job.purpose is Purpose.CODE:
            outbox.finish(connection, job, State.FAILED, now, reason="not found at the provider")
        elif not isinstance(message, Sms):
            outbox.finish(connection, job, State.NEEDS_HUMAN, now, reason="number or access changed while unknown")
        else:
            outbox.put_back(connection, job, now, "not found at the provider")
    log.warning("message_not_found", message=job.id, purpose=job.purpose)


def _ask_again(runtime: Runtime, job: Job, error: SmsError) -> None:
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        ask_at = now + timedelta(seconds=runtime.settings.worker.ask_after_seconds)
        outbox.mark_unknown(connection, job, ask_at, f"asking failed: {error.code}")
    log.warning("provider_not_asked", message=job.id, code=error.code)
