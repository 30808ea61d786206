"""The tables of what people say of the service: ratings and complaints, their texts sealed until they are forgotten."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, text

from caseq.store.columns import Id, Moment, metadata

WAITING = text("state IN ('open', 'second')")

#: The last word of a party in one month ("2026-11") of the bureau.
ratings = Table(
    "ratings",
    metadata,
    Column("id", Id, primary_key=True),
    Column("party_id", Id, ForeignKey("parties.id"), nullable=False),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False, index=True),
    Column("unit_code", String(20)),
    Column("month", String(7), nullable=False),
    Column("score", Integer, nullable=False),
    Column("text_sealed", Text),
    Column("at", Moment, nullable=False),
    UniqueConstraint("party_id", "month"),
    Index("ix_ratings_at", "at"),
)

#: `n` counts the complaints of one party; it and nothing else of these rows is told outside of the bureau. The unit and
#: the role are those of the day of the complaint.
complaints = Table(
    "complaints",
    metadata,
    Column("id", Id, primary_key=True),
    Column("party_id", Id, ForeignKey("parties.id"), nullable=False),
    Column("n", Integer, nullable=False),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False, index=True),
    Column("unit_code", String(20)),
    Column("role", String(30), nullable=False),
    Column("about", String(20), nullable=False),
    Column("state", String(10), nullable=False),
    Column("text_sealed", Text),
    Column("at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("due_provisional", Boolean, nullable=False),
    Column("answer_sealed", Text),
    Column("answered_at", Moment),
    Column("answered_by", Id, ForeignKey("staff.id")),
    Column("second_text_sealed", Text),
    Column("second_at", Moment),
    Column("second_due_at", Moment),
    Column("second_due_provisional", Boolean),
    Column("second_answer_sealed", Text),
    Column("second_answered_at", Moment),
    Column("second_answered_by", Id, ForeignKey("staff.id")),
    UniqueConstraint("party_id", "n"),
    Index("ix_complaints_at", "at"),
)
Index("ix_complaints_waiting", complaints.c.due_at, postgresql_where=WAITING, sqlite_where=WAITING)
