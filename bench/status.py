"""The status query: over HTTP against bare Flask and a hand-written program, in process against an ordinary one."""

import dataclasses
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

from bench import dataset, load, ordinary, servers
from bench.databases import Place, backends, settle
from bench.dataset import Reader
from bench.effort import CONNECTIONS, Effort
from bench.machine import processor_seconds
from bench.results import Row, Target, ratios
from bench.servers import Server
from caseq.app import create_app
from caseq.runtime import Runtime

PATH = "/api/v1/case"
_OF_BARE = {"postgresql": Target(0.17, 0.28), "sqlite": Target(0.25, 0.45)}
_BLOCK = 40


@dataclass(frozen=True)
class _Contender:
    """One server and the requests it gets."""

    name: str
    server: Server
    requests: Sequence[str]
    backends: Sequence[int] = ()


@dataclass
class _Scores:
    """Per round: answers per second of the clock, and per second of processor time of server and database."""

    per_second: list[float]
    per_processor_second: list[float]
    p99_ms: list[float]


def over_http(place: Place, readers: Sequence[Reader], effort: Effort, folder: Path) -> list[Row]:
    """Requests per second of the service as ratios of the reference programs."""
    port = servers.free_port()
    environ = dataset.environment(place.url, port)
    answer = folder / "answer.json"
    with ExitStack() as stack:
        service = stack.enter_context(servers.service(environ, folder, port))
        onequery = stack.enter_context(servers.reference("bench.onequery:from_environment", environ, folder))
        answer.write_bytes(_same_answer(service, onequery, readers))
        bare_environ = {"CASEQ_BENCH_ANSWER": str(answer)}
        bare = stack.enter_context(servers.reference("bench.bare:from_environment", bare_environ, folder))
        asks = [_request(PATH, f"Authorization: Bearer {reader.token}") for reader in readers]
        pages = [_request("/case", f"Cookie: caseq={reader.token}") for reader in readers]
        contenders = [
            _Contender("json", service, asks),
            _Contender("bare", bare, asks),
            _Contender("onequery", onequery, asks),
            _Contender("page", service, pages),
        ]
        scores = _interleaved(place, contenders, effort)
        resident = [service.resident_bytes()[0] / 1e6]
        sizes = [_page_bytes(service, reader) / 1000 for reader in readers[:3]]
    return [
        *_rows(place, scores),
        Row("RSS under load", "largest process", place.engine, resident, Target(150, most=True), " MB"),
        Row("HTML page and CSS", "uncompressed", place.engine, sizes, Target(30, most=True), " KB"),
    ]


def _page_bytes(service: Server, reader: Reader) -> int:
    """The size of the case page with every style sheet it names."""
    page = service.get("/case", Cookie=f"caseq={reader.token}")[1]
    sheets = re.findall(rb'<link[^>]+href="([^"]+\.css[^"]*)"', page)
    return len(page) + sum(len(service.get(sheet.decode())[1]) for sheet in sheets)


def _rows(place: Place, scores: Mapping[str, _Scores]) -> list[Row]:
    def row(what: str, above: str, against: str, below: str, target: Target | None = None) -> list[Row]:
        a, b = scores[above], scores[below]
        by_clock = Row(what, against, place.engine, ratios(a.per_second, b.per_second), target)
        work = ratios(a.per_processor_second, b.per_processor_second)
        return [by_clock, Row(what, f"{against}, by processor time", place.engine, work)]

    return [
        *row("status query, requests/s", "json", "bare Flask, same bytes", "bare", _OF_BARE[place.engine]),
        *row("status query, requests/s", "json", "hand-written, one round trip", "onequery"),
        *row("hand-written, requests/s", "onequery", "bare Flask, same bytes", "bare"),
        *row("HTML page, requests/s", "page", "JSON answer", "json", Target(0.5)),
    ]


def _request(path: str, header: str) -> str:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}\r\n\r\n"


def _same_answer(service: Server, reference: Server, readers: Sequence[Reader]) -> bytes:
    """The answer to one reader, once both programs have given the same to several."""
    for reader in readers[:5]:
        headers = {"Authorization": f"Bearer {reader.token}"}
        given = service.get(PATH, **headers)
        assert given[0] == 200, f"the service answered {given[0]}"
        assert len(json.loads(given[1])["milestones"]) == dataset.SEEN_MILESTONES
        assert given == reference.get(PATH, **headers), "the hand-written program answers differently"
    return given[1]


def _interleaved(place: Place, contenders: Sequence[_Contender], effort: Effort) -> dict[str, _Scores]:
    """Every contender in turn, round after round; the first round warms up and does not count."""
    scores = {contender.name: _Scores([], [], []) for contender in contenders}
    settle(place)
    for contender in contenders:
        _load(contender, min(1.0, effort.load_seconds))
    workers = backends(place)
    for _ in range(effort.rounds):
        for contender in contenders:
            of_database = () if contender.name == "bare" else workers
            before = contender.server.processor_seconds() + processor_seconds(of_database)
            result = _load(contender, effort.load_seconds)
            spent = contender.server.processor_seconds() + processor_seconds(of_database) - before
            score = scores[contender.name]
            score.per_second.append(result.per_second)
            score.per_processor_second.append(result.answered / max(spent, 0.01))
            score.p99_ms.append(result.p99_ms)
    return scores


def _load(contender: _Contender, seconds: float) -> load.Load:
    plan = load.Plan(contender.server.port, CONNECTIONS, seconds, contender.requests)
    text = json.dumps(dataclasses.asdict(plan))
    done = subprocess.run([sys.executable, load.__file__], input=text, capture_output=True, text=True, check=True)
    result = load.Load(**json.loads(done.stdout))
    assert result.failed == 0, f"{contender.name}: {result.failed} of {result.answered} answers were not 200"
    return result


def in_process(place: Place, parts: Runtime, readers: Sequence[Reader], effort: Effort) -> list[Row]:
    """Time of one request without any server: how many times dearer the ordinary program is."""
    apps: dict[str, Any] = {"caseq": create_app(parts), "ordinary": ordinary.create_app(parts.settings)}
    first = {name: called(app, readers[0].token) for name, app in apps.items()}
    assert first["caseq"] == first["ordinary"], "the ordinary program answers differently"
    took: dict[str, list[float]] = {name: [] for name in apps}
    for number in range(effort.blocks + 1):
        for name, app in apps.items():
            seconds = block(app, readers, number)
            if number:
                took[name].append(seconds)
    values = ratios(took["ordinary"], took["caseq"])
    row = Row("status query, in process: how many times dearer", "ORM + marshmallow + limiter", place.engine, values)
    return [dataclasses.replace(row, target=Target(3, 4.5), unit=" ×"), *_not_measured(place)]


def _not_measured(place: Place) -> list[Row]:
    rest = "not installed" if find_spec("rest_framework") is None else "installed, but no reference is written for it"
    what = "status query, in process"
    return [
        Row(what, "Django REST framework", place.engine, (), note=f"not measured: {rest}"),
        *([] if place.is_sqlite else [Row(what, "PostGraphile", place.engine, (), note="not measured: needs Node.js")]),
    ]


def block(app: Any, readers: Sequence[Reader], number: int) -> float:
    """Seconds of one block of requests; every block asks for other readers."""
    tokens = [readers[(number * _BLOCK + i) % len(readers)].token for i in range(_BLOCK)]
    began = time.perf_counter()
    for token in tokens:
        called(app, token)
    return time.perf_counter() - began


def called(app: Callable[..., Any], token: str) -> bytes:
    """The body of one answer, straight through the WSGI interface."""
    return wsgi(app, "GET", PATH, {"HTTP_AUTHORIZATION": f"Bearer {token}"})


def wsgi(app: Callable[..., Any], method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """The body of the answer to one request; fails unless its status is 200."""
    statuses: list[str] = []
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SCRIPT_NAME": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.errors": sys.stderr,
        **headers,
    }
    answer = app(environ, lambda status, _headers, _error=None: statuses.append(status))
    text = b"".join(answer)
    if hasattr(answer, "close"):
        answer.close()
    assert statuses[0].startswith("200"), f"{path}: {statuses[0]}"
    return text
