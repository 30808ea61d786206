"""What the server knows of the rows without reading them, its statistics and counters, tells the role nothing."""

import psycopg
import pytest

from caseq.store.tables import metadata
from tests.wall.walling import Walled

#: Parties of case 1, a case as every other one, and all there are.
MANY, OTHERS = 400, 2_000


@pytest.fixture
def filled(walled: Walled) -> Walled:
    """A database with statistics: 2,000 cases with a party and a milestone each, and 400 of each in the first one."""
    walled.do("INSERT INTO sources VALUES ('criminal', now())")
    walled.do(
        """INSERT INTO cases (source, number, number_key, kind, state, unit_name, juvenile, sequence, formed_at,
                              changed_at, withdrawn)
           SELECT 'criminal', 'A' || n, 'A' || n, 'criminal', 'open', 'U', false, '1', now(), now(), false
           FROM generate_series(1, %s) AS n""",
        OTHERS,
    )
    many = (
        f"(SELECT id, row_number() OVER () AS n FROM cases UNION ALL SELECT 1, {OTHERS} + generate_series(1, {MANY}))"
    )
    walled.do(
        f"""INSERT INTO parties (source, key, case_id, role, subject, juvenile, sms, sequence, formed_at, changed_at,
                                 withdrawn)
            SELECT 'criminal', 'P' || n, id, CASE n % 5 WHEN 0 THEN 'suspect' ELSE 'victim' END, 'S' || n % 3,
                   false, true, '1', now(), now(), false FROM {many} AS m"""
    )
    walled.do(
        f"""INSERT INTO milestones (source, key, case_id, name, subject, details, tell_first, sequence, formed_at,
                                    released_at, withdrawn)
            SELECT 'criminal', 'M' || n, id, 'case_filed', 'S' || n % 3, '{{}}', false, '1', now(), now(), false
            FROM {many} AS m"""
    )
    walled.do(
        f"""INSERT INTO history (source, event_id, record, key, case_id, sequence, formed_at, received_at, withdrawal,
                                 state_sealed)
            SELECT 'criminal', 'E' || n, 'party', 'P' || n, id, '1', now(), now(), false, 'x' FROM {many} AS m"""
    )
    walled.do("ANALYZE")
    return walled


@pytest.fixture
def told(filled: Walled, reader: psycopg.Connection) -> list[str]:
    """All messages of the server to a session that asks for as many as it can get."""
    messages: list[str] = []
    reader.add_notice_handler(lambda said: messages.append(f"{said.message_primary} {said.message_detail}"))
    reader.execute("SET client_min_messages = log; SET debug_print_plan = on; SET trace_sort = on")
    messages.clear()
    return messages


def answer(reader: psycopg.Connection, told: list[str], statement: str) -> str:
    """What the server says to the statement."""
    told.clear()
    try:
        rows = reader.execute(statement.encode()).fetchall()
    except psycopg.Error as error:
        return "\n".join([*told, str(error)])
    return "\n".join([*told, *map(str, rows)])


HUGE = "generate_series(1, 1000000000000000) AS g"
#: Ways to have a condition on one table planned; whatever the row estimate is, it is made huge.
PLANNED = (
    "SELECT 1 FROM {table} AS c WHERE {condition}",
    "SELECT 1 FROM {table} AS c WHERE {condition} AND ctid IS NOT NULL",
    f"SELECT 1 FROM {HUGE} JOIN {{table}} AS c ON ({{condition}} OR g = -1)",
    f"SELECT 1 FROM {HUGE} JOIN {{table}} AS c ON ({{condition}} OR g = -1) WHERE c.ctid IS NOT NULL",
    f"SELECT 1 FROM {HUGE} LEFT JOIN {{table}} AS c ON {{condition}}",
    f"SELECT 1 FROM {HUGE} FULL JOIN {{table}} AS c ON ({{condition}} OR g = -1)",
    f"SELECT 1 FROM {HUGE} WHERE NOT EXISTS (SELECT FROM {{table}} AS c WHERE {{condition}} OR g = -1)",
    "SELECT count(*) FROM {table} AS c GROUP BY {condition}",
)
CONDITIONS = [
    ("parties", "c.case_id = 1"),
    ("parties", "c.role = 'suspect'"),
    ("parties", "c.subject = 'S1'"),
    ("parties", "c.juvenile"),
    ("cases", "c.number < 'A1500'"),
    ("sessions", "c.started_at < now()"),
    ("milestones", "c.case_id = 1"),
    ("history", "c.case_id = 1"),
    ("codes", "c.party_id = 1"),
]


@pytest.mark.parametrize("schema", ["", "public."])
def test_no_plan_is_made_of_a_table(told: list[str], reader: psycopg.Connection, schema: str) -> None:
    for table, condition in CONDITIONS:
        for way in PLANNED:
            statement = way.format(table=schema + table, condition=condition)
            for asked in (statement, f"EXPLAIN {statement}", f"EXPLAIN (VERBOSE) {statement}"):
                said = answer(reader, told, f"{asked} LIMIT 0")
                assert "plan:" not in said, asked
                assert "rows=" not in said, asked


def test_no_plan_is_made_of_any_column_of_any_table(told: list[str], reader: psycopg.Connection) -> None:
    for table in metadata.sorted_tables:
        for column in table.c:
            said = answer(reader, told, f"SELECT 1 FROM public.{table.name} AS c WHERE c.{column.name} IS NULL LIMIT 0")
            assert said.startswith("permission denied for schema public"), column


def test_a_look_tells_no_plan_of_what_it_does(told: list[str], reader: psycopg.Connection) -> None:
    said = answer(reader, told, "SELECT * FROM caseq_wall.look('nobody')")
    assert said.count("plan:") == 1
    assert "FUNCTIONSCAN" in said
    assert "internal sort" not in said
    assert "SEQSCAN" not in said
    assert "INDEXSCAN" not in said


COUNTERS = [
    "SELECT * FROM pg_stat_xact_user_tables",
    "SELECT * FROM pg_stat_user_tables",
    "SELECT * FROM pg_statio_user_tables",
    "SELECT * FROM pg_stat_user_indexes",
    "SELECT pg_stat_get_live_tuples(c.oid) FROM pg_class AS c WHERE relname = 'milestones'",
    "SELECT pg_stat_get_xact_tuples_fetched(c.oid) FROM pg_class AS c WHERE relname = 'milestones'",
    "SELECT pg_stat_get_xact_numscans(c.oid) FROM pg_class AS c WHERE relname = 'milestones'",
    "SELECT tup_fetched, tup_returned, tup_inserted FROM pg_stat_database",
    "SELECT * FROM pg_stat_activity",
]


def test_no_counter_tells_how_many_rows_a_look_touched(told: list[str], reader: psycopg.Connection) -> None:
    for counter in COUNTERS:
        assert "permission denied for function" in answer(reader, told, counter), counter


def test_the_owner_and_a_monitor_still_read_the_counters(filled: Walled) -> None:
    assert filled.do("SELECT n_live_tup FROM pg_stat_user_tables WHERE relname = 'parties'") != []
    monitor = "BEGIN; SET LOCAL ROLE pg_monitor; SELECT count(*) FROM pg_stat_database; ROLLBACK"
    filled.do(monitor, url=filled.urls.admin)


def test_the_statistics_themselves_are_not_read(told: list[str], reader: psycopg.Connection) -> None:
    for view in ("pg_stats", "pg_stats_ext", "pg_stats_ext_exprs"):
        assert answer(reader, told, f"SELECT * FROM {view} WHERE schemaname = 'public'").count("plan:") == 1
        assert reader.execute(f"SELECT * FROM {view} WHERE schemaname = 'public'".encode()).fetchall() == []
    for table in ("pg_statistic", "pg_statistic_ext_data"):
        assert "permission denied" in answer(reader, told, f"SELECT * FROM {table}")
