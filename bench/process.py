"""The service as a process: how fast it starts, how large its page is."""

import subprocess
import sys
import time
from pathlib import Path

from bench import databases, dataset, servers
from bench.databases import Place
from bench.results import Row, Target

_HELP = "from caseq.cli import main; main(['--help'])"


def still(folder: Path, times: int) -> list[Row]:
    """What needs no load: start to first answer, and the time of `caseq --help`."""
    own = folder / "process"
    own.mkdir()
    with databases.made("sqlite", "", own) as place:
        started = [_start(place, own) for _ in range(times)]
    helped = [_help() for _ in range(times)]
    return [
        Row("start to first answer of /healthz", "", "sqlite", started, Target(1.5, most=True), " s"),
        Row("caseq --help", "", "", helped, Target(0.3, most=True), " s"),
    ]


def _start(place: Place, folder: Path) -> float:
    port = servers.free_port()
    with servers.service(dataset.environment(place.url, port), folder, port) as server:
        return server.started_in


def _help() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", _HELP], check=True, capture_output=True)
    return time.perf_counter() - began
