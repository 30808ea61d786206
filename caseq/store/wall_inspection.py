"""What is wrong with a wall that stands: one query of the catalogs, for whoever makes a wall and for /readyz."""

from hashlib import sha256

from caseq.store.wall_rights import SHOWS_NOTHING, SHUT, named, quoted, tables

#: What a role is told when something of it is not as the wall needs it; of many names the first few.
_FAULTS = """WITH reader AS (SELECT * FROM pg_catalog.pg_roles WHERE rolname = @ROLE@), here AS (
        SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()), found(fault, of) AS (
    SELECT 'the role of the wall is too mighty: superuser, bypassrls, createrole, createdb or replication', NULL
        FROM reader WHERE rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication
    UNION ALL
    SELECT 'the role of the wall is a member of @', m.roleid::regrole::text
        FROM reader JOIN pg_catalog.pg_auth_members AS m ON m.member = reader.oid
    UNION ALL
    SELECT 'the role of the wall owns something (@): a superuser must take it away, see DROP OWNED',
        pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
        FROM reader JOIN pg_catalog.pg_shdepend AS d ON d.refobjid = reader.oid
        WHERE d.refclassid = 'pg_catalog.pg_authid'::regclass AND d.deptype = 'o'
            AND d.dbid IN (0, (SELECT oid FROM here))
    UNION ALL
    SELECT 'the role of the wall has settings of its own (@): a superuser must run ALTER ROLE ... RESET ALL',
        split_part(one, '=', 1)
        FROM reader JOIN pg_catalog.pg_db_role_setting AS s ON s.setrole = reader.oid, unnest(s.setconfig) AS one
        WHERE s.setdatabase IN (0, (SELECT oid FROM here))
    UNION ALL
    SELECT 'the role of the wall may make temporary tables or schemas: run this as owner of the database', NULL
        FROM reader WHERE has_database_privilege(reader.oid, current_database(), 'TEMPORARY, CREATE')
    UNION ALL
    SELECT 'the role of the wall may make objects in @', n.nspname
        FROM reader, pg_catalog.pg_namespace AS n WHERE has_schema_privilege(reader.oid, n.oid, 'CREATE')
    UNION ALL
    SELECT 'the role of the wall may use the schema @: its queries are planned, and plans tell of the rows', n.nspname
        FROM reader, pg_catalog.pg_namespace AS n
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'caseq_wall')
            AND has_schema_privilege(reader.oid, n.oid, 'USAGE')
    UNION ALL
    SELECT 'the role of the wall has rights, its own or those of PUBLIC, on @', c.oid::regclass::text
        FROM reader, pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND CASE
            WHEN c.relkind = 'S' THEN has_sequence_privilege(reader.oid, c.oid, 'USAGE, SELECT, UPDATE')
            WHEN c.relkind NOT IN ('r', 'p', 'v', 'm', 'f') THEN false
            ELSE has_table_privilege(reader.oid, c.oid, 'DELETE, TRUNCATE, TRIGGER')
                OR has_any_column_privilege(reader.oid, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
        END
    UNION ALL
    SELECT 'the role of the wall may run @', p.oid::regprocedure::text
        FROM reader, pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
            AND p.oid IS DISTINCT FROM to_regprocedure('caseq_wall.look(text)')::oid
            AND has_schema_privilege(reader.oid, n.oid, 'USAGE')
            AND has_function_privilege(reader.oid, p.oid, 'EXECUTE')
    UNION ALL
    SELECT 'the role of the wall has a right of its own on @',
        pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
        FROM reader JOIN pg_catalog.pg_shdepend AS d ON d.refobjid = reader.oid
        WHERE d.refclassid = 'pg_catalog.pg_authid'::regclass AND d.deptype = 'a'
            AND d.dbid IN (0, (SELECT oid FROM here)) AND NOT CASE d.classid
                WHEN 'pg_catalog.pg_database'::regclass THEN d.objid = (SELECT oid FROM here)
                WHEN 'pg_catalog.pg_namespace'::regclass THEN d.objid = to_regnamespace('caseq_wall')::oid
                WHEN 'pg_catalog.pg_proc'::regclass THEN d.objid = to_regprocedure('caseq_wall.look(text)')::oid
                ELSE false
            END
    UNION ALL
    SELECT 'PUBLIC has a right to @ that PostgreSQL does not give it', i.objoid::regclass::text
        FROM reader, pg_catalog.pg_init_privs AS i
        WHERE i.classoid = 'pg_catalog.pg_class'::regclass AND i.objsubid = 0 AND i.privtype = 'i'
            AND NOT EXISTS (SELECT FROM aclexplode(i.initprivs) AS a WHERE a.grantee = 0)
            AND has_table_privilege(reader.oid, i.objoid, 'SELECT')
    UNION ALL
    SELECT 'PUBLIC has a right to @ that PostgreSQL does not give it', i.objoid::regprocedure::text
        FROM reader, pg_catalog.pg_init_privs AS i
        WHERE i.classoid = 'pg_catalog.pg_proc'::regclass AND i.privtype = 'i'
            AND NOT EXISTS (SELECT FROM aclexplode(i.initprivs) AS a WHERE a.grantee = 0)
            AND has_function_privilege(reader.oid, i.objoid, 'EXECUTE')
    UNION ALL
    SELECT 'the role of the wall may run functions of the server that write or count (@): a superuser must run '
        'once what caseq policy sql prints', shut.proname
        FROM reader, (@SHUT@) AS shut WHERE has_function_privilege(reader.oid, shut.oid, 'EXECUTE')
    UNION ALL
    SELECT 'row-level security does not hide every row of @', walled
        FROM reader, unnest(@TABLES@) AS walled WHERE NOT @SHOWS_NOTHING@
    UNION ALL
    SELECT 'there is a policy for the role of the wall, or for PUBLIC, that is not the wall''s: @',
        w.polname || ' on ' || w.polrelid::regclass::text
        FROM reader JOIN pg_catalog.pg_policy AS w ON w.polroles && ARRAY[0::oid, reader.oid]
        WHERE w.polname <> 'caseq_wall'
    UNION ALL
    SELECT 'the function caseq_wall.look is not the one that was made', NULL
        FROM reader WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_proc AS p
            JOIN pg_catalog.pg_class AS c ON c.relnamespace = to_regnamespace('public') AND c.relname = 'sessions'
            WHERE p.oid = to_regprocedure('caseq_wall.look(text)')::oid AND p.proowner = c.relowner AND p.prosecdef
            AND p.proconfig = @SETTINGS@ AND encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex') = @BODY@))
SELECT replace(fault, '@', coalesce(string_agg(of, ', ') FILTER (WHERE nth <= 5), '') ||
    CASE WHEN max(nth) > 5 THEN ' ...' ELSE '' END) AS fault
FROM (SELECT fault, of, row_number() OVER (PARTITION BY fault ORDER BY of) AS nth FROM found) AS each
GROUP BY fault ORDER BY fault"""

_INSPECTION = """DO $caseq$
DECLARE
    found text := (SELECT string_agg(fault, '; ') FROM (@FAULTS@) AS faults);
BEGIN
    IF found IS NOT NULL THEN
        RAISE EXCEPTION '%', found;
    END IF;
END
$caseq$;"""


def faults(role: str, body: str, settings: str) -> str:
    """A query for what is wrong with the wall before this role, one row for each fault, none if it stands.

    `body` is the source of its function and `settings` the array of those that the function sets.
    """
    shows_nothing = SHOWS_NOTHING.replace("@TABLE@", "walled").replace("@READER@", "reader.oid")
    given = {
        "@SHUT@": SHUT,
        "@TABLES@": tables(),
        "@SHOWS_NOTHING@": shows_nothing,
        "@SETTINGS@": settings,
        "@BODY@": quoted(sha256(body.encode()).hexdigest()),
    }
    query = _FAULTS
    for name, value in given.items():
        query = query.replace(name, value)
    return named(role, query)


def inspection(query: str) -> str:
    """Refuse all of it if this query finds a fault."""
    return _INSPECTION.replace("@FAULTS@", query)
