"""How batches reach the service, whatever the service does."""

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters import numbering, spool, statefile
from adapters.carriers.carrier import Answer, Answered, Parcel, Postponed, Unacceptable
from adapters.carriers.files import FileCarrier
from adapters.carriers.https import HttpsCarrier
from adapters.changes import Change, Known
from adapters.departures import FileDepartures, RequestDepartures
from adapters.mapping import ServiceSettings
from adapters.sender import Sender
from tests.adapters.bench import NUMBER, Adapter, Source
from tests.adapters.peer import KEYS, Peer


def _fill(source: Source, cases: int = 12) -> None:
    for index in range(cases):
        source.add_case(f"A64012151000020261{index:05d}", f"AJ{index}", LASJ="20261003100000")


def test_batches_are_signed_batches_of_cloudevents(source: Source, adapter: Adapter) -> None:
    _fill(source)
    adapter.once()
    requests = [request for request in adapter.peer.requests if request.events]
    assert all(request.is_signed and request.is_batch for request in requests)
    assert all(event["specversion"] == "1.0" for event in adapter.peer.events)
    known = {"specversion", "id", "source", "type", "subject", "time", "sequence", "data"}
    assert {frozenset(event) for event in adapter.peer.events} == {frozenset(known)}


@pytest.mark.parametrize("answer", [503, 429, 500, 404, "reset"])
def test_a_batch_without_an_answer_is_sent_again_under_the_same_id(
    source: Source, adapter: Adapter, answer: int | str
) -> None:
    _fill(source)
    adapter.peer.answers = [answer, answer]
    assert adapter.once()
    batches = [request.message_id for request in adapter.peer.requests if request.events]
    assert len(batches) == 3
    assert len(set(batches)) == 1
    assert len(adapter.peer.events) == 24


def test_an_answer_lost_on_the_way_leads_to_duplicates_of_the_same_ids_only(source: Source, adapter: Adapter) -> None:
    _fill(source)
    taken = adapter.peer.answer

    def answer_and_lose(request: Any) -> tuple[int | str, dict[str, Any]]:
        status, body = taken(request)
        return ("reset" if len(adapter.peer.requests) < 2 else status), body

    adapter.peer.answer = answer_and_lose  # type: ignore[method-assign]
    assert adapter.once()
    assert len(adapter.peer.events) == 24


def test_an_answer_nested_without_end_is_a_wrong_answer(source: Source, adapter: Adapter) -> None:
    _fill(source)
    adapter.peer.body = b"[" * 100_000
    carrier = HttpsCarrier(adapter.peer.url, KEYS)
    assert carrier.checkpoint("criminal") == Postponed("an answer that is not a checkpoint")
    assert carrier.records("criminal", "case", None) == Postponed("an answer that is not a list of records")
    heartbeat = Parcel("criminal", "heartbeat-1", b"[]")
    assert carrier.send(heartbeat) == Postponed("an answer that is not understood")
    assert not adapter.once()
    adapter.peer.body = None
    assert adapter.once()
    assert len(adapter.peer.events) == 24


def test_something_in_between_that_takes_no_event_at_all_counts_as_a_service_that_is_down(
    source: Source, adapter: Adapter
) -> None:
    _fill(source, 2)
    adapter.peer.answers = [413] * 100
    with capture_logs() as lines:
        assert not adapter.once()
    (line,) = [line for line in lines if line["event"] == "service_down"]
    assert line["reason"].startswith("HTTP 413 for one event of ")
    assert adapter.state("SELECT * FROM refused") == []
    adapter.peer.answers = []
    assert adapter.once()
    assert len(adapter.peer.events) == 4


@pytest.mark.parametrize("status", [400, 422])
def test_what_a_gateway_in_between_refuses_stays_in_the_spool(source: Source, adapter: Adapter, status: int) -> None:
    _fill(source, 2)
    adapter.peer.is_in_between = True
    adapter.peer.answers = [status] * 20
    assert not adapter.once()
    assert adapter.state("SELECT * FROM refused") == []
    adapter.peer.answers = []
    assert adapter.once()
    assert len(adapter.peer.events) == 4


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (302, {"Location": "http://[gate"}, b""),
        (302, {"Location": "/\xb5\xc7\xc2\xbc"}, b""),
        (503, {"Retry-After": "Fri, 31 Dec 9999 23:59:59 -2359"}, b""),
        (200, {}, b'{"results": [{"id": "e1", "outcome": {}}]}'),
    ],
)
def test_no_answer_ends_the_adapter(
    adapter: Adapter, tmp_path: Any, status: int, headers: dict[str, str], body: bytes
) -> None:
    state, sender = _sender(adapter.peer, tmp_path, [0.0])
    adapter.peer.answers, adapter.peer.headers, adapter.peer.body = [status], headers, body or None
    sender.send_due()
    assert sender.most_failures() == 1
    assert spool.waiting_counts(state) == {"criminal": 1}
    state.close()


def test_an_event_that_is_too_large_for_the_service_is_refused(adapter: Adapter, tmp_path: Any) -> None:
    state, sender = _sender(adapter.peer, tmp_path, [0.0], more="x" * 5 * 1024 * 1024)
    adapter.peer.answers = [413]
    assert sender.send_due()
    assert [one.event_id for one in spool.refused_events(state)] == ["e1"]
    state.close()


def test_retry_after_is_kept_to(adapter: Adapter, tmp_path: Any) -> None:
    adapter.peer.answers = [503]
    adapter.peer.retry_after = "77"
    times = [100.0]
    state, sender = _sender(adapter.peer, tmp_path, times)
    sender.send_due()
    assert sender.seconds_to_wait() == 77
    times[0] = 176.9
    assert not sender.send_due()
    times[0] = 177
    assert sender.send_due()
    state.close()


def test_pauses_grow_up_to_the_longest(adapter: Adapter, tmp_path: Any) -> None:
    adapter.peer.answers = [503] * 8
    times = [0.0]
    state, sender = _sender(adapter.peer, tmp_path, times)
    pauses = []
    for _ in range(8):
        sender.send_due()
        pauses.append(sender.seconds_to_wait())
        times[0] += pauses[-1]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    state.close()


class _Standing:
    """A carrier that brings what it is given, and lets one source wait for its answer."""

    down_event, up_event = "down", "up"

    def __init__(self, waits: str) -> None:
        self.waits = waits
        self.sent: list[str] = []
        self.may_answer = Event()

    def send(self, parcel: Parcel) -> Answered:
        self.sent.append(parcel.source)
        if parcel.source == self.waits:
            assert self.may_answer.wait(30)
        return Answered({})


def test_a_source_that_gets_no_answer_keeps_no_other_waiting(tmp_path: Path) -> None:
    state = statefile.open_state(tmp_path / "two.db")
    carrier = _Standing("criminal")
    both = {"criminal": "criminal", "administrative": "administrative"}
    sender = Sender(state, carrier, ServiceSettings("http://x", "", 60, 1, 60, both), lambda: 0.0)
    for turn in range(3):
        with statefile.transaction(state):
            for source in both:
                known = Known(source, "case", f"{source}{turn}", NUMBER, "case:AJ1", "f", "20261104090000.000001")
                spool.append(state, [Change(f"{source}{turn}", b'{"id":"x"}', known)])
        assert sender.send_due()
    assert carrier.sent.count("criminal") == 1
    assert carrier.sent.count("administrative") == 3
    assert spool.waiting_counts(state) == {"criminal": 3}
    assert not sender.send_due()
    carrier.may_answer.set()
    sender.end()
    assert spool.waiting_counts(state) == {"criminal": 2}
    assert sender.send_due()
    assert not sender.has_more()
    state.close()


def test_the_next_batch_is_on_its_way_before_the_last_one_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answers to both are noted in their order, also if the disk was full in between, and nothing leaves twice."""
    state = statefile.open_state(tmp_path / "two.db")
    _spool_many(state, 2500)
    carrier = _Listing()
    sender = Sender(state, carrier, ServiceSettings("http://x", "", 60, 1, 60, {"criminal": "criminal"}), lambda: 0.0)
    settle, noted = spool.settle, []

    def full_at_first(connection: sqlite3.Connection, parcel: Parcel, refused: Any) -> dict[str, str]:
        under_way = sender.lines[0].under_way
        noted.append((parcel.ids[0], under_way and under_way[0].ids[0]))
        if len(noted) < 3:
            raise sqlite3.OperationalError("database or disk is full")
        return settle(connection, parcel, refused)

    monkeypatch.setattr(spool, "settle", full_at_first)
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError):
            sender.send_due()
    assert noted == [("e0", "e1000")] * 2
    while sender.has_more():
        sender.send_due()
    sender.end()
    assert [first for first, _ in noted[2:]] == ["e0", "e1000", "e2000"]
    assert [id_ for ids in carrier.sent for id_ in ids] == [f"e{n}" for n in range(2500)]
    state.close()


def test_what_was_made_ready_does_not_leave_before_a_batch_that_failed(tmp_path: Path) -> None:
    state = statefile.open_state(tmp_path / "two.db")
    _spool_many(state, 2500)
    carrier = _Listing([Postponed("down"), Unacceptable("too large")])
    times = [0.0]
    settings = ServiceSettings("http://x", "", 60, 1, 60, {"criminal": "criminal"})
    sender = Sender(state, carrier, settings, lambda: times[0])
    while sender.has_more():
        sender.send_due()
        times[0] += 100
    sender.end()
    sent = [id_ for ids in carrier.sent for id_ in ids]
    assert [len(ids) for ids in carrier.sent[:3]] == [1000, 1000, 500]
    assert sent[2000:] == [f"e{n}" for n in range(2500)]
    state.close()


class _Listing:
    """A carrier that lists what it is given; its answers are used up from the front, then all is well."""

    down_event, up_event = "down", "up"

    def __init__(self, answers: Sequence[Answer] = ()) -> None:
        self.answers = list(answers)
        self.sent: list[Sequence[str]] = []

    def send(self, parcel: Parcel) -> Answer:
        self.sent.append(parcel.ids)
        return self.answers.pop(0) if self.answers else Answered({})


def _spool_many(state: sqlite3.Connection, count: int) -> None:
    known = [Known("criminal", "case", f"{n}", NUMBER, "case:AJ1", "f", "20261104090000.000001") for n in range(count)]
    with statefile.transaction(state):
        spool.append(state, [Change(f"e{n}", b'{"id":"e%d"}' % n, one) for n, one in enumerate(known)])


def _sender(peer: Peer, tmp_path: Any, times: list[float], more: str = "") -> tuple[Any, Sender]:
    state = statefile.open_state(tmp_path / "sender.db")
    known = Known("criminal", "case", NUMBER, NUMBER, "case:AJ1", "f", "20261104090000.000001")
    body = json.dumps({"id": "e1", "type": "caseq.case.v1", "subject": NUMBER, "data": {"key": more}}).encode()
    with statefile.transaction(state):
        spool.append(state, [Change("e1", body, known)])
    settings = ServiceSettings(peer.url, "", 60, 1, 60, {"criminal": "criminal"})
    return state, Sender(state, HttpsCarrier(peer.url, KEYS), settings, lambda: times[0], chance=lambda: 1.0)


def test_a_wrong_key_is_told_with_the_name_of_its_variable_and_tried_on(
    source: Source, adapter: Adapter, capfd: pytest.CaptureFixture[str]
) -> None:
    _fill(source)
    adapter.peer.keys["criminal"] = KEYS["administrative"]
    assert not adapter.once()
    printed = capfd.readouterr()
    assert (printed.out + printed.err).count("CASEQ_PUSH_KEY_CRIMINAL") == 1
    adapter.peer.keys["criminal"] = KEYS["criminal"]
    assert len(adapter.pushed()) == 24


def test_refused_events_are_kept_with_their_reasons_and_the_others_go_through(source: Source, adapter: Adapter) -> None:
    source.add_case()
    source.add_victim()
    adapter.peer.refuse = lambda event: event["data"].get("role") == "victim_family"
    assert adapter.once()
    assert len(adapter.peer.events) == 2
    assert adapter.state("SELECT type, key, reasons FROM refused") == [
        ("party", "SSH1:victim_family", '{"data.phone": ["is not allowed"]}')
    ]
    assert adapter.pushed() == []


def test_refused_records_are_tried_again_by_a_read_since_and_forgotten_once_accepted(
    source: Source, adapter: Adapter
) -> None:
    source.add_case()
    adapter.peer.refuse = lambda event: True
    adapter.once()
    adapter.peer.refuse = lambda event: False
    assert adapter.pushed() == []
    assert len(adapter.pushed("20261124000000")) == 1
    assert adapter.state("SELECT * FROM refused") == []


def test_one_poisonous_event_is_found_by_halving_and_the_others_go_through(source: Source, adapter: Adapter) -> None:
    _fill(source, 20)
    adapter.peer.poison = lambda event: event["data"].get("milestone") == "AJ7:case_filed"
    assert adapter.once()
    assert len(adapter.peer.events) == 39
    assert adapter.state("SELECT key FROM refused") == [("AJ7:case_filed",)]
    order = [event["data"].get("milestone") or event["subject"] for event in adapter.peer.events]
    assert order.index("AJ6:case_filed") < order.index("AJ8:case_filed")


def test_a_poll_without_changes_sends_an_empty_batch_for_each_source(source: Source, adapter: Adapter) -> None:
    assert adapter.once()
    assert [(request.source, request.events) for request in adapter.peer.requests] == [
        ("criminal", []),
        ("administrative", []),
    ]
    assert all(request.is_signed for request in adapter.peer.requests)


def test_batches_hold_at_most_500_events(source: Source, adapter: Adapter, tmp_path: Any) -> None:
    _fill(source, 300)
    adapter.once()
    sizes = [len(request.events) for request in adapter.peer.requests if request.events]
    assert sum(sizes) == 600
    assert max(sizes) <= 500


def test_batches_hold_at_most_2_mib(adapter: Adapter, tmp_path: Any) -> None:
    state = statefile.open_state(tmp_path / "large.db")
    known = Known("criminal", "case", NUMBER, NUMBER, "case:AJ1", "f", "20261104090000.000001")
    large = [Change(f"e{index}", json.dumps("案" * 200_000, ensure_ascii=False).encode(), known) for index in range(7)]
    with statefile.transaction(state):
        spool.append(state, large)
    batch = spool.next_batch(state, "criminal")
    assert batch
    assert batch.events == 3
    assert len(batch.body) <= spool.MOST_BYTES
    state.close()


def test_an_event_waits_for_the_last_pack_before_it_of_each_source_that_its_case_left(adapter: Adapter) -> None:
    """Whichever of them has left first, in whatever transaction they were kept."""

    def change(source: str, *after: str) -> Change:
        return Change(f"of {source}", b'"x"', Known(source, "case", source, NUMBER, "", "f", "1"), after)

    def sent(source: str) -> bool:
        batch = spool.next_batch(state, source)
        if batch:
            with statefile.transaction(state):
                spool.settle(state, batch, {})
        return batch is not None

    for first, second in (("one", "two"), ("two", "one")):
        state = statefile.open_state(adapter.state_path)
        with statefile.transaction(state):
            spool.append(state, [change("one")])
        with statefile.transaction(state):
            spool.append(state, [change("two"), change("three", "one", "two"), change("one")])
        assert [sent(source) for source in ("three", first, "three", second, "three")] == [False, True] * 2 + [True]
        assert not spool.waiting_counts(state)
        state.close()


def test_a_part_of_a_pack_leaves_alone_and_the_rest_stays_as_it_is(adapter: Adapter, tmp_path: Any) -> None:
    state = statefile.open_state(tmp_path / "parts.db")
    made = [
        Change(f"e{index}", f'"案{index}"'.encode(), Known("criminal", "case", f"k{index}", NUMBER, "", "f", "1"))
        for index in range(7)
    ]
    with statefile.transaction(state):
        spool.append(state, made[:5])
        spool.append(state, made[5:])
    bodies: list[str] = []
    for refused in ({"e1": {"data": ["bad"]}}, {}, {}, {}):
        batch = spool.next_batch(state, "criminal", 2)
        assert batch
        bodies += json.loads(batch.body)
        assert spool.body_of(state, batch) == batch.body
        with statefile.transaction(state):
            assert spool.settle(state, batch, refused) == dict.fromkeys(refused, "case")
    assert bodies == [f"案{index}" for index in range(7)]
    assert spool.next_batch(state, "criminal") is None
    assert [refusal.key for refusal in spool.refused_events(state)] == ["k1"]
    with statefile.transaction(state):
        spool.append(state, made[:3])
    batch = spool.next_batch(state, "criminal", 1)
    assert batch
    with statefile.transaction(state):
        spool.settle(state, batch, {})
    assert [refusal.key for refusal in spool.refused_events(state)] == ["k1"]
    batch = spool.next_batch(state, "criminal", 1)
    assert batch
    with statefile.transaction(state):
        spool.settle(state, batch, {})
    assert spool.refused_events(state) == []
    state.close()


def test_a_numbered_file_keeps_its_bytes_when_its_events_leave_over_the_network_meanwhile(tmp_path: Any) -> None:
    state = statefile.open_state(tmp_path / "both.db")
    known = Known("criminal", "case", NUMBER, NUMBER, "case:AJ1", "f", "20261104090000.000001")
    with statefile.transaction(state):
        spool.append(state, [Change("e1", b'{"id":"e1"}', known)])
    settings = ServiceSettings("", "", 60, 1, 60, {"criminal": "criminal"})
    files = FileDepartures(state, FileCarrier(tmp_path, KEYS), settings)
    numbered = files.next("criminal", 1000)
    assert numbered
    assert numbering.allotted(state, "criminal") == numbered
    with statefile.transaction(state):
        numbering.keep_bytes(state)
    requests = RequestDepartures(state)
    batch = requests.next("criminal", 500)
    assert batch
    requests.settle(batch, {})
    with statefile.transaction(state):
        spool.append(state, [Change("e2", b'{"id":"e2"}', known)])
    assert files.next("criminal", 1000) == numbered
    files.settle(numbered, {})
    later = files.next("criminal", 1000)
    assert later
    assert (later.batch, later.body) == (numbered.batch + 1, b'[{"id":"e2"}]')
    state.close()


def test_an_answer_that_does_not_fit_the_batch_counts_as_none(source: Source, adapter: Adapter) -> None:
    source.add_case()
    taken = adapter.peer.answer

    def shuffled(request: Any) -> tuple[int | str, dict[str, Any]]:
        status, body = taken(request)
        return status, ({"results": []} if len(adapter.peer.requests) == 0 else body)

    adapter.peer.answer = shuffled  # type: ignore[method-assign]
    assert adapter.once()
    assert [len(request.events) for request in adapter.peer.requests][:2] == [1, 1]


def test_the_checkpoint_is_asked_for_signed(source: Source, adapter: Adapter) -> None:
    source.add_case()
    adapter.once()
    carrier = HttpsCarrier(adapter.peer.url, KEYS)
    checkpoint = carrier.checkpoint("criminal")
    assert not isinstance(checkpoint, Postponed)
    assert checkpoint.records == {"case": 1, "party": 0, "milestone": 0}
    wrong = HttpsCarrier(adapter.peer.url, {"criminal": KEYS["administrative"]})
    assert wrong.checkpoint("criminal") == Postponed("HTTP 401", None, is_key_refused=True)
