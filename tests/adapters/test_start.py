"""How an adapter starts on a state file that it cannot use yet."""

import os
import pkgutil
import socket
import sqlite3
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters import statefile, work
from tests.adapters.bench import ROOT, Adapter, Source
from tests.adapters.test_kill import COMMAND


def _full(_path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA max_page_count = 1")
    connection.execute("CREATE TABLE no_room AS SELECT randomblob(100000)")
    raise AssertionError("there was room")


@pytest.mark.parametrize(("times", "is_done"), [(4, True), (5, False)])
def test_once_gives_up_on_a_disk_that_stays_full_and_goes_on_as_soon_as_there_is_room(
    source: Source, adapter: Adapter, monkeypatch: pytest.MonkeyPatch, times: int, is_done: bool
) -> None:
    source.add_case()
    for name, value in adapter.environment().items():
        monkeypatch.setenv(name, value)
    real, tried = statefile.open_state, list[int]()

    def opened(path: Path) -> sqlite3.Connection:
        tried.append(1)
        return _full(path) if len(tried) <= times else real(path)

    monkeypatch.setattr(statefile, "open_state", opened)
    mapping = adapter.mapping()
    mapping = replace(mapping, service=replace(mapping.service, retry_first_seconds=0.01, retry_most_seconds=300))
    assert work.run(mapping, adapter.state_path, None, True, Event()) is is_done
    assert len(adapter.peer.events) == is_done


@pytest.mark.parametrize("place", ["adapters.adoption.bookmark.keep_known", "adapters.work.copies.forget"])
@pytest.mark.parametrize(("times", "is_done"), [(4, True), (5, False)])
def test_a_disk_that_is_full_while_the_state_is_made_anew_is_waited_for(
    source: Source, adapter: Adapter, monkeypatch: pytest.MonkeyPatch, place: str, times: int, is_done: bool
) -> None:
    source.add_case()
    assert adapter.once()
    adapter.state_path.unlink()
    source.change_case("20261001080000", LASJ="20261005100000")
    module, _, name = place.rpartition(".")
    real, tried = pkgutil.resolve_name(place), list[int]()

    def full_at_first(*arguments: Any) -> None:
        tried.append(1)
        if len(tried) <= times:
            _full(adapter.state_path)
        real(*arguments)

    monkeypatch.setattr(pkgutil.resolve_name(module), name, full_at_first)
    with capture_logs() as lines:
        assert adapter.once() is is_done
    assert len(adapter.peer.of("milestone")) == is_done
    told = [line["event"] for line in lines if line["event"].startswith("state_")]
    assert told == ["state_full", *(["state_writable"] if is_done else [])]


def test_a_state_file_that_was_made_and_never_filled_is_checked_like_a_new_one(
    source: Source, adapter: Adapter
) -> None:
    source.add_case()
    assert adapter.once()
    for file in adapter.state_path.parent.glob(f"{adapter.state_path.name}*"):
        file.unlink()
    adapter.state_path.touch()
    done = subprocess.run(
        [*COMMAND, "check", str(adapter.file())],
        cwd=ROOT,
        env={**os.environ, **adapter.environment()},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "only there" in done.stdout


def test_a_push_source_that_the_mapping_no_longer_names_is_told_before_anything_waits_for_it(
    source: Source, adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.add_case()
    assert adapter.once()
    mapping = adapter.mapping()
    names = {"criminal": "administrative", "administrative": "administrative"}
    renamed = replace(mapping, service=replace(mapping.service, sources=names))
    for name, value in adapter.environment().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(statefile.StateFileError, match=r"holds records of criminal, which \[push\.sources\]"):
        work.run(renamed, adapter.state_path, None, True, Event())
    adapter.state("UPDATE record SET fingerprint = 'withdrawn'")
    assert work.run(renamed, adapter.state_path, None, True, Event())


def test_a_second_signal_ends_an_adapter_whose_database_says_nothing(adapter: Adapter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        environment = {
            **adapter.environment(),
            "CASEQ_ADAPTER_SOURCE_URL": f"postgresql+psycopg://u@127.0.0.1:{port}/x",
        }
        process = subprocess.Popen(
            [*COMMAND, "run", str(adapter.file())],
            cwd=ROOT,
            env={**os.environ, **environment},
            stderr=subprocess.PIPE,
        )
        taken, _ = silent.accept()
        with taken:
            for _ in range(2):
                process.terminate()
                time.sleep(0.2)  # two signals at once count as one
            assert process.wait(10) == 1
    assert process.stderr
    process.stderr.close()
