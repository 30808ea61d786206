"""Sending while reading: the order of each source, the brake on reading, and errors of the second thread."""

import time
from threading import Event, Thread
from typing import Any

import pytest

from adapters import bookmark, spool, statefile
from adapters.carriers.https import HttpsCarrier
from adapters.feed import find_changes, read_chunk
from adapters.loop import Poller, run_once, run_until_stopped
from adapters.sender import Sender
from tests.adapters.bench import NUMBER, Adapter, Source
from tests.adapters.peer import KEYS


def _parts(adapter: Adapter, most_waiting: int) -> tuple[Poller, Sender]:
    feed = adapter.feed(statefile.open_state(adapter.state_path))
    second = statefile.open_state(adapter.state_path)
    sender = Sender(second, HttpsCarrier(adapter.peer.url, KEYS), feed.mapping.service, time.monotonic)
    return Poller(feed, None, most_waiting=most_waiting), sender


def test_events_leave_in_the_order_in_which_they_were_made_and_while_reading_goes_on(
    filled: Source, adapter: Adapter
) -> None:
    poller, sender = _parts(adapter, 50)
    made: list[str] = []
    append = spool.append

    def note(connection: Any, changes: Any) -> None:
        made.extend(change.event_id for change in changes)
        append(connection, changes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "append", note)
        assert run_once(poller, sender, Event())
    for source in ("criminal", "administrative"):
        sent = [event["id"] for event in adapter.peer.events if event["source"] == source]
        assert len(sent) > 200
        own = set(sent)
        assert sent == [event_id for event_id in made if event_id in own]


def test_what_a_chunk_gave_so_far_can_leave_and_a_failure_later_in_it_loses_nothing(
    source: Source, adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(3):
        source.add_case(f"A64012151000020261{index:05d}", f"AJ{index}", LASJ="20261003100000")
    monkeypatch.setattr("adapters.feed._CASES_AT_ONCE", 1)
    state = statefile.open_state(adapter.state_path)
    feed = adapter.feed(state)
    find_changes(feed)
    seen: list[tuple[int, int]] = []

    def fail_at_the_second() -> None:
        seen.append((spool.waiting_count(state), bookmark.pending_count(state)))
        if len(seen) == 2:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read_chunk(feed, fail_at_the_second)
    assert seen == [(2, 2), (4, 1)]
    assert read_chunk(feed) == 1
    assert len({event.event_id for event in spool.waiting_events(state)}) == spool.waiting_count(state) == 6
    state.close()


def test_reading_pauses_while_too_many_events_wait_and_polls_all_the_same(source: Source, adapter: Adapter) -> None:
    for index in range(200):
        source.add_case(f"A64012151000020261{index:05d}", f"AJ{index}", LASJ="20261003100000")
    adapter.peer.answers = [503] * 100_000
    poller, sender = _parts(adapter, 100)
    polled: list[str | None] = []
    changed_rows = poller.feed.source.changed_rows

    def count(since: str | None) -> Any:
        polled.append(since)
        return changed_rows(since)

    poller.feed.source.changed_rows = count  # type: ignore[method-assign]
    stopped = Event()
    sizes: list[int] = []
    step = poller.step

    def watch() -> bool:
        sizes.append(spool.waiting_count(poller.feed.state))
        if len(sizes) > 12:
            stopped.set()
        return step()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Poller, "step", lambda _: watch())
        run_until_stopped(poller, sender, stopped)
    assert max(sizes) == 160
    assert len(polled) > 3
    assert poller.feed.state.execute("SELECT count(*) FROM pending").fetchone()[0] >= 120
    adapter.peer.answers = []
    assert adapter.once()
    assert len(adapter.peer.events) == 400


def test_a_source_whose_key_is_refused_does_not_keep_the_others_waiting(source: Source, adapter: Adapter) -> None:
    for index in range(200):
        kind = "行政" if index < 100 or index == 199 else "刑事"
        source.add_case(f"A64012151000020261{index:05d}", f"AJ{index}", AJLX=kind, LASJ="20261003100000")
    good = adapter.peer.keys["administrative"]
    adapter.peer.keys["administrative"] = KEYS["criminal"]
    poller, sender = _parts(adapter, 50)
    stopped = Event()
    thread = Thread(target=run_until_stopped, args=(poller, sender, stopped))
    thread.start()
    try:
        until = time.monotonic() + 20
        while len(adapter.peer.events) < 198 and time.monotonic() < until:
            time.sleep(0.02)
        assert {event["source"] for event in adapter.peer.events} == {"criminal"}
        assert len(adapter.peer.events) == 198
        adapter.peer.keys["administrative"] = good
        while len(adapter.peer.events) < 400 and time.monotonic() < until:
            time.sleep(0.02)
    finally:
        stopped.set()
        thread.join()
    assert len(adapter.peer.of("case")) == 200


def test_once_gives_up_when_reading_pauses_for_a_service_that_does_not_answer(source: Source, adapter: Adapter) -> None:
    for index in range(100):
        source.add_case(f"A64012151000020261{index:05d}", f"AJ{index}", LASJ="20261003100000")
    adapter.peer.answers = [503] * 100_000
    poller, sender = _parts(adapter, 10)
    assert not run_once(poller, sender, Event())


def test_an_error_of_the_sending_thread_ends_the_process_with_it(
    source: Source, adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.add_case(NUMBER)
    poller, sender = _parts(adapter, 100)

    def fail(_: Any) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(Sender, "send_due", fail)
    stopped = Event()
    with pytest.raises(ZeroDivisionError):
        run_until_stopped(poller, sender, stopped)
    assert stopped.is_set()


def test_no_empty_batch_leaves_before_the_case_system_was_read(source: Source, adapter: Adapter) -> None:
    source.path.rename(source.path.with_suffix(".away"))
    poller, sender = _parts(adapter, 100)
    stopped = Event()
    steps: list[int] = []
    step = poller.step

    def watch() -> bool:
        steps.append(1)
        if len(steps) > 6:
            stopped.set()
        return step()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Poller, "step", lambda _: watch())
        run_until_stopped(poller, sender, stopped)
    assert adapter.peer.requests == []
