"""What a person who is signed in wants, and ending every session of theirs at once."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from caseq.runtime import Runtime
from caseq.store import auditing, preferences, recipients, sessions
from caseq.store.database import Connection
from caseq.store.preferences import Account
from caseq.store.sessions import SignedIn

_SHOWN_DIGITS = 4


def account(runtime: Runtime, token: str) -> Account | None:
    """The wishes of whoever is signed in and what belongs to them; None if nobody is."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        who = _who(runtime, connection, token, now)
        return None if who is None else _account(runtime, connection, who, now)


def change(runtime: Runtime, token: str, changes: Mapping[str, Any]) -> Account | None:
    """State other wishes; `changes` names fields of `Preferences`. None if nobody is signed in."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        who = _who(runtime, connection, token, now)
        if who is None:
            return None
        wishes = replace(preferences.of(connection, runtime.sealer, who.party_id), **changes)
        preferences.keep(connection, runtime.sealer, who.party_id, wishes, now)
        _note(connection, "prefer", who, now, {"changed": sorted(changes)})
        return _account(runtime, connection, who, now)


def sign_out_everywhere(runtime: Runtime, token: str) -> bool:
    """End every session of whoever is signed in, on every device; whether anybody is."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        who = _who(runtime, connection, token, now)
        if who is None:
            return False
        sessions.end_sessions(connection, [who.party_id])
        _note(connection, "sign_out_all", who, now, None)
    return True


def _who(runtime: Runtime, connection: Connection, token: str, now: datetime) -> SignedIn | None:
    settings = runtime.settings
    return sessions.signed_in(connection, settings.policy, token, now, settings.login.session_idle)


def _account(runtime: Runtime, connection: Connection, who: SignedIn, now: datetime) -> Account:
    to = recipients.recipient(connection, runtime.sealer, runtime.settings.policy, who.party_id, now)
    return Account(
        wishes=preferences.of(connection, runtime.sealer, who.party_id),
        phone_end=(to.phone or "")[-_SHOWN_DIGITS:],
        has_app=preferences.has_app(connection, who.party_id),
        sessions=preferences.live_sessions(connection, who.party_id, now),
    )


def _note(connection: Connection, act: str, who: SignedIn, now: datetime, facts: Mapping[str, Any] | None) -> None:
    auditing.record(
        connection, act, now, session_id=who.session_id, party_id=who.party_id, case_id=who.case_id, facts=facts
    )
