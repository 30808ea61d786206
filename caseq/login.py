"""Proving who asks: a code opens one grant, that is one person in one role in one case."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from caseq.rules import authenticators, codes, numbers, papercodes
from caseq.rules.channels import Channel
from caseq.rules.guesses import Share
from caseq.rules.papercodes import Keypad, Typed
from caseq.runtime import Runtime
from caseq.store import auditing, guessing, logins, outbox, sessions, ways
from caseq.store.database import Connection
from caseq.store.guessing import Stake
from caseq.store.outbox import Purpose

_TOKEN_BYTES = 32
_KEPT_HANDLES = 3
#: So many secrets are compared at least, whoever has an app.
_LEAST_COMPARED = 3


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, as far as the request tells: the network, the parties that logged in with this browser before, and
    whether a page asks or a program."""

    network: str
    known: frozenset[int] = frozenset()
    channel: Channel = Channel.WEB


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
    """A session was opened; `token` is shown to its owner once and stored only as a hash.

    `is_shared`: its owner told us that others use the device too.
    """

    token: str = field(repr=False)
    ends_at: datetime
    party_id: int
    is_shared: bool


def ask_code(
    runtime: Runtime, case_number: str, phone: str, language: str, visitor: Visitor, asked_before: int = 0
) -> Asked:
    """Record that somebody asks for a code, and nothing else: the worker finds out whether there is anyone to
    send it to, so that reply, time and side effects are the same for a known and an unknown case.

    `asked_before`: how often the browser asked already; the pauses become longer.
    """
    now = runtime.clock()
    login = runtime.settings.login
    handle = secrets.token_urlsafe(_TOKEN_BYTES)
    expires_at = now + login.code_life
    asked = logins.Asked(
        numbers.lookup_key(case_number), numbers.mobile(phone[:50]), visitor.known, _network_hash(runtime, visitor)
    )
    with runtime.database.transaction() as connection:
        challenge_id = logins.add_challenge(connection, runtime.sealer, handle, language, asked, now, expires_at)
        outbox.add_resolve(connection, challenge_id, now)
        auditing.record(connection, "ask_code", now, facts={"challenge": challenge_id})
    return Asked(handle, expires_at, now + login.pause_after(asked_before + 1))


def _network_hash(runtime: Runtime, visitor: Visitor) -> str:
    return runtime.sealer.fingerprint("network", visitor.network)


def enter_code(runtime: Runtime, handles: Sequence[str], code: str, visitor: Visitor) -> Opened | Refused:
    """Spend one try on every challenge of these handles, then compare; a right code opens its grant, once.

    Several handles are the requests of one browser: an older code that is still within its time works too.
    """
    now = runtime.clock()
    handles = list(handles)[-_KEPT_HANDLES:]
    with runtime.database.transaction() as connection:
        tried = logins.spend_try(connection, handles, runtime.settings.login.tries, now)
        alive = bool(tried) or logins.any_alive(connection, handles, now)
        asked = {"challenges": [one.id for one in tried], "nobody": guessing.nobody(" ".join(handles))}
        paid = _pay(runtime, connection, logins.AT_STAKE, asked, visitor, now, is_sms=True) if tried else set()
    for challenge in tried:
        if not runtime.sealer.has(challenge.key_id):
            continue  # its key was taken out of CASEQ_SECRET_KEY while it was open
        key = runtime.sealer.derived(challenge.key_id, codes.PURPOSE)
        n = codes.which(codes.secret(key, challenge.id), code)
        if n is not None and (opened := _open_by_sms(runtime, challenge.id, n, paid, visitor, now)):
            return opened
    tries_left = max((runtime.settings.login.tries - challenge.tries for challenge in tried), default=0)
    if not alive:
        return Refused(Reason.EXPIRED, 0)
    return Refused(Reason.WRONG if tries_left else Reason.USED_UP, tries_left)


def enter_own_code(runtime: Runtime, case_number: str, typed: str, visitor: Visitor) -> Opened | Refused:
    """Open the grant of whoever has this code for this case: on paper, from the counter, or in an app; once.

    Every refusal is the same, and says nothing of the case.
    """
    case_key, now = numbers.lookup_key(case_number), runtime.clock()
    form = papercodes.parse(typed)
    with runtime.database.transaction() as connection:
        parties = ways.parties_of(connection, runtime.settings.policy, case_key, now)
        if not isinstance(form, Typed):
            stake = ways.KEYPADS if isinstance(form, Keypad) else ways.APPS
            asked = {"parties": parties, "now": now, "nobody": guessing.nobody(case_key)}
            parties = sorted(_pay(runtime, connection, stake, asked, visitor, now, is_sms=False))
    if form is None:
        opened = _enter_app_code(runtime, parties, typed, visitor, now)
    else:
        opened = _enter_paper(runtime, parties, form, visitor, now)
    return opened or Refused(Reason.WRONG, 0)


def _enter_paper(
    runtime: Runtime,
    parties: Sequence[int],
    form: papercodes.Typed | papercodes.Keypad,
    visitor: Visitor,
    now: datetime,
) -> Opened | None:
    is_keypad = isinstance(form, Keypad)
    hashes = runtime.sealer.fingerprints("paper keypad" if is_keypad else "paper typed", form.code)
    with runtime.database.transaction() as connection:
        party = ways.use_paper(connection, runtime.sealer, runtime.settings.policy, hashes, is_keypad, parties, now)
        return party and _open(runtime, connection, party, "paper", visitor, now)


def _enter_app_code(
    runtime: Runtime, parties: Sequence[int], typed: str, visitor: Visitor, now: datetime
) -> Opened | None:
    with runtime.database.autocommit() as connection:
        apps = [app for app in ways.enrolled(connection, runtime.sealer, parties) if app.is_confirmed]
    step = authenticators.step_at(now.timestamp())
    found = [(app.party_id, authenticators.which_step(app.secret, typed, step)) for app in apps]
    for _ in range(_LEAST_COMPARED - len(apps)):
        authenticators.which_step(b"nobody's secret 1234", typed, step)
    for party_id, used in found:
        if used is not None:
            with runtime.database.transaction() as connection:
                party = ways.use_step(connection, runtime.sealer, runtime.settings.policy, party_id, used, now)
                if party is not None:
                    return _open(runtime, connection, party, "app", visitor, now)
    return None


def _pay(
    runtime: Runtime,
    connection: Connection,
    stake: Stake,
    asked: dict[str, Any],
    visitor: Visitor,
    now: datetime,
    is_sms: bool,
) -> set[int]:
    """The parties at stake whose ledger had room for this guess: from the share of known browsers, or of strangers.

    Of strangers also their network must have some left, and for a code from an SMS the whole site.
    """
    budget, hour = runtime.settings.guesses, int(now.timestamp()) // 3600
    asked = {**asked, "known": sorted(visitor.known)}
    known, strangers = {**asked, "is_known": True}, {**asked, "is_known": False}
    paid = stake.spend(connection, known, Share.KNOWN, budget.known, hour)
    of_network = f"network {_network_hash(runtime, visitor)}"
    from_here = stake.spend(connection, strangers, of_network, budget.network, hour)
    few = (budget.in_a_row, budget.few)
    from_all = stake.spend(connection, strangers, Share.STRANGERS, budget.strangers, hour, few)
    may_site = guessing.spend_of_site(connection, budget, hour) if is_sms else True
    return paid | (from_here & from_all if may_site else set())


def _open_by_sms(
    runtime: Runtime, challenge_id: int, n: int, paid: Collection[int], visitor: Visitor, now: datetime
) -> Opened | None:
    with runtime.database.transaction() as connection:
        party = logins.use_code(connection, runtime.sealer, runtime.settings.policy, challenge_id, n, paid, now)
        return party and _open(runtime, connection, party, "sms", visitor, now)


def _open(runtime: Runtime, connection: Connection, party: Any, way: str, visitor: Visitor, now: datetime) -> Opened:
    token, login = secrets.token_urlsafe(_TOKEN_BYTES), runtime.settings.login
    session_id = sessions.open_session(connection, token, party, now, login.session_life, login.sessions_at_once)
    guessing.forgive(connection, party.party_id)
    if party.entered_at is None:
        sessions.note_entry(connection, party.party_id, now)
    elif way != "sms" and party.party_id not in visitor.known:  # a code from an SMS has told the owner already
        outbox.add_notice(connection, Purpose.DEVICE, party.party_id, party.phone_hash, f"session:{session_id}", now)
    ids = {"session_id": session_id, "party_id": party.party_id, "case_id": party.case_id}
    auditing.record(connection, "login", now, facts={"way": way, "channel": visitor.channel.value}, **ids)
    return Opened(token, now + login.session_life, party.party_id, party.is_shared)


def sign_out(runtime: Runtime, token: str) -> None:
    """End the session of this token, in every process and at once; an unknown token changes nothing."""
    with runtime.database.transaction() as connection:
        session_id = sessions.end_session(connection, token)
        if session_id is not None:
            auditing.record(connection, "sign_out", runtime.clock(), session_id=session_id)
