"""The rights of the role behind the wall: no name of a table can it even say, and no row is there for it.

Without USAGE of the schema a query is refused before it is planned: estimates of the planner come out of the statistics
of the tables, also of those that a query must not read, and are told by EXPLAIN and `debug_print_plan`. Row-level
security alone does not stop that: a policy `false` beside another condition is planned like any other.
"""

import re

from caseq.errors import WallRefused
from caseq.store.schema import VERSION_TABLE
from caseq.store.tables import metadata

#: Names that can stand in any statement; PostgreSQL cuts longer ones.
ROLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
#: Where the tables are.
TABLES = "public"

#: Functions of the server that PUBLIC may run and the role must not: they write (large objects, the log, locks), end
#: sessions, or count the rows that a look touched, hidden ones too.
SHUT = """SELECT p.oid, p.proname FROM pg_catalog.pg_proc AS p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND (
            p.proname ~ '^(lo_|pg_advisory_|pg_try_advisory_|pg_stat_get_)' OR p.proname IN (
            'loread', 'lowrite', 'pg_logical_emit_message', 'pg_cancel_backend', 'pg_terminate_backend'))"""
#: Whether the table `@TABLE@` shows the role `reader` no row, whatever rights and other policies there are.
SHOWS_NOTHING = """EXISTS (SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_policy AS w ON w.polrelid = c.oid
            WHERE c.relnamespace = to_regnamespace('public') AND c.relname = @TABLE@ AND c.relrowsecurity
            AND w.polname = 'caseq_wall' AND NOT w.polpermissive AND w.polcmd = '*' AND w.polroles = ARRAY[@READER@]
            AND pg_catalog.pg_get_expr(w.polqual, c.oid) = 'false' AND w.polwithcheck IS NULL)"""

_ROLE = """SET LOCAL lock_timeout = '10s';
SET LOCAL client_min_messages = warning;
DO $caseq$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = @ROLE@) THEN
        CREATE ROLE @NAME@ NOLOGIN;
    END IF;
END
$caseq$;"""

_ROWS = """DO $caseq$
DECLARE
    reader oid := (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = @ROLE@);
    walled text;
BEGIN
    -- A table that is walled already is not locked again: the service may be at work.
    FOREACH walled IN ARRAY @TABLES@ LOOP
        CONTINUE WHEN @SHOWS_NOTHING@;
        EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', walled);
        EXECUTE format('DROP POLICY IF EXISTS caseq_wall ON public.%I', walled);
        EXECUTE format('CREATE POLICY caseq_wall ON public.%I AS RESTRICTIVE TO %I USING (false)', walled, @ROLE@);
    END LOOP;
END
$caseq$;"""

_RIGHTS = """REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, @NAME@;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, @NAME@;
REVOKE ALL ON ALL ROUTINES IN SCHEMA public, caseq_wall FROM PUBLIC, @NAME@;
DO $caseq$
DECLARE
    reader text := @ROLE@;
    owner name := (SELECT tableowner FROM pg_catalog.pg_tables
                   WHERE schemaname = 'public' AND tablename = 'sessions');
    shut record;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', owner);
    EXECUTE format('REVOKE ALL ON SCHEMA public FROM PUBLIC, %I', reader);
    EXECUTE format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC, %I', current_database(), reader);
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), reader);
    EXECUTE format('ALTER SCHEMA caseq_wall OWNER TO %I', owner);
    EXECUTE format('ALTER FUNCTION caseq_wall.look(text) OWNER TO %I', owner);
    IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
        -- In this database only. Once is enough, and nobody but a superuser can.
        FOR shut IN @SHUT@ LOOP
            EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC, %I', shut.oid::regprocedure, reader);
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', shut.oid::regprocedure, owner);
            IF shut.proname LIKE 'pg\\_stat\\_get\\_%' THEN
                EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO pg_read_all_stats', shut.oid::regprocedure);
            ELSIF shut.proname LIKE 'pg\\_%\\_backend' THEN
                EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO pg_signal_backend', shut.oid::regprocedure);
            END IF;
        END LOOP;
    END IF;
END
$caseq$;
GRANT USAGE ON SCHEMA caseq_wall TO @NAME@;
GRANT EXECUTE ON FUNCTION caseq_wall.look(text) TO @NAME@;"""


def quoted(value: str) -> str:
    """The value as a literal of PostgreSQL."""
    return "'" + value.replace("'", "''") + "'"


def named(role: str, statements: str) -> str:
    """The statements, for this role."""
    if not ROLE_NAME.fullmatch(role):
        raise WallRefused("the name of the role must be made of letters, digits, _ and -")
    return statements.replace("@NAME@", f'"{role}"').replace("@ROLE@", quoted(role))


def tables() -> str:
    """The names of all tables of the service, as an array of PostgreSQL."""
    names = sorted([*metadata.tables, VERSION_TABLE])
    return f"ARRAY[{', '.join(map(quoted, names))}]::text[]"


def of_role(role: str) -> str:
    """Make the role, without login, unless it is there."""
    return named(role, _ROLE)


def rows(role: str) -> str:
    """Row-level security on every table: no row, for a role that has the right to none by intention."""
    shows_nothing = SHOWS_NOTHING.replace("@TABLE@", "walled").replace("@READER@", "reader")
    return named(role, _ROWS.replace("@TABLES@", tables()).replace("@SHOWS_NOTHING@", shows_nothing))


def rights(role: str) -> str:
    """Take back what PUBLIC and the role may do, then give the role its one function."""
    return named(role, _RIGHTS.replace("@SHUT@", SHUT))
