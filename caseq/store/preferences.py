"""What a person wants: SMS or none, a language, quiet hours, a phrase, a device that others use, how to be reached."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select

from caseq.store.database import insert_into
from caseq.store.sealing import Sealer
from caseq.store.tables import authenticators, parties, preferences, sessions


@dataclass(frozen=True, slots=True)
class Preferences:
    """The wishes of one party; until it states any, SMS as its case system says.

    `quiet`: no news in the quiet hours of config/messages.toml. `shared_phone`: others use the device, so it remembers
    nothing. `safe_contact` tells staff how to reach the person without putting them at risk. `phrase` is the word
    agreed with the bureau by which its messages are told from forged ones.
    """

    sms: bool
    language: str = "zh"
    quiet: bool = True
    shared_phone: bool = False
    safe_contact: str = field(default="", repr=False)
    phrase: str = field(default="", repr=False)

    @property
    def phrase_in_messages(self) -> str:
        """The phrase where only its owner reads the messages; whoever else reads it can forge them."""
        return "" if self.shared_phone else self.phrase


@dataclass(frozen=True, slots=True)
class Account:
    """The wishes, and what belongs to them: the end of the number, whether an app is enrolled, how many sessions."""

    wishes: Preferences
    phone_end: str = field(repr=False)
    has_app: bool
    sessions: int


def of(connection: Connection, sealer: Sealer, party_id: int) -> Preferences:
    """The wishes of this party."""
    joined = select(parties.c.sms.label("by_source"), preferences)
    joined = joined.outerjoin(preferences, preferences.c.party_id == parties.c.id)
    row = connection.execute(joined.where(parties.c.id == party_id)).one()
    if row.language is None:
        return Preferences(bool(row.by_source))
    safe = sealer.unseal(purpose_of(party_id), row.safe_contact_sealed).decode() if row.safe_contact_sealed else ""
    phrase = sealer.unseal(phrase_purpose_of(party_id), row.phrase_sealed).decode() if row.phrase_sealed else ""
    return Preferences(bool(row.sms), row.language, bool(row.quiet), bool(row.shared_phone), safe, phrase)


def keep(connection: Connection, sealer: Sealer, party_id: int, wishes: Preferences, now: datetime) -> None:
    """State these wishes in place of those before."""
    safe = sealer.seal(purpose_of(party_id), wishes.safe_contact.encode()) if wishes.safe_contact else None
    phrase = sealer.seal(phrase_purpose_of(party_id), wishes.phrase.encode()) if wishes.phrase else None
    row = {
        "sms": wishes.sms,
        "language": wishes.language,
        "quiet": wishes.quiet,
        "shared_phone": wishes.shared_phone,
        "safe_contact_sealed": safe,
        "phrase_sealed": phrase,
        "changed_at": now,
    }
    statement = insert_into(connection, preferences).values(party_id=party_id, **row)
    connection.execute(statement.on_conflict_do_update(index_elements=["party_id"], set_=row))


def purpose_of(party_id: int) -> str:
    """What a party's own value is sealed for: it opens in its row only."""
    return f"preferences.safe_contact {party_id}"


def phrase_purpose_of(party_id: int) -> str:
    """The same for the phrase of a party."""
    return f"preferences.phrase {party_id}"


def has_app(connection: Connection, party_id: int) -> bool:
    """Whether the party has an authenticator app that works."""
    mine = select(authenticators.c.party_id).where(authenticators.c.party_id == party_id)
    return connection.execute(mine.where(authenticators.c.confirmed_at.is_not(None))).first() is not None


def live_sessions(connection: Connection, party_id: int, now: datetime) -> int:
    """How many sessions of the party have not reached their end."""
    mine = select(func.count()).where(sessions.c.party_id == party_id, sessions.c.ends_at > now)
    return connection.execute(mine).scalar_one()
