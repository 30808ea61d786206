"""The push of many milestones: in process and over HTTP, against the same rows stored raw and through an ORM."""

import itertools
import json
import os
import secrets
import time
from collections.abc import Sequence
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
from caseq.app import create_app, keep_for_good
from caseq.rules import signing
from caseq.runtime import Runtime
from caseq.store.tables import cases

PATH = f"/push/v1/{dataset.SOURCE}"
_MEDIA_TYPE = "application/cloudevents-batch+json"
_RAW = {"postgresql": "COPY", "sqlite": "executemany"}
_OF_RAW = {"postgresql": Target(0.15, 0.30), "sqlite": Target(0.25, 0.4)}
_GROWTH_EVENTS = 100_000

Batches = Sequence[list[dict[str, Any]]]
_names, _positions = itertools.count(), itertools.count()


def compare(place: Place, parts: Runtime, effort: Effort, folder: Path) -> list[Row]:
    """Events per second of the service as ratios of the references."""
    app = create_app(parts)
    keep_for_good()
    port = servers.free_port()
    speeds: dict[str, list[float]] = {}
    with servers.service(dataset.environment(place.url, port), folder, port) as server:
        for round_ in range(max(2, effort.rounds - 2) + 1):
            measured = _round(place, parts, app, server, effort.cases, effort.batches if round_ else 1)
            if round_:
                for way, speed in measured.items():
                    speeds.setdefault(way, []).append(speed)
        resident = [value / 1e6 for value in server.resident_bytes()[:1]]
    raw, engine, target = _RAW[place.engine], place.engine, _OF_RAW[place.engine]
    return [
        Row("push, in process", f"{raw} of the same rows", engine, ratios(speeds["app"], speeds["raw"]), target),
        Row("push, over HTTP", f"{raw} of the same rows", engine, ratios(speeds["http"], speeds["raw"]), target),
        Row("push, in process", f"{raw} of the milestones alone", engine, ratios(speeds["app"], speeds["least"])),
        Row("push, in process", "ORM row by row", engine, ratios(speeds["app"], speeds["orm"]), Target(12), " ×"),
        Row("RSS after pushes", "largest process", engine, resident, Target(150, most=True), " MB"),
        *(_growth(place, app, effort) if effort.memory_batches else []),
    ]


def _round(place: Place, parts: Runtime, app: Any, server: Server, known_cases: int, batches: int) -> dict[str, float]:
    """Events per second of every way, one after the other on the same database."""
    settle(place)
    count = batches * BATCH_EVENTS
    _, by_http = _new_batches(known_cases, batches)
    prefix, by_app = _new_batches(known_cases, batches)
    http, in_process = _over_http(server, by_http), _in_process(app, by_app)
    _, by_orm = _new_batches(known_cases, 1)
    return {
        "http": count / http,
        "app": count / in_process,
        "raw": count / rawpush.store_again(place, prefix),
        "least": count / rawpush.store_again(place, prefix, ["milestones"]),
        "orm": BATCH_EVENTS / rawpush.store_by_orm(place, by_orm[0], _case_ids(parts)),
    }


def _new_batches(known_cases: int, batches: int) -> tuple[str, Batches]:
    """A prefix that no key had before, and batches of milestones whose keys begin with it."""
    prefix = f"push{next(_names)}"
    formed = datetime.now(UTC).isoformat(timespec="seconds")
    return prefix, dataset.pushes(known_cases, batches, BATCH_EVENTS, prefix, formed, _positions)


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
    _in_process(app, _new_batches(effort.cases, 5)[1])
    sizes = [machine.resident_bytes(os.getpid())]
    done = 0
    while done < effort.memory_batches:
        for _ in range(_GROWTH_EVENTS // BATCH_EVENTS // 10):
            _in_process(app, _new_batches(effort.cases, 10)[1])
            done += 10
        sizes.append(machine.resident_bytes(os.getpid()))
    grown = [(after - before) / 1e6 for before, after in itertools.pairwise(sizes)]
    return [Row("growth of RSS", "each 100,000 events", place.engine, grown, unit=" MB")]
