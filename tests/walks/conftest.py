"""A whole system of processes: a B_ASJ case system, the adapter, the service and the worker."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from caseq.demo.promptly import copied
from tests.service import ROOT, SHARED, Process, Served

PROGRAM = SHARED / "casesystems" / "b_asj.py"


class CaseSystem:
    """A synthetic B_ASJ system made and moved on by the program that came with the task."""

    def __init__(self, path: Path, cases: int = 1000) -> None:
        self.path = path
        if not PROGRAM.exists():
            pytest.skip(f"no {PROGRAM.name} beside the project")
        self._run("new", "--out", str(path), "--cases", str(cases), "--seed", "7")

    def move(self, changes: int, seed: int, start: str = "20261123090000") -> None:
        self._run("move", "--db", str(self.path), "--changes", str(changes), "--seed", str(seed), "--start", start)

    def _run(self, *arguments: str) -> None:
        subprocess.run([sys.executable, str(PROGRAM), *arguments], check=True, capture_output=True)


class Whole(Served):
    """Service, worker and adapter on one case system."""

    def __init__(self, database_url: str, folder: Path, **environ: str) -> None:
        config = folder / "config"
        copied(ROOT / "config", config)
        quicken(config)
        super().__init__(database_url, folder, CASEQ_CONFIG_DIR=str(config), **environ)
        self.mapping = config / "adapters" / "b_asj.toml"
        self.cases = CaseSystem(folder / "b_asj.db")
        self.environ |= {
            "CASEQ_ADAPTER_STATE": str(folder / "adapter.db"),
            "CASEQ_ADAPTER_SOURCE_URL": f"sqlite:///{self.cases.path}",
            "CASEQ_ADAPTER_SERVICE_URL": self.url,
        }

    def adapt_once(self) -> None:
        """Read the case system once and push all that is new."""
        command = [sys.executable, "-m", "adapters.run", "run", str(self.mapping), "--once"]
        subprocess.run(command, env={**self.environ, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True)

    def start_adapter(self) -> Process:
        return Process(["adapters.run", "run", str(self.mapping)], self.environ, self.folder / "adapter.log")


def quicken(config: Path) -> None:
    """Shorter waits and wider limits than a bureau would have; nothing else differs from the shipped files."""
    changes = {
        "caseq.toml": {
            'ask_code = "60 per 10 minutes; 600 per day"': 'ask_code = "100000 per minute"',
            'enter_code = "120 per 10 minutes"': 'enter_code = "100000 per minute"',
            "site_least = 500": "site_least = 1000000",
            "answer_seconds = 10": "answer_seconds = 2",
            "lease_seconds = 45": "lease_seconds = 8",
            "ask_after_seconds = 60": "ask_after_seconds = 9",
            "poll_seconds = 0.5": "poll_seconds = 0.1",
            "retry_seconds = 5": "retry_seconds = 1",
            "retry_longest_seconds = 900": "retry_longest_seconds = 4",
        },
        "adapters/b_asj.toml": {
            "poll_seconds = 10": "poll_seconds = 0.3",
            "retry_first_seconds = 1": "retry_first_seconds = 0.2",
            "retry_most_seconds = 300": "retry_most_seconds = 1",
        },
    }
    for name, replaced in changes.items():
        path = config / name
        text = path.read_text(encoding="utf-8")
        for old, new in replaced.items():
            assert old in text, (name, old)
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def whole(database_url: str, tmp_path: Path) -> Iterator[Whole]:
    running = Whole(database_url, tmp_path)
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()
