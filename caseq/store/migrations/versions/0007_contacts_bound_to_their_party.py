"""Contacts bound to their party, and what it takes to change keys"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_NOTICED = sa.text("contact_broken_at IS NOT NULL")


def upgrade() -> None:
    op.add_column("parties", sa.Column("contact_mac", sa.String(80), nullable=True))
    op.add_column("parties", sa.Column("contact_broken_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_parties_contact_broken_at",
        "parties",
        ["contact_broken_at"],
        postgresql_where=_NOTICED,
        sqlite_where=_NOTICED,
    )
    op.add_column("file_batches", sa.Column("body_sealed", sa.Text(), nullable=True))
    marks = op.create_table(
        "marks",
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("seal", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_marks")),
    )
    config = op.get_context().config
    sealer = config.attributes.get("sealer") if config else None
    has_parties = op.get_bind().execute(sa.text("SELECT id FROM parties LIMIT 1")).first() is not None
    if sealer is not None and has_parties:
        # Contacts that were sealed for their column only are good until `caseq keys rotate` has bound them all.
        op.execute(marks.insert().values(name="unbound contacts", seal=sealer.seal("marks.unbound contacts", b"")))


def downgrade() -> None:
    op.drop_table("marks")
    op.drop_column("file_batches", "body_sealed")
    op.drop_index("ix_parties_contact_broken_at", "parties")
    op.drop_column("parties", "contact_broken_at")
    op.drop_column("parties", "contact_mac")
