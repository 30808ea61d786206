"""The cap of a day holds whoever claims at the same moment."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from caseq.store import spending
from caseq.store.outbox import Lane
from caseq.texting import sending
from tests.acts.waiting import many
from tests.provider import Line
from tests.service import Service


def test_several_workers_together_keep_the_cap(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    most, workers = 6, 4
    line = Line.of(service)
    many(line, 20)
    settings = service.runtime.settings
    capped = replace(settings, sending=replace(settings.sending, most_news_a_day=most))
    runtime = replace(line.service.runtime, settings=capped)
    # All have read what was spent before any of them writes, if nothing keeps them from that.
    together, read = threading.Barrier(workers), spending.of_lane

    def slowly(*args: Any) -> int:
        total = read(*args)
        with suppress(threading.BrokenBarrierError):
            together.wait(0.3)
        return total

    monkeypatch.setattr(spending, "of_lane", slowly)
    with ThreadPoolExecutor(workers) as pool:
        claims = [pool.submit(sending.claim, runtime, line.service.router, {Lane.NEWS: 5}) for _ in range(workers)]
        claimed = [one for claim in claims for one in claim.result()]
    assert len(claimed) == most
