"""Numbers corrected at the counter by two persons, and notices with their delivery"""

import sqlalchemy as sa
from alembic import op

from caseq.store.columns import Id, Moment

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    _numbers()
    _deliveries()


def downgrade() -> None:
    for name in ("deliveries", "corrections", "number_changes"):
        op.drop_table(name)


def _numbers() -> None:
    op.create_table(
        "number_changes",
        sa.Column("id", Id, nullable=False),
        sa.Column("party_id", Id, nullable=False),
        sa.Column("asked_by", Id, nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("ends_at", Moment(), nullable=False),
        sa.Column("papers", sa.String(200), nullable=False),
        sa.Column("was_sealed", sa.Text()),
        sa.Column("phone_sealed", sa.Text()),
        sa.Column("decided_by", Id),
        sa.Column("decided_at", Moment()),
        sa.Column("agreed", sa.Boolean()),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_number_changes_party_id")),
        sa.ForeignKeyConstraint(["asked_by"], ["staff.id"], name=op.f("fk_number_changes_asked_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["staff.id"], name=op.f("fk_number_changes_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_changes")),
    )
    _unique_where("ix_number_changes_undecided", "number_changes", ["party_id"], "decided_at IS NULL")
    op.create_table(
        "corrections",
        sa.Column("party_id", Id, autoincrement=False, nullable=False),
        sa.Column("source", sa.String(50), nullable=False),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("stated_sealed", sa.Text()),
        sa.Column("since", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_corrections_party_id")),
        sa.PrimaryKeyConstraint("party_id", name=op.f("pk_corrections")),
    )
    op.create_index("ix_corrections_source", "corrections", ["source"])


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", Id, nullable=False),
        sa.Column("party_id", Id, nullable=False),
        sa.Column("milestone_id", Id, nullable=False),
        sa.Column("sequence", sa.String(100), nullable=False),
        sa.Column("method", sa.String(12), nullable=False),
        sa.Column("document_number", sa.String(100)),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("made_by", Id, nullable=False),
        sa.Column("result", sa.String(12)),
        sa.Column("receiver", sa.String(12)),
        sa.Column("ended_at", Moment()),
        sa.Column("recorded_at", Moment()),
        sa.Column("recorded_by", Id),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_deliveries_party_id")),
        sa.ForeignKeyConstraint(["milestone_id"], ["milestones.id"], name=op.f("fk_deliveries_milestone_id")),
        sa.ForeignKeyConstraint(["made_by"], ["staff.id"], name=op.f("fk_deliveries_made_by")),
        sa.ForeignKeyConstraint(["recorded_by"], ["staff.id"], name=op.f("fk_deliveries_recorded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    op.create_index("ix_deliveries_milestone_id", "deliveries", ["milestone_id"])
    of_state = ["party_id", "milestone_id", "sequence"]
    _unique_where("ix_deliveries_under_way", "deliveries", of_state, "result IS NULL")
    _unique_where("ix_deliveries_delivered", "deliveries", of_state, "result = 'delivered'")


def _unique_where(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=True, postgresql_where=where, sqlite_where=where)
