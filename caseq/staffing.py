"""The bureau's people: accounts, and signing in with a password and an app. Nobody is shut out from outside: whoever is
wrong too often waits, and only in that network."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from caseq.rules import authenticators
from caseq.rules.duties import Duty, Staff, StaffRole
from caseq.runtime import Runtime
from caseq.store import auditing, staffing
from caseq.store.database import Connection
from caseq.store.staffing import Account, Listed, SignedIn

IDLE = timedelta(minutes=15)
LIFE = timedelta(hours=10)
#: So fresh both factors must be for what changes a telephone number or an account.
FRESH = timedelta(minutes=5)
LEAST_PASSWORD = 12
LONGEST_PASSWORD = 200
FREE_TRIES = 5
ALARM_TRIES = 10
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
#: argon2id with 19 MiB and two passes (OWASP, Password Storage Cheat Sheet): about 30 ms.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


log = structlog.get_logger("caseq.staffing")


class Refused(StrEnum):
    """Why somebody was not let in; WRONG does not tell an unknown account from a wrong password or code."""

    WRONG = "wrong"
    WAIT = "wait"
    WEAK = "weak"  # the new password is too short, or the badge


@dataclass(frozen=True, slots=True)
class Enrolling:
    """The password was right and the account has no app yet: its secret, to be shown once, as text and as address."""

    staff_id: int
    secret: str = field(repr=False)
    address: str = field(repr=False)


def hire(runtime: Runtime, badge: str, name: str, role: StaffRole, unit: str | None, by: Staff | str) -> str | None:
    """The first password of a new account, to be handed over in person; None if the badge has an account.

    `by` is the administrator, or who ran the command.
    """
    now, password = runtime.clock(), first_password()
    with runtime.database.transaction() as connection:
        made = staffing.add(connection, Staff(0, badge, name, role, unit), _HASHER.hash(password), now)
        if made is None:
            return None
        facts = {"staff": made.id, "role": role.value, "unit": unit}
        _audit(connection, "staff_add", by, facts, now)
    return password


def listed(runtime: Runtime) -> Sequence[Listed]:
    """Every account there is or was."""
    with runtime.database.autocommit() as connection:
        return staffing.listed(connection)


def apps(runtime: Runtime) -> Sequence[tuple[Staff, bytes]]:
    """Everybody who has an app, with its secret; nobody, but in the demo."""
    if not runtime.settings.demo:
        return []
    with runtime.database.autocommit() as connection:
        people = [one.staff for one in staffing.listed(connection) if one.has_app]
        found = [staffing.by_id(connection, runtime.sealer, who.id) for who in people]
    return [(one.staff, one.secret) for one in found if one is not None and one.secret is not None]


def disable(runtime: Runtime, badge: str, by: Staff | str, reason: str) -> bool:
    """End the account with this badge, and its sessions with their next request; False if there is none, or it is one's
    own."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        account = staffing.by_badge(connection, runtime.sealer, badge)
        if account is None or _is_own(account, by):
            return False
        staffing.disable(connection, account.staff.id, now)
        _audit(connection, "staff_disable", by, {"staff": account.staff.id, "reason": reason}, now)
    return True


def begin_anew(runtime: Runtime, badge: str, by: Staff | str, reason: str) -> str | None:
    """A new first password for somebody who lost the app or the password; None if there is no such account, or it is
    one's own."""
    now, password = runtime.clock(), first_password()
    with runtime.database.transaction() as connection:
        account = staffing.by_badge(connection, runtime.sealer, badge)
        if account is None or _is_own(account, by):
            return None
        staffing.begin_anew(connection, account.staff.id, _HASHER.hash(password))
        _audit(connection, "staff_anew", by, {"staff": account.staff.id, "reason": reason}, now)
    return password


def sign_in(runtime: Runtime, badge: str, password: str, code: str, network: str) -> str | Enrolling | Refused:
    """The token of a new session; with the first password and no app yet, what it takes to enrol one.

    The try is counted before anything is compared, and the password is compared outside of any transaction.
    """
    now, who = runtime.clock(), _who(runtime, badge, network)
    if not _count(runtime, who, now):
        return Refused.WAIT
    with runtime.database.autocommit() as connection:
        account = staffing.by_badge(connection, runtime.sealer, badge)
    if not _is_password(account, password) or account is None:
        return Refused.WRONG
    if not account.has_app:
        return _begin_enrolling(runtime, account)
    step = authenticators.which_step(account.secret or b"", code, authenticators.step_at(now.timestamp()))
    if step is None:
        return Refused.WRONG
    return _opened(runtime, account, step, who, now)


def enrol(runtime: Runtime, staff_id: int, code: str, password: str, network: str) -> str | Refused:
    """The token of the first session, after the app showed a code and an own password was chosen."""
    now = runtime.clock()
    with runtime.database.autocommit() as connection:
        account = staffing.by_id(connection, runtime.sealer, staff_id)
    if account is None or account.has_app or account.secret is None:
        return Refused.WRONG
    if not is_password_fit(password, account.staff.badge):
        return Refused.WEAK
    who = _who(runtime, account.staff.badge, network)
    if not _count(runtime, who, now):
        return Refused.WAIT
    step = authenticators.which_step(account.secret, code, authenticators.step_at(now.timestamp()))
    if step is None:
        return Refused.WRONG
    hashed, token = _HASHER.hash(password), secrets.token_urlsafe(32)
    with runtime.database.transaction() as connection:
        if not staffing.enrol(connection, staff_id, step, hashed, now):
            return Refused.WRONG
        staffing.forget_tries(connection, who)
        staffing.open_session(connection, staff_id, token, now, LIFE)
        auditing.record(connection, "staff_enrol", now, staff_id=staff_id)
    return token


def enrolling_again(runtime: Runtime, staff_id: int) -> Enrolling | None:
    """What it takes to enrol the app, for the page to be shown again after a mistake."""
    with runtime.database.autocommit() as connection:
        account = staffing.by_id(connection, runtime.sealer, staff_id)
    return None if account is None or account.has_app or account.secret is None else _enrolling(account)


def me(runtime: Runtime, token: str) -> SignedIn | None:
    """Whose session this is, which goes on from now; None if it is over or its account disabled."""
    if not token:
        return None
    with runtime.database.transaction() as connection:
        return staffing.touch(connection, token, runtime.clock(), IDLE)


def prove(runtime: Runtime, token: str, who: Staff, code: str, network: str) -> bool:
    """Show the app's code again; whether it was right. For what asks for fresh factors."""
    now = runtime.clock()
    tries = _who(runtime, who.badge, network)
    if not _count(runtime, tries, now):
        return False
    with runtime.database.autocommit() as connection:
        account = staffing.by_id(connection, runtime.sealer, who.id)
    secret = account.secret if account is not None else None
    step = authenticators.which_step(secret or b"", code, authenticators.step_at(now.timestamp()))
    if step is None or secret is None:
        return False
    with runtime.database.transaction() as connection:
        if not staffing.use_step(connection, who.id, step):
            return False
        staffing.forget_tries(connection, tries)
        staffing.prove(connection, token, now)
        auditing.record(connection, "staff_prove", now, staff_id=who.id)
    return True


def is_fresh(runtime: Runtime, signed_in: SignedIn) -> bool:
    """Whether both factors were shown in the last minutes."""
    return runtime.clock() - signed_in.proven_at < FRESH


def sign_out(runtime: Runtime, token: str) -> None:
    """End the session."""
    with runtime.database.transaction() as connection:
        if (staff_id := staffing.end_session(connection, token)) is not None:
            auditing.record(connection, "staff_sign_out", runtime.clock(), staff_id=staff_id)


def note_refusal(runtime: Runtime, who: Staff, endpoint: str, duty: Duty | None) -> None:
    """Keep in the audit that somebody asked for what is not theirs to do."""
    facts = {"endpoint": endpoint, "duty": duty.value if duty else None}
    with runtime.database.transaction() as connection:
        auditing.record(connection, "staff_refused", runtime.clock(), staff_id=who.id, facts=facts)


def first_password() -> str:
    """A password that is used once, in groups that can be read out."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def is_password_fit(password: str, badge: str) -> bool:
    """Whether somebody may choose this password."""
    return LEAST_PASSWORD <= len(password) <= LONGEST_PASSWORD and badge not in password


def pause_after(tries: int) -> timedelta:
    """How long nobody may try after so many wrong tries in a row."""
    if tries < FREE_TRIES:
        return timedelta()
    doubled: int = 2 ** min(tries - FREE_TRIES, 12)
    return min(_FIRST_PAUSE * doubled, _LONGEST_PAUSE)


def _count(runtime: Runtime, who: str, now: datetime) -> bool:
    """Count a try; False while this account and network have to wait."""
    with runtime.database.transaction() as connection:
        tries = staffing.count_try(connection, who, now)
        if tries is None:
            return False
        staffing.wait_until(connection, who, now + pause_after(tries))
    if tries >= ALARM_TRIES:
        log.warning("staff_sign_in_tried_often", account=who[:12], tries=tries)
    return True


def _opened(runtime: Runtime, account: Account, step: int, who: str, now: datetime) -> str | Refused:
    token = secrets.token_urlsafe(32)
    with runtime.database.transaction() as connection:
        if not staffing.use_step(connection, account.staff.id, step):
            return Refused.WRONG
        staffing.forget_tries(connection, who)
        staffing.open_session(connection, account.staff.id, token, now, LIFE)
        auditing.record(connection, "staff_sign_in", now, staff_id=account.staff.id)
    return token


def _begin_enrolling(runtime: Runtime, account: Account) -> Enrolling:
    secret = account.secret or secrets.token_bytes(authenticators.SECRET_BYTES)
    if account.secret is None:
        with runtime.database.transaction() as connection:
            staffing.keep_secret(connection, runtime.sealer, account, secret)
    return _enrolling(Account(account.staff, account.password_hash, secret, False, True))


def _enrolling(account: Account) -> Enrolling:
    secret = account.secret or b""
    return Enrolling(account.staff.id, authenticators.base32(secret), authenticators.address(secret))


def _is_password(account: Account | None, password: str) -> bool:
    """Whether it is the password; takes as long where there is no account."""
    try:
        return _HASHER.verify(account.password_hash if account else _nobodys_hash(), password[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys_hash() -> str:
    return _HASHER.hash(secrets.token_urlsafe(32))


def _who(runtime: Runtime, badge: str, network: str) -> str:
    return runtime.sealer.fingerprint("staff.tries", f"{badge} {network}")


def _is_own(account: Account, by: Staff | str) -> bool:
    return isinstance(by, Staff) and by.id == account.staff.id


def _audit(
    connection: Connection,
    act: str,
    by: Staff | str,
    facts: Mapping[str, object],
    now: datetime,
) -> None:
    named = {} if isinstance(by, Staff) else {"by": by}
    staff_id = by.id if isinstance(by, Staff) else None
    auditing.record(connection, act, now, staff_id=staff_id, facts={**named, **facts})
