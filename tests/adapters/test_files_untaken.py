"""A file that was not taken is noticed: by `check`, by `run --once`, and by the service, which hears no heartbeat."""

import os
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.sources import staging
from tests.adapters.dropfolder import Folder, listing, table
from tests.adapters.peer import KEYS
from tests.adapters.test_kill import COMMAND
from tests.service import ROOT

MAPPING = """
[adapter]
name = "register"
state = "{0}/state.db"
[source]
inbox = "{0}/inbox"
settle_seconds = 0
[service]
files = "{0}/gate"
heartbeat_seconds = 1
[push.sources]
criminal = "criminal"
[tables.case]
id = "编号"
case_number = "案号"
drops = {{ pattern = "*.csv", format = "csv", complete = true }}
[case]
kind = "criminal"
unit = {{ name = {{ always = "示例县公安局" }} }}
"""


class Command:
    """The adapter of one register as a command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "inbox").mkdir()
        (folder / "gate").mkdir()
        (folder / "m.toml").write_text(MAPPING.format(folder), encoding="utf-8")

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command, *options = arguments
        environ = {**os.environ, "CASEQ_PUSH_KEY_CRIMINAL": KEYS["criminal"]}
        line = [*COMMAND, command, str(self.folder / "m.toml"), *options]
        return subprocess.run(line, cwd=ROOT, env=environ, capture_output=True, text=True)

    def drop(self, name: str, text: str) -> None:
        path = self.folder / "inbox" / name
        path.write_text(text, encoding="utf-8")
        os.utime(path, (1_700_000_000, 1_700_000_000))

    def files(self) -> int:
        return len(list((self.folder / "gate").iterdir()))


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


@pytest.mark.parametrize(
    ("bad", "outcome"), [("编号,案号\n1\n", "refused"), (listing(2), "held"), (listing(60)[:-1], "refused")]
)
def test_a_file_that_was_not_taken_is_told_until_a_later_one_is(command: Command, bad: str, outcome: str) -> None:
    command.drop("a.csv", listing(50))
    assert command("run", "--once").returncode == 0
    assert command("check", "--quick").returncode == 0
    command.drop("b.csv", bad)
    for _ in range(2):
        before = command.files()
        assert command("run", "--once").returncode == 1
        assert command.files() == before, "a heartbeat says that there is nothing new"
    done = command("check", "--quick")
    assert done.returncode == 1
    assert f"file      case: the newest file was {outcome} at " in done.stdout
    command.drop("c.csv", listing(51))
    assert command("run", "--once").returncode == 0
    assert command("check", "--quick").returncode == 0


def test_the_last_file_again_is_taken_too(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.drop(listing(3))
    folder.drop("编号\n1\n", "b.csv")
    assert len(folder.drops.untaken()) == 1
    folder.restart()
    assert len(folder.drops.untaken()) == 1
    folder.drop(listing(3), "c.csv")
    assert folder.drops.untaken() == []


def test_a_file_cut_inside_its_last_cell_is_refused_unless_its_program_writes_no_line_break(tmp_path: Path) -> None:
    cut = listing(3)[:-2]
    assert [one.outcome for one in Folder(tmp_path).drop(cut)] == ["refused"]
    assert [one.outcome for one in Folder(tmp_path, table(ends_open=True)).drop(cut)] == ["taken"]


def test_a_refused_file_of_changes_is_told_until_it_is_dropped_mended(tmp_path: Path) -> None:
    folder = Folder(tmp_path, table(complete=False))
    folder.drop(listing(3), "monday.csv")
    folder.drop(listing(3, 3)[:-4], "tuesday.csv")
    folder.drop(listing(3, 6)[:-4], "wednesday.csv")
    for name in ("thursday.csv", "friday.csv"):
        folder.drop(listing(3, 9), name)
        folder.restart()
        assert [line[:43] for line in folder.drops.untaken()] == ["case: a file of changes was refused at 2031"] * 2
    folder.drop(listing(3, 3), "tuesday.csv")
    assert len(folder.drops.untaken()) == 1
    folder.drop(listing(3, 6), "wednesday.csv")
    assert folder.drops.untaken() == []


def test_a_refused_file_of_changes_that_was_removed_is_told_no_longer(tmp_path: Path) -> None:
    folder = Folder(tmp_path, table(complete=False))
    folder.drop(listing(3)[:-4], "tuesday.csv")
    (folder.path / "refused").rename(tmp_path / "away")
    assert folder.drops.untaken() == []
    (tmp_path / "away").rename(folder.path / "refused")
    assert len(folder.drops.untaken()) == 1
    for name in folder.names("refused"):
        (folder.path / "refused" / name).unlink()
    assert folder.drops.untaken() == []
    folder.drop(listing(3), "wednesday.csv")
    assert "tuesday" not in "".join(folder.connection.iterdump())


def test_a_refused_file_of_changes_is_told_by_check_after_later_ones(command: Command) -> None:
    mapping = command.folder / "m.toml"
    mapping.write_text(mapping.read_text(encoding="utf-8").replace("complete = true", "complete = false"))
    for name, text in {"a.csv": listing(3), "b.csv": listing(3, 3)[:-4], "c.csv": listing(3, 6)}.items():
        command.drop(name, text)
        command("run", "--once")
    assert command("run", "--once").returncode == 1
    assert "file      case: a file of changes was refused at " in command("check", "--quick").stdout


def move(folder: Folder, minutes: int) -> list[dict[str, Any]]:
    """What is logged while b.csv is written anew every minute."""
    with capture_logs() as logs:
        for _ in range(minutes):
            folder.put("b.csv", listing(4), age=5)
            folder.later(60)
            folder.look()
    return [{**line} for line in logs]


def test_a_file_that_is_not_still_for_an_hour_is_told_once_and_counts(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.drop(listing(3))
    assert (move(folder, 30), folder.drops.untaken()) == ([], [])
    folder.restart()
    assert [(line["event"], line["log_level"]) for line in move(folder, 60)] == [("file_never_still", "error")]
    folder.restart()
    assert folder.drops.untaken() == ["a file in the inbox has not been still for an hour: is it still being written?"]
    assert [one.outcome for one in folder.take()] == ["taken"]
    assert folder.drops.untaken() == []


def test_a_file_that_nobody_reads_may_be_written_all_the_time(tmp_path: Path) -> None:
    folder = Folder(tmp_path, table(pattern="a*.csv"))
    move(folder, 90)
    assert folder.drops.untaken() == []


def test_check_tells_of_a_file_that_is_never_still(command: Command) -> None:
    mapping = command.folder / "m.toml"
    mapping.write_text(mapping.read_text(encoding="utf-8").replace("settle_seconds = 0", "settle_seconds = 1"))
    command.drop("a.csv", listing(3))
    assert command("run", "--once").returncode == 0
    command.drop("b.csv", listing(4))
    with closing(staging.open_staging(command.folder / "state.db.rows")) as connection:
        for hours in (1, 2):
            staging.note_moving(connection, {"b.csv"}, datetime(2031, 1, 1, hours, tzinfo=UTC))
    assert "file      a file in the inbox has not been still" in command("check", "--quick").stdout
    assert command("run", "--once").returncode == 0
    assert command("check", "--quick").returncode == 0
