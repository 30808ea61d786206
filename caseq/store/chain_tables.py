"""The tables about the audit: its chain, when it was anchored, and the cases whose reading is watched."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table, text

from caseq.store.columns import Id, Moment, metadata

#: A position is not the id of the row: on PostgreSQL a transaction with a lower id may commit later.
audit_links = Table(
    "audit_links",
    metadata,
    Column("position", Id, primary_key=True, autoincrement=False),
    Column("audit_id", Id, nullable=False, unique=True),
    Column("hash", String(64), nullable=False),
    Column("seal", String(80)),
)

#: That a position was written down outside the database, so that this knows how old the newest anchor is.
audit_anchors = Table(
    "audit_anchors",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
)

#: Cases of an officer of the unit that handles them, as the auditor entered them.
watched_cases = Table(
    "watched_cases",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("by", String(100), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment),
)
_WATCHED = text("until IS NULL")
Index("uq_watched_cases_now", watched_cases.c.case_id, unique=True, postgresql_where=_WATCHED, sqlite_where=_WATCHED)
