"""What a worker that stopped in the middle of something holds is no obstacle for the others."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from caseq.store import outbox, outcomes
from caseq.store.outbox import Lane
from caseq.store.tables import outbox as table
from caseq.worker import Worker
from tests.service import Service, case, event, milestone, party

LEASE = timedelta(seconds=45)


@pytest.fixture
def waiting(service: Service) -> Service:
    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    return service


def test_a_worker_that_stopped_while_recording_does_not_stop_the_others(waiting: Service, engine: str) -> None:
    if engine == "sqlite":
        pytest.skip("SQLite has one writer at a time, whatever it writes")
    database, now = waiting.runtime.database, waiting.clock()
    with database.transaction() as connection:
        (job,) = outbox.claim(connection, Lane.NEWS, 5, now, LEASE)
    later = now + timedelta(minutes=5)
    found: list[int] = []

    def give_up() -> None:
        with database.transaction() as connection:
            found.append(outcomes.give_up_leases(connection, later, LEASE, LEASE))

    with database.transaction() as stopped:
        stopped.execute(update(table).where(table.c.id == job.id).values(reason="being recorded"))
        other = threading.Thread(target=give_up, daemon=True)
        other.start()
        other.join(5)
        assert not other.is_alive(), "waits for the worker that stopped"
    assert found == [0]
    give_up()
    assert found == [0, 1]


def test_a_transaction_that_is_left_open_ends_by_itself(waiting: Service, engine: str) -> None:
    if engine == "sqlite":
        pytest.skip("the locks of SQLite end with the process")
    with waiting.runtime.database.transaction() as connection:
        assert connection.exec_driver_sql("SHOW idle_in_transaction_session_timeout").scalar() == "30s"


def test_a_worker_still_asks_providers_after_its_database_was_away(
    waiting: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    from caseq.errors import DatabaseUnavailable
    from caseq.texting import tracing

    worker = Worker(waiting.runtime, waiting.router)
    free: list[int] = []

    def away(_runtime: Any, most: int) -> list[Any]:
        free.append(most)
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(tracing, "claim_to_ask", away)
    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            worker._ask_providers()
    assert free == [waiting.runtime.settings.worker.threads] * 3
