"""What proofs of notice look for in the audit: the looks of one party, and the proofs themselves"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_INDEXES = {
    "ix_audit_looks": (["party_id", "at"], "act IN ('view', 'revoke', 'confirm')"),
    "ix_audit_proofs": (["id"], "act = 'proof'"),
}


def upgrade() -> None:
    for name, (columns, where) in _INDEXES.items():
        op.create_index(name, "audit", columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, table_name="audit")
