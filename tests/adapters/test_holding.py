"""A full read that misses most of what there was withdraws nothing until an operator says so."""

import os
import shutil
import subprocess
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters import holding, spool, statefile
from adapters.feed import Feed, find_changes, read_chunk
from adapters.mapping_file import read_mapping
from adapters.sources.files import FileSource
from tests.adapters.bench import ROOT, Adapter, Source, make_empty
from tests.adapters.peer import key_of
from tests.adapters.test_kill import COMMAND

CASES = 24
ELSEWHERE = "A6402215100002026100001"


def _number(index: int) -> str:
    return f"A64012151000020261{index:05d}"


def _fill(source: Source, cases: int = CASES) -> None:
    for index in range(cases):
        source.add_case(_number(index), f"AJ{index}", LASJ="20261003100000")
        source.add_victim(_number(index), f"SH{index}", LXRDH=None, LXRXM=None)


def _check(adapter: Adapter, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **adapter.environment()}
    command = [*COMMAND, "check", str(adapter.file()), *options]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def _held(adapter: Adapter) -> list[tuple[int, int]]:
    """What one more run says it holds: so many records of so many."""
    with capture_logs() as lines:
        assert adapter.once()
    return [(line["records"], line["of"]) for line in lines if line["event"] == "withdrawals_held"]


def _withdrawn(adapter: Adapter) -> Counter[str]:
    return Counter(event["data"]["record"] for event in adapter.peer.of("withdrawal"))


@pytest.fixture
def full(source: Source, adapter: Adapter) -> Source:
    """24 cases, milestones and victims that the service holds."""
    _fill(source)
    assert adapter.once()
    assert len(adapter.peer.live()) == 3 * CASES
    return source


@pytest.fixture
def other(full: Source, adapter: Adapter, tmp_path: Path) -> Adapter:
    """Another adapter with a case system of its own, which has one case, and no state, on the same push sources."""
    elsewhere = make_empty(tmp_path / "elsewhere.db")
    elsewhere.add_case(ELSEWHERE, "BJ1", LASJ="20261003100000")
    return Adapter(elsewhere.url, adapter.peer, tmp_path / "elsewhere" / "adapter.db")


def test_a_second_adapter_on_a_push_source_withdraws_nothing_of_the_first_one(other: Adapter, adapter: Adapter) -> None:
    before = adapter.peer.live()
    assert _held(other) == [(3 * CASES, 3 * CASES)]
    assert before.items() <= adapter.peer.live().items()
    assert len(adapter.peer.live()) == len(before) + 2, "its own case goes in all the same"
    other.now += timedelta(hours=25)
    assert _held(other) == [], "what is held stays so, however much else there is by then"
    assert not _withdrawn(adapter)


def test_check_names_what_is_held_and_releases_it_on_demand(other: Adapter, adapter: Adapter) -> None:
    _held(other)
    done = _check(other)
    assert (done.returncode, done.stderr) == (1, "")
    assert f"held      criminal: {3 * CASES} records" in done.stdout
    assert _held(other) == []
    done = _check(other, "--release")
    assert (done.returncode, f"released  criminal: {3 * CASES} records" in done.stdout) == (1, True)
    assert other.once()
    assert {key_of(event) for event in adapter.peer.live().values()} == {ELSEWHERE, "BJ1:case_filed"}
    done = _check(other)
    assert (done.returncode, "\nheld " in done.stdout) == (0, False), done.stdout


def test_the_right_address_after_the_wrong_one_brings_everything_back_at_the_next_start(
    full: Source, adapter: Adapter, tmp_path: Path
) -> None:
    right, before = adapter.source_url, len(adapter.peer.live())
    adapter.source_url = make_empty(tmp_path / "test.db").url
    adapter.state_path.unlink()
    assert _held(adapter) == [(3 * CASES, 3 * CASES)]
    adapter.source_url = right
    assert _held(adapter) == []
    assert (len(adapter.peer.live()), _withdrawn(adapter)) == (before, Counter())
    assert _check(adapter).returncode == 0


def test_a_daily_read_of_an_emptied_database_withdraws_nothing(full: Source, adapter: Adapter, tmp_path: Path) -> None:
    shutil.copy(full.path, tmp_path / "kept.db")
    full.write("DELETE FROM B_ASJ_AJ", "DELETE FROM B_ASJ_SHRDJ")
    adapter.now += timedelta(hours=25)
    assert _held(adapter) == [(3 * CASES, 3 * CASES)]
    assert not _withdrawn(adapter)
    shutil.copy(tmp_path / "kept.db", full.path)
    adapter.now += timedelta(hours=25)
    assert _held(adapter) == []
    assert (len(adapter.peer.live()), _withdrawn(adapter)) == (3 * CASES, Counter())


def test_one_emptied_table_is_held_and_what_else_changed_goes_on(full: Source, adapter: Adapter) -> None:
    full.write("DELETE FROM B_ASJ_SHRDJ", "DELETE FROM B_ASJ_AJ WHERE SYSTEMID = 'AJ0'")
    full.change_case("20261001080000", "AJ1", LASJ="20261005100000")
    adapter.now += timedelta(hours=25)
    assert _held(adapter) == [(CASES + 2, 3 * CASES)]
    assert not _withdrawn(adapter)
    assert adapter.peer.live()["criminal", "milestone", "AJ1:case_filed"]["data"]["occurred_on"] == "2026-10-05"


@pytest.mark.parametrize("is_lost", [False, True])
def test_few_records_are_withdrawn_by_the_same_read_and_counted(full: Source, adapter: Adapter, is_lost: bool) -> None:
    full.write(*(f"DELETE FROM B_ASJ_AJ WHERE SYSTEMID = 'AJ{index}'" for index in range(10)))
    if is_lost:
        adapter.state_path.unlink()
    adapter.now += timedelta(hours=25)
    with capture_logs() as lines:
        assert adapter.once()
    (line,) = [line for line in lines if line["event"] == "full_read"]
    assert (line["cases"], line["withdrawn"]) == (CASES, 30)
    assert _withdrawn(adapter) == {"case": 10, "milestone": 10, "party": 10}


@pytest.mark.parametrize("is_lost", [False, True])
@pytest.mark.parametrize("guard", ["DELETEFLAG", "SECURITYGRADE"])
def test_what_a_guard_closes_is_withdrawn_however_much_it_is(
    full: Source, adapter: Adapter, guard: str, is_lost: bool
) -> None:
    full.write(f"UPDATE B_ASJ_AJ SET {guard} = '1'")
    if is_lost:
        adapter.state_path.unlink()
    adapter.now += timedelta(hours=25)
    assert _held(adapter) == []
    assert adapter.peer.live() == {}


def test_people_whom_a_guard_closes_are_withdrawn_however_many_they_are(full: Source, adapter: Adapter) -> None:
    full.write("UPDATE B_ASJ_SHRDJ SET DELETEFLAG = '1'")
    adapter.now += timedelta(hours=25)
    assert _held(adapter) == []
    assert _withdrawn(adapter) == {"party": CASES}


@pytest.mark.parametrize("is_lost", [False, True])
def test_cases_that_moved_to_another_source_are_withdrawn_there_first(
    full: Source, adapter: Adapter, is_lost: bool
) -> None:
    full.write("UPDATE B_ASJ_AJ SET AJLX = '行政'")
    if is_lost:
        adapter.state_path.unlink()
    adapter.now += timedelta(hours=25)
    assert _held(adapter) == []
    assert {source for source, _, _ in adapter.peer.live()} == {"administrative"}
    assert _withdrawn(adapter)["case"] == CASES


def test_a_read_that_was_killed_before_its_end_lets_nothing_go(full: Source, adapter: Adapter, tmp_path: Path) -> None:
    adapter.source_url = make_empty(tmp_path / "test.db").url
    adapter.now += timedelta(hours=25)
    with closing(statefile.open_state(adapter.state_path)) as state:
        feed = adapter.feed(state)
        find_changes(feed)
        assert read_chunk(feed) == CASES
    assert _held(adapter) == [(3 * CASES, 3 * CASES)]
    assert not _withdrawn(adapter)


@pytest.mark.parametrize("complete", ["true", "false"])
def test_a_register_whose_staging_file_was_lost_withdraws_nothing(tmp_path: Path, complete: str) -> None:
    """The next file then holds a few rows of all that the service has."""
    (tmp_path / "inbox").mkdir()
    (tmp_path / "register.toml").write_text(
        f'''
        adapter = {{ name = "register" }}
        source = {{ inbox = "{tmp_path / "inbox"}", settle_seconds = 0 }}
        service = {{ url = "https://caseq.example" }}
        push.sources = {{ petition = "petition" }}
        [tables.case]
        id = "编号"
        case_number = "编号"
        drops = {{ pattern = "*.csv", format = "csv", complete = {complete} }}
        [case]
        kind = "petition"
        unit = {{ name = {{ always = "示例县公安局" }} }}
        ''',
        encoding="utf-8",
    )
    mapping = read_mapping(tmp_path / "register.toml", {})
    now = datetime(2026, 11, 25, tzinfo=UTC)

    def drop(name: str, numbers: range) -> None:
        path = tmp_path / "inbox" / name
        path.write_text("编号\n" + "".join(f"X{number:04}\n" for number in numbers), encoding="utf-8")
        os.utime(path, (now.timestamp() - 60,) * 2)

    def read() -> dict[str, int]:
        with (
            closing(FileSource(mapping, tmp_path / "rows.db", lambda: now)) as source,
            closing(statefile.open_state(tmp_path / "state.db")) as state,
        ):
            feed = Feed(mapping, source, state, lambda: now, source.untaken)
            find_changes(feed)
            while read_chunk(feed):
                pass
            return {**spool.waiting_counts(state), "held": sum(holding.held_counts(state).values())}

    drop("first.csv", range(200))
    assert read() == {"petition": 200, "held": 0}
    for path in tmp_path.glob("rows.db*"):
        path.unlink()
    now += timedelta(hours=25)
    drop("second.csv", range(200, 203))
    assert read() == {"petition": 203, "held": 200}
