"""Proving who asks: a code by SMS opens one grant, that is one person in one role in one case."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from caseq.rules import codes, numbers
from caseq.runtime import Runtime
from caseq.store import auditing, logins, outbox

_TOKEN_BYTES = 32
_KEPT_HANDLES = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """A code was asked for; `handle` belongs to the browser or client that asked."""

    handle: str = field(repr=False)
    expires_at: datetime
    resend_at: datetime


class Reason(StrEnum):
    """Why a code was not taken; the same for a case that exists and one that does not."""

    WRONG = "wrong"
    USED_UP = "used_up"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Refused:
    reason: Reason
    tries_left: int


@dataclass(frozen=True, slots=True)
class Opened:
    """A session was opened; `token` is shown to its owner once and stored only as a hash."""

    token: str = field(repr=False)
    ends_at: datetime


def ask_code(runtime: Runtime, case_number: str, phone: str, language: str) -> Asked:
    """Record that somebody asks for a code, and nothing else: the worker finds out whether there is anyone to
    send it to, so that reply, time and side effects are the same for a known and an unknown case."""
    now = runtime.clock()
    login = runtime.settings.login
    handle = secrets.token_urlsafe(_TOKEN_BYTES)
    expires_at = now + login.code_life
    asked = (numbers.lookup_key(case_number), numbers.mobile(phone[:50]))
    with runtime.database.transaction() as connection:
        challenge_id = logins.add_challenge(connection, runtime.sealer, handle, language, asked, now, expires_at)
        outbox.add_resolve(connection, challenge_id, now)
        auditing.record(connection, "ask_code", now, facts={"challenge": challenge_id})
    return Asked(handle, expires_at, now + timedelta(seconds=login.resend_seconds))


def enter_code(runtime: Runtime, handles: Sequence[str], code: str) -> Opened | Refused:
    """Spend one try on every challenge of these handles, then compare; a right code opens its grant, once.

    Several handles are the requests of one browser: an older code that is still within its time works too.
    """
    now = runtime.clock()
    handles = list(handles)[-_KEPT_HANDLES:]
    with runtime.database.transaction() as connection:
        tried = logins.spend_try(connection, handles, runtime.settings.login.tries, now)
        alive = bool(tried) or logins.any_alive(connection, handles, now)
    for challenge in tried:
        if not runtime.sealer.has(challenge.key_id):
            continue  # its key was taken out of CASEQ_SECRET_KEY while it was open
        key = runtime.sealer.derived(challenge.key_id, codes.PURPOSE)
        n = codes.which(codes.secret(key, challenge.id), code)
        if n is not None and (opened := _open(runtime, challenge.id, n, now)):
            return opened
    tries_left = max((runtime.settings.login.tries - challenge.tries for challenge in tried), default=0)
    if not alive:
        return Refused(Reason.EXPIRED, 0)
    return Refused(Reason.WRONG if tries_left else Reason.USED_UP, tries_left)


def _open(runtime: Runtime, challenge_id: int, n: int, now: datetime) -> Opened | None:
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    life = runtime.settings.login.session_life
    with runtime.database.transaction() as connection:
        party = logins.use_code(connection, runtime.sealer, runtime.settings.policy, challenge_id, n, now)
        if party is None:
            return None
        session_id = logins.open_session(connection, token, party, now, life)
        ids = {"session_id": session_id, "party_id": party.party_id, "case_id": party.case_id}
        auditing.record(connection, "login", now, **ids)
    return Opened(token, now + life)


def sign_out(runtime: Runtime, token: str) -> None:
    """End the session of this token, in every process and at once; an unknown token changes nothing."""
    with runtime.database.transaction() as connection:
        session_id = logins.end_session(connection, token)
        if session_id is not None:
            auditing.record(connection, "sign_out", runtime.clock(), session_id=session_id)
