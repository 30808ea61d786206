"""The second wall, in PostgreSQL: SQL made of the policy in force, after which the query path can run as a role that
reads nothing but what one grant may see, whatever the Python above it does.

The role has no right to any table but some harmless columns of five of them, and row-level security shows it there
the rows of one grant. All else comes through `caseq_wall.look(token)`, which runs with the rights of the tables'
owner, lets in whom store/access.py lets in, masks field by field and writes the audit row. It is a function and not a
view, because EXPLAIN ANALYZE of a view tells how many rows its filter took away.
"""

from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    insert,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import visitors

from caseq.errors import DatabaseUnavailable, WallRefused
from caseq.rules.disclosure import Policy
from caseq.store.access import days
from caseq.store.database import INSUFFICIENT_PRIVILEGE, Database
from caseq.store.tables import Moment, audit
from caseq.store.views import ACT, AUDITED
from caseq.store.wall_rights import TABLES, inspection, of_role, quoted, rights, rows
from caseq.store.walled import disclosed

ROLE = "caseq_query"
_DIALECT = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
_SCHEMA = "DROP SCHEMA IF EXISTS caseq_wall CASCADE;\nCREATE SCHEMA caseq_wall;"
_MARK = "caseq wall "


#: The token is hashed in the database: who knows a stored hash cannot enter with it.
_HASHED = "    token_hash text := encode(sha256(convert_to(nullif(@TOKEN@, ''), 'UTF8')), 'hex');\n"
_IN_SETTING = _HASHED.replace("@TOKEN@", "current_setting('caseq.token', true)")
_IN_ARGUMENT = _HASHED.replace("@TOKEN@", "look.token")
#: Not the moment when the transaction began: a reader could hold one open.
_CLOCK = """    now timestamptz := clock_timestamp();
    idle_since timestamptz := asked.now - interval '@IDLE@ seconds';
    today date := (asked.now AT TIME ZONE 'Asia/Shanghai')::date;
"""
_LAST_DAY = date(9999, 12, 31)


def sql(policy: Policy, idle: timedelta, role: str = ROLE) -> str:
    """The statements that make the wall for this policy, to be run in one transaction by the owner of the tables.

    They may be run again at any time and take back what an older policy gave. `idle` is the longest pause of a
    session. WallRefused if no role can be called so; what is wrong with
    the role or with rights of PUBLIC is refused while they run.
    """
    parts = (of_role(role), _SCHEMA, *_functions(policy, idle), rows(role), rights(role), inspection(role))
    body = "\n".join(parts)
    return f"{body}\nCOMMENT ON SCHEMA caseq_wall IS {quoted(_MARK + sha256(body.encode()).hexdigest())};\n"


def apply(database: Database, statements: str) -> None:
    """Make the wall; WallRefused with the reason if the database does not, and then nothing is changed."""
    if database.is_sqlite:
        raise WallRefused("SQLite has no roles and no row-level security: the wall needs PostgreSQL")
    try:
        with database.transaction() as connection:
            connection.execution_options(no_parameters=True).exec_driver_sql(statements)
    except DatabaseUnavailable as error:
        cause = error.__cause__
        if isinstance(cause, DBAPIError) and getattr(cause.orig, "sqlstate", None) == INSUFFICIENT_PRIVILEGE:
            raise WallRefused(_reason(cause)) from error
        raise
    except DBAPIError as error:
        raise WallRefused(_reason(error)) from error


def state(behind: Database, policy: Policy, idle: timedelta) -> str:
    """ "ok" if the wall of exactly this policy stands before the role of this database, or what is wrong."""
    role = behind.url.username or ROLE
    wanted = sql(policy, idle, role).rpartition(_MARK)[2].partition("'")[0]
    try:
        with behind.autocommit() as connection:
            standing = _standing(connection)
    except DatabaseUnavailable:
        return "the role of CASEQ_QUERY_DATABASE_URL cannot connect"
    if standing is None:
        return "there is none: run caseq policy sql --apply"
    return "ok" if standing == wanted else "is of another policy: run caseq policy sql --apply"


def _standing(connection: Connection) -> str | None:
    """The digest of the wall that stands in this database, None if there is none."""
    comment = text("SELECT obj_description(to_regnamespace('caseq_wall')::oid, 'pg_namespace')")
    mark = connection.execute(comment).scalar_one()
    return None if mark is None else str(mark).removeprefix(_MARK)


def _reason(error: DBAPIError) -> str:
    """What the server said, without the statement."""
    return str(getattr(getattr(error.orig, "diag", None), "message_primary", None) or type(error.orig).__name__)


def _functions(policy: Policy, idle: timedelta) -> tuple[str, str]:
    """The two functions of the owner: `granted` gives ids only, `look` what the policy shows."""
    entered, seen = disclosed(policy)
    ids = [entered.c[name] for name in ("session_id", "party_id", "case_id", "source")]
    looked = select(literal_column("asked.now", Moment), literal_column(quoted(ACT)), *ids[:3])
    written = insert(audit).from_select(AUDITED, looked).cte("audited")
    variables = _variables(policy, idle)
    return (
        _function("granted() {} STABLE", select(*ids), _IN_SETTING + variables),
        _function("look(token text) {} VOLATILE", seen.add_cte(written), _IN_ARGUMENT + variables),
    )


def _variables(policy: Policy, idle: timedelta) -> str:
    """What the service gives as parameters of its own statement, by the clock of the database."""
    since = {name: _LAST_DAY - day for name, day in days(policy, _LAST_DAY).items() if name != "today"}
    lines = [f"    {name} date := asked.today - {span.days};" for name, span in sorted(since.items())]
    return _CLOCK.replace("@IDLE@", str(int(idle.total_seconds()))) + "\n".join(lines)


def _function(signature: str, statement: Select[Any], variables: str) -> str:
    """A function that gives the rows of this statement."""
    given = ", ".join(f"{c.key} {c.type.compile(_DIALECT)}" for c in statement.selected_columns)
    return f"""CREATE FUNCTION caseq_wall.{signature.format(f"RETURNS TABLE ({given})")}
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $caseq$
#variable_conflict use_column
<<asked>>
DECLARE
{variables}
BEGIN
    RETURN QUERY
{_compiled(statement)};
END
$caseq$;"""


def _compiled(statement: Any) -> str:
    """The statement in PostgreSQL's words; its parameters are the variables of the function around it."""

    def variable(element: Any, **_: Any) -> ColumnElement[Any] | None:
        return literal_column(f"asked.{element.key}") if isinstance(element, BindParameter) else None

    bound = visitors.replacement_traverse(statement, {}, variable)
    options = {"schema_translate_map": {None: TABLES}, "render_schema_translate": True}
    return str(bound.compile(dialect=_DIALECT, **options))
