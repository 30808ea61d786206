"""200 changes in the case system while service, worker and adapter are each killed (-9) ten times; and again.

CASEQ_TEST_KILLS=100 makes ten rounds of it.
"""

import os
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import create_engine, text

from tests.service import Process
from tests.walks import holding, oracle
from tests.walks.conftest import Whole

KILLS = 10
SEED = 96  # Of the first round: one party loses its number while news wait, another gets its first one with news.
NO_NUMBER = "no number that may be sent to"
ROUNDS = max(1, int(os.environ.get("CASEQ_TEST_KILLS", "10")) // KILLS)


@pytest.fixture
def texting(database_url: str, tmp_path: Path, twilio: Any) -> Iterator[Whole]:
    """The whole system, sending through a provider that takes its time."""
    environ = {
        "CASEQ_SMS_FILE": "",
        "CASEQ_TWILIO_ACCOUNT_SID": twilio.account_sid,
        "CASEQ_TWILIO_AUTH_TOKEN": twilio.auth_token,
        "CASEQ_TWILIO_FROM": "+15005550006",
        "CASEQ_TWILIO_API_BASE": twilio.base_url,
    }
    running = Whole(database_url, tmp_path, **environ)
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()


@pytest.mark.faults
def test_each_change_ends_in_exactly_its_sms_whatever_is_killed(texting: Whole, twilio: Any) -> None:
    texting.adapt_once()
    known = [oracle.read(texting.cases.path)]
    expected: Counter[str] = Counter()
    dropped: Counter[tuple[str, ...]] = Counter()
    assert twilio.sent() == []
    adapter = texting.start_adapter()
    twilio.faults.append({"times": 1_000_000, "delay": 1})
    now = datetime.now(UTC)
    try:
        for turn in range(ROUNDS):
            changed_at = now - timedelta(days=1) + turn * timedelta(minutes=5)
            texting.cases.move(200, seed=SEED + turn, start=oracle.stamped(changed_at))
            kill_each_ten_times(texting, adapter)
            known.append(oracle.read(texting.cases.path, known[-1]))
            step = oracle.Step(known[-2], known[-1], now)
            expected += by_phone(step.messages(), known)
            dropped += Counter({("dropped", NO_NUMBER, *whom): count for whom, count in step.dropped().items()})
            wait_until_quiet(texting)
            assert told(texting, twilio) == expected
            assert outbox(texting) == dropped + Counter({("told",): expected.total()})
            assert holding.held(texting.environ["CASEQ_DATABASE_URL"]) == holding.there(known[-1])
    finally:
        adapter.stop()
    assert expected.total() > 100 * ROUNDS
    assert dropped, "no message had to be dropped"
    assert lost_while_sending(texting), "no worker was killed while sending"


def kill_each_ten_times(system: Whole, adapter: Process) -> None:
    """Kill each process ten times, at random moments after it has come up, all three at the same time; the worker once
    more while it sends, before the others are done: afterwards there may be nothing left to send."""
    signs = {
        "server": (system.server, lambda: answers(system.url + "/healthz")),
        "worker": (system.worker, lambda: "worker_started" in written_since_start(system.worker)),
        "adapter": (adapter, lambda: '"started"' in written_since_start(adapter)),
    }
    with ThreadPoolExecutor(len(signs)) as pool:
        killing = {name: pool.submit(kill_ten_times, process, is_up) for name, (process, is_up) in signs.items()}
        killing["worker"].result()
        kill_while_it_sends(system)
        for done in killing.values():
            done.result()


def kill_ten_times(process: Process, is_up: Callable[[], bool]) -> None:
    chance = random.Random(process.log.name)
    for _ in range(KILLS):
        until = time.monotonic() + 30
        while not is_up():
            assert time.monotonic() < until, process.log
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 1.2))
        process.kill()
        process.start()


def kill_while_it_sends(system: Whole, seconds: float = 60) -> None:
    """Kill the worker once more with messages in its hands, unless one of its ten deaths found it like that."""
    until = time.monotonic() + seconds
    while not (lost := lost_while_sending(system)) and "claimed" not in states(system):
        assert time.monotonic() < until, states(system)
        time.sleep(0.02)
    if not lost:
        system.worker.kill()
        system.worker.start()


def lost_while_sending(system: Whole) -> bool:
    """Whether a worker found messages that one before it had begun to send."""
    log = (system.folder / "worker.log").read_text()
    return "leases_lost" in log or "message_found" in log


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).status_code == 200
    except requests.RequestException:
        return False


def written_since_start(process: Process) -> str:
    with process.log.open("rb") as log:
        log.seek(process.log_start)
        return log.read().decode(errors="replace")


def wait_until_quiet(system: Whole, seconds: float = 120) -> None:
    """Until the adapter has sent all and every message is final, for three looks in a row."""
    until = time.monotonic() + seconds
    calm = 0
    while calm < 3:
        assert time.monotonic() < until, (spooled(system), states(system))
        time.sleep(1)
        calm = calm + 1 if spooled(system) == 0 and not states(system) & {"queued", "held", "claimed", "unknown"} else 0


def spooled(system: Whole) -> int:
    """How many events wait in the adapter's spool."""
    database = sqlite3.connect(system.folder / "adapter.db", timeout=10)
    try:
        return int(database.execute("SELECT total(events) FROM outgoing").fetchone()[0])
    finally:
        database.close()


def states(system: Whole) -> set[str]:
    engine = create_engine(system.environ["CASEQ_DATABASE_URL"])
    with engine.connect() as connection:
        found = {row.state for row in connection.execute(text("SELECT DISTINCT state FROM outbox"))}
    engine.dispose()
    return found


def outbox(system: Whole) -> Counter[tuple[str, ...]]:
    """How many changes were told, and of those that were not how many by state, reason, case and role."""
    query = """
        SELECT outbox.state, reason, number, role FROM outbox
        JOIN parties ON parties.id = party_id JOIN cases ON cases.id = parties.case_id
        WHERE purpose != 'number'"""
    engine = create_engine(system.environ["CASEQ_DATABASE_URL"])
    with engine.connect() as connection:
        rows = connection.execute(text(query)).all()
    engine.dispose()
    return Counter(("told",) if row.state in TOLD else tuple(row) for row in rows)


#: How a change ends that its party was told of: in an SMS of its own, or in that of another change.
TOLD = ("sent", "delivered", "merged")


def told(system: Whole, twilio: Any) -> Counter[str]:
    """How many changes each number was told of; every SMS of the provider is that of one of them, and no two are."""
    number = {message["sid"]: message["to"] for message in twilio.sent()}
    query = """
        SELECT COALESCE(part_of, outbox.id) AS sms, provider_id FROM outbox
        JOIN attempts ON attempts.message_id = COALESCE(part_of, outbox.id) AND attempts.outcome = 'accepted'
        WHERE purpose = 'news' AND state IN ('sent', 'delivered', 'merged')"""
    engine = create_engine(system.environ["CASEQ_DATABASE_URL"])
    with engine.connect() as connection:
        rows = connection.execute(text(query)).all()
        notices = connection.execute(text(query.replace("'news'", "'number'"))).all()
    engine.dispose()
    assert {row.provider_id for row in (*rows, *notices)} == set(number)
    assert len({row.sms for row in (*rows, *notices)}) == len(number), "something was sent twice"
    return Counter(number[row.provider_id] for row in rows)


def by_phone(messages: Counter[str], known: list[dict[str, oracle.Case]]) -> Counter[str]:
    """The number of changes by the newest number of each party."""
    phones = {key: f"+86{one.phone}" for cases in known for case in cases.values() for key, one in case.parties.items()}
    counts: Counter[str] = Counter()
    for key, count in messages.items():
        counts[phones[key]] += count
    return counts
