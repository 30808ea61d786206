"""The tables about files that crossed an air gap: which were taken, and which numbers are missing."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from caseq.store.columns import Moment, metadata

file_batches = Table(
    "file_batches",
    metadata,
    Column("source", String(50), ForeignKey("sources.name"), primary_key=True),
    Column("batch", BigInteger, primary_key=True, autoincrement=False),
    Column("message_id", String(200), nullable=False),
    Column("body_hash", String(64), nullable=False),
    Column("body_sealed", Text),
    Column("taken_at", Moment, nullable=False),
    Column("copy_id", String(64)),
    Column("part", Integer),
    Column("parts", Integer),
    UniqueConstraint("source", "message_id"),
    Index("ix_file_batches_source_copy_id", "source", "copy_id"),
)

file_gaps = Table(
    "file_gaps",
    metadata,
    Column("source", String(50), ForeignKey("sources.name"), primary_key=True),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("noticed_at", Moment, nullable=False),
)
