"""Messages with every attempt, their legal end, tasks, dead numbers, what staff told themselves, what was spent"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_WAITING = sa.text("state IN ('queued', 'held')")
_ASKED = sa.text("ask_at IS NOT NULL")
_OPEN = sa.text("done_at IS NULL")
_CALLS = (
    "SELECT id, gateway, COALESCE(claimed_at, created_at) AS at, finished_at, provider_id FROM outbox"
    " WHERE provider_id IS NOT NULL"
)
#: What the states of now were called before, or what comes nearest.
_WAS = {"held": "queued", "claimed": "unknown", "delivered": "sent", "merged": "dropped", "resolved": "sent"}


def _moment(name: str, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    # SQLite makes the outbox anew, so nothing may refer to it yet.
    op.execute(f"CREATE TABLE calls_of_before AS {_CALLS}")
    _change_outbox()
    _make_attempts()
    _make_of_staff()


def _make_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", _ID, nullable=False),
        sa.Column("message_id", _ID, nullable=False),
        sa.Column("gateway", sa.String(20), nullable=False),
        _moment("at", False),
        _moment("ended_at"),
        sa.Column("outcome", sa.String(12)),
        sa.Column("code", sa.String(100)),
        sa.Column("provider_id", sa.String(100)),
        sa.Column("status", sa.String(12)),
        sa.Column("status_code", sa.String(100)),
        _moment("status_at"),
        sa.ForeignKeyConstraint(["message_id"], ["outbox.id"], name=op.f("fk_attempts_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    op.create_index("ix_attempts_message_id", "attempts", ["message_id"])
    op.create_index("ix_attempts_at", "attempts", ["at"])
    op.create_index("ix_attempts_provider_id", "attempts", ["provider_id"])
    op.execute(
        "INSERT INTO attempts (message_id, gateway, at, ended_at, outcome, provider_id)"
        " SELECT id, gateway, at, finished_at, 'accepted', provider_id FROM calls_of_before ORDER BY id"
    )
    op.drop_table("calls_of_before")
    op.create_table(
        "spent",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("lane", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("gateway", sa.String(20), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "lane", "gateway", name=op.f("pk_spent")),
    )


def _make_of_staff() -> None:
    op.create_table(
        "dead_numbers",
        sa.Column("id", _ID, nullable=False),
        sa.Column("phone_hash", sa.String(64), nullable=False),
        sa.Column("phone_sealed", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(100), nullable=False),
        _moment("since", False),
        _moment("works_since"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_numbers")),
        sa.UniqueConstraint("phone_hash", name=op.f("uq_dead_numbers_phone_hash")),
    )
    op.create_table(
        "tasks",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("cause", sa.String(200), nullable=False),
        sa.Column("party_id", _ID),
        sa.Column("case_id", _ID),
        sa.Column("message_id", _ID),
        sa.Column("reason", sa.String(100), nullable=False),
        _moment("made_at", False),
        _moment("due_at"),
        _moment("done_at"),
        sa.Column("done_by", sa.String(100)),
        sa.Column("note", sa.String(400)),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_tasks_party_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_tasks_case_id")),
        sa.ForeignKeyConstraint(["message_id"], ["outbox.id"], name=op.f("fk_tasks_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("cause", name=op.f("uq_tasks_cause")),
    )
    op.create_index("ix_tasks_party_id", "tasks", ["party_id"])
    op.create_index("ix_tasks_open", "tasks", ["due_at"], postgresql_where=_OPEN, sqlite_where=_OPEN)
    op.create_table(
        "tellings",
        sa.Column("id", _ID, nullable=False),
        sa.Column("party_id", _ID, nullable=False),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("shown_hash", sa.String(64)),
        _moment("told_at", False),
        _moment("recorded_at", False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name=op.f("fk_tellings_party_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tellings")),
    )
    op.create_index("ix_tellings_party_id", "tellings", ["party_id"])
    op.create_table(
        "stops",
        sa.Column("lane", sa.Integer(), autoincrement=False, nullable=False),
        _moment("since", False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("lane", name=op.f("pk_stops")),
    )


def _change_outbox() -> None:
    with op.batch_alter_table("outbox") as batch:
        batch.drop_index("ix_outbox_state_lane_id")
        batch.drop_constraint(op.f("uq_outbox_provider_id"), type_="unique")
        batch.drop_column("provider_id")
        batch.drop_column("gateway")
        batch.alter_column("due_at", existing_type=sa.DateTime(timezone=True), nullable=True)
        batch.add_column(sa.Column("record", sa.String(20)))
        batch.add_column(sa.Column("key", sa.String(100)))
        batch.add_column(sa.Column("milestone", sa.String(50)))
        batch.add_column(_moment("formed_at"))
        batch.add_column(_moment("legal_end_at"))
        batch.add_column(sa.Column("legal_end_provisional", sa.Boolean()))
        batch.add_column(sa.Column("before_hash", sa.String(64)))
        batch.add_column(sa.Column("part_of", _ID))
        batch.add_column(sa.Column("template", sa.String(30)))
        batch.add_column(sa.Column("template_version", sa.Integer()))
        batch.add_column(sa.Column("language", sa.String(5)))
        batch.add_column(sa.Column("body_sealed", sa.Text()))
        batch.add_column(sa.Column("asked", sa.Integer(), server_default="0", nullable=False))
        batch.add_column(_moment("ask_at"))
        batch.add_column(_moment("sent_at"))
        batch.create_foreign_key(op.f("fk_outbox_part_of"), "outbox", ["part_of"], ["id"])
    op.create_index("ix_outbox_part_of", "outbox", ["part_of"])
    op.create_index("ix_outbox_party_id_state", "outbox", ["party_id", "state"])
    op.create_index("ix_outbox_state", "outbox", ["state"])
    op.create_index(
        "ix_outbox_waiting", "outbox", ["lane", "due_at", "id"], postgresql_where=_WAITING, sqlite_where=_WAITING
    )
    op.create_index("ix_outbox_ask_at", "outbox", ["ask_at"], postgresql_where=_ASKED, sqlite_where=_ASKED)
    _carry_over()


def _carry_over() -> None:
    """Give the messages of before their new states; what was under way has no text that could be looked for."""
    op.execute("UPDATE outbox SET state = 'resolved' WHERE purpose = 'resolve' AND state = 'sent'")
    op.execute("UPDATE outbox SET sent_at = finished_at WHERE state = 'sent'")
    op.execute(
        "UPDATE outbox SET state = 'needs_human', reason = 'under way during an upgrade', claim = NULL"
        " WHERE state IN ('sending', 'unknown')"
    )
    op.execute("UPDATE outbox SET to_sealed = NULL WHERE state NOT IN ('queued', 'needs_human')")


def downgrade() -> None:
    op.execute(
        "CREATE TABLE calls_of_now AS SELECT message_id, gateway, provider_id FROM attempts WHERE id IN"
        " (SELECT max(id) FROM attempts WHERE provider_id IS NOT NULL GROUP BY message_id)"
    )
    for name in ("stops", "tellings", "tasks", "dead_numbers", "spent", "attempts"):
        op.drop_table(name)
    for state, before in _WAS.items():
        op.execute(f"UPDATE outbox SET state = '{before}' WHERE state = '{state}'")  # noqa: S608 - names from above
    op.execute("UPDATE outbox SET due_at = created_at WHERE due_at IS NULL")
    op.execute("UPDATE outbox SET part_of = NULL")
    _change_outbox_back()
    op.execute(
        "UPDATE outbox SET"
        " gateway = (SELECT gateway FROM calls_of_now WHERE message_id = outbox.id),"
        " provider_id = (SELECT provider_id FROM calls_of_now WHERE message_id = outbox.id)"
    )
    op.drop_table("calls_of_now")


def _change_outbox_back() -> None:
    for name in ("ask_at", "waiting", "state", "party_id_state", "part_of"):
        op.drop_index(f"ix_outbox_{name}", "outbox")
    with op.batch_alter_table("outbox") as batch:
        batch.drop_constraint(op.f("fk_outbox_part_of"), type_="foreignkey")
        for name in (
            *("record", "key", "milestone", "formed_at", "legal_end_at", "legal_end_provisional", "before_hash"),
            *("part_of", "template", "template_version", "language", "body_sealed", "asked", "ask_at", "sent_at"),
        ):
            batch.drop_column(name)
        batch.add_column(sa.Column("gateway", sa.String(20)))
        batch.add_column(sa.Column("provider_id", sa.String(100)))
        batch.create_unique_constraint(op.f("uq_outbox_provider_id"), ["provider_id"])
        batch.create_index("ix_outbox_state_lane_id", ["state", "lane", "id"])
        batch.alter_column("due_at", existing_type=sa.DateTime(timezone=True), nullable=False)
