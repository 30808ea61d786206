"""Files across an air gap, and the live records of a source in order"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

LIVE_KEYS = {"cases": "number", "parties": "key", "milestones": "key"}


def upgrade() -> None:
    op.create_table(
        "file_batches",
        sa.Column("source", sa.String(length=50), nullable=False),
        sa.Column("batch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("copy_id", sa.String(length=64), nullable=True),
        sa.Column("part", sa.Integer(), nullable=True),
        sa.Column("parts", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["source"], ["sources.name"], name=op.f("fk_file_batches_source")),
        sa.PrimaryKeyConstraint("source", "batch", name=op.f("pk_file_batches")),
        sa.UniqueConstraint("source", "message_id", name=op.f("uq_file_batches_source_message_id")),
    )
    with op.batch_alter_table("file_batches", schema=None) as batch_op:
        batch_op.create_index("ix_file_batches_source_copy_id", ["source", "copy_id"], unique=False)
    op.create_table(
        "file_gaps",
        sa.Column("source", sa.String(length=50), nullable=False),
        sa.Column("first", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["source"], ["sources.name"], name=op.f("fk_file_gaps_source")),
        sa.PrimaryKeyConstraint("source", "first", name=op.f("pk_file_gaps")),
    )
    for table, key in LIVE_KEYS.items():
        op.create_index(
            f"ix_{table}_live_source_{key}",
            table,
            ["source", key],
            unique=False,
            postgresql_ops={key: 'COLLATE "C"'},
            postgresql_where=sa.text("withdrawn IS false"),
            sqlite_where=sa.text("withdrawn IS false"),
        )


def downgrade() -> None:
    for table, key in LIVE_KEYS.items():
        op.drop_index(f"ix_{table}_live_source_{key}", table_name=table)
    op.drop_table("file_gaps")
    with op.batch_alter_table("file_batches", schema=None) as batch_op:
        batch_op.drop_index("ix_file_batches_source_copy_id")
    op.drop_table("file_batches")
