"""The guess ledger, authenticator apps, paper codes, preferences; who asked for a code, and who entered before"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_MOMENT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "guesses",
        sa.Column("party_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("share", sa.String(80), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("in_a_row", sa.Integer(), nullable=False),
        *(sa.Column(f"h{n:02}", sa.Integer(), nullable=False) for n in range(25)),
        sa.PrimaryKeyConstraint("party_id", "share", name="pk_guesses"),
    )
    op.create_index("ix_guesses_hour", "guesses", ["hour"])
    op.create_table(
        "authenticators",
        sa.Column("party_id", _ID, autoincrement=False, nullable=False),
        sa.Column("secret_sealed", sa.Text(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("confirmed_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name="fk_authenticators_party_id_parties"),
        sa.PrimaryKeyConstraint("party_id", name="pk_authenticators"),
    )
    op.create_table(
        "paper_codes",
        sa.Column("id", _ID, nullable=False),
        sa.Column("party_id", _ID, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("typed_hash", sa.String(64), nullable=False),
        sa.Column("keypad_hash", sa.String(64), nullable=True),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("used_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name="fk_paper_codes_party_id_parties"),
        sa.PrimaryKeyConstraint("id", name="pk_paper_codes"),
        sa.UniqueConstraint("typed_hash", name="uq_paper_codes_typed_hash"),
    )
    for column in ("party_id", "keypad_hash", "expires_at"):
        op.create_index(f"ix_paper_codes_{column}", "paper_codes", [column])
    op.create_table(
        "preferences",
        sa.Column("party_id", _ID, autoincrement=False, nullable=False),
        sa.Column("sms", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(5), nullable=False),
        sa.Column("quiet", sa.Boolean(), nullable=False),
        sa.Column("shared_phone", sa.Boolean(), nullable=False),
        sa.Column("safe_contact_sealed", sa.Text(), nullable=True),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["party_id"], ["parties.id"], name="fk_preferences_party_id_parties"),
        sa.PrimaryKeyConstraint("party_id", name="pk_preferences"),
    )
    op.add_column("codes", sa.Column("share", sa.String(80), nullable=False, server_default="strangers"))
    op.add_column("codes", sa.Column("network_hash", sa.String(64), nullable=False, server_default=""))
    op.create_index("ix_codes_phone_hash_made_at", "codes", ["phone_hash", "made_at"])
    op.create_index("ix_codes_made_at", "codes", ["made_at"])
    op.add_column("outbox", sa.Column("to_sealed", sa.Text(), nullable=True))
    op.create_index("ix_outbox_purpose_created_at", "outbox", ["purpose", "created_at"])
    op.add_column("parties", sa.Column("entered_at", _MOMENT, nullable=True))


def downgrade() -> None:
    op.drop_column("parties", "entered_at")
    op.drop_index("ix_outbox_purpose_created_at", "outbox")
    op.drop_column("outbox", "to_sealed")
    op.drop_index("ix_codes_made_at", "codes")
    op.drop_index("ix_codes_phone_hash_made_at", "codes")
    op.drop_column("codes", "network_hash")
    op.drop_column("codes", "share")
    for table in ("preferences", "paper_codes", "authenticators", "guesses"):
        op.drop_table(table)
