"""Servers under measurement: the service itself and reference programs, on granian with the same settings.

`python -m bench.servers MODULE:FACTORY PORT` serves a reference program.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import caseq
from bench import machine
from caseq.serving import BACKPRESSURE, BLOCKING_THREADS

_PACKAGES = (Path(__file__).resolve().parent.parent, Path(caseq.__file__).resolve().parent.parent)
_READY_SECONDS = 30.0
_POLL_SECONDS = 0.005


@dataclass(frozen=True)
class Server:
    """A server that answers; `started_in` is the time from its start to its first answer, in seconds."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    started_in: float

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        return self.ask("GET", path, b"", headers)

    def ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body of one request on a connection of its own."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def processor_seconds(self) -> float:
        return machine.processor_seconds(machine.family(self.process.pid))

    def resident_bytes(self) -> list[int]:
        """The resident size of each of its processes, largest first."""
        return sorted(map(machine.resident_bytes, machine.family(self.process.pid)), reverse=True)


@contextmanager
def service(environ: Mapping[str, str], folder: Path, port: int) -> Iterator[Server]:
    """`caseq serve` with one worker, as it is run in earnest."""
    with _running("caseq", ["caseq.cli", "serve", "--bind", f"127.0.0.1:{port}"], environ, folder, port) as server:
        yield server


@contextmanager
def reference(factory: str, environ: Mapping[str, str], folder: Path) -> Iterator[Server]:
    """A reference program, named as module:factory, on the same server with the same settings."""
    port = free_port()
    with _running(factory, ["bench.servers", factory, str(port)], environ, folder, port) as server:
        yield server


@contextmanager
def _running(name: str, module: list[str], environ: Mapping[str, str], folder: Path, port: int) -> Iterator[Server]:
    began = time.perf_counter()
    with (folder / f"{name.replace(':', '-')}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *module], env=environment(environ), cwd=folder, stdout=log, stderr=log
        )
    try:
        _wait(process, port, folder)
        yield Server(name, port, process, time.perf_counter() - began)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process of the benchmark: only these variables of caseq, and the packages of this one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CASEQ_", "PROMETHEUS_"))}
    return {**kept, "PYTHONPATH": os.pathsep.join(map(str, _PACKAGES)), **environ}


def _wait(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    """Return when /healthz was answered, by whatever status."""
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until and process.poll() is None:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(_POLL_SECONDS)
        finally:
            connection.close()
    raise RuntimeError(f"a server did not start; its log is in {folder}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(factory: str, port: int) -> None:
    """Serve a reference program as caseq/serving.py serves the service."""
    from granian import Granian
    from granian.constants import Interfaces

    Granian(
        factory,
        factory=True,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=BLOCKING_THREADS,
        backpressure=BACKPRESSURE,
        log_access=False,
    ).serve()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
