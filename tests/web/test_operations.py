"""Health, readiness, metrics, errors: what operators see, and what strangers must not."""

import json

import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from caseq import watching
from caseq.errors import DatabaseUnavailable
from tests.service import CASE, PHONE, case, event, milestone, party
from tests.service import service as build_service

READY = {"database": "ok", "migrations": "ok", "worker": "ok"}


# Health and readiness


def test_the_process_is_healthy_even_without_a_database(tmp_path):
    lost = build_service("postgresql://127.0.0.1:1/none", tmp_path)
    assert lost.client.get("/healthz").get_json() == {"status": "ok"}
    lost.runtime.database.close()


def test_ready_once_a_worker_was_seen(service):
    answer = service.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json() == {**READY, "worker": "no worker was seen lately"}
    watching.beat(service.runtime, "worker test 1")
    answer = service.client.get("/readyz")
    assert (answer.status_code, answer.get_json()) == (200, READY)


def test_not_ready_when_the_worker_is_silent_for_a_minute(service):
    watching.beat(service.runtime, "worker test 1")
    service.clock.advance(seconds=59)
    assert service.client.get("/readyz").status_code == 200
    service.clock.advance(seconds=1)
    assert service.client.get("/readyz").status_code == 503
    watching.beat(service.runtime, "worker test 2")
    assert service.client.get("/readyz").status_code == 200


def test_not_ready_without_a_database(tmp_path):
    lost = build_service("postgresql://127.0.0.1:1/none", tmp_path)
    answer = lost.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json() == {"database": "does not answer", "migrations": "unknown", "worker": "unknown"}
    lost.runtime.database.close()


def test_without_a_database_people_and_programs_are_asked_to_come_back(tmp_path):
    lost = build_service("postgresql://127.0.0.1:1/none", tmp_path)
    asked = lost.client.post("/api/v1/codes", json={"case_number": CASE, "phone": PHONE})
    looked = lost.client.get("/api/v1/case", headers={"Authorization": "Bearer x"})
    for answer in (asked, looked):
        assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
        assert int(answer.headers["Retry-After"]) > 0
    lost.runtime.database.close()


# Metrics


def metrics(service, **more):
    return service.client.get("/metrics", **more)


def test_metrics_are_for_the_addresses_on_the_list_only(service):
    assert metrics(service).status_code == 200
    assert metrics(service, environ_base={"REMOTE_ADDR": "::1"}).status_code == 200
    absent = service.client.get("/api/no-such-route")
    for address in ("203.0.113.7", "127.0.0.2", "::ffff:127.0.0.1", ""):
        answer = metrics(service, environ_base={"REMOTE_ADDR": address})
        assert answer.status_code == 404
        assert answer.get_data() == absent.get_data()


def test_metrics_are_not_opened_by_a_header(service):
    for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded"):
        outside = {"environ_base": {"REMOTE_ADDR": "203.0.113.7"}, "headers": {name: "127.0.0.1"}}
        assert metrics(service, **outside).status_code == 404


def test_a_proxy_on_this_machine_does_not_open_the_metrics_to_its_visitors(service):
    """Behind a proxy that was not announced every visitor seems to be local; the header gives that away."""
    for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded"):
        assert metrics(service, headers={name: "203.0.113.7"}).status_code == 404


def test_behind_an_announced_proxy_the_visitor_s_own_address_counts(service_with):
    service = service_with(CASEQ_TRUSTED_PROXIES="1")
    assert metrics(service, headers={"X-Forwarded-For": "203.0.113.7"}).status_code == 404
    assert metrics(service, headers={"X-Forwarded-For": "127.0.0.1, 203.0.113.7"}).status_code == 404
    assert metrics(service, headers={"X-Forwarded-For": "203.0.113.7, 127.0.0.1"}).status_code == 200


def families(service):
    return {family.name: family for family in text_string_to_metric_families(metrics(service).get_data(as_text=True))}


def test_metrics_show_the_figures_of_the_database(service):
    waiting = event("party", party(key="P9"), case="A6401215100002026110099")
    service.push(event("case", case()), event("party", party()), event("milestone", milestone("verdict")), waiting)
    service.client.post("/api/v1/codes", json={"case_number": CASE, "phone": PHONE})
    service.clock.advance(seconds=30)
    found = families(service)
    assert found["caseq_database_up"].samples[0].value == 1
    assert {s.labels["where"]: s.value for s in found["caseq_events_waiting"].samples} == {"parked": 1, "quarantine": 1}
    assert [(s.labels, s.value) for s in found["caseq_messages"].samples] == [
        ({"purpose": "resolve", "state": "queued"}, 1)
    ]
    assert found["caseq_oldest_message_seconds"].samples[0].value == 30
    assert [(s.labels, s.value) for s in found["caseq_source_silent_seconds"].samples] == [({"source": "criminal"}, 30)]


def by_source(service, name):
    return {sample.labels["source"]: sample.value for sample in families(service)[name].samples}


def test_metrics_show_which_source_is_silent_and_how_it_usually_speaks(service):
    service.push()
    assert by_source(service, "caseq_source_silent") == {"criminal": 0}
    assert by_source(service, "caseq_source_usual_seconds") == {}
    service.clock.advance(hours=12)
    service.push()
    assert by_source(service, "caseq_source_usual_seconds") == {"criminal": 86_400 - 43_200 / 8}
    service.clock.advance(hours=25)
    assert by_source(service, "caseq_source_silent") == {"criminal": 1}
    assert set(by_source(service, "caseq_source_shadow").values()) == {0}
    service.push()
    assert by_source(service, "caseq_source_silent") == {"criminal": 0}


def value(service, name, **labels):
    samples = families(service)[name].samples
    return sum(s.value for s in samples if s.name == f"{name}_total" and labels.items() <= s.labels.items())


def test_metrics_count_requests_by_route_and_events_by_outcome(service):
    service.push()
    before = value(service, "caseq_pushed_events", source="criminal", outcome="accepted")
    requests = value(service, "caseq_requests", route="/push/v1/<source>", status="200")
    service.push(event("case", case()), event("party", party()))
    assert value(service, "caseq_pushed_events", source="criminal", outcome="accepted") == before + 2
    assert value(service, "caseq_requests", route="/push/v1/<source>", status="200") == requests + 1


def test_metrics_hold_nothing_personal_and_no_address_that_a_stranger_made_up(service):
    service.push(event("case", case()), event("party", party(name="欧阳示例")))
    service.seen_by()
    for path in (f"/case/{CASE}", f"/api/v1/{PHONE}", f"/push/v1/{CASE}", "/made/up/path"):
        service.client.get(path)
        service.client.post(path)
    text = metrics(service).get_data(as_text=True)
    for secret in (CASE, PHONE, "欧阳示例", "made", "示例县", "case_filed", "victim"):
        assert secret not in text


def test_metrics_without_a_database_say_so(service, monkeypatch):
    def gone(_):
        raise DatabaseUnavailable("OperationalError")

    monkeypatch.setattr(watching, "state", gone)
    assert families(service)["caseq_database_up"].samples[0].value == 0


# Errors: problems for programs, pages for people


@pytest.mark.parametrize("path", ["/api/v1/no-such", "/api/", "/push/v1", "/push/", "/push/v1/criminal/x"])
def test_programs_get_a_problem_for_what_is_not_there(service, path):
    answer = service.client.get(path)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert answer.get_json() == {"type": "about:blank", "title": "Not found", "status": 404}


@pytest.mark.parametrize(
    "path", ["/no-such", "/apix", "/case/1", "/static/no-such.css", "/.git/config", "/%00", "/../etc"]
)
def test_people_get_a_page_for_what_is_not_there(service, path):
    answer = service.client.get(path)
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "<html" in answer.get_data(as_text=True)


WRONG_METHODS = {
    ("GET", "/api/v1/codes"): {"POST", "OPTIONS"},
    ("DELETE", "/api/v1/case"): {"GET", "HEAD", "OPTIONS"},
    ("POST", "/api/v1/session"): {"DELETE", "OPTIONS"},
    ("GET", "/push/v1/criminal"): {"POST", "OPTIONS"},
    ("POST", "/push/v1/criminal/checkpoint"): {"GET", "HEAD", "OPTIONS"},
}


def test_programs_are_told_which_methods_there_are(service):
    for (method, path), allowed in WRONG_METHODS.items():
        answer = service.client.open(path, method=method)
        assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
        assert set(answer.headers["Allow"].split(", ")) == allowed
        assert answer.get_json()["title"] == "Method not allowed"


def test_people_get_a_page_for_a_wrong_method(service):
    answer = service.client.open(
        "/help", method="DELETE", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert (answer.status_code, answer.mimetype) == (405, "text/html")
    assert "GET" in answer.headers["Allow"]


@pytest.fixture
def crashing(service, monkeypatch):
    """A service whose acts raise what nobody expects, with something in it that nobody may see."""

    def crash(*_):
        raise ZeroDivisionError("SECRET-IN-MESSAGE")

    monkeypatch.setattr("caseq.login.ask_code", crash)
    monkeypatch.setattr("caseq.viewing.case_view", crash)
    monkeypatch.setattr("caseq.intake.take", crash)
    return service


def test_a_crash_shows_programs_a_problem_and_nothing_of_its_cause(crashing, logged):
    for answer in (
        crashing.client.post("/api/v1/codes", json={"case_number": CASE, "phone": PHONE}),
        crashing.client.get("/api/v1/case"),
    ):
        assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
        assert answer.get_json() == {"type": "about:blank", "title": "Internal error", "status": 500}
    assert [line["kind"] for line in logged if line["event"] == "surprise"] == ["ZeroDivisionError"] * 2


def test_a_crash_shows_people_a_page_and_nothing_of_its_cause(crashing, logged):
    client = crashing.client
    client.set_cookie("caseq", "token")
    answer = client.get("/case")
    text = answer.get_data(as_text=True)
    assert (answer.status_code, answer.mimetype) == (500, "text/html")
    for hidden in ("SECRET", "ZeroDivision", "Traceback", "caseq/", ".py", "Werkzeug", "Flask", "Python"):
        assert hidden not in text
    assert logged


# Requests


def test_every_answer_carries_an_id_that_the_log_carries_too(service):
    with capture_logs() as lines:
        answer = service.client.get("/healthz")
        chosen = service.client.get("/healthz", headers={"X-Request-ID": "edge-7.a_b"})
    assert len(answer.headers["X-Request-ID"]) == 16
    assert chosen.headers["X-Request-ID"] == "edge-7.a_b"
    assert [line["route"] for line in lines if line["event"] == "request"] == ["/healthz"] * 2


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "<script>", "a;b", "ü"])
def test_an_id_that_could_spoil_a_log_is_replaced(service, given):
    answer = service.client.get("/healthz", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] != given
    assert len(answer.headers["X-Request-ID"]) == 16


def test_a_log_line_of_a_request_holds_its_route_and_never_its_address(service):
    with capture_logs() as lines:
        service.client.get(f"/push/v1/{CASE}/checkpoint?phone={PHONE}")
        service.client.get(f"/{CASE}")
    assert [line["route"] for line in lines] == ["/push/v1/<source>/checkpoint", "unknown"]
    assert CASE not in json.dumps(lines)
    assert PHONE not in json.dumps(lines)
