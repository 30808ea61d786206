"""A small load generator: a few kept-alive connections, each with one request under way. Loopback only.

Run as its own process (`python load.py`), so that it never shares an interpreter lock with what it measures. It
reads a plan as JSON on stdin and prints what it measured as JSON.
"""

import json
import select
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

LONGEST_SECONDS = 60.0
MOST_REQUESTS = 1_000_000
_RECEIVE = 1 << 18


@dataclass(frozen=True)
class Plan:
    """What to ask: ready-made requests, taken in turn until either bound is reached."""

    port: int
    connections: int
    seconds: float
    requests: Sequence[str]
    most: int = MOST_REQUESTS


@dataclass(frozen=True)
class Load:
    """What came of it; times in seconds of the wall clock."""

    answered: int
    failed: int
    seconds: float
    median_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        return self.answered / self.seconds


class _Connection:
    """One kept-alive connection and what has arrived of the answer under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.arrived = b""
        self.asked_at = 0.0

    def ask(self, request: bytes) -> None:
        self.arrived = b""
        self.asked_at = time.perf_counter()
        self.socket.sendall(request)

    def is_answered(self) -> bool:
        """Read what is there; whether the answer is complete now."""
        part = self.socket.recv(_RECEIVE)
        if not part:
            raise ConnectionError("the server hung up")
        self.arrived += part
        end = self.arrived.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self.arrived[:end].lower()
        start = head.index(b"content-length:") + 15
        stop = head.find(b"\r", start)
        return len(self.arrived) >= end + 4 + int(head[start : stop if stop > 0 else end])

    @property
    def is_ok(self) -> bool:
        return self.arrived[9:12] == b"200"


def run(plan: Plan) -> Load:
    """Drive the plan to its end; ConnectionError if the server hangs up."""
    requests = [request.encode() for request in plan.requests]
    poll = select.poll()
    connections: dict[int, _Connection] = {}
    for _ in range(plan.connections):
        connection = _Connection(plan.port)
        connections[connection.socket.fileno()] = connection
        poll.register(connection.socket, select.POLLIN)
    most = min(plan.most, MOST_REQUESTS)
    began = time.perf_counter()
    until = began + min(plan.seconds, LONGEST_SECONDS)
    asked = failed = 0
    took: list[float] = []
    for connection in connections.values():
        connection.ask(requests[asked % len(requests)])
        asked += 1
    now = began
    while len(took) < asked:
        for number, _ in poll.poll(10_000):
            connection = connections[number]
            if not connection.is_answered():
                continue
            now = time.perf_counter()
            took.append(now - connection.asked_at)
            failed += not connection.is_ok
            if now < until and asked < most:
                connection.ask(requests[asked % len(requests)])
                asked += 1
    for connection in connections.values():
        connection.socket.close()
    took.sort()
    return Load(len(took), failed, now - began, took[len(took) // 2] * 1000, took[len(took) * 99 // 100] * 1000)


if __name__ == "__main__":
    json.dump(asdict(run(Plan(**json.load(sys.stdin)))), sys.stdout)
