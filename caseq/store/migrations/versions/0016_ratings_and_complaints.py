"""What people say of the service: ratings and complaints"""

import sqlalchemy as sa
from alembic import op

from caseq.store.columns import Id, Moment

revision = "0016"
down_revision = "0015"

WAITING = sa.text("state IN ('open', 'second')")


def upgrade() -> None:
    op.create_table(
        "ratings",
        sa.Column("id", Id, nullable=False),
        sa.Column("party_id", Id, nullable=False),
        sa.Column("case_id", Id, nullable=False),
        sa.Column("unit_code", sa.String(20)),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("text_sealed", sa.Text()),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_ratings_party_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_ratings_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ratings")),
        sa.UniqueConstraint("party_id", "month", name=op.f("uq_ratings_party_id_month")),
    )
    op.create_index("ix_ratings_case_id", "ratings", ["case_id"])
    op.create_index("ix_ratings_at", "ratings", ["at"])
    _complaints()


def _complaints() -> None:
    op.create_table(
        "complaints",
        sa.Column("id", Id, nullable=False),
        sa.Column("party_id", Id, nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("case_id", Id, nullable=False),
        sa.Column("unit_code", sa.String(20)),
        sa.Column("role", sa.String(30), nullable=False),
        sa.Column("about", sa.String(20), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("text_sealed", sa.Text()),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("due_provisional", sa.Boolean(), nullable=False),
        sa.Column("answer_sealed", sa.Text()),
        sa.Column("answered_at", Moment()),
        sa.Column("answered_by", Id),
        sa.Column("second_text_sealed", sa.Text()),
        sa.Column("second_at", Moment()),
        sa.Column("second_due_at", Moment()),
        sa.Column("second_due_provisional", sa.Boolean()),
        sa.Column("second_answer_sealed", sa.Text()),
        sa.Column("second_answered_at", Moment()),
        sa.Column("second_answered_by", Id),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_complaints_party_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_complaints_case_id")),
        sa.ForeignKeyConstraint(["answered_by"], ["staff.id"], name=op.f("fk_complaints_answered_by")),
        sa.ForeignKeyConstraint(["second_answered_by"], ["staff.id"], name=op.f("fk_complaints_second_answered_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_complaints")),
        sa.UniqueConstraint("party_id", "n", name=op.f("uq_complaints_party_id_n")),
    )
    op.create_index("ix_complaints_case_id", "complaints", ["case_id"])
    op.create_index("ix_complaints_at", "complaints", ["at"])
    op.create_index("ix_complaints_waiting", "complaints", ["due_at"], postgresql_where=WAITING, sqlite_where=WAITING)


def downgrade() -> None:
    op.drop_table("complaints")
    op.drop_table("ratings")
