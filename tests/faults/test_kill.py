"""200 changes in the case system while service, worker and adapter are each killed (-9) ten times."""

import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from tests.service import Process
from tests.walks import oracle
from tests.walks.conftest import Whole

KILLS = 10


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
    before = oracle.read(texting.cases.path)
    assert twilio.sent() == []
    adapter = texting.start_adapter()
    twilio.faults.append({"times": 10_000, "delay": 0.4})
    try:
        texting.cases.move(200, seed=8)
        kill_by_turns([texting.server, texting.worker, adapter])
        after = oracle.read(texting.cases.path, before)
        expected = oracle.expected_messages(before, after)
        assert sum(expected.values()) > 100
        wait_until_quiet(texting)
    finally:
        adapter.stop()
    assert by_party(twilio, before, after) == expected
    assert states(texting) == {"sent"}


def kill_by_turns(processes: list[Process]) -> None:
    """Kill each process ten times, in a random order and at random moments, and start it again."""
    chance = random.Random(3)
    turns = processes * KILLS
    chance.shuffle(turns)
    for process in turns:
        time.sleep(chance.uniform(0.1, 0.9))
        process.kill()
        process.start()


def wait_until_quiet(system: Whole, seconds: float = 120) -> None:
    """Until the adapter has sent all and every message is final, for two looks in a row."""
    until = time.monotonic() + seconds
    calm = 0
    while calm < 3:
        assert time.monotonic() < until, (spooled(system), states(system))
        time.sleep(1)
        calm = calm + 1 if spooled(system) == 0 and not states(system) & {"queued", "sending", "unknown"} else 0


def spooled(system: Whole) -> int:
    """How many events wait in the adapter's spool."""
    database = sqlite3.connect(system.folder / "adapter.db", timeout=10)
    try:
        return int(database.execute("SELECT count(*) FROM outgoing").fetchone()[0])
    finally:
        database.close()


def states(system: Whole) -> set[str]:
    engine = create_engine(system.environ["CASEQ_DATABASE_URL"])
    with engine.connect() as connection:
        found = {row.state for row in connection.execute(text("SELECT DISTINCT state FROM outbox"))}
    engine.dispose()
    return found


def by_party(twilio: Any, before: dict[str, oracle.Case], after: dict[str, oracle.Case]) -> dict[str, int]:
    """How many messages each party got, by its number of now or of before."""
    owner = {}
    for cases in (before, after):
        for case in cases.values():
            for key, party in case.parties.items():
                owner[f"+86{party.phone}"] = key
    return dict(Counter(owner[message["to"]] for message in twilio.sent()))
