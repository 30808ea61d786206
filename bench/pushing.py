"""The push of many milestones: in process and over HTTP, against the same rows stored raw and through an ORM."""

import itertools
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bench import dataset, machine, rawpush, servers
from bench.databases import Place, settle
from bench.effort import BATCH_EVENTS, Effort
from bench.results import Row, Target, ratios
from bench.servers import Server
from bench.status import wsgi
from caseq.app import create_app
from caseq.rules import signing
from caseq.runtime import Runtime
from caseq.store.tables import cases

PATH = f"/push/v1/{dataset.SOURCE}"
_MEDIA_TYPE = "application/cloudevents-batch+json"
_RAW = {"postgresql": "COPY, milestone rows only", "sqlite": "executemany, milestone rows only"}
_OF_RAW = {"postgresql": Target(0.15, 0.30), "sqlite": Target(0.25, 0.4)}
_GROWTH_EVENTS = 100_000

Batches = Sequence[list[dict[str, Any]]]
_names = itertools.count()


def compare(place: Place, parts: Runtime, effort: Effort, folder: Path) -> list[Row]:
    """Events per second of the service as ratios of the references."""
    app = create_app(parts)
    port = servers.free_port()
    rounds = max(2, effort.rounds - 2)
    with servers.service(dataset.environment(place.url, port), folder, port) as server:
        ways: dict[str, Callable[[Batches], float]] = {
            "in process": lambda batches: _in_process(app, batches),
            "over HTTP": lambda batches: _over_http(server, batches),
            "raw": lambda batches: rawpush.store(place, list(itertools.chain(*batches)), _case_ids(parts)),
            "orm": lambda batches: rawpush.store_by_orm(place, batches[0], _case_ids(parts)),
        }
        speeds = _interleaved(place, ways, effort, rounds)
        resident = [value / 1e6 for value in server.resident_bytes()[:1]]
    rows = []
    for way in ("in process", "over HTTP"):
        target = _OF_RAW[place.engine]
        rows.append(Row(f"push, {way}", _RAW[place.engine], place.engine, ratios(speeds[way], speeds["raw"]), target))
    many = ratios(speeds["in process"], speeds["orm"])
    rows.append(Row("push, in process", "ORM row by row", place.engine, many, Target(12), " ×"))
    rows.append(Row("RSS after pushes", "largest process", place.engine, resident, Target(150, most=True), " MB"))
    return rows + (_growth(place, app, effort) if effort.memory_batches else [])


def _interleaved(
    place: Place, ways: Mapping[str, Callable[[Batches], float]], effort: Effort, rounds: int
) -> dict[str, list[float]]:
    """Events per second of every way and round; a first small round warms up and does not count."""
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(rounds + 1):
        settle(place)
        for name, way in ways.items():
            batches = _new_batches(effort.cases, effort.batches if round_ else 1)
            count = BATCH_EVENTS if name == "orm" else BATCH_EVENTS * len(batches)
            speed = count / way(batches)
            if round_:
                speeds[name].append(speed)
    return speeds


def _new_batches(known_cases: int, batches: int) -> Batches:
    formed = datetime.now(UTC).isoformat(timespec="seconds")
    return dataset.pushes(known_cases, batches, BATCH_EVENTS, f"push{next(_names)}", formed)


def _signed(batches: Batches) -> list[tuple[bytes, dict[str, str]]]:
    requests = []
    for batch in batches:
        body = json.dumps(batch, ensure_ascii=False).encode()
        headers = signing.headers(dataset.PUSH_KEY, "msg_" + secrets.token_hex(8), int(time.time()), body)
        requests.append((body, headers))
    return requests


def _in_process(app: Any, batches: Batches) -> float:
    requests = [
        (body, {"CONTENT_TYPE": _MEDIA_TYPE} | {f"HTTP_{k.upper().replace('-', '_')}": v for k, v in headers.items()})
        for body, headers in _signed(batches)
    ]
    began = time.perf_counter()
    answers = [wsgi(app, "POST", PATH, headers, body) for body, headers in requests]
    seconds = time.perf_counter() - began
    _check(answers)
    return seconds


def _over_http(server: Server, batches: Batches) -> float:
    requests = _signed(batches)
    began = time.perf_counter()
    answers = [server.ask("POST", PATH, body, headers | {"Content-Type": _MEDIA_TYPE}) for body, headers in requests]
    seconds = time.perf_counter() - began
    assert all(status == 200 for status, _ in answers)
    _check([answer for _, answer in answers])
    return seconds


def _check(answers: Sequence[bytes]) -> None:
    for answer in answers:
        results = json.loads(answer)["results"]
        assert len(results) == BATCH_EVENTS
        assert all(result["outcome"] == "accepted" for result in results), results[0]


def _case_ids(parts: Runtime) -> dict[str, int]:
    with parts.database.autocommit() as connection:
        rows = connection.execute(select(cases.c.number, cases.c.id).where(cases.c.source == dataset.SOURCE))
        return {row.number: row.id for row in rows}


def _growth(place: Place, app: Any, effort: Effort) -> list[Row]:
    """Megabytes that this process grows by for every 100,000 events pushed, once it is warm."""
    _in_process(app, _new_batches(effort.cases, 5))
    sizes = [machine.resident_bytes(os.getpid())]
    done = 0
    while done < effort.memory_batches:
        for _ in range(_GROWTH_EVENTS // BATCH_EVENTS // 10):
            _in_process(app, _new_batches(effort.cases, 10))
            done += 10
        sizes.append(machine.resident_bytes(os.getpid()))
    grown = [(after - before) / 1e6 for before, after in itertools.pairwise(sizes)]
    return [Row("growth of RSS", "each 100,000 events", place.engine, grown, unit=" MB")]
