"""The inbox: only whole files are taken, in their order, once, and what is refused says why beside it."""

import errno
import os
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.sources import inbox as inboxes
from adapters.sources.fileformat import BadFileError
from adapters.sources.merging import load, merge
from tests.adapters.dropfolder import Folder, listing, table


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def outcomes(taken):
    return [one.outcome for one in taken]


def events(logs):
    return [line["event"] for line in logs]


def test_a_file_is_taken_once_it_was_still_for_ten_seconds(folder):
    folder.put("a.csv", listing(3))
    assert folder.look() == []
    folder.later(9)
    assert folder.look() == []
    folder.later(1)
    assert outcomes(folder.look()) == ["taken"]
    assert (folder.names(), len(folder.rows())) == ([], 3)
    (name,) = folder.names("taken")
    assert name.endswith("-a.csv")


def test_a_growing_file_stays(folder):
    for size in range(1, 6):
        folder.put("a.csv", listing(size))
        assert folder.look() == []
        folder.later()
    assert outcomes(folder.look()) == ["taken"]
    assert len(folder.rows()) == 5


def test_a_file_that_keeps_its_size_and_changes_its_time_stays(folder):
    folder.put("a.csv", listing(3), age=90)
    folder.look()
    folder.later()
    folder.put("a.csv", listing(3), age=80)
    assert folder.look() == []


def test_a_fresh_time_stamp_waits_and_one_ahead_of_our_clock_does_not_wait_for_ever(folder):
    folder.put("fresh.csv", listing(3), age=-5)
    folder.put("ahead.csv", listing(2), age=-3600)
    assert folder.take() == []
    folder.later()
    assert len(folder.look()) == 2


def test_a_clock_that_steps_back_keeps_no_file_waiting(folder):
    folder.put("a.csv", listing(3), age=400 * 86400)
    folder.look()
    folder.now -= timedelta(days=365)
    assert outcomes(folder.take()) == ["taken"]


def test_a_file_that_grows_while_it_is_read_changes_nothing(folder, monkeypatch):
    path = folder.put("a.csv", listing(3))

    def growing(*arguments):
        load(*arguments)
        with path.open("a") as file:
            file.write("9,案9,店9,0\n")

    monkeypatch.setattr("adapters.sources.drops.load", growing)
    assert folder.take() == []
    assert (folder.rows(), folder.names()) == ([], ["a.csv"])
    monkeypatch.undo()
    assert outcomes(folder.take() + folder.take() + folder.take()) == ["taken"]
    assert len(folder.rows()) == 4


def test_a_file_that_took_the_name_of_one_that_was_read_is_not_put_away_for_it(folder, monkeypatch):
    folder.put("a.csv", listing(3))

    def replaced(*arguments):
        (folder.path / "a.csv").unlink()
        folder.put("a.csv", listing(4), age=30)
        return merge(*arguments)

    monkeypatch.setattr("adapters.sources.drops.merge", replaced)
    assert folder.take() == []
    monkeypatch.undo()
    assert outcomes(folder.take()) == ["taken"]
    assert (len(folder.rows()), folder.names("taken")[0][-5:], folder.names()) == (4, "a.csv", [])


@pytest.mark.parametrize(
    "name", [".a.csv", "~$a.csv", "a.csv.part", "a.csv.tmp", "a.csv.crdownload", "a.CSV.PART", "a.csv~", ".a.csv.Xy12"]
)
def test_unfinished_names_are_left_alone(tmp_path, name):
    folder = Folder(tmp_path, table(pattern="*"))
    assert folder.drop(listing(3), name) == []
    assert folder.names() == [name]


def test_only_plain_files_are_taken(folder, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text(listing(3))
    (folder.path / "link.csv").symlink_to(secret)
    os.mkfifo(folder.path / "pipe.csv")
    (folder.path / "folder.csv").mkdir()
    with capture_logs() as logs:
        assert folder.take() == []
    assert (folder.rows(), secret.exists(), logs) == ([], True, [])


def test_a_link_that_takes_the_place_of_a_file_is_not_followed(folder, tmp_path):
    path = folder.put("a.csv", listing(3))
    (one,) = inboxes.Inbox(inboxes.InboxSettings(folder.path, 0)).look(folder.now)
    secret = tmp_path / "secret.csv"
    path.rename(secret)
    path.symlink_to(secret)
    with pytest.raises(OSError, match="symbolic") as caught, inboxes.opened(one):
        pass
    assert caught.value.errno == errno.ELOOP


@pytest.mark.parametrize(
    "name", ["-rf.csv", "a\nb.csv", "名" * 83 + ".csv", "x" * 251 + ".csv", b"\xff\xfe.csv", "$(id).csv"]
)
def test_names_are_not_trusted(folder, name):
    folder.drop(listing(3), os.fsdecode(name))
    (kept,) = folder.names("taken")
    assert kept.isprintable()
    assert kept.endswith(".csv")
    assert (len(os.fsencode(kept)) <= 255, folder.names()) == (True, [])


def test_a_folder_planted_as_a_link_takes_nothing_out_of_the_inbox(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (folder.path / "taken").symlink_to(tmp_path / "elsewhere")
    with capture_logs() as logs:
        folder.drop(listing(3))
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert set(events(logs)) == {"inbox_down"}


def test_files_are_taken_by_their_age_and_then_by_their_name(tmp_path):
    folder = Folder(tmp_path, table(complete=False))
    head = "编号,案号,名称,密级\n"
    folder.put("b.csv", head + "1,案1,second,0\n", age=100)
    folder.put("a.csv", head + "1,案1,third,0\n", age=100 - 1e-3)
    folder.put("z.csv", head + "1,案1,first,0\n", age=200)
    assert outcomes(folder.take()) == ["taken"] * 3
    assert folder.rows()[0][2] == "third"


def test_a_file_that_cannot_be_read_makes_later_ones_for_its_tables_wait_and_is_told_once(tmp_path, monkeypatch):
    folder = Folder(tmp_path, table("one", pattern="one*"), table("two", pattern="two*"))
    folder.put("one-a.csv", listing(1), age=90)
    folder.put("one-b.csv", listing(2), age=80)
    folder.put("two.csv", listing(3), age=70)

    def locked(one):
        if one.name == "one-a.csv":
            raise PermissionError(errno.EACCES, "locked")
        return inboxes.opened(one)

    monkeypatch.setattr("adapters.sources.drops.opened", locked)
    with capture_logs() as logs:
        assert [one.tables for one in folder.take() + folder.take()] == [("two",)]
    assert (events(logs).count("file_unreadable"), folder.names()) == (1, ["one-a.csv", "one-b.csv"])
    monkeypatch.undo()
    assert outcomes(folder.look()) == ["taken", "taken"]
    assert len(folder.rows("one")) == 2


def test_a_file_that_cannot_be_moved_is_taken_once_and_later_ones_wait(folder, monkeypatch):
    folder.put("a.csv", listing(3), age=90)
    folder.put("b.csv", listing(4), age=80)

    def stuck(*_):
        raise PermissionError

    monkeypatch.setattr(Path, "rename", stuck)
    with capture_logs() as logs:
        folder.take()
        folder.take()
    assert (events(logs).count("file_stuck"), events(logs).count("file_taken"), len(folder.rows())) == (1, 1, 3)
    monkeypatch.undo()
    assert outcomes(folder.take()) == ["again", "taken"]
    assert len(folder.rows()) == 4


def test_an_inbox_that_is_gone_is_told_once_and_comes_back(folder):
    folder.path.rename(folder.path.with_name("away"))
    with capture_logs() as logs:
        assert folder.take() == []
    assert events(logs) == ["inbox_down"]
    folder.path.with_name("away").rename(folder.path)
    assert outcomes(folder.drop(listing(3))) == ["taken"]


def test_a_file_that_no_table_reads_is_told_once_and_stays(folder):
    folder.put("张三.txt", "x")
    with capture_logs() as logs:
        folder.take()
    assert events(logs) == ["file_unmatched"]
    assert "张三" not in str(logs)


def test_the_same_file_twice_changes_nothing(folder):
    folder.drop(listing(3))
    before = folder.rows()
    with capture_logs() as logs:
        assert outcomes(folder.drop(listing(3), "b.csv")) == ["again"]
    assert (events(logs), folder.rows(), len(folder.names("taken"))) == (["file_again"], before, 2)


def test_a_file_that_returns_to_what_was_said_before_the_last_one_is_taken(folder):
    for count in (3, 4, 3):
        assert outcomes(folder.drop(listing(count))) == ["taken"]
    assert [row[-1] for row in folder.rows()] == [0, 0, 0, 1]


def test_a_bad_file_is_put_aside_with_its_reason_and_none_of_its_contents(folder):
    folder.drop(listing(3))
    before = folder.rows()
    with capture_logs() as logs:
        assert outcomes(folder.drop(listing(3) + "张三,案9\n", "张三.csv")) == ["refused"]
    kept, report = folder.names("refused")
    assert report == kept + ".report.txt"
    assert (folder.path / "refused" / report).read_text() == "line 5: has 2 cells where the header has 4\n"
    assert (logs[0]["event"], logs[0]["line"], logs[0]["file"] in kept) == ("file_refused", 5, True)
    assert "张三" not in str(logs)
    assert (folder.rows(), folder.names()) == (before, [])


def test_an_error_that_no_reader_expects_refuses_the_file_and_says_only_its_kind(folder, monkeypatch):
    def surprised(*_):
        raise KeyError("张三")

    monkeypatch.setattr("adapters.sources.drops.rows", surprised)
    with capture_logs() as logs:
        assert outcomes(folder.drop(listing(3))) == ["refused"]
    _, report = folder.names("refused")
    assert (folder.path / "refused" / report).read_text() == "cannot be read: KeyError\n"
    assert (logs[0]["event"], logs[0]["reason"]) == ("file_refused", "cannot be read: KeyError")
    assert "张三" not in str(logs)


def test_a_file_too_large_is_refused_unread(folder):
    path = folder.put("a.csv", listing(3))
    os.truncate(path, (1 << 30) + 1)
    os.utime(path, (folder.now.timestamp() - 60,) * 2)
    assert outcomes(folder.take()) == ["refused"]
    assert "-unread-" in folder.names("refused")[0]


def test_an_export_that_broke_off_is_held_until_somebody_accepts_it(tmp_path):
    folder = Folder(tmp_path, table(pattern="a*.csv"))
    folder.drop(listing(30))
    with capture_logs() as logs:
        assert outcomes(folder.drop(listing(14))) == ["held"]
    assert [(line["event"], line["log_level"]) for line in logs] == [("drop_held", "error")]
    assert sum(row[-1] for row in folder.rows()) == 0
    kept, report = folder.names("held")
    assert "accepted-" in (folder.path / "held" / report).read_text()
    (folder.path / "held" / kept).rename(folder.path / ("accepted-" + kept))
    assert outcomes(folder.take()) == ["taken"]
    assert sum(row[-1] for row in folder.rows()) == 16


def test_a_complete_file_older_than_the_last_one_is_held_until_somebody_accepts_it(folder):
    folder.drop(listing(3), "friday.csv")
    folder.put("thursday.csv", listing(4), age=86400)
    with capture_logs() as logs:
        assert outcomes(folder.take()) == ["held"]
    assert [(line["event"], line["reason"]) for line in logs] == [("drop_held", "older")]
    folder.restart()
    assert (len(folder.rows()), len(folder.drops.untaken())) == (3, 1)
    kept, report = folder.names("held")
    assert "changed before the last one" in (folder.path / "held" / report).read_text()
    (folder.path / "held" / kept).rename(folder.path / ("accepted-" + kept))
    assert outcomes(folder.take()) == ["taken"]
    folder.put("friday.csv", listing(5), age=43200)
    assert outcomes(folder.take()) == ["taken"]


def test_files_of_one_moment_and_older_files_of_changes_are_taken(folder, tmp_path):
    folder.put("a.csv", listing(3), age=60)
    folder.put("b.csv", listing(4), age=60)
    assert outcomes(folder.take()) == ["taken", "taken"]
    changes = Folder(tmp_path, table(complete=False))
    changes.put("c.csv", listing(2), age=86400)
    assert outcomes(changes.take()) == ["taken"]


@pytest.mark.parametrize(("held", "dropped", "outcome"), [(30, 15, "taken"), (20, 0, "taken"), (21, 10, "held")])
def test_half_the_rows_or_few_rows_are_no_reason_to_hold_a_file(folder, held, dropped, outcome):
    folder.drop(listing(held))
    assert outcomes(folder.drop(listing(dropped))) == [outcome]


def test_a_file_of_changes_may_be_as_short_as_it_likes(tmp_path):
    folder = Folder(tmp_path, table(complete=False))
    folder.drop(listing(30))
    assert outcomes(folder.drop(listing(1, first=99))) == ["taken"]
    assert (len(folder.rows()), sum(row[-1] for row in folder.rows())) == (31, 0)


def test_a_file_that_feeds_two_tables_is_taken_for_both_or_for_none(tmp_path):
    other = table("other", ("编号", "案号", "密级", "多"))
    folder = Folder(tmp_path, table(), other)
    assert outcomes(folder.drop(listing(3))) == ["refused"]
    assert (folder.rows(), folder.rows("other")) == ([], [])
    both = "编号,案号,名称,密级,多\n1,案1,店,0,x\n"
    assert folder.drop(both)[0].tables == ("case", "other")
    assert (len(folder.rows()), len(folder.rows("other"))) == (1, 1)


def test_what_was_taken_is_removed_after_thirty_days(folder):
    folder.drop(listing(3))
    folder.drop(listing(2) + "x\n", "bad.csv")
    folder.now += timedelta(days=29)
    folder.look()
    assert len(folder.names("taken")) == 1
    folder.now += timedelta(days=2)
    folder.look()
    assert (folder.names("taken"), len(folder.names("refused"))) == ([], 2)


def test_a_bad_file_says_the_line_only_if_there_is_one():
    assert (str(BadFileError("x", 3)), str(BadFileError("x"))) == ("line 3: x", "x")
