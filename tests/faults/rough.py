"""An outbox full of messages, a provider that misbehaves at random, and workers on top that can be killed."""

import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import create_engine, text

from caseq.demo.promptly import copied
from caseq.errors import DatabaseUnavailable
from caseq.sms import twilio_receipts
from caseq.texting import tracing
from tests.service import ROOT, Clock, Process, Service, case, elsewhere, environment, event, milestone, party
from tests.walks.conftest import quicken

#: Of a provider's answers to `send`: so many of a hundred go wrong in this way.
TROUBLES = (
    (3, {"drop": "after"}),
    (3, {"drop": "before"}),
    (2, {"error": {"code": 20500}}),
    (1, {"delay": 3}),  # longer than the client waits
    (8, {"statuses": ["sent", "delivered"], "repeat": 2}),
    (5, {"statuses": ["delivered", "sent"]}),
    (1, {"statuses": ["sent", "undelivered"], "error_code": 30007}),
)
PEOPLE_A_CASE = 20


class RealTime(Clock):
    """The time of day."""

    def __init__(self) -> None:
        pass

    @property
    def now(self) -> datetime:  # type: ignore[override]
        return datetime.now(UTC)


def provider(module: Any, seed: int) -> Any:
    """The fake Twilio, with troubles by chance and storms of 429; it finds the messages to one number by an index."""

    class Rough(module.FakeTwilio):  # type: ignore[misc]
        def __init__(self) -> None:
            self.chance, self.storm_until = random.Random(seed), 0.0
            self.storm: dict[str, Any] = {}
            self.done: Counter[str] = Counter()
            self.only = threading.local()
            self.takes = 0.0  # seconds for an ordinary message
            super().__init__()
            self._http.socket.listen(256)

        def reset(self) -> None:
            super().reset()
            self.by_number: dict[str, list[dict[str, Any]]] = {}
            self.indexed = 0

        def page(self, path: str, query: dict[str, str]) -> Any:
            self.only.to = query.get("To")
            try:
                return super().page(path, query)
            finally:
                self.only.to = None

        def sent(self, to: str | None = None) -> list[dict[str, Any]]:
            to = to or getattr(self.only, "to", None)
            with self._lock:
                for message in self.messages[self.indexed :]:
                    self.by_number.setdefault(message["to"], []).append(message)
                self.indexed = len(self.messages)
                return [dict(one) for one in (self.by_number.get(to, []) if to else self.messages)]

        def _take_fault(self, to: str | None) -> dict[str, Any]:
            with self._lock:
                self.requests += 1
                if time.monotonic() < self.storm_until:
                    self.done["429"] += 1
                    return {"error": {"code": 20429, **self.storm}}
                if self.chance.random() < 0.002:
                    self.storm_until = time.monotonic() + self.chance.uniform(0.2, 1.5)
                    self.storm = self.chance.choice([{}, {"retry_after": 1}])
                    self.done["storms"] += 1
                return self._trouble()

        def _trouble(self) -> dict[str, Any]:
            dice = self.chance.random() * 100
            for percent, fault in TROUBLES:
                if dice < percent:
                    self.done[str(fault)] += 1
                    return {"statuses": [], **fault}
                dice -= percent
            return {"statuses": [], "delay": self.takes}

    return Rough()


@contextmanager
def reports_to(service: Service) -> Iterator[str]:
    """An address that takes the provider's reports, as the service does."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            key = dict(parse_qsl(urlsplit(self.path).query))["message"]
            receipt = twilio_receipts.receipt_of(form)
            try:
                if receipt is not None:
                    tracing.hear(service.runtime, "twilio", key, receipt)
                self.send_response(204)
            except DatabaseUnavailable:
                self.send_response(503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/sms/status"
    server.shutdown()
    server.server_close()


def phone_of(n: int) -> str:
    return f"1{3_000_000_000 + n}"


def case_of(n: int) -> str:
    return f"A64012151000020261{n:05}"


def fill(service: Service, people: int, codes: int = 0, start: int = 0) -> None:
    """Push cases of so many people with one milestone each, so that everybody is to be told of one; and let some of
    them ask for a code."""
    end = start + people
    for first in range(start, end, PEOPLE_A_CASE):
        whose, number = range(first, min(first + PEOPLE_A_CASE, end)), case_of(first // PEOPLE_A_CASE)
        here = {"case": number, "time": service.clock().isoformat()}
        victims = [event("party", party(key=f"P{n}", phone=phone_of(n)), **here) for n in whose]
        service.push(event("case", case(), **here), *victims)
        service.push(event("milestone", milestone(key=f"M{first}"), **here))
    for n in range(start, end, max(1, people // codes)) if codes else ():
        asked = {"case_number": case_of(n // PEOPLE_A_CASE), "phone": phone_of(n)}
        assert service.client.post("/api/v1/codes", json=asked, environ_overrides=elsewhere()).status_code < 300


class Workers:
    """Worker processes on one database and one provider."""

    def __init__(self, database_url: str, folder: Path, twilio: Any, status_url: str, count: int) -> None:
        config = copied(ROOT / "config", folder / "config")
        quicken(config)
        environ = environment(
            database_url,
            folder,
            CASEQ_CONFIG_DIR=str(config),
            CASEQ_SMS_FILE="",
            CASEQ_TWILIO_ACCOUNT_SID=twilio.account_sid,
            CASEQ_TWILIO_AUTH_TOKEN=twilio.auth_token,
            CASEQ_TWILIO_FROM="+15005550006",
            CASEQ_TWILIO_API_BASE=twilio.base_url,
            TEST_STATUS_URL=status_url,
        )
        self.database_url = database_url
        program = ["tests.faults.reporting_worker"]
        self.all = [Process(program, environ, folder / f"worker{n}.log") for n in range(count)]

    def is_up(self, worker: Process) -> bool:
        with worker.log.open("rb") as log:
            log.seek(worker.log_start)
            return b"worker_started" in log.read(20_000)

    def wait_until_up(self, *workers: Process) -> None:
        until = time.monotonic() + 60
        for worker in workers or self.all:
            while not self.is_up(worker):
                assert worker.process.poll() is None, worker.log.read_text()[-3000:]
                assert time.monotonic() < until, worker.log.read_text()[-3000:]
                time.sleep(0.02)

    def kill(self, chance: random.Random) -> None:
        """kill -9 one of them that is up, or all at once, and start what was killed again."""
        victims = self.all if chance.random() < 0.15 else [chance.choice(self.all)]
        self.wait_until_up(*victims)
        time.sleep(chance.uniform(0, 1.5))
        for worker in victims:
            worker.kill()
        for worker in victims:
            worker.start()

    def stop(self) -> None:
        for worker in self.all:
            if worker.process.poll() is None:
                worker.process.send_signal(18)
            worker.stop()


def states(database_url: str) -> Counter[tuple[str, str]]:
    """How many messages there are by purpose and state."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        query = """
            SELECT purpose, state, count(*) AS n FROM outbox
            WHERE purpose != 'resolve' OR state = 'queued' GROUP BY purpose, state"""
        found = Counter({(row.purpose, row.state): row.n for row in connection.execute(text(query))})
    engine.dispose()
    return found


OPEN = ("queued", "held", "claimed", "unknown")


def open_rows(database_url: str) -> int:
    return sum(n for (_, state), n in states(database_url).items() if state in OPEN)


def wait_until_all_ended(database_url: str, seconds: float) -> None:
    until = time.monotonic() + seconds
    while open_rows(database_url):
        assert time.monotonic() < until, states(database_url)
        time.sleep(0.5)


def is_news(message: dict[str, Any]) -> bool:
    return "新内容" in message["body"]


def assert_once(database_url: str, twilio: Any, people: int) -> None:
    """Every piece of news was taken exactly once, every code at most once, and every row has come to its end."""
    news: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for message in twilio.sent():
        (news if is_news(message) else codes)[message["to"]] += 1
    wanted = {f"+86{phone_of(n)}" for n in range(people)}
    found = states(database_url)
    humans = found["news", "needs_human"]
    twice = {to: n for to, n in (news + Counter()).items() if n > 1} | {to: n for to, n in codes.items() if n > 1}
    lost = wanted - set(news)
    print(  # noqa: T201
        f"\nmessages {len(twilio.sent())} (codes {codes.total()}), twice {len(twice)}, not taken {len(lost)}, with a "
        f"human {humans}; rows {dict(found)}; provider {dict(twilio.done)}",
        file=sys.stderr,
    )
    assert not twice
    assert len(lost) <= humans
    assert not [state for _, state in found if state in OPEN]
    assert found["news", "failed"] <= sum(m["status"] == "undelivered" for m in twilio.sent())
