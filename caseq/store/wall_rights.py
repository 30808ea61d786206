"""The rights of the role behind the wall: what it is given, what it must not have, which rows it reads directly."""

import re
from collections.abc import Mapping

from caseq.errors import WallRefused

#: Names that can stand in any statement; PostgreSQL cuts longer ones.
ROLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
#: Where the tables are.
TABLES = "public"
#: Of these tables the role may read these columns, in the rows of its grant: (columns, which rows).
_READABLE: Mapping[str, tuple[str, str]] = {
    "sessions": ("id, role, started_at, ends_at", "id = (SELECT g.session_id FROM caseq_wall.granted() AS g)"),
    "parties": ("id, role", "id = (SELECT g.party_id FROM caseq_wall.granted() AS g)"),
    "cases": ("id, number, kind", "id = (SELECT g.case_id FROM caseq_wall.granted() AS g)"),
    "sources": ("name, last_push_at", "name = (SELECT g.source FROM caseq_wall.granted() AS g)"),
    "audit": ("at, act", "session_id = (SELECT g.session_id FROM caseq_wall.granted() AS g)"),
}

_ROLE = """SET LOCAL lock_timeout = '10s';
SET LOCAL client_min_messages = warning;
DO $caseq$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = @ROLE@) THEN
        CREATE ROLE @NAME@ NOLOGIN;
    END IF;
END
$caseq$;"""

_RIGHTS = """REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, @NAME@;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, @NAME@;
REVOKE ALL ON ALL ROUTINES IN SCHEMA public, caseq_wall FROM PUBLIC, @NAME@;
REVOKE CREATE ON SCHEMA public FROM PUBLIC, @NAME@;
DO $caseq$
DECLARE
    reader text := @ROLE@;
    owner name := (SELECT tableowner FROM pg_catalog.pg_tables
                   WHERE schemaname = 'public' AND tablename = 'sessions');
BEGIN
    EXECUTE format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC, %I', current_database(), reader);
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), reader);
    EXECUTE format('ALTER FUNCTION caseq_wall.granted() OWNER TO %I', owner);
    EXECUTE format('ALTER FUNCTION caseq_wall.look(text) OWNER TO %I', owner);
END
$caseq$;
GRANT USAGE ON SCHEMA public, caseq_wall TO @NAME@;
GRANT EXECUTE ON FUNCTION caseq_wall.granted(), caseq_wall.look(text) TO @NAME@;"""

_INSPECTION = """DO $caseq$
DECLARE
    reader oid := (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = @ROLE@);
    found text;
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE oid = reader
               AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)) THEN
        RAISE EXCEPTION 'the role of the wall is too mighty: superuser, bypassrls, createrole, createdb or replication';
    END IF;
    SELECT string_agg(roleid::regrole::text, ', ') INTO found FROM pg_catalog.pg_auth_members WHERE member = reader;
    IF found IS NOT NULL THEN
        RAISE EXCEPTION 'the role of the wall is a member of %', found;
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_shdepend
               WHERE refclassid = 'pg_catalog.pg_authid'::regclass AND refobjid = reader AND deptype = 'o') THEN
        RAISE EXCEPTION 'the role of the wall owns something';
    END IF;
    IF has_database_privilege(reader, current_database(), 'TEMPORARY, CREATE') THEN
        RAISE EXCEPTION 'the role of the wall may make temporary tables or schemas: run this as owner of the database';
    END IF;
    SELECT string_agg(nspname, ', ') INTO found FROM pg_catalog.pg_namespace
        WHERE has_schema_privilege(reader, oid, 'CREATE');
    IF found IS NOT NULL THEN
        RAISE EXCEPTION 'the role of the wall may make objects in %', found;
    END IF;
    SELECT string_agg(c.oid::regclass::text, ', ') INTO found
        FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND CASE
            WHEN c.relkind = 'S' THEN has_sequence_privilege(reader, c.oid, 'USAGE, SELECT, UPDATE')
            WHEN c.relkind NOT IN ('r', 'p', 'v', 'm', 'f') THEN false
            WHEN has_table_privilege(reader, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
                THEN true
            ELSE n.nspname <> 'public' AND has_any_column_privilege(reader, c.oid, 'SELECT, INSERT, UPDATE')
        END;
    IF found IS NOT NULL THEN
        RAISE EXCEPTION 'the role of the wall has rights, its own or those of PUBLIC, on %', found;
    END IF;
    SELECT string_agg(p.oid::regprocedure::text, ', ') INTO found
        FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'caseq_wall')
            AND has_schema_privilege(reader, n.oid, 'USAGE') AND has_function_privilege(reader, p.oid, 'EXECUTE');
    IF found IS NOT NULL THEN
        RAISE EXCEPTION 'the role of the wall may run %', found;
    END IF;
END
$caseq$;"""


def quoted(value: str) -> str:
    """The value as a literal of PostgreSQL."""
    return "'" + value.replace("'", "''") + "'"


def _for(role: str, statements: str) -> str:
    if not ROLE_NAME.fullmatch(role):
        raise WallRefused("the name of the role must be made of letters, digits, _ and -")
    return statements.replace("@NAME@", f'"{role}"').replace("@ROLE@", quoted(role))


def of_role(role: str) -> str:
    """Make the role, without login, unless it is there."""
    return _for(role, _ROLE)


def rows(role: str) -> str:
    """Row-level security: the rows of one grant; of milestones none, for those are only read through `look`."""
    readable = {name: which for name, (_, which) in _READABLE.items()} | {"milestones": "false"}
    statements = [
        f"""ALTER TABLE {TABLES}.{name} ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS caseq_wall ON {TABLES}.{name};
CREATE POLICY caseq_wall ON {TABLES}.{name} FOR SELECT TO @NAME@ USING ({which});"""
        for name, which in readable.items()
    ]
    return _for(role, "\n".join(statements))


def rights(role: str) -> str:
    """Take back what PUBLIC and the role may do, then give the role its few columns and the two functions."""
    columns = [f"GRANT SELECT ({those}) ON {TABLES}.{name} TO @NAME@;" for name, (those, _) in _READABLE.items()]
    return _for(role, "\n".join((_RIGHTS, *columns)))


def inspection(role: str) -> str:
    """Refuse all of it if the role can still do more: by its attributes, as a member, as an owner or through PUBLIC."""
    return _for(role, _INSPECTION)
