"""A hundred thousand messages that wait cost a claim nothing, and what is due goes out in order, codes first."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import bindparam, text
from sqlalchemy import event as events

from caseq.store import outbox
from caseq.store.columns import Moment
from caseq.store.outbox import Lane
from tests.service import NOON, Service

MANY = 100_000
LEASE = timedelta(seconds=45)
_NUMBERS = {
    "postgresql": "SELECT n FROM generate_series(1, :many) AS numbers(n)",
    "sqlite": """
        WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :many)
        SELECT n FROM numbers""",
}


def fill(service: Service, engine: str, state: str, due_at: datetime, many: int = MANY) -> None:
    """So many news, each for a number of its own; every thousandth is a code, queued last."""
    row = f"""
        INSERT INTO outbox (purpose, cause, lane, state, attempts, created_at, due_at, phone_hash, asked)
        SELECT CASE WHEN n % 1000 = 0 THEN 'code' ELSE 'news' END, '{state} ' || n,
               CASE WHEN n % 1000 = 0 THEN 0 ELSE 1 END, '{state}', 0, :now, :due, 'hash ' || n, 0
        FROM ({_NUMBERS[engine]}) AS filled"""
    typed = text(row).bindparams(bindparam("now", type_=Moment), bindparam("due", type_=Moment))
    with service.runtime.database.transaction() as connection:
        connection.execute(typed, {"many": many, "now": NOON, "due": due_at})
    with service.runtime.database.autocommit() as connection:
        connection.exec_driver_sql("ANALYZE outbox")


def plan(service: Service, engine: str, lane: Lane) -> str:
    """How the engine finds what a claim claims."""
    said: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        said.append((statement, parameters))

    explain = "EXPLAIN " if engine == "postgresql" else "EXPLAIN QUERY PLAN "
    database = service.runtime.database
    events.listen(database.engine, "before_cursor_execute", note)
    try:
        with database.transaction() as connection:
            outbox.claim(connection, lane, 32, NOON, LEASE)
            statement, parameters = said[-1]
            rows = connection.exec_driver_sql(explain + statement, parameters).all()
            connection.rollback()
    finally:
        events.remove(database.engine, "before_cursor_execute", note)
    return "\n".join(str(row[-1]) for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize("lane", list(Lane))
@pytest.mark.parametrize("due_in", [timedelta(hours=8), timedelta(seconds=-1)])
def test_what_waits_is_found_by_its_index_however_much_it_is(
    service: Service, engine: str, lane: Lane, due_in: timedelta
) -> None:
    fill(service, engine, "held", NOON + due_in)
    found = plan(service, engine, lane)
    assert "ix_outbox_waiting" in found
    assert "Seq Scan" not in found
    assert "SCAN outbox" not in found
    assert "ORDER BY" not in found
    assert "Sort Key" not in found


@pytest.mark.slow
def test_what_is_due_is_claimed_in_order_and_codes_first(service: Service, engine: str) -> None:
    fill(service, engine, "queued", NOON)
    database = service.runtime.database
    for lane, numbers in (
        (Lane.CODES, [n for n in range(1, 40_000) if n % 1000 == 0]),
        (Lane.NEWS, [n for n in range(1, 100) if n % 1000]),
    ):
        claimed: list[outbox.Job] = []
        while len(claimed) < len(numbers):
            with database.transaction() as connection:
                claimed += outbox.claim(connection, lane, 13, NOON, LEASE)
        assert [job.id for job in claimed] == sorted(job.id for job in claimed)
        assert [int(str(job.phone_hash).removeprefix("hash ")) for job in claimed[: len(numbers)]] == numbers
