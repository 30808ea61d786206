"""The second wall, in PostgreSQL: SQL made of the policy in force, after which the query path can run as a role that
reads nothing but what one grant may see, whatever the Python above it does.

The role has no right to any table nor to the schema they are in, and row-level security shows it no row. All that it
reads comes through `caseq_wall.look(token)`, which runs with the rights of the tables' owner, lets in whom
store/access.py lets in, masks field by field and writes the audit row. It is a function and not a view, because EXPLAIN
of a view tells of the rows behind it.
"""

from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    func,
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
from caseq.store.wall_inspection import faults, inspection
from caseq.store.wall_rights import TABLES, of_role, quoted, rights, rows
from caseq.store.walled import disclosed

ROLE = "caseq_query"
_DIALECT = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
_SCHEMA = "DROP SCHEMA IF EXISTS caseq_wall CASCADE;\nCREATE SCHEMA caseq_wall;"
_MARK = "caseq wall "


#: The token is hashed in the database: who knows a stored hash cannot enter with it.
_HASHED = "    token_hash text := encode(sha256(convert_to(nullif(look.token, ''), 'UTF8')), 'hex');\n"
#: Not the moment when the transaction began: a reader could hold one open.
_CLOCK = """    now timestamptz := clock_timestamp();
    idle_since timestamptz := asked.now - interval '@IDLE@ seconds';
    today date := (asked.now AT TIME ZONE 'Asia/Shanghai')::date;
"""
_LAST_DAY = date(9999, 12, 31)
#: In any other isolation a transaction that began before a revocation would go on reading.
_NOW_ONLY = """    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a look needs READ COMMITTED' USING ERRCODE = 'invalid_transaction_state';
    END IF;"""
#: No message of the server about what happens inside: `debug_print_plan`, `trace_sort` and others tell of the rows.
_SETTINGS = {"search_path": "pg_catalog, pg_temp", "client_min_messages": "error"}
#: What opens nothing: no session has it.
_NOBODY = "nobody"


def sql(policy: Policy, idle: timedelta, role: str = ROLE) -> str:
    """The statements that make the wall for this policy, to be run in one transaction by the owner of the tables.

    They may be run again at any time and take back what an older policy gave. `idle` is the longest pause of a
    session. WallRefused if no role can be called so; what is wrong with the role or with rights of PUBLIC is refused
    while they run. Only a superuser can take functions of the server from PUBLIC; once is enough.
    """
    return _made(policy, idle, role)[0]


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
    """ "ok" if the wall of exactly this policy stands whole before the role of this database, or what is wrong."""
    role = behind.url.username or ROLE
    statements, faults_of = _made(policy, idle, role)
    wanted = statements.rpartition(_MARK)[2].partition("'")[0]
    try:
        with behind.autocommit() as connection:
            standing = _standing(connection)
            plainly = connection.execution_options(no_parameters=True)
            wrong = plainly.exec_driver_sql(faults_of).scalars().all()
    except DatabaseUnavailable:
        return "the role of CASEQ_QUERY_DATABASE_URL cannot connect"
    if standing is None:
        return "there is none: run caseq policy sql --apply"
    if standing != wanted:
        return "is of another policy: run caseq policy sql --apply"
    return f"is broken: {'; '.join(wrong)}" if wrong else _looked(behind)


def _looked(behind: Database) -> str:
    """ "ok" if a look with a token of nobody is answered, with no row."""
    try:
        with behind.autocommit() as connection:
            rows_of_nobody = connection.execute(select(func.count()).select_from(func.caseq_wall.look(_NOBODY)))
            return "ok" if rows_of_nobody.scalar_one() == 0 else "is broken: it opens to a token of nobody"
    except (DatabaseUnavailable, DBAPIError):
        return "is broken: the role cannot look through it"


def _standing(connection: Connection) -> str | None:
    """The digest of the wall that stands in this database, None if there is none."""
    comment = text("SELECT obj_description(to_regnamespace('caseq_wall')::oid, 'pg_namespace')")
    mark = connection.execute(comment).scalar_one()
    return None if mark is None else str(mark).removeprefix(_MARK)


def _reason(error: DBAPIError) -> str:
    """What the server said, without the statement."""
    return str(getattr(getattr(error.orig, "diag", None), "message_primary", None) or type(error.orig).__name__)


def _made(policy: Policy, idle: timedelta, role: str) -> tuple[str, str]:
    """The statements that make the wall, and the query for what is wrong with it once it stands."""
    function = _look(policy, idle)
    settings = ", ".join(quoted(f"{name}={value}") for name, value in _SETTINGS.items())
    query = faults(role, function.split("$caseq$")[1], f"ARRAY[{settings}]")
    parts = (of_role(role), _SCHEMA, function, rows(role), rights(role), inspection(query))
    body = "\n".join(parts)
    comment = quoted(_MARK + sha256(body.encode()).hexdigest())
    return f"{body}\nCOMMENT ON SCHEMA caseq_wall IS {comment};\n", query


def _look(policy: Policy, idle: timedelta) -> str:
    """The function of the owner that gives what the policy shows."""
    entered, seen = disclosed(policy)
    ids = [entered.c[name] for name in ("session_id", "party_id", "case_id")]
    looked = select(literal_column("asked.now", Moment), literal_column(quoted(ACT)), *ids)
    written = insert(audit).from_select(AUDITED, looked).cte("audited")
    return _function(seen.add_cte(written), _HASHED + _variables(policy, idle))


def _variables(policy: Policy, idle: timedelta) -> str:
    """What the service gives as parameters of its own statement, by the clock of the database."""
    since = {name: _LAST_DAY - day for name, day in days(policy, _LAST_DAY).items() if name != "today"}
    lines = [f"    {name} date := asked.today - {span.days};" for name, span in sorted(since.items())]
    return _CLOCK.replace("@IDLE@", str(int(idle.total_seconds()))) + "\n".join(lines)


def _function(statement: Select[Any], variables: str) -> str:
    """The function that gives the rows of this statement."""
    given = ", ".join(f"{c.key} {c.type.compile(_DIALECT)}" for c in statement.selected_columns)
    settings = " ".join(f"SET {name} = {value}" for name, value in _SETTINGS.items())
    return f"""CREATE FUNCTION caseq_wall.look(token text) RETURNS TABLE ({given})
LANGUAGE plpgsql VOLATILE SECURITY DEFINER {settings} AS $caseq$
#variable_conflict use_column
<<asked>>
DECLARE
{variables}
BEGIN
{_NOW_ONLY}
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
