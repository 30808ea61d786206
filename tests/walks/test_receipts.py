"""Messages and their receipts over real HTTP: service and worker as processes, a provider that reports as it likes."""

import socket
import time
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import create_engine, text

from tests.fake_twilio import fake_twilio_module, twilio
from tests.service import CASE, Served, case, event, milestone, party
from tests.web.receipts import ALIYUN, SECRET

__all__ = ["fake_twilio_module", "twilio"]

PUBLIC = "https://cases.example.org"
PHONES = [f"1991111{n:04}" for n in range(4)]
#: What the provider reports of the news to each of these, and where that must end.
STORIES: list[tuple[dict[str, Any], str]] = [
    ({}, "delivered"),
    ({"statuses": ["delivered", "sent"], "repeat": 3}, "delivered"),
    ({"statuses": ["sent", "undelivered"], "error_code": 30005, "repeat": 3}, "failed"),
    ({"statuses": ["delivered", "failed"], "drop": "after", "error_code": 30008}, "delivered"),
]


@pytest.fixture
def reported(database_url: str, tmp_path: Path, twilio: Any) -> Iterator[Served]:
    """A served caseq behind a proxy that speaks https, and a provider that knows it by its public address only."""
    environ = {
        "CASEQ_SMS_FILE": "",
        "CASEQ_TWILIO_ACCOUNT_SID": twilio.account_sid,
        "CASEQ_TWILIO_AUTH_TOKEN": twilio.auth_token,
        "CASEQ_TWILIO_FROM": "+15005550006",
        "CASEQ_TWILIO_API_BASE": twilio.base_url,
        **ALIYUN,
        "CASEQ_PUBLIC_URL": PUBLIC,
        "CASEQ_TRUSTED_PROXIES": "1",
    }
    running = Served(database_url, tmp_path, **environ)
    twilio.rewrite = {PUBLIC: running.url}
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()


@pytest.mark.slow
def test_whatever_a_provider_reports_and_however_often_each_message_goes_out_once(
    reported: Served, twilio: Any
) -> None:
    for phone, (fault, _) in zip(PHONES, STORIES, strict=True):
        twilio.faults.append({"to": f"+86{phone}", **fault})
    push_news(reported)
    expected = sorted(state for _, state in STORIES)
    wait_for(lambda: sorted(states(reported)) == expected, lambda: str(states(reported)))
    twilio.wait()
    assert sorted(states(reported)) == expected
    assert sorted(message["to"] for message in twilio.sent()) == [f"+86{phone}" for phone in PHONES]
    assert {callback["status"] for callback in twilio.callbacks} == {204}
    assert twilio.requests == len(PHONES), "a message was handed over twice"
    logs = "".join((reported.folder / name).read_text() for name in ("serve.log", "worker.log"))
    assert '"route": "/sms/status"' in logs
    for hidden in (*PHONES, "MessageSid", "message=caseq"):
        assert hidden not in logs


#: Bodies of which the rest never comes: whoever waits for it before answering does not answer.
BEGUN = {
    "a small form": b"Content-Length: 24\r\n\r\nMessageStatus=",
    "a long one": b"Content-Length: 2000000\r\n\r\n" + b"x" * 1000,
    "one of no known length": b"Transfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n",
}


@pytest.mark.slow
def test_unsigned_posts_are_refused_before_their_bodies_are_read(reported: Served) -> None:
    head = b"POST /sms/status?message=caseq-1 HTTP/1.1\r\nHost: localhost\r\n"
    for name, body in BEGUN.items():
        with socket.create_connection(("127.0.0.1", reported.port), timeout=10) as connection:
            connection.sendall(head + body)
            answer = HTTPResponse(connection)
            answer.begin()
            assert (answer.status, answer.read()) == (403, b""), name
    assert requests.get(f"{reported.url}/healthz", timeout=10).status_code == 200


@pytest.mark.slow
def test_the_secret_of_an_address_gets_into_no_log_whatever_comes_to_it(reported: Served) -> None:
    address = f"{reported.url}/sms/status/aliyun/{SECRET}"
    assert requests.post(address, json=[{"out_id": "caseq-1"}], timeout=10).json() == {"code": 0, "msg": "ok"}
    assert requests.post(address, data=b"[" * 20, timeout=10).status_code == 400
    assert requests.post(address, data=b" " * 2_000_000, timeout=10).status_code == 413
    assert requests.get(address, timeout=10).status_code == 405
    for wrong in (f"{SECRET}/", f"{SECRET}x", f"{SECRET}/?{SECRET}"):
        assert requests.post(f"{reported.url}/sms/status/aliyun/{wrong}", json=[], timeout=10).status_code == 404
    reported.stop()
    log = (reported.folder / "serve.log").read_text() + (reported.folder / "worker.log").read_text()
    assert log.count("/sms/status/aliyun/<secret>") >= 3
    assert SECRET not in log


def push_news(served: Served) -> None:
    """A case of which four victims are to hear something."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    people = [event("party", party(key=f"P{n}", phone=phone), time=now) for n, phone in enumerate(PHONES)]
    served.push(event("case", case(), time=now, case=CASE), *people, event("milestone", milestone(), time=now))


def states(served: Served) -> list[str]:
    engine = create_engine(served.environ["CASEQ_DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        with engine.connect() as connection:
            return list(connection.execute(text("SELECT state FROM outbox")).scalars())
    finally:
        engine.dispose()


def wait_for(is_so: Any, otherwise: Any, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, otherwise()
        time.sleep(0.2)
