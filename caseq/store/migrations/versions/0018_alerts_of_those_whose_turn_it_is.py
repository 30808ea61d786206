"""Alerts of those whose turn it is to sign"""

import sqlalchemy as sa
from alembic import op

from caseq.store.columns import Id, Moment

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", Id, nullable=False),
        sa.Column("staff_id", Id, nullable=False),
        sa.Column("release_id", Id, nullable=False),
        sa.Column("stage", sa.String(10), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("seen_at", Moment()),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_alerts_staff_id")),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name=op.f("fk_alerts_release_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("staff_id", "release_id", "stage", name=op.f("uq_alerts_staff_id_release_id_stage")),
    )
    op.create_index("ix_alerts_release_id", "alerts", ["release_id"])


def downgrade() -> None:
    op.drop_table("alerts")
