"""A caseq for tests: real settings, real database, the file gateway, a clock that is set by hand."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import requests
from flask.testing import FlaskClient
from sqlalchemy import func, select

from caseq import answering
from caseq import runtime as runtimes
from caseq.app import create_app
from caseq.demo.promptly import copied
from caseq.rules import approval, signing
from caseq.rules.book import Book
from caseq.rules.routes import Route
from caseq.rules.telling import Channel, Line, Manner, Quiet
from caseq.runtime import Runtime
from caseq.settings import Settings, load
from caseq.sms.file_sms import FileGateway
from caseq.sms.route import Router
from caseq.store import attempts
from caseq.store.outbox import Lane
from caseq.store.tables import attempts as calls
from caseq.store.tables import outbox
from caseq.texting import sending, tracing

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
SOURCES = ("criminal", "administrative", "trade", "reconsideration", "compensation", "petition", "regulation")
KEYS = dict.fromkeys(SOURCES, "whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=")
UNIT = {
    "code": "640121510000",
    "name": "示例县公安局城关派出所",
    "address": "示例县城关镇中心路1号",
    "phone": "0951-8011010",
}
CASE = "A6401215100002026110012"
#: Each asks for a code from a network of its own: one network gets few.
_addresses = count(1)
PHONE = "19912345678"


def elsewhere() -> dict[str, str]:
    """The WSGI variables of a network that nobody asked from before."""
    return {"REMOTE_ADDR": f"198.51.100.{next(_addresses) % 250}"}


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


def environment(database_url: str, folder: Path, **more: str) -> dict[str, str]:
    """The environment of a service under test."""
    return {
        "CASEQ_SECRET_KEY": "test-secret-" + "0" * 32,
        "CASEQ_DATABASE_URL": database_url,
        "CASEQ_SMS_FILE": str(folder / "sms.jsonl"),
        "CASEQ_PUBLIC_URL": "http://127.0.0.1",
        **{f"CASEQ_PUSH_KEY_{name.upper()}": key for name, key in KEYS.items()},
        **more,
    }


def event(
    type_: str, data: dict[str, Any], *, case: str = CASE, source: str = "criminal", sequence: str = "1", **more: Any
) -> dict[str, Any]:
    """A CloudEvent; `type_` is case, party, milestone or withdrawal."""
    return {
        "specversion": "1.0",
        "id": secrets.token_hex(8),
        "source": source,
        "type": f"caseq.{type_}.v1",
        "subject": case,
        "time": "2026-11-23T09:00:00+08:00",
        "sequence": sequence,
        "data": data,
        **more,
    }


def case(kind: str = "criminal", **more: Any) -> dict[str, Any]:
    """The data of a case event."""
    return {"kind": kind, "opened_on": "2026-11-20", "unit": UNIT, **more}


def party(role: str = "victim", key: str | None = None, phone: str = PHONE, **more: Any) -> dict[str, Any]:
    """The data of a party event; suspect-side roles appear and stand by suspect S1 unless told otherwise."""
    suspects = {"subject": "S1", "appeared_on": "2026-11-20"}
    side = suspects if role in ("suspect", "suspect_family", "agent", "third_party") else {}
    return {"party": key or f"P-{role}", "role": role, "name": "测试人", "phone": phone, "sms": True, **side, **more}


def milestone(name: str = "case_filed", key: str | None = None, **more: Any) -> dict[str, Any]:
    """The data of a milestone event."""
    return {"milestone": key or f"M-{name}", "name": name, "occurred_on": "2026-11-22", **more}


def taking_everything() -> AbstractContextManager[object]:
    """While it lasts, pushes may bring what a case of their kind cannot have: it must not be shown either."""
    return patch.object(Book, "unfit", lambda *_: None)


def signed(source: str, body: bytes, at: float, key: str | None = None, **headers: str) -> dict[str, str]:
    """The headers of a signed batch."""
    message_id = "msg_" + secrets.token_hex(8)
    return {
        "Content-Type": "application/cloudevents-batch+json",
        **signing.headers(key or KEYS[source], message_id, int(at), body),
        **headers,
    }


@dataclass
class Service:
    """A runtime and its application, in this process."""

    runtime: Runtime = field(repr=False)
    clock: Clock
    gateway: FileGateway
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4))

    @cached_property
    def app(self) -> Any:
        return create_app(self.runtime)

    @cached_property
    def router(self) -> Router:
        return Router({self.gateway.name: self.gateway}, (Route("+", (self.gateway.name,)),), self.seconds)

    def seconds(self) -> float:
        return self.clock.now.timestamp()

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def push(self, *events: dict[str, Any], source: str = "criminal") -> list[dict[str, Any]]:
        """Push a batch, written as adapters do, and give its results; fails unless the answer is 200."""
        body = json.dumps(list(events), ensure_ascii=False, separators=(",", ":")).encode()
        headers = signed(source, body, self.clock.now.timestamp())
        answer = self.client.post(f"/push/v1/{source}", data=body, headers=headers)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return list(answer.get_json()["results"])

    def outcomes(self, *events: dict[str, Any], source: str = "criminal") -> list[str]:
        return [result["outcome"] for result in self.push(*events, source=source)]

    def work(self) -> None:
        """Let the worker do all there is to do now."""
        while answering.resolve(self.runtime):
            pass
        empty = 0
        while empty < 2:  # a message that is sent to another number than before is claimed a second time
            ready = sending.claim(self.runtime, self.router, {Lane.CODES: 20, Lane.NEWS: 20})
            empty = 0 if ready else empty + 1
            while ready:
                ready = sending.record(self.runtime, self.router, [sending.send(self.router, one) for one in ready])

    def ask(self) -> None:
        """Let the worker ask the providers what there is to ask now."""
        for job in tracing.claim_to_ask(self.runtime, 100):
            tracing.ask(self.runtime, self.router, job)

    def messages(self, phone: str | None = None) -> list[str]:
        """The codes and news sent so far, to one number (as typed) or to all."""
        to = f"+86{phone}" if phone else None
        return [line["text"] for line in self.lines() if to in (None, line["to"])]

    def lines(self) -> list[dict[str, str]]:
        """The codes and news sent so far, with their numbers."""
        return [line for line in self.gateway.messages() if line["text"] not in self._notice_texts]

    def notices(self, phone: str) -> list[str]:
        """What kind of notice this number got so far: "device" or "number"."""
        texts = [line["text"] for line in self.gateway.messages() if line["to"] == f"+86{phone}"]
        return [self._notice_texts[text] for text in texts if text in self._notice_texts]

    @cached_property
    def _notice_texts(self) -> dict[str, str]:
        settings = self.runtime.settings
        values = {"help_phone": settings.bureau.help_phone}
        kinds = [(language, kind) for language in ("zh", "en") for kind in ("device", "number")]
        return {settings.wording.written(kind, language, values).text: kind for language, kind in kinds}

    def told(self) -> Counter[str]:
        """Of how many changes each number was told, in however many SMS."""
        numbers = {attempts.id_of(line["key"]): line["to"] for line in self.gateway.messages()}
        sms = func.coalesce(outbox.c.part_of, outbox.c.id)
        ended = outbox.c.state.in_(["sent", "delivered", "merged"])
        wanted = select(calls.c.id).join(outbox, calls.c.message_id == sms).where(outbox.c.purpose == "news", ended)
        with self.runtime.database.autocommit() as connection:
            return Counter(numbers[id_] for id_ in connection.execute(wanted).scalars() if id_ in numbers)

    def code_for(self, phone: str = PHONE, case: str = CASE) -> tuple[str, str]:
        """Ask for a code as a program would; (challenge, code from the newest SMS)."""
        body = {"case_number": case, "phone": phone}
        challenge = self.client.post("/api/v1/codes", json=body, environ_overrides=elsewhere()).get_json()["challenge"]
        before = len(self.messages(phone))
        self.work()
        codes = [code for text in self.messages(phone)[before:] if len(code := digits_of(text)) == 8]
        return challenge, codes[-1] if codes else "00000000"

    def log_in(self, phone: str = PHONE, case: str = CASE) -> str | None:
        """Ask for a code, take it from the SMS, open a session; its token, None if that did not work."""
        challenge, code = self.code_for(phone, case)
        answer = self.client.post("/api/v1/sessions", json={"challenge": challenge, "code": code})
        return answer.get_json()["token"] if answer.status_code == 201 else None

    def view(self, token: str | None) -> dict[str, Any] | None:
        """The case view of a session, None if there is none."""
        answer = self.client.get("/api/v1/case", headers={"Authorization": f"Bearer {token}"})
        return answer.get_json() if answer.status_code == 200 else None

    def seen_by(self, phone: str = PHONE, case: str = CASE) -> dict[str, Any] | None:
        """Log in and look."""
        return self.view(self.log_in(phone, case))


def service(database_url: str, folder: Path, clock: Clock | None = None, **environ: str) -> Service:
    """A service on a migrated database."""
    clock = clock or Clock()
    settings = promptly(load(environment(database_url, folder, **environ)))
    audit = replace(settings.audit, anchor_file=folder / "audit-anchors.jsonl")
    built = runtimes.build(replace(settings, audit=audit), clock)
    gateway = FileGateway(folder / "sms.jsonl")
    return Service(replace(built, gateways={gateway.name: gateway}), clock, gateway)


def promptly(settings: Settings) -> Settings:
    """These settings, in which nothing waits: news go out at once, at any time of day, and nobody has to agree.

    Tests of waiting state their own tables.
    """
    at_once = Line(None, None, Manner(Channel.SMS, timedelta(), None, tell_first=False))
    unasked = replace(settings.approval, lines=(approval.Line(None, None, ()),))
    return replace(settings, telling=(at_once,), approval=unasked)


def with_nights(service: Service) -> None:
    """From now on no news by night, and all of them at its very end."""
    settings = service.runtime.settings
    by_day = Line(
        None, None, Manner(Channel.SMS, timedelta(), Quiet(time_of_day(21), time_of_day(8)), tell_first=False)
    )
    sending = replace(settings.sending, spread=timedelta())
    service.runtime = replace(service.runtime, settings=replace(settings, telling=(by_day,), sending=sending))
    vars(service).pop("app", None)


def digits_of(text: str) -> str:
    """The one-time code in an SMS."""
    return "".join(c for c in text.split("，")[0].split(",")[0] if c.isdigit())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """One `caseq …` or `caseq-adapter …` process that can be killed and started again."""

    def __init__(self, arguments: Iterable[str], environ: dict[str, str], log: Path) -> None:
        self.command = [sys.executable, "-m", *arguments]
        self.environ = {**os.environ, **environ, "PYTHONPATH": str(ROOT)}
        self.log = log
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as out:
            self.log_start = out.tell()
            self.process = subprocess.Popen(
                self.command, env=self.environ, cwd=self.log.parent, stdout=out, stderr=out, start_new_session=True
            )

    def kill(self) -> None:
        """kill -9 the process and every child it has."""
        os.killpg(self.process.pid, 9)
        self.process.wait()

    def stop(self) -> None:
        """Ask the process to end, and make it end after ten seconds."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()


class Served:
    """A whole service as processes: `caseq serve` and `caseq worker` on one database."""

    def __init__(self, database_url: str, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = folder / "config"
        if not config.exists():
            copied(ROOT / "config", config)
        more = {"CASEQ_PUBLIC_URL": self.url, "CASEQ_CONFIG_DIR": str(config), **environ}
        self.environ = environment(database_url, folder, **more)
        self.gateway = FileGateway(folder / "sms.jsonl")
        serve = ["caseq.cli", "serve", "--bind", f"127.0.0.1:{self.port}"]
        self.server = Process(serve, self.environ, folder / "serve.log")
        self.worker = Process(["caseq.cli", "worker"], self.environ, folder / "worker.log")

    def wait_until_ready(self, seconds: float = 30) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if requests.get(self.url + "/readyz", timeout=2).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.05)
        raise AssertionError((self.folder / "serve.log").read_text()[-2000:])

    def push(self, *events: dict[str, Any], source: str = "criminal") -> list[dict[str, Any]]:
        """Push a batch and give its results; fails unless the answer is 200."""
        body = json.dumps(list(events)).encode()
        answer = requests.post(
            f"{self.url}/push/v1/{source}", data=body, headers=signed(source, body, time.time()), timeout=30
        )
        assert answer.status_code == 200, answer.text
        return list(answer.json()["results"])

    def sms(self, phone: str | None = None) -> list[str]:
        """The texts sent so far, to one number (as typed) or to all."""
        to = f"+86{phone}" if phone else None
        return [line["text"] for line in self.gateway.messages() if to in (None, line["to"])]

    def wait_for_sms(self, phone: str, count: int, seconds: float = 20) -> str:
        """The newest text to the number, as soon as there are `count` of them."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if len(texts := self.sms(phone)) >= count:
                return texts[-1]
            time.sleep(0.05)
        raise AssertionError(f"{len(self.sms(phone))} of {count} messages came")

    def stop(self) -> None:
        self.worker.stop()
        self.server.stop()
