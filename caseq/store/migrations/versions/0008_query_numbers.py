"""Query numbers, which stand for case numbers on paper, and an index of the numbers of withdrawn cases"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "query_numbers",
        sa.Column("number_key", sa.String(length=12), nullable=False),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_query_numbers_case_id")),
        sa.PrimaryKeyConstraint("number_key", name=op.f("pk_query_numbers")),
        sa.UniqueConstraint("case_id", name=op.f("uq_query_numbers_case_id")),
    )
    op.create_index(
        "ix_cases_withdrawn_number_key",
        "cases",
        ["number_key"],
        unique=False,
        postgresql_where=sa.text("withdrawn IS true"),
        sqlite_where=sa.text("withdrawn IS true"),
    )


def downgrade() -> None:
    op.drop_index("ix_cases_withdrawn_number_key", table_name="cases")
    op.drop_table("query_numbers")
