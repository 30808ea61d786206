"""The tables. Migrations create them; a test keeps both the same on SQLite and PostgreSQL."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from caseq.rules.guesses import HOURS
from caseq.store.alert_tables import alerts as alerts
from caseq.store.chain_tables import audit_anchors as audit_anchors
from caseq.store.chain_tables import audit_links as audit_links
from caseq.store.chain_tables import watched_cases as watched_cases
from caseq.store.columns import Id
from caseq.store.columns import Moment as Moment
from caseq.store.columns import metadata as metadata
from caseq.store.desk_tables import corrections as corrections
from caseq.store.desk_tables import deliveries as deliveries
from caseq.store.desk_tables import number_changes as number_changes
from caseq.store.file_tables import file_batches as file_batches
from caseq.store.file_tables import file_gaps as file_gaps
from caseq.store.mark_table import marks as marks
from caseq.store.message_tables import attempts as attempts
from caseq.store.message_tables import dead_numbers as dead_numbers
from caseq.store.message_tables import outbox as outbox
from caseq.store.message_tables import spent as spent
from caseq.store.message_tables import stops as stops
from caseq.store.message_tables import tasks as tasks
from caseq.store.message_tables import tellings as tellings
from caseq.store.number_tables import query_numbers as query_numbers
from caseq.store.release_tables import decisions as decisions
from caseq.store.release_tables import delegations as delegations
from caseq.store.release_tables import releases as releases
from caseq.store.staff_tables import staff as staff
from caseq.store.staff_tables import staff_failures as staff_failures
from caseq.store.staff_tables import staff_sessions as staff_sessions
from caseq.store.voices_tables import complaints as complaints
from caseq.store.voices_tables import ratings as ratings


def _id() -> Column[Any]:
    return Column("id", Id, primary_key=True)


def _case() -> Column[Any]:
    return Column("case_id", Id, ForeignKey("cases.id"), nullable=False, index=True)


def _live() -> Column[Any]:
    return Column("withdrawn", Boolean, nullable=False)


sources = Table(
    "sources",
    metadata,
    Column("name", String(50), primary_key=True),
    Column("last_push_at", Moment, nullable=False),
    Column("last_batch", BigInteger),
    Column("newest_sequence", String(100)),
    Column("usual_seconds", Double),
)

cases = Table(
    "cases",
    metadata,
    _id(),
    Column("source", String(50), ForeignKey("sources.name"), nullable=False),
    Column("number", String(100), nullable=False),
    Column("number_key", String(100), nullable=False),
    Column("kind", String(30), nullable=False),
    Column("state", String(20), nullable=False),
    Column("opened_on", Date),
    Column("concluded_on", Date),
    Column("unit_code", String(20)),
    Column("unit_name", String(200), nullable=False),
    Column("unit_address", String(200)),
    Column("unit_phone", String(50)),
    Column("merged_into", String(100)),
    Column("transferred_to", JSON(none_as_null=True)),
    Column("juvenile", Boolean, nullable=False),
    Column("trade", String(100)),
    Column("ended_on", Date),
    Column("narrowed", Boolean, nullable=False, server_default=false()),
    Column("sequence", String(100), nullable=False),
    Column("formed_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    _live(),
    UniqueConstraint("source", "number_key"),
)
#: One live case per number, whichever source it comes from.
Index(
    "ix_cases_live_number_key",
    cases.c.number_key,
    unique=True,
    postgresql_where=text("withdrawn IS false"),
    sqlite_where=text("withdrawn IS false"),
)
#: Old numbers are looked up too; those of withdrawn cases are few, so that this index costs a push nothing.
Index(
    "ix_cases_withdrawn_number_key",
    cases.c.number_key,
    postgresql_where=text("withdrawn IS true"),
    sqlite_where=text("withdrawn IS true"),
)

case_aliases = Table(
    "case_aliases",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True),
    Column("alias_key", String(100), primary_key=True, index=True),
)

parties = Table(
    "parties",
    metadata,
    _id(),
    Column("source", String(50), nullable=False),
    Column("key", String(100), nullable=False),
    _case(),
    Column("role", String(30), nullable=False),
    Column("subject", String(100)),
    Column("name_sealed", Text),
    Column("phone_sealed", Text),
    Column("phone_as_given_sealed", Text),
    Column("phone_hash", String(64), index=True),
    Column("contact_mac", String(80)),
    Column("contact_broken_at", Moment),
    Column("appeared_on", Date),
    Column("juvenile", Boolean, nullable=False),
    Column("valid_from", Date),
    Column("valid_until", Date),
    Column("sms", Boolean, nullable=False),
    Column("barred", String(20)),
    Column("entered_at", Moment),
    Column("sequence", String(100), nullable=False),
    Column("formed_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    _live(),
    UniqueConstraint("source", "key"),
)
#: The few parties whose contact was found edited by hand.
Index(
    "ix_parties_contact_broken_at",
    parties.c.contact_broken_at,
    postgresql_where=text("contact_broken_at IS NOT NULL"),
    sqlite_where=text("contact_broken_at IS NOT NULL"),
)

milestones = Table(
    "milestones",
    metadata,
    _id(),
    Column("source", String(50), nullable=False),
    Column("key", String(100), nullable=False),
    _case(),
    Column("name", String(50), nullable=False),
    Column("subject", String(100)),
    Column("occurred_on", Date),
    Column("document_number", String(100)),
    Column("details", JSON, nullable=False),
    Column("hidden_until", Date),
    Column("hold_reason", String(200)),
    Column("tell_first", Boolean, nullable=False),
    Column("sequence", String(100), nullable=False),
    Column("formed_at", Moment, nullable=False),
    Column("released_at", Moment, nullable=False),
    Column("line_since", Moment),
    Column("published_at", Moment),
    Column("due_at", Moment),
    Column("due_provisional", Boolean),
    _live(),
    UniqueConstraint("source", "key"),
)

history = Table(
    "history",
    metadata,
    _id(),
    Column("source", String(50), nullable=False),
    Column("event_id", String(200), nullable=False),
    Column("record", String(20), nullable=False),
    Column("key", String(100), nullable=False),
    Column("case_id", Id, ForeignKey("cases.id"), index=True),
    Column("sequence", String(100), nullable=False),
    Column("formed_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("withdrawal", Boolean, nullable=False),
    Column("state_sealed", Text, nullable=False),
)

received = Table(
    "received",
    metadata,
    Column("source", String(50), primary_key=True),
    Column("event_id", String(200), primary_key=True),
    Column("received_at", Moment, nullable=False),
)

parked = Table(
    "parked",
    metadata,
    _id(),
    Column("source", String(50), nullable=False),
    Column("event_id", String(200), nullable=False),
    Column("case_key", String(100), nullable=False),
    Column("sequence", String(100), nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("event_sealed", Text, nullable=False),
    UniqueConstraint("source", "event_id"),
    Index("ix_parked_source_case_key", "source", "case_key"),
)

quarantine = Table(
    "quarantine",
    metadata,
    _id(),
    Column("source", String(50), nullable=False),
    Column("event_id", String(200)),
    Column("received_at", Moment, nullable=False),
    Column("errors", JSON, nullable=False),
    Column("event_sealed", Text, nullable=False),
    Column("event_hash", String(64), nullable=False),
    Column("resolved_at", Moment),
    UniqueConstraint("source", "event_hash"),
)
#: The live records of a source in the order of their keys' bytes, whatever the collation of the database.
for _column in (cases.c.number, parties.c.key, milestones.c.key):
    Index(
        f"ix_{_column.table.name}_live_source_{_column.name}",
        _column.table.c.source,
        _column,
        postgresql_ops={_column.name: 'COLLATE "C"'},
        postgresql_where=text("withdrawn IS false"),
        sqlite_where=text("withdrawn IS false"),
    )


challenges = Table(
    "challenges",
    metadata,
    _id(),
    Column("handle_hash", String(64), nullable=False, unique=True),
    Column("key_id", String(16), nullable=False),
    Column("language", String(5), nullable=False),
    Column("asked_sealed", Text, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
    Column("tries", Integer, nullable=False),
)

codes = Table(
    "codes",
    metadata,
    Column("challenge_id", Id, ForeignKey("challenges.id", ondelete="CASCADE"), primary_key=True),
    Column("n", Integer, primary_key=True),
    Column("party_id", Id, ForeignKey("parties.id"), nullable=False),
    Column("phone_hash", String(64), nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("used_at", Moment),
    Column("share", String(80), nullable=False, server_default="strangers"),
    Column("network_hash", String(64), nullable=False, server_default=""),
    Index("ix_codes_party_id_made_at", "party_id", "made_at"),
    Index("ix_codes_phone_hash_made_at", "phone_hash", "made_at"),
    Index("ix_codes_made_at", "made_at"),
)

#: The units spent in each of the last hours; an hour stands in the column of its number modulo 25.
HOUR_NAMES = [f"h{n:02}" for n in range(HOURS)]
guesses = Table(
    "guesses",
    metadata,
    Column("party_id", BigInteger, primary_key=True, autoincrement=False),
    Column("share", String(80), primary_key=True),
    Column("hour", BigInteger, nullable=False, index=True),
    Column("in_a_row", Integer, nullable=False),
    *(Column(name, Integer, nullable=False) for name in HOUR_NAMES),
)

authenticators = Table(
    "authenticators",
    metadata,
    Column("party_id", Id, ForeignKey("parties.id"), primary_key=True, autoincrement=False),
    Column("secret_sealed", Text, nullable=False),
    Column("last_step", BigInteger, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("confirmed_at", Moment),
)

paper_codes = Table(
    "paper_codes",
    metadata,
    _id(),
    Column("party_id", Id, ForeignKey("parties.id"), nullable=False, index=True),
    Column("kind", String(10), nullable=False),
    Column("line", Integer, nullable=False),
    Column("typed_hash", String(64), nullable=False, unique=True),
    Column("keypad_hash", String(64), index=True),
    Column("made_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
    Column("used_at", Moment),
)

preferences = Table(
    "preferences",
    metadata,
    Column("party_id", Id, ForeignKey("parties.id"), primary_key=True, autoincrement=False),
    Column("sms", Boolean, nullable=False),
    Column("language", String(5), nullable=False),
    Column("quiet", Boolean, nullable=False),
    Column("shared_phone", Boolean, nullable=False),
    Column("safe_contact_sealed", Text),
    Column("phrase_sealed", Text),
    Column("changed_at", Moment, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    _id(),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("party_id", Id, ForeignKey("parties.id"), nullable=False, index=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("role", String(30), nullable=False),
    Column("subject", String(100)),
    Column("started_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    _id(),
    Column("at", Moment, nullable=False),
    Column("act", String(30), nullable=False),
    Column("source", String(50)),
    Column("session_id", Id),
    Column("party_id", Id),
    Column("case_id", Id),
    Column("facts", JSON(none_as_null=True)),
    Column("staff_id", Id),
    Index("ix_audit_session_id_at", "session_id", "at"),
)
#: What proofs of notice look for (store/notices.py): the looks of one party, and the proofs themselves; and what the
#: auditor looks for (store/looks.py), with no entry for a look of a party, which must stay quick to write.
for _name, _columns, _where in (
    ("ix_audit_looks", (audit.c.party_id, audit.c.at), "act IN ('view', 'revoke', 'confirm')"),
    ("ix_audit_proofs", (audit.c.id,), "act = 'proof'"),
    ("ix_audit_by_staff", (audit.c.staff_id, audit.c.at), "staff_id IS NOT NULL"),
    ("ix_audit_case", (audit.c.case_id, audit.c.at), "act <> 'view'"),
):
    Index(_name, *_columns, postgresql_where=text(_where), sqlite_where=text(_where))

link_tokens = Table(
    "link_tokens",
    metadata,
    Column("region", String(50), primary_key=True),
    Column("jti_hash", String(64), primary_key=True),
    Column("expires_at", Moment, nullable=False, index=True),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("seen_at", Moment, nullable=False),
)
