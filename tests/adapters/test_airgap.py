"""Signed files for one-way air gaps: their form, their numbers, and how a full copy heals what was lost."""

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters import statefile
from adapters.carriers.carrier import Parcel
from adapters.carriers.files import push_file
from adapters.sections import MappingError
from caseq.demo import casesystem
from tests.adapters.bench import NOW, Adapter, Source
from tests.adapters.gate import Gate, age_copies, read_folder
from tests.adapters.peer import kill
from tests.adapters.test_kill import start

VECTOR_KEY = "whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="


def test_a_file_is_its_header_line_and_the_body_byte_for_byte() -> None:
    parcel = Parcel("criminal", "msg_1", b"[]", batch=7, stamp=1764000000)
    assert push_file(VECTOR_KEY, parcel) == (
        b'{"webhook-id": "msg_1", "webhook-timestamp": "1764000000", '
        b'"webhook-signature": "v1,1Nz74u5HYQmfTr3pdEBVu0Vrip1Ao+aCR5jinK7h2As=", '
        b'"source": "criminal", "batch": 7}\n[]'
    )


def test_the_first_run_writes_everything_once_in_batches_and_once_as_a_full_copy(
    filled: Source, gapped: Adapter, folder: Path
) -> None:
    assert gapped.once()
    files = read_folder(folder)
    assert sorted(path.suffix for path in folder.iterdir()) == [".push"] * len(files)
    for source in ("criminal", "administrative"):
        own = [file for file in files if file.source == source]
        assert [file.batch for file in own] == list(range(1, len(own) + 1))
        plain = [event for file in own if not file.part for event in file.events]
        copied = [event for file in own if file.part for event in file.events]
        assert len(plain) > 200
        assert {event["id"]: event for event in copied} == {event["id"]: event for event in plain}
        assert len(copied) == len(plain)
        assert all(file.message_id == f"file-{source}-{file.batch}" for file in own if not file.part)


def test_a_poll_without_changes_leaves_a_numbered_empty_file_for_each_source(gapped: Adapter, folder: Path) -> None:
    gapped.once()
    before = len(read_folder(folder))
    gapped.once()
    (one, other) = [file for file in read_folder(folder) if file.batch > before // 2]
    assert (one.events, other.events) == ([], [])
    assert one.message_id == f"file-administrative-{one.batch}"


@pytest.mark.faults
def test_a_killed_adapter_never_gives_one_number_to_two_files_and_skips_none(
    own_file: Path, source: Source, gapped: Adapter, folder: Path
) -> None:
    shutil.copy(own_file, source.path)
    gate = Gate(folder)
    kills = 0
    for seed in range(8):
        casesystem.move_a_day(source.path, 30, seed, NOW + timedelta(hours=seed))
        process = start(gapped, "--once")
        target = len(gate.seen) + seed % 4
        until = time.monotonic() + 1.2 + seed * 0.05
        while process.poll() is None and len(list(folder.glob("*.push"))) <= target and time.monotonic() < until:
            time.sleep(0.001)
        if process.poll() is None:
            kill(process.pid)
        process.communicate()
        kills += process.returncode == -9
        gate.look()
        if seed % 3 == 0 and gapped.state_path.exists():
            age_copies(gapped)
    process = start(gapped, "--once")
    process.communicate()
    assert process.returncode == 0
    assert kills >= 4
    gate.look()
    for name in ("criminal", "administrative"):
        batches = [file.batch for file in read_folder(folder) if file.source == name]
        assert batches == list(range(1, len(batches) + 1))
    gate.replay()
    assert gapped.state("SELECT position FROM outgoing") == []
    assert len(gapped.state("SELECT key FROM record WHERE fingerprint <> 'withdrawn'")) == len(gate.peer.live())


def test_a_file_that_stands_but_was_not_noted_is_written_again_the_same(
    source: Source, gapped: Adapter, folder: Path
) -> None:
    source.add_case()
    state = statefile.open_state(gapped.state_path)
    state.execute("CREATE TRIGGER stop BEFORE DELETE ON allotted BEGIN SELECT RAISE(ABORT, 'killed here'); END")
    state.close()
    with pytest.raises(sqlite3.IntegrityError):
        gapped.once()
    gate = Gate(folder)
    gate.look()
    assert [name for name in gate.seen if name.startswith("criminal")] == ["criminal-0000000001.push"]
    source.change_case("20261125070000", LASJ="20261005100000")
    state = statefile.open_state(gapped.state_path)
    state.execute("DROP TRIGGER stop")
    state.close()
    time.sleep(1.1)
    assert gapped.once()
    gate.look()


@pytest.mark.parametrize("fault", ["missing", "read-only", "full"])
def test_a_folder_that_takes_no_file_is_told_once_for_each_source_and_nothing_is_lost(
    source: Source,
    gapped: Adapter,
    folder: Path,
    fault: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source.add_case(LASJ="20261003100000")
    if fault == "missing":
        folder.rmdir()
    elif fault == "read-only":
        monkeypatch.setattr(os, "open", _refusing(errno.EROFS, folder))
    else:
        monkeypatch.setattr(os, "fsync", _refusing_sync)
    assert not gapped.once()
    printed = capfd.readouterr()
    # Once for each of the two push sources.
    assert (printed.out + printed.err).count("carrier_down") == 2
    monkeypatch.undo()
    folder.mkdir(exist_ok=True)
    assert list(folder.iterdir()) == []
    assert gapped.once()
    assert next(len(file.events) for file in read_folder(folder) if file.source == "criminal") == 2


def _refusing(number: int, folder: Path) -> Any:
    real = os.open

    def refuse(path: Any, *rest: Any, **more: Any) -> int:
        if str(path).startswith(str(folder)):
            raise OSError(number, os.strerror(number))
        return real(path, *rest, **more)

    return refuse


def _refusing_sync(_descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_new_state_goes_on_behind_the_files_that_are_still_there(
    source: Source, gapped: Adapter, folder: Path
) -> None:
    source.add_case()
    gapped.once()
    newest = max(file.batch for file in read_folder(folder) if file.source == "criminal")
    gate = Gate(folder)
    gate.look()
    gapped.state_path.unlink()
    gapped.once()
    gate.look()
    batches = [file.batch for file in read_folder(folder) if file.source == "criminal"]
    assert batches == list(range(1, len(batches) + 1))
    assert len(batches) > newest


def test_either_a_url_or_a_folder_is_given(adapter: Adapter, folder: Path) -> None:
    adapter.folder = folder
    text = adapter.file().read_text(encoding="utf-8")
    assert adapter.mapping().service.heartbeat_seconds == 60
    path = adapter.state_path.parent / "b_asj.toml"
    for wrong in (text.replace("[service]", '[service]\nurl = "https://caseq.example"'), text.replace("files =", "#")):
        path.write_text(wrong, encoding="utf-8")
        with pytest.raises(MappingError, match="either url or files"):
            _read(path, adapter)


def _read(path: Path, adapter: Adapter) -> None:
    from adapters.mapping_file import read_mapping

    read_mapping(path, adapter.environment())


def test_check_tells_the_folder_and_the_newest_number(source: Source, gapped: Adapter, folder: Path) -> None:
    source.add_case()
    gapped.once()
    command = [sys.executable, "-m", "adapters.run", "check", str(gapped.file())]
    environment = {**os.environ, **gapped.environment()}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert f"files in {folder}: can be written; newest number " in done.stdout
    folder.rename(folder.with_name("away"))
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "no such folder" in done.stdout
