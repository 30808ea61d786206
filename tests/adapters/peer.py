"""A real HTTP peer in this process: takes pushes as the service does, keeps them, and can be told to misbehave."""

import json
import os
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from caseq.rules import signing

KEYS = {"criminal": "whsec_" + "Y3Jp" * 11, "administrative": "whsec_" + "YWRt" * 11}


@dataclass(frozen=True)
class Request:
    """One request as it came in; `events` are those of its batch."""

    source: str
    message_id: str
    events: list[dict[str, Any]]
    is_signed: bool
    is_batch: bool


@dataclass
class Peer:
    """What came in, and what is to be answered; `answers` is used up from the front, then all is well."""

    requests: list[Request] = field(default_factory=list)
    stored: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    answers: list[int | str] = field(default_factory=list)
    retry_after: str | None = None
    #: Whether it answers as a gateway in between would, and what else stands above its answers.
    is_in_between: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    refuse: Callable[[dict[str, Any]], bool] = lambda event: False
    poison: Callable[[dict[str, Any]], bool] = lambda event: False
    is_lost: Callable[[], bool] = lambda: False
    after_request: Callable[[], object] = lambda: None
    #: Takes the place of the body of every answer.
    body: bytes | None = None
    keys: dict[str, str] = field(default_factory=lambda: dict(KEYS))
    #: How many records one answer holds; None is an older service that cannot tell its records.
    page: int | None = 5000
    port: int = 0
    lock: Lock = field(default_factory=Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events stored, in the order in which they first came."""
        return list(self.stored.values())

    def facts(self) -> set[tuple[str, ...]]:
        """What was stored, as (source, type, key, sequence, data)."""
        return {
            (
                event["source"],
                event["type"],
                key_of(event),
                event["sequence"],
                json.dumps(event["data"], sort_keys=True),
            )
            for event in self.events
        }

    def live(self) -> dict[tuple[str, str, str], dict[str, Any]]:
        """What a service holds after all this: the newest state of each record by (source, type, key)."""
        newest: dict[tuple[str, str, str], dict[str, Any]] = {}
        for event in self.events:
            place = (event["source"], record_type(event), key_of(event))
            if place not in newest or event["sequence"] > newest[place]["sequence"]:
                newest[place] = event
        return {place: event for place, event in newest.items() if event["type"] != "caseq.withdrawal.v1"}

    def of(self, name: str) -> list[dict[str, Any]]:
        """The stored events of one type: case, party, milestone or withdrawal."""
        return [event for event in self.events if event["type"] == f"caseq.{name}.v1"]

    def answer(self, request: Request) -> tuple[int | str, dict[str, Any]]:
        """Decides one answer, and stores what is accepted."""
        if not request.is_signed:
            return 401, {}
        if self.answers:
            given = self.answers.pop(0)
            if given != 200:
                return given, {}
        if any(self.poison(event) for event in request.events):
            return 400, {}
        return 200, {"results": [self._take(request.source, event) for event in request.events]}

    def _take(self, source: str, event: dict[str, Any]) -> dict[str, Any]:
        if self.refuse(event):
            return {"id": event["id"], "outcome": "refused", "errors": {"data.phone": ["is not allowed"]}}
        place = (source, event["id"])
        outcome = "duplicate" if place in self.stored else "accepted"
        self.stored.setdefault(place, event)
        return {"id": event["id"], "outcome": outcome}

    def checkpoint(self, source: str) -> dict[str, Any]:
        counts = {"case": 0, "party": 0, "milestone": 0}
        for owner, record, _ in self.live():
            counts[record] += owner == source
        return {"source": source, "records": counts, "newest_sequence": None, "last_batch": None}

    def records(self, source: str, record_type: str, after: str) -> dict[str, Any]:
        """One page of the live records of this type."""
        assert self.page
        live = {
            key: event for (owner, name, key), event in self.live().items() if (owner, name) == (source, record_type)
        }
        keys = [key for key in sorted(live) if key > after]
        rows = [
            {"key": key, "case_number": live[key]["subject"], "sequence": live[key]["sequence"]}
            for key in keys[: self.page]
        ]
        return {"records": rows, "next": rows[-1]["key"] if len(keys) > self.page else None}


def key_of(event: dict[str, Any]) -> str:
    """The key of the record an event is about."""
    data = event["data"]
    name = event["type"].split(".")[1]
    return str(event["subject"] if name == "case" else data["key"] if name == "withdrawal" else data[name])


def record_type(event: dict[str, Any]) -> str:
    """The type of the record an event is about."""
    name = event["type"].split(".")[1]
    return str(event["data"]["record"]) if name == "withdrawal" else str(name)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body must not wait for each other's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    peer: Peer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        source = self.path.rsplit("/", 1)[1]
        is_signed = signing.is_signed([self.peer.keys[source]], dict(self.headers), body, time.time())
        is_batch = self.headers["Content-Type"] == "application/cloudevents-batch+json"
        request = Request(source, self.headers["webhook-id"], json.loads(body), is_signed, is_batch)
        with self.peer.lock:
            if self.peer.is_lost():
                self.close_connection = True
                return
            status, answer = self.peer.answer(request)
            self.peer.requests.append(request)
            self.peer.after_request()
        self._reply(status, answer)

    def do_GET(self) -> None:
        source = self.path.split("/")[3]
        address = urlsplit(self.path)
        asked = dict(parse_qsl(address.query))
        if not signing.is_signed([self.peer.keys[source]], dict(self.headers), b"", time.time()):
            self._reply(401, {})
        elif not address.path.endswith("/records"):
            self._reply(200, self.peer.checkpoint(source))
        elif self.peer.page is None:
            self._reply(404, {})
        else:
            self._reply(200, self.peer.records(source, asked["type"], asked.get("after", "")))

    def _reply(self, status: int | str, answer: dict[str, Any]) -> None:
        if status == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        body = self.peer.body or json.dumps(answer).encode()
        self.send_response(int(status))
        is_problem = int(status) >= 400 and not self.peer.is_in_between
        self.send_header("Content-Type", "application/problem+json" if is_problem else "application/json")
        for name, value in self.peer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        if self.peer.retry_after and status in (429, 503):
            self.send_header("Retry-After", self.peer.retry_after)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (OSError, ValueError):
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 50

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no news."""


@contextmanager
def running_peer() -> Iterator[Peer]:
    """A peer that listens on a free port of the loopback."""
    peer = Peer()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"peer": peer}))
    peer.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()


def kill(process_id: int) -> bool:
    """True, after a kill -9."""
    os.kill(process_id, signal.SIGKILL)
    return True
