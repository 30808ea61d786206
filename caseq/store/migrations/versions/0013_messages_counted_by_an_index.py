"""Messages are counted and listed by state and purpose in an index alone; tasks are found by their message"""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.drop_index("ix_outbox_state", "outbox")
    op.create_index("ix_outbox_state_purpose_id", "outbox", ["state", "purpose", "id"])
    op.create_index("ix_tasks_message_id", "tasks", ["message_id"])


def downgrade() -> None:
    op.drop_index("ix_tasks_message_id", "tasks")
    op.drop_index("ix_outbox_state_purpose_id", "outbox")
    op.create_index("ix_outbox_state", "outbox", ["state"])
