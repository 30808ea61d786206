"""The tables of the bureau's own people: accounts and sessions at the console."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Integer, String, Table, Text

from caseq.store.columns import Id, Moment, metadata

#: What the secret of an authenticator app is sealed for, bound to the badge.
TOTP = "staff.totp"

#: `badge` is the police number: nobody has two accounts. Nothing is ever deleted here: the audit names these ids.
staff = Table(
    "staff",
    metadata,
    Column("id", Id, primary_key=True),
    Column("badge", String(30), nullable=False, unique=True),
    Column("name", String(100), nullable=False),
    Column("role", String(20), nullable=False),
    Column("unit", String(20)),
    Column("password_hash", String(200), nullable=False),
    Column("must_change", Boolean, nullable=False),
    Column("totp_sealed", Text),
    Column("totp_last_step", BigInteger, nullable=False),
    Column("totp_confirmed_at", Moment),
    Column("made_at", Moment, nullable=False),
    Column("disabled_at", Moment),
)

staff_sessions = Table(
    "staff_sessions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("staff_id", Id, ForeignKey("staff.id"), nullable=False, index=True),
    Column("started_at", Moment, nullable=False),
    Column("last_act_at", Moment, nullable=False),
    Column("proven_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
)

#: Wrong passwords and codes in a row, by account name as typed (also of nobody) and network: each makes the next wait.
staff_failures = Table(
    "staff_failures",
    metadata,
    Column("who_hash", String(64), primary_key=True),
    Column("in_a_row", Integer, nullable=False),
    Column("not_before", Moment, nullable=False),
)
