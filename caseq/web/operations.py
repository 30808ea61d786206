"""For those who keep the service running: /healthz, /readyz, /metrics, and one log line a request."""

import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence

import structlog
from flask import Blueprint, Flask, Response, g, jsonify, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from caseq import watching
from caseq.errors import DatabaseUnavailable
from caseq.runtime import Runtime
from caseq.store.outbox import Lane
from caseq.store.tasks import Kind
from caseq.web.current import runtime
from caseq.web.problems import problem

log = structlog.get_logger("caseq.web")
blueprint = Blueprint("operations", __name__)

REQUESTS = Counter("caseq_requests", "Requests by route and status.", ["route", "status"])
SECONDS = Histogram("caseq_request_seconds", "Seconds to answer, by route.", ["route"])
EVENTS = Counter("caseq_pushed_events", "Pushed events by source and outcome.", ["source", "outcome"])
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """Database, migrations and a worker are there; 503 names what is not."""
    state = watching.readiness(runtime())
    response = jsonify(state)
    response.status_code = 200 if all(value == "ok" for value in state.values()) else 503
    return response


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus text; only for the addresses in config/caseq.toml, and never through a proxy we do not know."""
    allowed = runtime().settings.operations.metrics_allow
    if request.remote_addr not in allowed or (_forwarded() and not runtime().settings.trusted_proxies):
        return problem(404)
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        for metric in (REQUESTS, SECONDS, EVENTS):
            registry.register(metric)
    registry.register(_Stored(runtime()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _forwarded() -> bool:
    return any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"))


class _Stored:
    """The gauges that are read from the database at the moment of the scrape."""

    def __init__(self, of: Runtime) -> None:
        self._runtime = of

    def collect(self) -> Iterator[Metric]:
        try:
            state = watching.state(self._runtime)
        except DatabaseUnavailable:
            yield GaugeMetricFamily("caseq_database_up", "Whether the database answers.", 0)
            return
        yield GaugeMetricFamily("caseq_database_up", "Whether the database answers.", 1)
        yield from _about_messages(state.messages)
        yield from _about_tasks(state.messages)
        yield GaugeMetricFamily("caseq_releases", "Changes that wait for release.", state.releases)
        yield GaugeMetricFamily("caseq_releases_late", "What of them is past its due date.", state.releases_late)
        waiting = GaugeMetricFamily("caseq_events_waiting", "Events parked or in quarantine.", labels=["where"])
        for where, count in state.waiting.items():
            waiting.add_metric([where], count)
        yield waiting
        silence = GaugeMetricFamily("caseq_source_silent_seconds", "Seconds since a source spoke.", labels=["source"])
        for heard in state.sources:
            silence.add_metric([heard.source], heard.silent_seconds)
        yield silence
        yield from self._about_sources(state.sources)
        missing = GaugeMetricFamily("caseq_files_missing", "Batches missing among files taken.", labels=["source"])
        for source, count in state.files_missing.items():
            missing.add_metric([source], count)
        yield missing
        left = "Parties still entered in cases that were merged into others."
        yield GaugeMetricFamily("caseq_left_behind", left, state.left_behind)
        broken = "Parties whose contact was found edited by hand."
        yield GaugeMetricFamily("caseq_contacts_broken", broken, state.contacts_broken)
        waits = "Seconds since a row of the audit waits to be chained."
        yield GaugeMetricFamily("caseq_audit_unlinked_seconds", waits, state.unlinked_seconds)

    def _about_sources(self, sources: Sequence[watching.Heard]) -> Iterator[Metric]:
        usual = GaugeMetricFamily("caseq_source_usual_seconds", "The usual silence of a source.", labels=["source"])
        silent = GaugeMetricFamily("caseq_source_silent", "Whether a source is silent too long.", labels=["source"])
        shadow = GaugeMetricFamily("caseq_source_shadow", "Whether a source is in shadow.", labels=["source"])
        for heard in sources:
            silent.add_metric([heard.source], heard.is_silent)
            if heard.usual_seconds is not None:
                usual.add_metric([heard.source], heard.usual_seconds)
        for source in self._runtime.settings.sources.values():
            shadow.add_metric([source.name], source.shadow)
        yield from (usual, silent, shadow)


def _about_messages(of: watching.Messages) -> Iterator[Metric]:
    yield _gauge("messages", "Messages by purpose and state.", ["purpose", "state"], of.counts.items())
    oldest = {(_name(lane),): of.oldest_seconds.get(lane, 0.0) for lane in Lane}
    yield _gauge("oldest_message_seconds", "Age of the oldest due message.", ["lane"], oldest.items())
    told = "Calls of providers since the bureau's midnight, by what came of them and the provider's code."
    yield _gauge("attempts_today", told, ["gateway", "outcome", "code"], of.attempts_today.items())
    today = {(_name(lane), gateway): count for (lane, gateway), count in of.handed_over_today.items()}
    yield _gauge(
        "messages_today", "Messages handed over since the bureau's midnight.", ["lane", "gateway"], today.items()
    )
    limits = {(_name(lane),): most for lane, most in of.limits.items()}
    yield _gauge("message_limit", "How many messages of a lane may be handed over in a day.", ["lane"], limits.items())
    yuan = {(gateway,): spent for gateway, spent in of.yuan_today.items()}
    yield _gauge("spent_yuan_today", "What the messages of today cost, by [sending.price].", ["gateway"], yuan.items())
    total = CounterMetricFamily("caseq_messages_handed_over", "Messages handed over.", labels=["lane", "gateway"])
    for (lane, gateway), count in of.handed_over.items():
        total.add_metric([_name(lane), gateway], count)
    yield total
    stopped = {(_name(lane),): float(lane in of.stopped) for lane in Lane}
    yield _gauge("lane_stopped", "Whether staff stopped a lane.", ["lane"], stopped.items())
    yield GaugeMetricFamily("caseq_dead_numbers", "Numbers that take no messages.", of.dead_numbers)


def _about_tasks(of: watching.Messages) -> Iterator[Metric]:
    found = {kind: of.tasks.get(kind, (0, 0)) for kind in Kind}
    open_ = {(kind.value,): count for kind, (count, _) in found.items()}
    yield _gauge("tasks", "What somebody has to do by hand.", ["kind"], open_.items())
    late = {(kind.value,): count for kind, (_, count) in found.items()}
    yield _gauge("tasks_late", "What of it should have been done by now.", ["kind"], late.items())


def _gauge(name: str, told: str, labels: Sequence[str], samples: Iterable[tuple[Sequence[str], float]]) -> Metric:
    family = GaugeMetricFamily(f"caseq_{name}", told, labels=labels)
    for of, value in samples:
        family.add_metric(of, value)
    return family


def _name(lane: Lane) -> str:
    return lane.name.lower()


def register(app: Flask) -> None:
    """Give every request an id, count it, and write one line about it without anything personal."""
    app.register_blueprint(blueprint)

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        g.began = time.perf_counter()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def end(response: Response) -> Response:
        seconds = time.perf_counter() - g.get("began", time.perf_counter())
        route = request.url_rule.rule if request.url_rule else "unknown"
        REQUESTS.labels(route, response.status_code).inc()
        SECONDS.labels(route).observe(seconds)
        response.headers["X-Request-ID"] = g.get("request_id", "")
        log.info(
            "request", method=request.method, route=route, status=response.status_code, ms=round(seconds * 1000, 1)
        )
        return response

    @app.teardown_request
    def forget(_error: BaseException | None) -> None:
        structlog.contextvars.clear_contextvars()
