"""The folder where push files arrive: what is looked at, where it goes, and what two receivers or a lost one leave."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func, select

from caseq import intake, receiver
from caseq.receiver import Receiver
from caseq.store.tables import audit, file_batches, history
from tests.pushfiles import Inbox, content
from tests.service import ROOT, Process, case, environment, event, free_port
from tests.service import service as build_service


def count(service, table):
    with service.runtime.database.autocommit() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_only_files_that_are_called_push_are_looked_at(inbox):
    for name in (".hidden.push", "x.push.tmp", "x.tmp", "x.PUSH", "x"):
        inbox.put_bytes(content(1), name)
    before = sorted(os.listdir(inbox.folder))
    assert inbox.receive()
    assert sorted(os.listdir(inbox.folder)) == before
    assert inbox.said == []


def test_what_is_called_push_and_is_no_plain_file_is_told_and_left_and_the_others_are_taken(inbox, tmp_path):
    (tmp_path / "elsewhere").write_bytes(content(1))
    (inbox.folder / "link.push").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(inbox.folder / "pipe.push")
    (inbox.folder / "fol\nder.push").mkdir()
    inbox.put(2, name="z.push")
    assert not inbox.receive()
    names = ("fol?der.push", "link.push", "pipe.push")
    assert inbox.said == [
        "z.push: taken, 0 events, 0 of them refused",
        *(f"{one}: left: no plain file" for one in names),
    ]
    assert inbox.names("taken") == ["z.push"]
    assert not inbox.receive(), "it is told again as long as it lies there"


def test_a_file_that_becomes_a_link_before_it_is_opened_is_left(inbox, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").write_bytes(content(1))
    (inbox.folder / "x.push").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setattr(receiver, "_is_plain", lambda entry: True)
    assert not inbox.receive()
    assert inbox.said == ["x.push: left where it is (OSError)"]
    assert inbox.names("taken") == []


def test_a_name_leads_nowhere_and_cannot_write_on_the_terminal(inbox):
    names = ("..push", "-rf.push", "a b\n\x1b[31m.push", "é" * 120 + ".push", os.fsdecode(b"\xff.push"))
    for batch, name in enumerate(names, 1):
        inbox.put(batch, name=name)
    inbox.put_bytes(b"", "%2f..%2fx.push")
    inbox.receive()
    assert len(inbox.names("taken")) == 4
    assert inbox.names("refused") == ["%2f..%2fx.push", "%2f..%2fx.push.txt"]
    assert all(line.isprintable() for line in inbox.said)


def test_a_folder_for_what_was_taken_that_is_a_link_is_not_used(inbox, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (inbox.folder / "taken").symlink_to(tmp_path / "elsewhere")
    inbox.put(1)
    assert not inbox.receive()
    assert os.listdir(tmp_path / "elsewhere") == []
    assert len(inbox.names()) == 1


def test_another_file_that_got_the_name_meanwhile_is_not_put_away_unread(inbox, monkeypatch):
    take_file = intake.take_file

    def overtaken(*arguments):
        verdict = take_file(*arguments)
        if not inbox.names("taken"):
            (inbox.folder / "x.push").rename(inbox.folder / "gone")
            inbox.put(2, name="x.push")
            monkeypatch.undo()
        return verdict

    inbox.put(1, name="x.push")
    monkeypatch.setattr(intake, "take_file", overtaken)
    inbox.receive()
    assert inbox.names() == ["gone", "x.push"]
    inbox.receive()
    assert (inbox.folder / "taken" / "x.push").read_bytes() == content(2)


def test_a_database_that_is_away_leaves_the_files_where_they_are(inbox, tmp_path):
    lost = build_service(f"postgresql://127.0.0.1:{free_port()}/none", tmp_path)
    for batch in (1, 2):
        inbox.put(batch)
    away = Inbox(inbox.folder, lost.runtime)
    assert not away.receive()
    assert len(inbox.names()) == 2
    assert away.said == ["criminal-0000000001.push: left where it is, because the database does not answer"]
    assert inbox.receive()
    assert inbox.names() == []
    lost.runtime.database.close()


def test_a_file_that_breaks_the_program_stops_no_other(inbox, monkeypatch, logged):
    take_file = intake.take_file

    def fragile(runtime, source, pushed, header, digest):
        if header.batch == 1:
            raise ZeroDivisionError
        return take_file(runtime, source, pushed, header, digest)

    monkeypatch.setattr(intake, "take_file", fragile)
    inbox.put(1)
    inbox.put(2)
    assert not inbox.receive()
    assert inbox.names() == ["criminal-0000000001.push"]
    assert inbox.names("taken") == ["criminal-0000000002.push"]
    assert [line["kind"] for line in logged if line["event"] == "surprise"] == ["ZeroDivisionError"]


def test_a_folder_that_is_gone_is_said_and_looked_for_again(inbox, logged):
    gone = Inbox(inbox.folder / "gone", inbox.runtime)
    assert not gone.receive()
    assert [line["event"] for line in logged] == ["folder_unreadable"]


def test_two_receivers_at_once_take_every_file_once(service, inbox, database_url, tmp_path):
    number = 25
    for batch in range(1, number + 1):
        inbox.put(batch, event("case", case(), case=f"A64012151000020261{batch:05}"))
    services = [build_service(database_url, tmp_path, service.clock) for _ in range(2)]
    start = Barrier(2)

    def look(runtime):
        start.wait()
        return Receiver(runtime, inbox.folder, lambda _line: None).round()

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(look, [each.runtime for each in services])) == [True, True]
    assert (count(service, file_batches), count(service, history), count(service, audit)) == (number,) * 3
    assert inbox.names() == []
    assert len(inbox.names("taken")) == number
    assert all((inbox.folder / "taken" / name).stat().st_size for name in inbox.names("taken"))
    for each in services:
        each.runtime.database.close()


KILLED = """
import os, sys
from pathlib import Path
from caseq import receiver, runtime
from caseq.settings import load
receiver._put_away = lambda *_: os.kill(os.getpid(), 9)
receiver.run(runtime.build(load(os.environ)), Path(sys.argv[1]), print, None)
"""


def test_a_kill_between_the_commit_and_the_move_is_harmless(service, inbox, database_url, tmp_path, logged):
    inbox.put(1, event("case", case()))
    environ = {**os.environ, **environment(database_url, tmp_path), "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", KILLED, str(inbox.folder)], env=environ, cwd=tmp_path)
    assert killed.returncode == -signal.SIGKILL
    assert inbox.names() == ["criminal-0000000001.push"]
    assert (count(service, file_batches), count(service, history)) == (1, 1)
    assert inbox.receive()
    assert inbox.names("taken") == ["criminal-0000000001.push"]
    assert [line["event"] for line in logged] == ["file_replayed"]
    assert (count(service, file_batches), count(service, history), count(service, audit)) == (1, 1, 1)


def test_the_command_ends_with_1_when_something_was_refused_and_watches_until_it_is_told_to_end(
    service, inbox, database_url, tmp_path
):
    def command(*options):
        return Process(
            ["caseq.cli", "receive", str(inbox.folder), *options], environment(database_url, tmp_path), tmp_path / "log"
        )

    inbox.put(1)
    assert command().process.wait(20) == 0
    inbox.put_bytes(b"x", "x.push")
    assert command().process.wait(20) == 1
    watching = command("--watch", "--every", "0.1")
    until = time.monotonic() + 20
    inbox.put(2)
    while inbox.names() and time.monotonic() < until:
        time.sleep(0.05)
    watching.process.terminate()
    assert watching.process.wait(10) == 0
    assert inbox.names("taken") == ["criminal-0000000001.push", "criminal-0000000002.push"]
    assert "criminal-0000000002.push: taken, 0 events" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("folder", ["taken", "refused"])
def test_a_name_that_is_taken_gets_a_number(inbox, folder):
    data = [content(1), content(1)] if folder == "taken" else [b"x", b"y"]
    for each in data:
        inbox.put_bytes(each, "x.push")
        inbox.receive()
    assert {"x.push", "x.push-2"} <= set(inbox.names(folder))
    assert (inbox.folder / folder / "x.push-2").read_bytes() == data[1]
