"""An authenticator app as a way to log in: whoever is signed in has a code shown, and proves that the app took it."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from caseq.rules import authenticators
from caseq.runtime import Runtime
from caseq.store import auditing, sessions, ways
from caseq.store.database import Connection
from caseq.store.sessions import SignedIn


@dataclass(frozen=True, slots=True)
class Begun:
    """What the app needs: the secret to type, and the address that a QR code holds. Shown once, then only sealed."""

    secret: str = field(repr=False)
    address: str = field(repr=False)


class Failed(StrEnum):
    """Why nothing was changed."""

    SIGNED_OUT = "signed out"
    NOT_FRESH = "not fresh"  # the session is older than a code lives: log in again first
    ENROLLED = "enrolled"  # one app works already: drop it first
    WRONG = "wrong"
    NONE = "none"


def begin(runtime: Runtime, token: str) -> Begun | Failed:
    """Make a secret for the app of whoever is signed in; it opens nothing before `confirm`."""
    now, secret = runtime.clock(), secrets.token_bytes(authenticators.SECRET_BYTES)
    with runtime.database.transaction() as connection:
        who = _fresh(runtime, connection, token, now)
        if isinstance(who, Failed):
            return who
        if not ways.enrol(connection, runtime.sealer, who.party_id, secret, now):
            return Failed.ENROLLED
        _note(connection, "enrol", who, now)
    return Begun(authenticators.base32(secret), authenticators.address(secret))


def confirm(runtime: Runtime, token: str, code: str) -> Failed | None:
    """Let the app open this grant from now on, if it shows the right code; None if it does."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        who = _fresh(runtime, connection, token, now)
        if isinstance(who, Failed):
            return who
        apps = ways.enrolled(connection, runtime.sealer, [who.party_id])
        if not apps:
            return Failed.NONE
        step = authenticators.which_step(apps[0].secret, code, authenticators.step_at(now.timestamp()))
        if step is None:
            return Failed.WRONG
        if not ways.confirm(connection, who.party_id, step, now):
            return Failed.ENROLLED
        _note(connection, "confirm_app", who, now)
    return None


def drop(runtime: Runtime, token: str) -> Failed | None:
    """Forget the app of whoever is signed in; None if there was one."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        who = _fresh(runtime, connection, token, now)
        if isinstance(who, Failed):
            return who
        if not ways.drop_app(connection, who.party_id):
            return Failed.NONE
        _note(connection, "drop_app", who, now)
    return None


def _fresh(runtime: Runtime, connection: Connection, token: str, now: datetime) -> SignedIn | Failed:
    login = runtime.settings.login
    who = sessions.signed_in(connection, runtime.settings.policy, token, now, login.session_idle)
    if who is None:
        return Failed.SIGNED_OUT
    return who if now - who.started_at <= login.code_life else Failed.NOT_FRESH


def _note(connection: Connection, act: str, who: SignedIn, now: datetime) -> None:
    auditing.record(connection, act, now, session_id=who.session_id, party_id=who.party_id, case_id=who.case_id)
