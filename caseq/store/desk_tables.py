"""The tables of the counter: numbers that a second person must agree to, those in force, notices and their delivery."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table, Text, text

from caseq.store.columns import Id, Moment, metadata

UNDECIDED = text("decided_at IS NULL")
UNDER_WAY = text("result IS NULL")
DELIVERED = text("result = 'delivered'")

#: A number that a clerk wants corrected: both numbers are sealed, and forgotten as soon as it is decided or too late.
number_changes = Table(
    "number_changes",
    metadata,
    Column("id", Id, primary_key=True),
    Column("party_id", Id, ForeignKey("parties.id"), nullable=False),
    Column("asked_by", Id, ForeignKey("staff.id"), nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("papers", String(200), nullable=False),
    Column("was_sealed", Text),
    Column("phone_sealed", Text),
    Column("decided_by", Id, ForeignKey("staff.id")),
    Column("decided_at", Moment),
    Column("agreed", Boolean),
)
Index(
    "ix_number_changes_undecided",
    number_changes.c.party_id,
    unique=True,
    postgresql_where=UNDECIDED,
    sqlite_where=UNDECIDED,
)

#: That a party has its number from the counter, and which one its source states all the same (NULL: none).
corrections = Table(
    "corrections",
    metadata,
    Column("party_id", Id, ForeignKey("parties.id"), primary_key=True, autoincrement=False),
    Column("source", String(50), nullable=False, index=True),
    Column("key", String(100), nullable=False),
    Column("stated_sealed", Text),
    Column("since", Moment, nullable=False),
)

#: One row for every notice that was made of a milestone as it stood at `sequence`, and what became of it.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("party_id", Id, ForeignKey("parties.id"), nullable=False),
    Column("milestone_id", Id, ForeignKey("milestones.id"), nullable=False, index=True),
    Column("sequence", String(100), nullable=False),
    Column("method", String(12), nullable=False),
    Column("document_number", String(100)),
    Column("made_at", Moment, nullable=False),
    Column("made_by", Id, ForeignKey("staff.id"), nullable=False),
    Column("result", String(12)),
    Column("receiver", String(12)),
    Column("ended_at", Moment),
    Column("recorded_at", Moment),
    Column("recorded_by", Id, ForeignKey("staff.id")),
)
#: Of one state of a milestone a party has one notice under way, and is told once.
for _name, _where in (("ix_deliveries_under_way", UNDER_WAY), ("ix_deliveries_delivered", DELIVERED)):
    Index(
        _name,
        deliveries.c.party_id,
        deliveries.c.milestone_id,
        deliveries.c.sequence,
        unique=True,
        postgresql_where=_where,
        sqlite_where=_where,
    )
