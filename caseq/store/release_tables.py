"""The tables of release: changes that wait until the bureau agreed, who decided what, and who decides for whom."""

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, text

from caseq.store.columns import Id, Moment, metadata

#: What the event of a waiting change is sealed for.
EVENT = "release.event"
UNDECIDED = text("state IN ('waiting', 'returned')")

#: One row for each pushed change of a milestone that must be agreed to first. The event is sealed here as it came; the
#: ledger, and with it every channel, does not have it before the last signature. `step` is whose turn it is.
releases = Table(
    "releases",
    metadata,
    Column("id", Id, primary_key=True),
    Column("source", String(50), nullable=False),
    Column("event_id", String(200), nullable=False),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False, index=True),
    Column("key", String(100), nullable=False),
    Column("name", String(50), nullable=False),
    Column("sequence", String(100), nullable=False),
    Column("formed_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("due_at", Moment),
    Column("due_provisional", Boolean),
    Column("state", String(12), nullable=False),
    Column("chain", String(100), nullable=False),
    Column("step", Integer, nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("event_sealed", Text, nullable=False),
    Column("released_at", Moment),
    Column("ground", String(200)),
    Column("withheld_until", Date),
    UniqueConstraint("source", "event_id"),
    Index("ix_releases_source_key", "source", "key"),
)
Index("ix_releases_undecided", releases.c.due_at, postgresql_where=UNDECIDED, sqlite_where=UNDECIDED)

#: Every signature and every refusal of one; `for_id` is whose step it was, where somebody decided for another.
decisions = Table(
    "decisions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("release_id", Id, ForeignKey("releases.id"), nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("staff_id", Id, ForeignKey("staff.id"), nullable=False),
    Column("for_id", Id, ForeignKey("staff.id")),
    Column("step", Integer, nullable=False),
    Column("decision", String(12), nullable=False),
    Column("reason", String(400)),
    Column("preview_hash", String(64)),
)

delegations = Table(
    "delegations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("from_id", Id, ForeignKey("staff.id"), nullable=False, index=True),
    Column("to_id", Id, ForeignKey("staff.id"), nullable=False, index=True),
    Column("since", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("reason", String(200), nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("ended_at", Moment),
)
