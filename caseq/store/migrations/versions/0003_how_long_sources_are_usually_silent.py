"""How long sources are usually silent"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("sources", sa.Column("usual_seconds", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("sources", "usual_seconds")
