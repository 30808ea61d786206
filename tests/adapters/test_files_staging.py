"""The staging file: rows by their id, stamps of what changed, nothing kept of what is secret or gone."""

import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from typing import Any

import openpyxl
import pytest

from adapters import statefile
from adapters.mapping_file import read_mapping
from adapters.records import read_case
from adapters.sources import staging
from adapters.sources.fileformat import FileRow
from adapters.sources.files import FileSource
from adapters.sources.merging import Counts, beside, load
from adapters.sources.source import SourceUnavailableError
from tests.adapters.dropfolder import COLUMNS, START, Folder, listing, table

HEAD = ",".join(COLUMNS) + "\n"


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def test_only_new_and_changed_rows_get_the_stamp_of_the_file(folder):
    assert folder.drop(listing(3))[0].counts == {"case": Counts(3, 0, 0, 0, 3)}
    taken = folder.drop(HEAD + "0,案0,店0,0\n1,案1,other,0\n2,案2,,0\n7,案7,店7,0\n")
    assert taken[0].counts == {"case": Counts(1, 2, 1, 0, 4)}
    assert [(row[0], row[2], row[4]) for row in folder.rows()] == [
        ("0", "店0", "20310401080010"),
        ("1", "other", "20310401080020"),
        ("2", None, "20310401080020"),
        ("7", "店7", "20310401080020"),
    ]


def test_a_row_that_a_complete_file_lacks_is_gone_and_comes_back(folder):
    folder.drop(listing(3))
    assert folder.drop(listing(2))[0].counts["case"].gone == 1
    assert folder.rows()[2] == ("2", "案2", None, "0", "20310401080020", 1)
    folder.drop(listing(2) + "5,案5,店5,0\n")
    assert folder.rows()[2][4:] == ("20310401080020", 1)
    assert folder.drop(listing(3))[0].counts["case"] == Counts(0, 1, 2, 1, 3)
    assert folder.rows()[2] == ("2", "案2", "店2", "0", "20310401080040", 0)


def test_a_secret_row_keeps_only_what_is_needed_to_find_and_to_guard_it(folder):
    folder.drop(HEAD + "1,案1,secret words,1\n")
    assert folder.rows() == [("1", "案1", None, "1", "20310401080010", 0)]
    folder.drop(HEAD + "1,案1,open words,0\n")
    folder.drop(HEAD + "1,案1,open words,1\n")
    assert folder.rows()[0][2] is None
    folder.connection.close()
    held = b"".join(path.read_bytes() for path in folder.state.parent.glob("staging.db*"))
    assert b"secret words" not in held
    assert b"open words" not in held


def test_a_row_without_id_refuses_the_file(folder):
    for row in (",案9,店,0", "  ,案9,店,0"):
        assert folder.drop(listing(2) + row + "\n")[0].outcome == "refused"
    report = folder.names("refused")[-1]
    assert (folder.path / "refused" / report).read_text() == "line 4: has no 编号\n"


def test_one_id_with_two_meanings_refuses_the_file_and_with_one_does_not(folder):
    assert folder.drop(listing(3) + "1,案1,店1,0\n")[0].counts["case"].rows == 3
    assert folder.drop(listing(3) + "1,案1,店1,0\n1,案1,,0\n1,案1,店1,0\n")[0].outcome == "refused"
    report = folder.names("refused")[-1]
    assert (folder.path / "refused" / report).read_text().startswith("line 6: ")


def test_names_of_tables_and_columns_may_be_anything(tmp_path):
    odd = ("编号", "案号", 'a"b', "select", "x y; --", "[1]", "密级")
    folder = Folder(tmp_path, table('t"; drop', odd))
    head = '编号,案号,"a""b",select,x y; --,[1],密级\n'
    assert folder.drop(head + "1,2,3,4,5,6,0\n")[0].outcome == "taken"
    assert folder.drop(head + "1,2,9,4,5,6,0\n")[0].counts['t"; drop'].changed == 1
    assert folder.connection.execute('SELECT "a""b", "x y; --" FROM "t""; drop"').fetchall() == [("9", "5")]


def test_a_table_of_nothing_but_keys_is_enough(tmp_path):
    one = table(columns=("编号", "案号", "密级"))
    folder = Folder(tmp_path, one)
    assert folder.drop("编号,案号,密级\n1,1,0\n1,1,0\n")[0].counts["case"].new == 1
    assert folder.drop("编号,案号,密级\n")[0].counts["case"].gone == 1
    assert folder.drop("编号,案号,密级\n1,1,0\n")[0].counts["case"].changed == 1
    assert folder.rows()[0][-1] == 0


def test_the_columns_by_which_rows_are_found_are_indexed(folder):
    plan = str(folder.connection.execute('EXPLAIN QUERY PLAN SELECT * FROM "case" WHERE "案号" = ?', "x").fetchall())
    assert "USING INDEX" in plan
    plan = str(
        folder.connection.execute('EXPLAIN QUERY PLAN SELECT * FROM "case" WHERE caseq_seen > ?', "x").fetchall()
    )
    assert "USING INDEX" in plan


def test_a_new_column_is_empty_until_the_next_file_even_if_that_is_the_same(folder):
    text = "编号,案号,名称,密级,电话\n1,案1,店1,0,138\n"
    folder.drop(text)
    folder.tables = (table(columns=(*COLUMNS, "电话")),)
    folder.restart()
    assert folder.added == {"case": 1}
    assert folder.connection.execute('SELECT "名称", "电话" FROM "case"').fetchall() == [("店1", None)]
    assert folder.drop(text)[0].counts["case"].changed == 1
    assert folder.connection.execute('SELECT "名称", "电话" FROM "case"').fetchall() == [("店1", "138")]


def test_a_column_that_is_mapped_no_longer_goes_with_what_it_held(folder):
    folder.drop(listing(3))
    folder.tables = (table(columns=("编号", "案号", "密级")),)
    folder.restart()
    assert folder.rows()[0] == ("0", "案0", "0", "20310401080010", 0)


def test_id_columns_that_do_not_fit_the_rows_are_told(folder):
    folder.drop(HEAD + "1,案1,店,0\n2,案1,店,0\n")
    other = table()
    changed = type(other)("case", COLUMNS, ("案号",), (), (), other.is_secret, other.drops)
    with pytest.raises(staging.StagingError, match="case: the rows held do not fit"):
        staging.prepare(folder.connection, (changed,))
    assert len(folder.rows()) == 2


def test_a_table_without_a_file_is_told_from_an_empty_one(folder):
    assert staging.tables_without_file(folder.connection, folder.tables) == ["case"]
    folder.drop(HEAD)
    assert staging.tables_without_file(folder.connection, folder.tables) == []


def test_a_clock_set_back_does_not_set_back_the_stamps(folder):
    folder.drop(listing(1))
    folder.later(-3600)
    folder.put("b.csv", listing(2), age=-3600)
    folder.take()
    assert [row[4] for row in folder.rows()] == ["20310401080010"] * 2


def test_only_the_owner_may_read_the_file_and_nothing_else_is_left(folder):
    folder.drop(listing(3))
    assert stat.S_IMODE(folder.state.stat().st_mode) == 0o600
    assert folder.connection.execute("PRAGMA secure_delete").fetchone() == (1,)
    assert not [path for path in folder.state.parent.iterdir() if "incoming" in path.name]


def test_what_is_read_stays_beside_the_staging_file_until_the_end(folder):
    with beside(folder.connection):
        load(folder.connection, folder.tables[0], [])
        (path,) = folder.state.parent.glob("*-incoming")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


TAKING = """
import os, signal, sys
from pathlib import Path
from adapters.sources import inbox, drops
from tests.adapters.dropfolder import Folder
where, at = Path(sys.argv[1]), sys.argv[2]
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
if at == "before the commit":
    drops.staging.note_file = die
elif at == "before the move":
    inbox.Inbox.put_away = die
folder = Folder(where)
print("ready", flush=True)
folder.take()
"""


@pytest.mark.faults
@pytest.mark.parametrize(
    ("at", "outcome", "rows"), [("before the commit", "taken", 0), ("before the move", "again", 3)]
)
def test_a_process_killed_while_it_takes_a_file_has_done_all_or_nothing(tmp_path, at, outcome, rows):
    folder = Folder(tmp_path)
    folder.put("a.csv", listing(3))
    killed = subprocess.run([sys.executable, "-c", TAKING, str(tmp_path), at], check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    folder.restart()
    assert (len(folder.rows()), folder.names()) == (rows, ["a.csv"])
    assert [one.outcome for one in folder.take()] == [outcome]
    assert (len(folder.rows()), folder.names()) == (3, [])
    assert not [path for path in tmp_path.iterdir() if "incoming" in path.name]


@pytest.mark.faults
@pytest.mark.slow
def test_a_process_killed_anywhere_takes_the_file_at_the_next_start(tmp_path):
    folder = Folder(tmp_path)
    folder.put("a.csv", listing(30_000))
    for pause in (0.01, 0.05, 0.1, 0.2, 0.4):
        command = [sys.executable, "-c", TAKING, str(tmp_path), "anywhere"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(pause)
            process.kill()
    folder.restart()
    folder.take()
    assert (len(folder.rows()), folder.names()) == (30_000, [])
    assert folder.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


GROWTH = """
import os, sys
from pathlib import Path
from tests.adapters.dropfolder import Folder, listing, peak_kibibytes
folder = Folder(Path(sys.argv[1]))
folder.drop(listing(1000), "first.csv")
path = folder.put("a.csv", "")
with path.open("w") as file:
    file.write("编号,案号,名称,密级\\n")
    for number in range(100_000):
        file.write(f"{number},案{number},{'店' * 200},0\\n")
folder.later(3600)
before = peak_kibibytes()
os.utime(path, (folder.now.timestamp() - 60,) * 2)
assert folder.take()[0].counts["case"].rows == 100_000
print(peak_kibibytes() - before)
"""


def test_a_hundred_thousand_rows_do_not_stay_in_memory(tmp_path):
    command = [sys.executable, "-c", GROWTH, str(tmp_path)]
    grown = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
    # The work file has a cache of 64 MiB; the rows as objects would come to as much again.
    assert grown < 110_000


def test_a_full_disk_is_no_fault_of_the_file(folder):
    folder.drop(listing(3))
    pages = folder.connection.execute("PRAGMA page_count").fetchone()[0]
    folder.connection.execute(f"PRAGMA main.max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        folder.drop(listing(5000))
    assert (len(folder.rows()), folder.names("refused")) == (3, [])
    folder.connection.execute("PRAGMA main.max_page_count = 1000000")
    assert [one.outcome for one in folder.take()] == ["taken"]


REGISTER = """
[adapter]
name = "register"
[source]
inbox = "{inbox}"
settle_seconds = 0
[service]
url = "https://caseq.example"
[push.sources]
petition = "petition"
[tables.case]
id = "编号"
case_number = "编号"
secret = {{ column = "涉密", {guard} }}
drops = {{ pattern = "a.*", format = "{form}", complete = true }}
[case]
kind = "petition"
unit = {{ name = {{ always = "示例所" }} }}
"""


def yes_and_no(path, form):
    """A register with one secret row and one that is none, kept as yes and no."""
    if form == "jsonl":
        path.write_text('{"编号": "N1", "涉密": true}\n{"编号": "N2", "涉密": false}\n')
        return
    book: Any = openpyxl.Workbook()
    for line in (["编号", "涉密"], ["N1", True], ["N2", False]):
        book.active.append(line)
    book.save(path)


@pytest.mark.parametrize("form", ["jsonl", "xlsx"])
@pytest.mark.parametrize(
    ("guard", "is_taken"),
    [
        ('is = ["1"]', True),
        ('is_not = ["", "0", "公开"]', True),
        ('is = ["true"]', False),
        ('is = ["TRUE", "Y"]', False),
        ('is_not = ["", "false"]', False),
    ],
)
def test_a_yes_that_a_guard_expects_in_words_refuses_the_file(tmp_path, form, guard, is_taken):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (tmp_path / "register.toml").write_text(REGISTER.format(inbox=inbox, guard=guard, form=form))
    yes_and_no(inbox / f"a.{form}", form)
    mapping = read_mapping(tmp_path / "register.toml", {})
    with closing(FileSource(mapping, tmp_path / "rows.db", lambda: START)) as source:
        if is_taken:
            assert [row.case_number for row in source.changed_rows(None)] == ["N1", "N2"]
            readings = [read_case(mapping, case, {}, START.date()) for case in source.cases(["N1", "N2"])]
            assert [[record.key for record in reading.records] for reading in readings] == [[], ["N2"]]
        else:
            with pytest.raises(SourceUnavailableError):
                source.changed_rows(None)
            (report,) = (inbox / "refused").glob("*.report.txt")
            assert "涉密 is a yes or no" in report.read_text()


@contextmanager
def files_of_at_most(size):
    """No file of this process grows beyond so many bytes: to SQLite a disk that takes no more."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_disk_that_fills_while_rows_are_merged_is_told_as_such(folder):
    folder.connection.execute("PRAGMA main.cache_size = 1")
    rows = ((str(number), "x" * 1000, "", "") for number in range(1000))
    with (
        pytest.raises(sqlite3.OperationalError) as caught,
        files_of_at_most(500_000),
        staging.transaction(folder.connection),
    ):
        folder.connection.executemany("INSERT INTO caseq_drop VALUES (?, ?, ?, ?)", rows)
    assert statefile.is_full(caught.value)
    assert [one.outcome for one in folder.drop(listing(3))] == ["taken"]


def test_a_disk_that_fills_while_rows_are_read_is_told_as_such(folder):
    rows = (FileRow(number, dict.fromkeys(COLUMNS, str(number) + "x" * 500)) for number in range(1000))
    with beside(folder.connection):
        folder.connection.execute("PRAGMA incoming.cache_size = 1")
        with pytest.raises(sqlite3.OperationalError) as caught, files_of_at_most(500_000):
            load(folder.connection, folder.tables[0], rows)
    assert statefile.is_full(caught.value)
    assert [one.outcome for one in folder.drop(listing(3))] == ["taken"]
