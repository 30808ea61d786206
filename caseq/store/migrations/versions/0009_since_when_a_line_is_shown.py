"""Since when a line that several suspects' milestones make is shown"""

import sqlalchemy as sa
from alembic import op

from caseq.store.columns import Moment

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("milestones", sa.Column("line_since", Moment(), nullable=True))


def downgrade() -> None:
    op.drop_column("milestones", "line_since")
