"""What a person who is signed in wants, and ending every session of theirs at once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from caseq.rules.agreed import cleaned, may_be_agreed
from caseq.runtime import Runtime
from caseq.store import auditing, contacts, preferences, recipients, sessions
from caseq.store.database import Connection
from caseq.store.preferences import Account, Preferences
from caseq.store.sessions import SignedIn

_SHOWN_DIGITS = 4


@dataclass(frozen=True, slots=True)
class NotAgreed:
    """The phrase may not be agreed on, so nothing was changed; `account` has the wishes that were stated."""

    account: Account


def account(runtime: Runtime, token: str) -> Account | None:
    """The wishes of whoever is signed in and what belongs to them; None if nobody is."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        who = _who(runtime, connection, token, now)
        return None if who is None else _account(runtime, connection, who, now)


def change(runtime: Runtime, token: str, changes: Mapping[str, Any]) -> Account | NotAgreed | None:
    """State other wishes; `changes` names fields of `Preferences`. None if nobody is signed in."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        who = _who(runtime, connection, token, now)
        if who is None:
            return None
        before = preferences.of(connection, runtime.sealer, who.party_id)
        wishes = replace(before, **changes)
        wishes = replace(wishes, phrase=cleaned(wishes.phrase))
        if not _may_be_agreed(runtime, connection, who.party_id, before, wishes):
            return NotAgreed(replace(_account(runtime, connection, who, now), wishes=wishes))
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


def _may_be_agreed(
    runtime: Runtime, connection: Connection, party_id: int, before: Preferences, wishes: Preferences
) -> bool:
    """Whether messages may carry this phrase in this language; what was agreed before stays agreed."""
    if (wishes.phrase, wishes.language) == (before.phrase, before.language) or not wishes.phrase:
        return True
    name = contacts.name_of(connection, runtime.sealer, party_id)
    return may_be_agreed(runtime.settings.wording, wishes.language, wishes.phrase, name)


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
