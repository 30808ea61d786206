"""Workers that are stopped for longer than their lease and go on, start together, or lose their database: once each."""

import random
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from tests.faults import rough
from tests.faults.conftest import SEED
from tests.faults.rough import Workers
from tests.service import Process, Service

#: Longer than the lease and the wait before the provider is asked, in the settings of the walks.
STOPPED_SECONDS = 20
PEOPLE = 160


def run(service: Service, url: str, folder: Path, twilio: Any, disturb: Callable[[Workers], None]) -> None:
    """Let two workers send news to some people, disturbed like this; everything must arrive once all the same."""
    rough.fill(service, PEOPLE, codes=PEOPLE // 20)
    with rough.reports_to(service) as status_url:
        workers = Workers(url, folder, twilio, status_url, 2)
        try:
            workers.wait_until_up()
            disturb(workers)
            rough.wait_until_all_ended(url, 90)
            time.sleep(1)  # whoever still sends something does it now
            twilio.wait()
        finally:
            workers.stop()
    rough.assert_once(url, twilio, PEOPLE)


def signal_to(workers: Iterable[Process], what: signal.Signals) -> None:
    for worker in workers:
        worker.process.send_signal(what)


@pytest.mark.faults
@pytest.mark.slow
def test_a_worker_that_was_stopped_for_longer_than_its_lease_sends_nothing_twice(
    service_now: Service, engine: str, database_url: str, tmp_path: Path, rough_twilio: Any
) -> None:
    if engine == "sqlite":
        pytest.skip("who is stopped while it writes holds the one lock of SQLite")
    chance = random.Random(SEED)

    def disturb(workers: Workers) -> None:
        until = time.monotonic() + 20
        while rough.states(database_url)["news", "claimed"] < 40:
            assert time.monotonic() < until, "there is nothing left to disturb"
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.3))
        signal_to(workers.all[:1], signal.SIGSTOP)
        time.sleep(STOPPED_SECONDS)
        signal_to(workers.all[:1], signal.SIGCONT)

    rough_twilio.takes = 0.5  # so that each has many under way and more waiting for a thread
    run(service_now, database_url, tmp_path, rough_twilio, disturb)
    logs = "".join(log.read_text() for log in tmp_path.glob("worker*.log"))
    print(f"late {logs.count('too_late_to_send')}, lost {logs.count('leases_lost')}", file=sys.stderr)  # noqa: T201
    assert "leases_lost" in logs
    assert "too_late_to_send" in logs


@pytest.mark.faults
@pytest.mark.slow
def test_two_workers_that_start_at_the_same_moment_share_the_work(
    service_now: Service, database_url: str, tmp_path: Path, rough_twilio: Any
) -> None:
    run(service_now, database_url, tmp_path, rough_twilio, lambda _: None)
    assert all("message_sent" in log.read_text() for log in tmp_path.glob("worker*.log"))


@pytest.mark.faults
@pytest.mark.slow
def test_what_came_of_calls_is_kept_while_the_database_is_away(
    service_now: Service, engine: str, database_url: str, tmp_path: Path, rough_twilio: Any
) -> None:
    if engine == "sqlite":
        pytest.skip("SQLite has no connections that could be cut")
    server = create_engine(database_url, isolation_level="AUTOCOMMIT")

    def disturb(_: Workers) -> None:
        others = "datname = current_database() AND pid != pg_backend_pid()"
        cut = text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
        for _turn in range(15):
            time.sleep(0.25)
            with server.connect() as connection:
                connection.execute(cut)

    run(service_now, database_url, tmp_path, rough_twilio, disturb)
    server.dispose()
    logs = "".join(log.read_text() for log in tmp_path.glob("worker*.log"))
    assert logs.count("database_unavailable") >= 3
    assert "leases_lost" not in logs, "a result was not kept"
