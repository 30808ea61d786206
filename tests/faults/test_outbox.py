"""Messages go out once while workers are killed (-9) at random moments and the provider misbehaves in every way.

CASEQ_TEST_OUTBOX=10000 makes it ten thousand messages on PostgreSQL and a thousand on SQLite.
"""

import os
import random
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.faults import rough
from tests.faults.conftest import SEED
from tests.faults.rough import Workers
from tests.service import Service

FULL = int(os.environ.get("CASEQ_TEST_OUTBOX", "0"))
#: (messages, kills, workers) by engine.
SIZES = {"postgresql": (FULL or 400, FULL // 200 or 6, 3), "sqlite": (FULL // 10 or 120, FULL // 200 or 4, 2)}


@pytest.mark.faults
@pytest.mark.slow
def test_every_message_arrives_once_whatever_happens(
    service_now: Service, engine: str, database_url: str, tmp_path: Path, rough_twilio: Any
) -> None:
    people, kills, count = SIZES[engine]
    chance = random.Random(SEED)
    rough.fill(service_now, people, codes=people // 20)
    began = time.monotonic()
    with rough.reports_to(service_now) as url:
        workers = Workers(database_url, tmp_path, rough_twilio, url, count)
        try:
            for _ in range(kills):
                workers.kill(chance)
            killed = time.monotonic() - began
            left = rough.open_rows(database_url)
            rough.wait_until_all_ended(database_url, 60 + people / 10)
            rough_twilio.wait()
        finally:
            workers.stop()
    print(  # noqa: T201
        f"{engine}: {people} people, {kills} kills in {killed:.0f} s ({left} open then), "
        f"all {time.monotonic() - began:.0f} s",
        file=sys.stderr,
    )
    rough.assert_once(database_url, rough_twilio, people)
