"""Which rows a poll finds."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from adapters import spool, statefile
from adapters.feed import find_changes, read_chunk
from adapters.sources.source import ChangedRow
from caseq.demo import casesystem
from tests.adapters.bench import GIVEN_SYSTEM, NOW, NUMBER, OTHER, Adapter, Source
from tests.adapters.peer import Peer, key_of


def test_rows_of_one_second_are_found_on_both_sides_of_a_poll(source: Source, adapter: Adapter) -> None:
    source.add_case(LASTUPDATEDTIME="20261104090000")
    adapter.once()
    source.add_case(OTHER, "AJ2", LASTUPDATEDTIME="20261104090000")
    source.change_case("20261104090000", LASJ="20261104000000")
    assert {key_of(event) for event in adapter.pushed()} == {OTHER, "AJ1:case_filed"}


def test_a_transaction_that_commits_late_is_found_within_the_overlap(source: Source, adapter: Adapter) -> None:
    source.add_case(LASTUPDATEDTIME="20261104090000")
    adapter.once()
    source.add_case(OTHER, "AJ2", LASTUPDATEDTIME="20261104085001")
    assert [key_of(event) for event in adapter.pushed()] == [OTHER]


def test_what_slipped_through_is_found_by_the_daily_full_read(source: Source, adapter: Adapter) -> None:
    source.add_case(LASTUPDATEDTIME="20261104090000")
    adapter.once()
    source.add_case(OTHER, "AJ2", LASTUPDATEDTIME="20261001000000")
    source.write(f"DELETE FROM B_ASJ_AJ WHERE AJBH = '{NUMBER}'")
    assert adapter.pushed() == []
    adapter.now += timedelta(hours=24)
    assert {(event["type"], key_of(event)) for event in adapter.pushed()} == {
        ("caseq.case.v1", OTHER),
        ("caseq.withdrawal.v1", NUMBER),
    }


def test_a_row_stamped_in_the_future_does_not_hide_the_rows_after_it(source: Source, adapter: Adapter) -> None:
    source.add_case(LASTUPDATEDTIME="20991231235959")
    adapter.once()
    source.add_case(OTHER, "AJ2", LASTUPDATEDTIME="20261125080000")
    assert [key_of(event) for event in adapter.pushed()] == [OTHER]


def test_a_poll_of_twenty_minutes_hides_nothing_that_changed_meanwhile(
    source: Source, adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one table that was read already, while another one has rows that are newer still."""
    source.add_case()
    source.add_suspect()
    source.add_case(OTHER, "AJ2")
    assert adapter.once()
    with closing(statefile.open_state(adapter.state_path)) as state:
        feed = adapter.feed(state)
        changed_rows = feed.source.changed_rows

        def slow(start: str | None) -> Iterator[ChangedRow]:
            yield from list(changed_rows(start))
            source.change_case("20261125080200", "AJ2", LASJ="20261124000000")
            source.change_suspect("20261125081950", XM="新名")
            adapter.now += timedelta(minutes=20)
            yield from [row for row in changed_rows(start) if row.origin.startswith("suspects")]

        monkeypatch.setattr(feed.source, "changed_rows", slow)
        find_changes(feed)
        assert read_chunk(feed)
        monkeypatch.setattr(feed.source, "changed_rows", changed_rows)
        find_changes(feed)
        read_chunk(feed)
        assert "AJ2:case_filed" in spool.waiting_keys(state, "criminal", "milestone")


def test_a_clock_that_was_ahead_for_one_read_puts_no_full_read_off(source: Source, adapter: Adapter) -> None:
    source.add_case()
    now = adapter.now
    adapter.now += timedelta(days=365)
    assert adapter.once()
    adapter.now = now + timedelta(minutes=1)
    source.write("DELETE FROM B_ASJ_AJ")
    assert [event["type"] for event in adapter.pushed()] == ["caseq.withdrawal.v1"]


def test_since_reads_older_changes_again(source: Source, adapter: Adapter) -> None:
    source.add_case(LASTUPDATEDTIME="20261104090000")
    adapter.once()
    source.add_case(OTHER, "AJ2", LASTUPDATEDTIME="20261001000000")
    assert adapter.pushed() == []
    assert [key_of(event) for event in adapter.pushed("20261001000000")] == [OTHER]


def test_a_source_that_is_away_keeps_everything_and_says_so_once(
    source: Source, adapter: Adapter, capfd: pytest.CaptureFixture[str]
) -> None:
    source.add_case()
    hidden = source.path.rename(source.path.with_suffix(".away"))
    assert not adapter.once()
    printed = capfd.readouterr()
    assert (printed.out + printed.err).count("source_down") == 1
    assert not adapter.peer.requests
    hidden.rename(source.path)
    assert len(adapter.pushed()) == 1


def test_a_working_day_ends_in_the_same_state_as_a_first_read_of_it(
    filled: Source, adapter: Adapter, peer: Peer, request: pytest.FixtureRequest
) -> None:
    adapter.once()
    for seed in range(4):
        if "given" in request.node.name:
            start = (NOW + timedelta(hours=seed)).strftime("%Y%m%d%H%M%S")
            options = ["--changes", "60", "--seed", str(seed), "--start", start]
            subprocess.run([sys.executable, str(GIVEN_SYSTEM), "move", "--db", str(filled.path), *options], check=True)
        else:
            casesystem.move_a_day(filled.path, 60, seed, NOW + timedelta(days=seed + 1))
        adapter.now = NOW + timedelta(days=seed + 1)
        assert adapter.once()
    after = {place: event["data"] for place, event in peer.live().items()}
    peer.stored.clear()
    fresh = Adapter(adapter.source_url, peer, adapter.state_path.parent / "fresh.db", now=adapter.now)
    assert fresh.once()
    first = {place: event["data"] for place, event in peer.live().items()}
    measures = {place for place in after.keys() | first.keys() if "compulsory_measure" in place[2]}
    assert {place: data for place, data in after.items() if place not in measures} == {
        place: data for place, data in first.items() if place not in measures
    }
    # The first read sees only the newest measure; the one that followed along has kept the earlier ones.
    assert len(measures & after.keys()) > len(measures & first.keys())


def test_a_second_adapter_on_the_same_state_is_refused(adapter: Adapter) -> None:
    with (
        statefile.only_adapter(adapter.state_path),
        pytest.raises(statefile.StateBusyError, match="another adapter"),
        statefile.only_adapter(adapter.state_path),
    ):
        pass
    with statefile.only_adapter(adapter.state_path):
        pass
