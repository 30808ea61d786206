"""The phrase that a party agreed with the bureau"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("preferences", sa.Column("phrase_sealed", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("preferences", "phrase_sealed")
