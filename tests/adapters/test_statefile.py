"""The state file when its disk is full, when it is damaged, older, newer, or lost."""

import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters import spool, statefile
from adapters.statefile import StateFileError
from tests.adapters.bench import NUMBER, OTHER, ROOT, Adapter, Source
from tests.adapters.peer import key_of
from tests.adapters.test_kill import COMMAND, start

_LAYOUT_1 = """
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE pending (position INTEGER PRIMARY KEY, case_number TEXT NOT NULL UNIQUE);
CREATE TABLE record (
  source TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL, case_number TEXT NOT NULL, origin TEXT NOT NULL,
  fingerprint TEXT NOT NULL, sequence TEXT NOT NULL, PRIMARY KEY (source, type, key)) WITHOUT ROWID;
CREATE TABLE history (
  origin TEXT NOT NULL, name TEXT NOT NULL, entries TEXT NOT NULL, PRIMARY KEY (origin, name)) WITHOUT ROWID;
CREATE TABLE outgoing (
  position INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, event_id TEXT NOT NULL, type TEXT NOT NULL,
  key TEXT NOT NULL, case_number TEXT NOT NULL, after INTEGER, body TEXT NOT NULL);
CREATE TABLE refused (
  source TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL, case_number TEXT NOT NULL, event_id TEXT NOT NULL,
  reasons TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (source, type, key)) WITHOUT ROWID;
CREATE TABLE unreadable (
  case_number TEXT NOT NULL, origin TEXT NOT NULL, name TEXT NOT NULL, field TEXT NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (case_number, origin, name, field)) WITHOUT ROWID;
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 12 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def _fill_disk(path: Path) -> None:
    with path.open("wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(b"x" * 4096)
        except OSError:
            pass


@pytest.mark.faults
@pytest.mark.parametrize("moment", ["before it starts", "while it runs"])
def test_a_full_disk_is_told_once_and_when_there_is_room_everything_arrives_once(
    source: Source, adapter: Adapter, small_disk: Path, moment: str
) -> None:
    adapter.state_path = small_disk / "adapter.db"
    assert adapter.once()
    if moment == "while it runs":
        process = start(adapter)
        beats = len(adapter.peer.requests)
        while len(adapter.peer.requests) == beats:
            time.sleep(0.02)
    _fill_disk(small_disk / "ballast")
    for index in range(300):
        source.add_case(
            f"A64012151000020261{index:05d}", f"AJ{index}", LASJ="20261124100000", LASTUPDATEDTIME="20261124100000"
        )
    if moment == "before it starts":
        process = start(adapter)
    time.sleep(2.5)
    assert process.poll() is None, process.communicate()[1].decode()
    assert len(adapter.peer.events) < 600
    (small_disk / "ballast").unlink()
    until = time.monotonic() + 20
    while len(adapter.peer.events) < 600 and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.5)
    process.terminate()
    printed = process.communicate()[1].decode()
    assert process.returncode == 0, printed
    assert printed.count('"state_full"') == 1
    assert printed.count('"state_writable"') == 1
    assert len(adapter.peer.events) == 600
    sent = [event["id"] for request in adapter.peer.requests for event in request.events]
    assert len(sent) == len(set(sent)) == 600


def test_what_was_answered_while_the_disk_was_full_is_not_sent_again(
    source: Source, adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.add_case()
    real = statefile.transaction
    calls: list[int] = []

    def full_at_first(connection: sqlite3.Connection) -> object:
        if threading.current_thread().name == "sending" and len(calls) < 3:
            calls.append(1)
            connection.execute("PRAGMA max_page_count = 1")
            connection.execute("CREATE TABLE no_room AS SELECT randomblob(100000)")
        connection.execute("PRAGMA max_page_count = 1000000")
        return real(connection)

    monkeypatch.setattr("adapters.departures.transaction", full_at_first)
    monkeypatch.setattr("adapters.loop.Poller.is_current", property(lambda _: len(calls) == 3, lambda *_: None))
    assert adapter.once()
    assert len(calls) == 3
    assert [len(request.events) for request in adapter.peer.requests if request.events] == [1]


def test_a_failed_commit_leaves_nothing_open(tmp_path: Path) -> None:
    state = statefile.open_state(tmp_path / "state.db")
    state.execute("PRAGMA max_page_count = 1")
    with pytest.raises(sqlite3.OperationalError) as raised, statefile.transaction(state):
        state.execute("INSERT INTO setting VALUES ('a', ?)", ("x" * 1_000_000,))
    assert statefile.is_full(raised.value)
    assert not state.in_transaction
    state.execute("PRAGMA max_page_count = 1000000")
    with statefile.transaction(state):
        state.execute("INSERT INTO setting VALUES ('a', 'b')")
    state.close()


def test_a_damaged_state_file_is_refused_with_what_to_do(source: Source, adapter: Adapter) -> None:
    adapter.file()
    adapter.state_path.write_bytes(os.urandom(8192))
    process = start(adapter, "--once")
    printed = process.communicate()[1].decode()
    assert process.returncode == 1
    assert "is damaged: move it away and start anew" in printed
    assert "Traceback" not in printed


def test_a_state_file_of_the_first_layout_is_brought_up_and_goes_on(source: Source, adapter: Adapter) -> None:
    source.add_case(LASJ="20261003100000")
    adapter.once()
    older = adapter.state_path.with_name("older.db")
    old = sqlite3.connect(older)
    old.executescript(_LAYOUT_1)
    old.execute("ATTACH ? AS new", (str(adapter.state_path),))
    for table in ("setting", "record", "history"):
        old.execute(f"INSERT INTO {table} SELECT * FROM new.{table}")
    waiting = [
        (4, "criminal", "e4", "party", "P", OTHER, None, '{"id":"e4","data":{"name":"某"}}'),
        (5, "criminal", "e5", "case", OTHER, OTHER, None, '{"id":"e5","data":{}}'),
        (6, "administrative", "e6", "case", OTHER, OTHER, 5, '{"id":"e6","data":{}}'),
    ]
    old.executemany("INSERT INTO outgoing VALUES (?, ?, ?, ?, ?, ?, ?, ?)", waiting)
    old.commit()
    old.close()
    _check_waiting(older)
    adapter.state_path = older
    assert adapter.pushed() == []
    source.change_case("20261125070000", LASJ="20261005100000")
    assert len(adapter.pushed()) == 1


def _check_waiting(path: Path) -> None:
    """The events of the former layout leave in their order, and are taken out."""
    state = statefile.open_state(path)
    assert spool.waiting_counts(state) == {"criminal": 2, "administrative": 1}
    assert spool.waiting_keys(state, "criminal", "party") == {"P"}
    assert spool.next_batch(state, "administrative") is None
    batch = spool.next_batch(state, "criminal")
    assert batch
    assert batch.body == '[{"id":"e4","data":{"name":"某"}},{"id":"e5","data":{}}]'.encode()
    assert list(batch.ids) == ["e4", "e5"]
    with statefile.transaction(state):
        spool.settle(state, batch, {})
        last = spool.next_batch(state, "administrative")
        assert last
        spool.settle(state, last, {})
    assert spool.waiting_count(state) == 0
    state.close()


def test_a_state_file_of_a_later_layout_is_refused(tmp_path: Path) -> None:
    state = statefile.open_state(tmp_path / "state.db")
    state.execute("PRAGMA user_version = 99")
    state.close()
    with pytest.raises(StateFileError, match="newer version"):
        statefile.open_state(tmp_path / "state.db")


def test_after_a_lost_state_the_service_is_brought_to_what_the_source_has(source: Source, adapter: Adapter) -> None:
    source.add_case(LASJ="20261003100000")
    source.add_case(OTHER, "AJ2", LASJ="20261003100000")
    source.add_victim()
    adapter.once()
    adapter.state_path.unlink()
    adapter.peer.page = 1
    source.write(f"DELETE FROM B_ASJ_AJ WHERE AJBH = '{OTHER}'")
    source.change_case("20261001080000", LASJ="20261005100000")
    events = adapter.pushed()
    assert {key_of(event) for event in events if event["type"] == "caseq.withdrawal.v1"} == {OTHER, "AJ2:case_filed"}
    assert all(event["sequence"] > "20261001080000.000001" for event in events)
    live = adapter.peer.live()
    assert len(live) == 4
    assert live["criminal", "milestone", "AJ1:case_filed"]["data"]["occurred_on"] == "2026-10-05"
    assert adapter.pushed() == []


def test_a_row_that_moved_while_the_state_was_lost_is_found_at_its_new_case(source: Source, adapter: Adapter) -> None:
    source.add_case()
    source.add_case(OTHER, "AJ2")
    source.add_suspect(OTHER)
    adapter.once()
    adapter.state_path.unlink()
    source.change_suspect("20261004090000", AJBH=NUMBER)
    adapter.pushed()
    assert {event["subject"] for event in adapter.peer.live().values() if event["type"] == "caseq.party.v1"} == {NUMBER}
    assert adapter.state("SELECT * FROM unreadable") == []


def test_nothing_is_sent_before_the_service_has_told_what_it_holds(source: Source, adapter: Adapter) -> None:
    source.add_case()
    adapter.once()
    adapter.state_path.unlink()
    sent = len(adapter.peer.requests)
    adapter.peer.keys["administrative"] = adapter.peer.keys["criminal"]
    assert not adapter.once()
    assert len(adapter.peer.requests) == sent


def test_an_older_service_that_cannot_tell_its_records_gets_the_same_ids_again(
    source: Source, adapter: Adapter
) -> None:
    source.add_case(LASJ="20261003100000")
    source.add_victim()
    adapter.once()
    adapter.state_path.unlink()
    adapter.peer.page = None
    assert adapter.pushed() == []
    assert len([request for request in adapter.peer.requests if request.events]) == 2


@pytest.mark.parametrize(
    ("stamp", "last"),
    [
        ("20261104090000", "7"),
        ("20261104090000", "v9"),
        ("20261104090000", "2026-11-04T09:00:00Z"),
        ("20261104090000", "999.000007"),
    ],
)
def test_the_next_sequence_sorts_after_one_of_any_form(stamp: str, last: str) -> None:
    from adapters.changes import next_sequence

    first = next_sequence(stamp, last)
    assert last < first < next_sequence(stamp, first)


@pytest.mark.parametrize("layout", [0, 5, 99])
@pytest.mark.parametrize("table", ["customers", "record"])
def test_a_database_of_another_program_is_no_state_and_stays_as_it_is(
    source: Source, adapter: Adapter, table: str, layout: int
) -> None:
    path = adapter.state_path
    adapter.file()
    with sqlite3.connect(path) as database:
        database.execute(f"CREATE TABLE {table} (id INTEGER)")
        database.execute(f"PRAGMA user_version = {layout}")
    database.close()
    before = path.read_bytes()
    for arguments in (["run", "--once"], ["run", "--dry-run"], ["check"]):
        line = [*COMMAND, arguments[0], str(adapter.file()), *arguments[1:]]
        environ = {**os.environ, **adapter.environment()}
        done = subprocess.run(line, cwd=ROOT, env=environ, capture_output=True, text=True)
        assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
        assert "is a database of another program" in done.stderr
    assert path.read_bytes() == before
