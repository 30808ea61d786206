"""A wall that was broken after it was made is noticed by /readyz and `caseq check`, and not made over the hole."""

import psycopg
import pytest

from caseq.errors import WallRefused
from caseq.store.schema import VERSION_TABLE
from caseq.store.tables import metadata
from tests.wall.test_wall_made import state
from tests.wall.walling import Walled, apply

#: What somebody does to the wall, how it is undone, what is said of it. `@` is the role.
BROKEN = {
    "superuser": ("ALTER ROLE @ SUPERUSER", "ALTER ROLE @ NOSUPERUSER", "too mighty"),
    "bypassrls": ("ALTER ROLE @ BYPASSRLS", "ALTER ROLE @ NOBYPASSRLS", "too mighty"),
    "a member": ("GRANT pg_read_all_data TO @", "REVOKE pg_read_all_data FROM @", "member of pg_read_all_data"),
    "a policy for PUBLIC": (
        "CREATE POLICY thief ON cases USING (true)",
        "DROP POLICY thief ON cases",
        "not the wall's: thief on public.cases",
    ),
    "a policy for the role": (
        "CREATE POLICY thief ON outbox FOR SELECT TO @ USING (true)",
        "DROP POLICY thief ON outbox",
        "not the wall's: thief on public.outbox",
    ),
    "another policy under our name": (
        "DROP POLICY caseq_wall ON cases; CREATE POLICY caseq_wall ON cases TO @ USING (true)",
        None,
        "does not hide every row of cases",
    ),
    "no policy": ("DROP POLICY caseq_wall ON parked", None, "does not hide every row of parked"),
    "a table": ("GRANT SELECT ON outbox TO @", None, "rights, its own or those of PUBLIC, on public.outbox"),
    "a column": ("GRANT SELECT (number) ON cases TO @", None, "rights, its own or those of PUBLIC, on public.cases"),
    "a table for PUBLIC": (
        "GRANT SELECT ON codes TO PUBLIC",
        None,
        "rights, its own or those of PUBLIC, on public.codes",
    ),
    "a sequence": (
        "GRANT SELECT ON cases_id_seq TO @",
        None,
        "rights, its own or those of PUBLIC, on public.cases_id_seq",
    ),
    "the schema": ("GRANT USAGE ON SCHEMA public TO PUBLIC", None, "may use the schema public"),
    "temporary tables": ("GRANT TEMPORARY ON DATABASE # TO PUBLIC", None, "may make temporary tables"),
    "large objects": (
        "GRANT EXECUTE ON FUNCTION lo_from_bytea(oid, bytea) TO PUBLIC",
        "REVOKE EXECUTE ON FUNCTION lo_from_bytea(oid, bytea) FROM PUBLIC",
        "that write or count (lo_from_bytea)",
    ),
    "a table of the server": (
        "GRANT SELECT ON pg_statistic TO PUBLIC",
        "REVOKE SELECT ON pg_statistic FROM PUBLIC",
        "PUBLIC has a right to pg_statistic",
    ),
    "a function of the server": (
        "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO @",
        "REVOKE EXECUTE ON FUNCTION pg_read_file(text) FROM @",
        "a right of its own on function pg_read_file(text)",
    ),
    "another owner": ("ALTER FUNCTION caseq_wall.look(text) OWNER TO postgres", "", "not the one that was made"),
    "another caller": ("ALTER FUNCTION caseq_wall.look(text) SECURITY INVOKER", None, "not the one that was made"),
    "no settings": ("ALTER FUNCTION caseq_wall.look(text) RESET ALL", None, "not the one that was made"),
    "another function": (
        "CREATE FUNCTION caseq_wall.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        None,
        "may run caseq_wall.f()",
    ),
    "a column that is not there": (
        "ALTER TABLE milestones RENAME COLUMN name TO thief",
        "ALTER TABLE milestones RENAME COLUMN thief TO name",
        "cannot look through it",
    ),
    "settings of the role": (
        "ALTER ROLE @ SET default_transaction_read_only = on",
        "ALTER ROLE @ RESET ALL",
        "settings of its own (default_transaction_read_only)",
    ),
    "settings of the role in this database": (
        "ALTER ROLE @ IN DATABASE # SET role = none",
        "ALTER ROLE @ IN DATABASE # RESET ALL",
        "settings of its own (role)",
    ),
}
#: Of these, what making the wall anew does not mend but refuses.
REFUSED = {what for what, (_, undo, _) in BROKEN.items() if undo} - {"a column that is not there"}


def do(walled: Walled, statement: str) -> None:
    database = walled.urls.admin.rpartition("/")[2]
    walled.do(statement.replace("@", walled.role).replace("#", database), url=walled.urls.admin)


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_wall_is_noticed_and_mended_or_refused(walled: Walled, what: str) -> None:
    breaks, undo, said = BROKEN[what]
    assert state(walled) == "ok"
    do(walled, breaks)
    try:
        broken = state(walled)
        assert broken.startswith("is broken: ")
        assert said in broken
        ready = walled.service.client.get("/readyz")
        assert (ready.status_code, ready.get_json()["wall"]) == (503, broken)
        if what in REFUSED:
            with pytest.raises(WallRefused):
                apply(walled.service.runtime)
    finally:
        do(walled, undo or "SELECT 1")
    if what == "another owner":
        do(walled, "DROP SCHEMA caseq_wall CASCADE")
    apply(walled.service.runtime)
    assert state(walled) == "ok"


@pytest.mark.parametrize("table", sorted([*metadata.tables, VERSION_TABLE]))
def test_a_table_without_row_level_security_is_noticed(walled: Walled, table: str) -> None:
    walled.do(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    assert state(walled) == f"is broken: row-level security does not hide every row of {table}"
    apply(walled.service.runtime)
    assert state(walled) == "ok"


def test_every_table_that_the_database_has_is_walled(walled: Walled) -> None:
    """A table that no metadata know would have no row-level security."""
    there = walled.do(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
    )
    hidden = walled.do(
        """SELECT c.relname FROM pg_class AS c JOIN pg_policy AS p ON p.polrelid = c.oid
           WHERE c.relrowsecurity AND p.polname = 'caseq_wall' AND NOT p.polpermissive"""
    )
    assert sorted(there) == sorted(hidden)
    assert len(there) > 15


def test_a_policy_for_another_role_is_nobodys_business(walled: Walled) -> None:
    do(walled, "CREATE POLICY reports ON cases FOR SELECT TO pg_monitor USING (true)")
    try:
        apply(walled.service.runtime)
        assert state(walled) == "ok"
    finally:
        do(walled, "DROP POLICY reports ON cases")


#: What the role of any PostgreSQL can do to itself without a right of its own.
ITSELF = {
    "settings": ("ALTER ROLE CURRENT_USER SET work_mem = '64kB'", "ALTER ROLE @ RESET ALL", "settings of its own"),
    "default rights": (
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC",
        "DROP OWNED BY @",
        "owns something (default privileges on new relations belonging to role",
    ),
}


@pytest.mark.parametrize("what", ITSELF)
def test_what_the_role_does_to_itself_is_noticed_and_cured(
    walled: Walled, reader: psycopg.Connection, what: str
) -> None:
    statement, cure, said = ITSELF[what]
    reader.execute(statement.encode())
    try:
        assert said in state(walled)
        with pytest.raises(WallRefused, match="a superuser must"):
            apply(walled.service.runtime)
    finally:
        do(walled, cure)
    apply(walled.service.runtime)
    assert state(walled) == "ok"


def test_settings_that_the_role_gave_itself_do_not_stop_the_service(walled: Walled, reader: psycopg.Connection) -> None:
    """The connections of the service say themselves what they need."""
    behind = walled.service.runtime.behind_wall
    assert behind is not None
    for setting in ("default_transaction_read_only = on", "default_transaction_isolation = 'serializable'"):
        reader.execute(f"ALTER ROLE CURRENT_USER SET {setting}".encode())
    try:
        behind.close()
        assert walled.stored("nobody") is None
        assert "settings of its own" in state(walled)
    finally:
        do(walled, "ALTER ROLE @ RESET ALL")


WRITING = [
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_creat(-1)",
    "SELECT lo_create(0)",
    "SELECT lo_put(1, 0, 'x')",
    "SELECT lo_open(1, 131072)",
    "SELECT lowrite(0, 'x')",
    "SELECT pg_logical_emit_message(false, 'a', 'b')",
    "SELECT pg_logical_emit_message(false, 'a', 'b'::bytea)",
    "SELECT pg_terminate_backend(pg_backend_pid())",
    "SELECT pg_cancel_backend(pg_backend_pid())",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_try_advisory_lock(1)",
    "SELECT pg_advisory_xact_lock_shared(1, 1)",
]


@pytest.mark.parametrize("statement", WRITING)
def test_the_role_writes_locks_and_ends_nothing(walled: Walled, reader: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for function"):
        reader.execute(statement.encode())


def test_a_wall_is_refused_until_a_superuser_made_it_once(walled: Walled) -> None:
    do(walled, "GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint) TO PUBLIC")
    with pytest.raises(WallRefused, match=r"a superuser must run once what caseq policy sql prints"):
        apply(walled.service.runtime)
    superuser = walled.urls.admin
    apply(walled.service.runtime, superuser)
    assert state(walled) == "ok"
    apply(walled.service.runtime)
    assert state(walled) == "ok"
