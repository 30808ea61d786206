"""The tables of messages: what waits and what became of it, every attempt, dead numbers, tasks, what was spent."""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from caseq.store.columns import Id, Moment, metadata

WAITING = text("state IN ('queued', 'held')")
ASKED = text("ask_at IS NOT NULL")
OPEN = text("done_at IS NULL")

#: One row a message, and for news one a change; `part_of` is the row of the SMS in which a change was told with others.
#: `body_sealed` is the SMS as it was sent, only for as long as its outcome is open.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("purpose", String(10), nullable=False),
    Column("cause", String(400), nullable=False, unique=True),
    Column("challenge_id", Id),
    Column("n", Integer),
    Column("party_id", Id, ForeignKey("parties.id")),
    Column("record", String(20)),
    Column("key", String(100)),
    Column("milestone", String(50)),
    Column("formed_at", Moment),
    Column("legal_end_at", Moment),
    Column("legal_end_provisional", Boolean),
    Column("before_hash", String(64)),
    Column("part_of", Id, ForeignKey("outbox.id"), index=True),
    Column("phone_hash", String(64)),
    Column("to_sealed", Text),
    Column("lane", Integer, nullable=False),
    Column("state", String(12), nullable=False),
    Column("reason", String(100)),
    Column("created_at", Moment, nullable=False),
    Column("due_at", Moment),
    Column("attempts", Integer, nullable=False),
    Column("claim", String(32)),
    Column("claimed_at", Moment),
    Column("lease_until", Moment),
    Column("template", String(30)),
    Column("template_version", Integer),
    Column("language", String(5)),
    Column("body_sealed", Text),
    Column("asked", Integer, nullable=False, server_default="0"),
    Column("ask_at", Moment),
    Column("sent_at", Moment),
    Column("finished_at", Moment),
    Index("ix_outbox_phone_hash_state", "phone_hash", "state"),
    Index("ix_outbox_purpose_created_at", "purpose", "created_at"),
    Index("ix_outbox_party_id_state", "party_id", "state"),
    Index("ix_outbox_state_purpose_id", "state", "purpose", "id"),
)
#: What a worker looks for: messages that are due, by lane; those whose provider is to be asked.
Index(
    "ix_outbox_waiting",
    outbox.c.lane,
    outbox.c.due_at,
    outbox.c.id,
    postgresql_where=WAITING,
    sqlite_where=WAITING,
)
Index("ix_outbox_ask_at", outbox.c.ask_at, postgresql_where=ASKED, sqlite_where=ASKED)

#: Every call of a provider's "send"; its id makes the key by which the provider knows it.
attempts = Table(
    "attempts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("message_id", Id, ForeignKey("outbox.id"), nullable=False, index=True),
    Column("gateway", String(20), nullable=False),
    Column("at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("outcome", String(12)),
    Column("code", String(100)),
    Column("provider_id", String(100)),
    Column("status", String(12)),
    Column("status_code", String(100)),
    Column("status_at", Moment),
    Index("ix_attempts_provider_id", "provider_id"),
    Index("ix_attempts_at", "at"),
)

dead_numbers = Table(
    "dead_numbers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("phone_hash", String(64), nullable=False, unique=True),
    Column("phone_sealed", Text, nullable=False),
    Column("reason", String(100), nullable=False),
    Column("since", Moment, nullable=False),
    Column("works_since", Moment),
)

#: What somebody has to do by hand.
tasks = Table(
    "tasks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("cause", String(200), nullable=False, unique=True),
    Column("party_id", Id, ForeignKey("parties.id"), index=True),
    Column("case_id", Id, ForeignKey("cases.id")),
    Column("message_id", Id, ForeignKey("outbox.id"), index=True),
    Column("reason", String(100), nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("due_at", Moment),
    Column("done_at", Moment),
    Column("done_by", String(100)),
    Column("note", String(400)),
)
Index("ix_tasks_open", tasks.c.due_at, postgresql_where=OPEN, sqlite_where=OPEN)

#: That staff told a party of a milestone themselves.
tellings = Table(
    "tellings",
    metadata,
    Column("id", Id, primary_key=True),
    Column("party_id", Id, ForeignKey("parties.id"), nullable=False, index=True),
    Column("key", String(100), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("shown_hash", String(64)),
    Column("told_at", Moment, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("by", String(100), nullable=False),
)

#: How many messages were handed to providers on a day of the bureau, codes and news apart.
spent = Table(
    "spent",
    metadata,
    Column("day", Date, primary_key=True),
    Column("lane", Integer, primary_key=True, autoincrement=False),
    Column("gateway", String(20), primary_key=True),
    Column("messages", Integer, nullable=False),
)

#: Lanes that staff stopped.
stops = Table(
    "stops",
    metadata,
    Column("lane", Integer, primary_key=True, autoincrement=False),
    Column("since", Moment, nullable=False),
    Column("by", String(100), nullable=False),
    Column("reason", String(200), nullable=False),
)
