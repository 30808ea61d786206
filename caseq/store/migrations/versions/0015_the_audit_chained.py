"""The chain over the audit, which nobody changes any more, its anchors, and the cases whose reading is watched"""

import sqlalchemy as sa
from alembic import op

from caseq.store.columns import Id, Moment

revision = "0015"
down_revision = "0014"

_BY_STAFF = sa.text("staff_id IS NOT NULL")
_NO_VIEW = sa.text("act <> 'view'")
_WATCHED = sa.text("until IS NULL")
_KEPT = ("audit", "audit_links")
_REFUSES = """CREATE FUNCTION caseq_audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $caseq$
BEGIN
    RAISE EXCEPTION 'the audit is only ever added to' USING ERRCODE = 'insufficient_privilege';
END
$caseq$"""


def upgrade() -> None:
    _tables()
    for name, first, where in (("ix_audit_by_staff", "staff_id", _BY_STAFF), ("ix_audit_case", "case_id", _NO_VIEW)):
        op.create_index(name, "audit", [first, "at"], postgresql_where=where, sqlite_where=where)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_REFUSES)
        for table in _KEPT:
            op.execute(
                f"CREATE TRIGGER {table}_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION caseq_audit_is_kept()"
            )
        return
    for table in _KEPT:
        for deed in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{deed} BEFORE {deed.upper()} ON {table}"
                " BEGIN SELECT RAISE(ABORT, 'the audit is only ever added to'); END"
            )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in _KEPT:
            op.execute(f"DROP TRIGGER {table}_is_kept ON {table}")
        op.execute("DROP FUNCTION caseq_audit_is_kept()")
    else:
        for table in _KEPT:
            for deed in ("update", "delete"):
                op.execute(f"DROP TRIGGER {table}_no_{deed}")
    for name in ("ix_audit_by_staff", "ix_audit_case"):
        op.drop_index(name, table_name="audit")
    for table in ("watched_cases", "audit_anchors", "audit_links"):
        op.drop_table(table)


def _tables() -> None:
    op.create_table(
        "audit_links",
        sa.Column("position", Id, autoincrement=False, nullable=False),
        sa.Column("audit_id", Id, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("seal", sa.String(80)),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_links")),
        sa.UniqueConstraint("audit_id", name=op.f("uq_audit_links_audit_id")),
    )
    op.create_table(
        "audit_anchors",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_anchors")),
    )
    op.create_table(
        "watched_cases",
        sa.Column("id", Id, nullable=False),
        sa.Column("case_id", Id, nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("until", Moment()),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_watched_cases_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watched_cases")),
    )
    name, columns = "uq_watched_cases_now", ["case_id"]
    op.create_index(name, "watched_cases", columns, unique=True, postgresql_where=_WATCHED, sqlite_where=_WATCHED)
