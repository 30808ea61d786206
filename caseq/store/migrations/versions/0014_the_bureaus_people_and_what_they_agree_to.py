"""The bureau's people with their sessions, changes that wait for release, and by when a milestone is to be told"""

import sqlalchemy as sa
from alembic import op

from caseq.store.columns import Id, Moment

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    _people()
    _release()
    op.add_column("milestones", sa.Column("published_at", Moment(), nullable=True))
    op.add_column("milestones", sa.Column("due_at", Moment(), nullable=True))
    op.add_column("milestones", sa.Column("due_provisional", sa.Boolean(), nullable=True))
    op.add_column("audit", sa.Column("staff_id", Id, nullable=True))


def downgrade() -> None:
    op.drop_column("audit", "staff_id")
    for name in ("due_provisional", "due_at", "published_at"):
        op.drop_column("milestones", name)
    for name in ("decisions", "delegations", "releases", "staff_failures", "staff_sessions", "staff"):
        op.drop_table(name)


def _people() -> None:
    op.create_table(
        "staff",
        sa.Column("id", Id, nullable=False),
        sa.Column("badge", sa.String(30), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("unit", sa.String(20)),
        sa.Column("password_hash", sa.String(200), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("totp_sealed", sa.Text()),
        sa.Column("totp_last_step", sa.BigInteger(), nullable=False),
        sa.Column("totp_confirmed_at", Moment()),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("disabled_at", Moment()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("badge", name=op.f("uq_staff_badge")),
    )
    op.create_table(
        "staff_sessions",
        sa.Column("id", Id, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("staff_id", Id, nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("last_act_at", Moment(), nullable=False),
        sa.Column("proven_at", Moment(), nullable=False),
        sa.Column("ends_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_staff_sessions_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_staff_sessions_token_hash")),
    )
    op.create_index("ix_staff_sessions_staff_id", "staff_sessions", ["staff_id"])
    op.create_table(
        "staff_failures",
        sa.Column("who_hash", sa.String(64), nullable=False),
        sa.Column("in_a_row", sa.Integer(), nullable=False),
        sa.Column("not_before", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("who_hash", name=op.f("pk_staff_failures")),
    )


def _release() -> None:
    op.create_table(
        "releases",
        sa.Column("id", Id, nullable=False),
        sa.Column("source", sa.String(50), nullable=False),
        sa.Column("event_id", sa.String(200), nullable=False),
        sa.Column("case_id", Id, nullable=False),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("sequence", sa.String(100), nullable=False),
        sa.Column("formed_at", Moment(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("due_at", Moment()),
        sa.Column("due_provisional", sa.Boolean()),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("chain", sa.String(100), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("event_sealed", sa.Text(), nullable=False),
        sa.Column("released_at", Moment()),
        sa.Column("ground", sa.String(200)),
        sa.Column("withheld_until", sa.Date()),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_releases_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_releases")),
        sa.UniqueConstraint("source", "event_id", name=op.f("uq_releases_source_event_id")),
    )
    op.create_index("ix_releases_case_id", "releases", ["case_id"])
    op.create_index("ix_releases_source_key", "releases", ["source", "key"])
    undecided = sa.text("state IN ('waiting', 'returned')")
    op.create_index("ix_releases_undecided", "releases", ["due_at"], postgresql_where=undecided, sqlite_where=undecided)
    op.create_table(
        "decisions",
        sa.Column("id", Id, nullable=False),
        sa.Column("release_id", Id, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("staff_id", Id, nullable=False),
        sa.Column("for_id", Id),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("decision", sa.String(12), nullable=False),
        sa.Column("reason", sa.String(400)),
        sa.Column("preview_hash", sa.String(64)),
        sa.ForeignKeyConstraint(["release_id"], ["releases.id"], name=op.f("fk_decisions_release_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_decisions_staff_id")),
        sa.ForeignKeyConstraint(["for_id"], ["staff.id"], name=op.f("fk_decisions_for_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index("ix_decisions_release_id", "decisions", ["release_id"])
    op.create_table(
        "delegations",
        sa.Column("id", Id, nullable=False),
        sa.Column("from_id", Id, nullable=False),
        sa.Column("to_id", Id, nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment()),
        sa.ForeignKeyConstraint(["from_id"], ["staff.id"], name=op.f("fk_delegations_from_id")),
        sa.ForeignKeyConstraint(["to_id"], ["staff.id"], name=op.f("fk_delegations_to_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegations")),
    )
    op.create_index("ix_delegations_from_id", "delegations", ["from_id"])
    op.create_index("ix_delegations_to_id", "delegations", ["to_id"])
