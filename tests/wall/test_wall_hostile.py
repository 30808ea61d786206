"""Whoever runs SQL as the role behind the wall, with one reader's token in hand, gets nothing beyond that one grant."""

import re
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from caseq.store.schema import VERSION_TABLE
from caseq.store.sealing import token_hash
from caseq.store.tables import metadata
from tests import matrix
from tests.service import CASE, PHONE, party
from tests.service import event as cloud_event
from tests.test_no_leak import Markers, granted
from tests.wall.statements import HOSTILE
from tests.wall.walling import Walled, apply, marked

pytestmark = pytest.mark.usefixtures("ledger_of_everything")

OTHER_CASE, OTHER_PHONE = "A6401215100002026110099", "19987654321"
KIND, ROLE = "criminal", "victim"


@dataclass
class Attack:
    """A connection of the role, with a token of the attacker's own, and all that must not be found with it."""

    connection: psycopg.Connection
    walled: Walled
    token: str
    other_token: str
    markers: Markers
    secrets: list[str]

    def run(self, statement: str) -> str:
        """All that the server says to the statement: rows, notices, what COPY sends, the error with its detail."""
        said: list[str] = []

        def note(notice: psycopg.errors.Diagnostic) -> None:
            said.append(f"{notice.message_primary} {notice.message_detail}")

        self.connection.add_notice_handler(note)
        cursor = self.connection.cursor()
        try:
            if statement.startswith("COPY") and "TO STDOUT" in statement:
                with cursor.copy(statement.encode()) as copy:
                    said += [bytes(row).decode() for row in copy]
            else:
                cursor.execute(statement.encode())
                while True:
                    said += [repr(row) for row in cursor.fetchall()] if cursor.description else []
                    if not cursor.nextset():
                        break
        except psycopg.Error as error:
            said.append(f"error {error} {error.diag.message_detail} {error.diag.context}")
        self.connection.remove_notice_handler(note)
        return "\n".join(said)

    def leaks(self, said: str) -> set[str]:
        """What stands in there and must not."""
        beyond = self.markers.found(re.sub(r"datetime\.date\((\d+), (\d+), (\d+)\)", _iso, said)) - granted(KIND, ROLE)
        return beyond | {secret for secret in self.secrets if secret in said}

    def become(self, token: str | None) -> None:
        self.connection.execute("SELECT set_config('caseq.token', %s, false)", [token])


def _iso(found: re.Match[str]) -> str:
    return "{:04d}-{:02d}-{:02d}".format(*map(int, found.groups()))


@pytest.fixture
def attack(walled: Walled, reader: psycopg.Connection) -> Attack:
    """The victim of one case, whose token the attacker has; a second case and its victim, as the prey."""
    markers, other = Markers(), Markers()
    other.numbers = iter(range(700_001, 800_000))  # type: ignore[assignment]
    service = walled.service
    service.push(*marked(markers, KIND, ROLE, CASE), source=KIND)
    events = marked(other, KIND, ROLE, OTHER_CASE)
    service.push(events[0], *events[-len(matrix.ROLES) :], *events[1:20], source=KIND)
    second = party(ROLE, f"P-{ROLE}-{OTHER_CASE}", OTHER_PHONE)
    service.push({**cloud_event("party", second, case=OTHER_CASE, sequence="2")}, source=KIND)
    token, other_token = service.log_in(), service.log_in(OTHER_PHONE, OTHER_CASE)
    assert token is not None
    assert other_token is not None
    assert walled.both(token) is not None
    assert walled.both(other_token) is not None
    rows = walled.do("SELECT name_sealed, phone_sealed, phone_hash, key FROM parties")
    rows += walled.do("SELECT token_hash FROM sessions")
    secrets = [value for row in rows for value in row if value] + [*other.texts, OTHER_CASE, OTHER_PHONE, PHONE, "'S2'"]
    return Attack(reader, walled, token, other_token, markers, [*secrets, other_token])


TABLES = sorted([*metadata.tables, VERSION_TABLE])
#: A trigger refuses any change of these, also of no row.
KEPT = ("audit", "audit_links")
#: The database does not even look at the table; a trigger function is refused after the same look at the schema.
REFUSALS = ("permission denied for schema public", "no such table", "does not exist")
FIRST = {**{table.name: next(iter(table.c)).name for table in metadata.sorted_tables}, VERSION_TABLE: "version_num"}
COLUMNS = [f"{table.name}.{column.name}" for table in metadata.sorted_tables for column in table.c]


@pytest.mark.parametrize("has_token", [False, True])
def test_no_table_can_be_read_whole_written_or_emptied(attack: Attack, has_token: bool) -> None:
    attack.become(attack.token if has_token else None)
    for table in TABLES:
        for statement in (
            f"SELECT * FROM {table}",
            f"TABLE {table}",
            f"SELECT {table} FROM {table}",
            f"SELECT row_to_json({table}) FROM {table}",
            f"COPY {table} TO STDOUT",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
            f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
            f"SELECT ctid FROM {table}",
            f"CREATE TRIGGER t BEFORE INSERT ON {table} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
            f"DROP TABLE {table}",
            f"INSERT INTO {table} DEFAULT VALUES",
        ):
            said = attack.run(statement)
            assert said.startswith("error"), statement
            assert any(word in said for word in REFUSALS), said
            assert not attack.leaks(said)
            attack.run("ROLLBACK")


def test_no_column_of_any_table_is_read_with_a_token_or_without(attack: Attack) -> None:
    attack.become(attack.token)
    for column in COLUMNS:
        table, name = column.split(".")
        for named in (table, f"public.{table}"):
            assert attack.run(f"SELECT {name} FROM {named}").startswith("error"), column
            assert attack.run(f"SELECT count({name}) FROM {named}").startswith("error"), column
            assert attack.run(f"UPDATE {named} SET {name} = {name}").startswith("error"), column


def test_forged_settings_and_tokens_open_nothing(attack: Attack) -> None:
    forged = [None, "", " ", "x", "'", "' OR true --", "\\", "%", "丁", token_hash(attack.token), f" {attack.token}"]
    forged += [token_hash(attack.other_token), attack.token.swapcase(), attack.token[:-1], f"{attack.token}\n"]
    for setting in ("caseq.token", "token_hash", "role", "asked.token_hash", "look.token", "caseq.role"):
        attack.run(f"SET {setting} = '{attack.other_token}'")
    for token in forged:
        rows = attack.connection.execute("SELECT * FROM caseq_wall.look(%s)", [token]).fetchall()
        assert rows == [], token


#: What begins so must not even be done.
CHANGING = ("CREATE", "ALTER", "DROP", "GRANT", "INSERT", "UPDATE", "DELETE")


def ended(attack: Attack) -> str:
    """A clean session again: no transaction, no setting but the token."""
    attack.run("ROLLBACK")
    attack.run("RESET ALL; SET client_min_messages = notice")
    attack.run("DEALLOCATE ALL")
    attack.become(attack.token)
    return attack.run("SELECT DISTINCT number FROM caseq_wall.look(current_setting('caseq.token'))")


def test_hostile_statements_tell_nothing_beyond_the_grant(attack: Attack) -> None:
    assert ended(attack) == repr((CASE,))
    for statement in HOSTILE:
        said = attack.run(statement)
        assert not attack.leaks(said), (statement, said)
        assert "error" in said or statement.split()[0] not in CHANGING, statement
        assert "rolpassword" not in said
        assert "root:" not in said
        assert (statement, ended(attack)) == (statement, repr((CASE,)))


def test_the_attacker_sees_with_the_own_token_what_its_owner_sees(attack: Attack) -> None:
    rows = attack.connection.execute("SELECT * FROM caseq_wall.look(%s)", [attack.token]).fetchall()
    said = re.sub(r"datetime\.date\((\d+), (\d+), (\d+)\)", _iso, repr(rows))
    assert attack.markers.found(said) == granted(KIND, ROLE)
    assert not attack.leaks(repr(rows))


def test_a_plan_does_not_tell_how_many_milestones_are_hidden(attack: Attack) -> None:
    attack.become(attack.token)
    plan = attack.run("EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM caseq_wall.look(current_setting('caseq.token'))")
    assert "Function Scan" in plan
    assert "milestones" not in plan
    assert "Removed" not in plan


def test_nothing_that_was_tried_changed_anything(attack: Attack) -> None:
    def audited() -> Any:
        return attack.walled.do("SELECT count(*) FROM audit WHERE act <> 'view' OR at > now()")

    before = audited()
    attack.become(attack.token)
    for statement in HOSTILE:
        attack.run(statement)
        attack.run("ROLLBACK")
    assert audited() == before
    assert attack.walled.both(attack.other_token) is not None


def test_a_session_that_ended_while_a_transaction_is_open_opens_nothing(attack: Attack) -> None:
    attack.become(attack.token)
    look = "SELECT DISTINCT number FROM caseq_wall.look(current_setting('caseq.token'))"
    attack.run("BEGIN")
    assert attack.run(look) == repr((CASE,))
    attack.walled.do("UPDATE sessions SET ends_at = clock_timestamp()")
    assert attack.run(look) == ""
    attack.run("ROLLBACK")


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_transaction_from_before_a_revocation_reads_nothing_after_it(attack: Attack, isolation: str) -> None:
    attack.become(attack.token)
    attack.run(f"BEGIN ISOLATION LEVEL {isolation}")
    attack.run("SELECT count(*) FROM pg_class")
    attack.walled.do("UPDATE parties SET barred = 'revoked'")
    said = attack.run("SELECT number FROM caseq_wall.look(current_setting('caseq.token'))")
    assert said.startswith("error a look needs READ COMMITTED")
    attack.run("ROLLBACK")
    assert attack.run("SELECT number FROM caseq_wall.look(current_setting('caseq.token'))") == ""


def test_rights_given_by_mistake_show_no_row_of_any_table_and_are_taken_back(attack: Attack) -> None:
    role, admin = attack.walled.role, attack.walled.urls.admin
    attack.walled.do(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}", url=admin)
    attack.become(attack.token)
    for table in TABLES:
        assert "permission denied for schema" in attack.run(f"SELECT * FROM public.{table}")
    attack.walled.do(
        f"GRANT ALL ON SCHEMA public TO {role}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}", url=admin
    )
    attack.walled.do("CREATE POLICY thief ON cases USING (true); CREATE POLICY thief ON history USING (true)")
    for table in TABLES:
        assert attack.walled.do(f"SELECT count(*) FROM {table}") != [], table
        assert attack.run(f"SELECT * FROM {table}") == "", table
        changed = attack.run(f"UPDATE {table} SET {FIRST[table]} = {FIRST[table]} RETURNING *")
        assert changed == "" or (table in KEPT and "only ever added to" in changed), table
    assert "violates row-level security" in attack.run("INSERT INTO heartbeats VALUES ('thief', now())")
    attack.walled.do("DROP POLICY thief ON cases; DROP POLICY thief ON history")
    apply(attack.walled.service.runtime)
    for table in TABLES:
        assert "permission denied for schema" in attack.run(f"SELECT * FROM public.{table}")
