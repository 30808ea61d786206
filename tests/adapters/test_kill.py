"""A killed adapter loses nothing, and sends nothing twice under another id."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from caseq.demo import casesystem
from tests.adapters.bench import NOW, ROOT, Adapter, Source
from tests.adapters.peer import kill

COMMAND = [sys.executable, "-m", "adapters.run"]


def start(adapter: Adapter, *options: str) -> subprocess.Popen[bytes]:
    """A real `caseq-adapter run` process."""
    command = [*COMMAND, "run", str(adapter.file()), *options]
    environment = {**os.environ, **adapter.environment()}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture
def days(own_file: Path, tmp_path: Path) -> list[Path]:
    """The same case system on two days."""
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    shutil.copy(own_file, first)
    shutil.copy(own_file, second)
    casesystem.move_a_day(second, 40, 1, NOW + timedelta(hours=1))
    return [first, second]


def _undisturbed(days: list[Path], adapter: Adapter, source: Source) -> set[tuple[str, ...]]:
    calm = Adapter(adapter.source_url, adapter.peer, adapter.state_path.parent / "calm.db")
    for day in days:
        shutil.copy(day, source.path)
        assert calm.once()
    facts = adapter.peer.facts()
    adapter.peer.stored.clear()
    adapter.peer.requests.clear()
    return facts


def _rows(path: Path, table: str) -> int:
    """How many rows the table has, and for the spool how many events."""
    count = "total(events)" if table == "outgoing" else "count(*)"
    try:
        state = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        rows: int = state.execute(f"SELECT {count} FROM {table}").fetchone()[0]
        state.close()
    except sqlite3.Error:
        return 0
    return rows


def _kill_when(process: subprocess.Popen[bytes], is_moment: Callable[[], bool]) -> None:
    while process.poll() is None:
        if is_moment():
            kill(process.pid)
            break
        time.sleep(0.004)


def _shrinks(path: Path, table: str) -> Callable[[], bool]:
    """Whether the table has fewer rows than it has had."""
    most = [0]

    def is_smaller() -> bool:
        rows = _rows(path, table)
        most[0] = max(most[0], rows)
        return rows < most[0]

    return is_smaller


@pytest.mark.faults
@pytest.mark.parametrize("point", ["before an answer", "after an answer", "pending", "chunk", "outgoing"])
def test_a_killed_adapter_ends_with_the_events_of_an_undisturbed_one(
    days: list[Path], source: Source, adapter: Adapter, point: str
) -> None:
    expected = _undisturbed(days, adapter, source)
    kills = 0
    for index, day in enumerate(days):
        shutil.copy(day, source.path)
        for least in (1, 60) if index == 0 else (1,):
            process = start(adapter, "--once")
            _disturb(process, adapter, point, least)
            process.communicate()
            kills += process.returncode == -9
            adapter.peer.is_lost = adapter.peer.after_request = lambda: False
        process = start(adapter, "--once")
        process.communicate()
        assert process.returncode == 0
    assert kills >= 2
    assert adapter.peer.facts() == expected
    assert len(adapter.peer.events) == len(expected)


def _disturb(process: subprocess.Popen[bytes], adapter: Adapter, point: str, least: int) -> None:
    peer = adapter.peer
    if point == "before an answer":
        peer.is_lost = lambda: kill(process.pid)
    elif point == "after an answer":
        peer.after_request = lambda: kill(process.pid)
    elif point == "chunk":
        _kill_when(process, _shrinks(adapter.state_path, "pending"))
    else:
        _kill_when(process, lambda: _rows(adapter.state_path, point) >= least)


def test_sigterm_ends_the_adapter_with_0_and_leaves_nothing_half_done(
    days: list[Path], source: Source, adapter: Adapter
) -> None:
    expected = _undisturbed(days[:1], adapter, source)
    shutil.copy(days[0], source.path)
    process = start(adapter)
    while not adapter.peer.requests:
        time.sleep(0.01)
    process.terminate()
    printed = process.communicate(timeout=30)[1].decode()
    assert process.returncode == 0, printed
    assert '"event": "stopped"' in printed
    assert adapter.once()
    assert adapter.peer.facts() == expected


def test_a_running_adapter_follows_its_case_system_and_keeps_a_second_one_out(
    own_file: Path, source: Source, adapter: Adapter
) -> None:
    shutil.copy(own_file, source.path)
    process = start(adapter)
    case = casesystem.show_people(source.path)[0].case_number
    while not any(event["subject"] == case for event in adapter.peer.events):
        time.sleep(0.01)
    second = start(adapter)
    assert b"another adapter is running" in second.communicate()[1]
    assert second.returncode == 1
    casesystem.impose_measure(source.path, case, NOW + timedelta(hours=1), "05")
    while not any(event["data"].get("details", {}).get("measure") == "arrest" for event in adapter.peer.events):
        time.sleep(0.01)
    process.terminate()
    process.communicate()
    assert process.returncode == 0
