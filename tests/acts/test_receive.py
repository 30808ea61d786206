"""Files that crossed an air gap are taken once, in order, or refused with a reason; names and links lead nowhere."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from caseq import intake, receiver
from caseq.intake import storing
from caseq.store import pushes
from caseq.store.tables import audit, cases, file_batches, history, quarantine
from tests.pushfiles import content, part_of
from tests.service import CASE, NOON, PHONE, case, event, milestone, party

OTHER_KEY = "whsec_" + "QUJD" * 10
HOUR = 3600


def count(service, table):
    with service.runtime.database.autocommit() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def events_named(logged, name):
    return [line for line in logged if line["event"] == name]


# What is taken


def test_what_a_file_brings_is_seen_by_those_it_concerns(service, inbox, logged):
    inbox.put(1, event("case", case()), event("party", party()))
    assert inbox.receive()
    inbox.put(2, event("milestone", milestone()))
    assert inbox.receive()
    service.work()
    assert len(service.messages(PHONE)) == 1
    assert [item["name"] for item in service.seen_by()["milestones"]] == ["case_filed"]
    assert inbox.names() == []
    assert inbox.names("taken") == ["criminal-0000000001.push", "criminal-0000000002.push"]
    assert inbox.said == ["criminal-0000000002.push: taken, 1 events, 0 of them refused"]
    taken = events_named(logged, "file_taken")
    assert [(line["source"], line["batch"], line["events"]) for line in taken] == [
        ("criminal", 1, 2),
        ("criminal", 2, 1),
    ]


def test_files_are_taken_by_their_numbers_whatever_they_are_called(inbox, logged):
    for batch, name in ((12, "a.push"), (9, "b.push"), (10, "z.push"), (11, "c.push")):
        inbox.put(batch, name=name)
    inbox.put(1, source="trade")
    assert inbox.receive()
    taken = [(line["source"], line["batch"]) for line in events_named(logged, "file_taken")]
    assert taken == [*(("criminal", batch) for batch in (9, 10, 11, 12)), ("trade", 1)]


def test_a_single_event_and_an_empty_batch_are_taken(service, inbox):
    inbox.put(1, body=json.dumps(event("case", case())).encode())
    inbox.put(2, body=b"[]")
    assert inbox.receive()
    assert count(service, cases) == 1


def test_an_id_of_the_vendors_own_is_taken(inbox):
    inbox.put(1, message_id="any text, even file-x")
    assert inbox.receive()


def test_a_file_may_be_days_old_and_says_when_its_source_last_spoke(service, inbox):
    made_at = NOON - timedelta(days=3)
    inbox.put(1, event("case", case()), at=made_at.timestamp())
    inbox.put(2, source="trade", at=(NOON + timedelta(hours=2)).timestamp())
    inbox.put(1, source="trade", at=(NOON - timedelta(hours=2)).timestamp())
    assert inbox.receive()
    with service.runtime.database.autocommit() as connection:
        spoke = {state.name: state.last_push_at for state in pushes.source_states(connection)}
    assert spoke == {"criminal": made_at, "trade": NOON}


def test_a_refused_event_is_kept_in_quarantine_and_makes_the_look_end_badly(service, inbox):
    inbox.put(1, event("case", case()), event("case", {"kind": "unheard of"}))
    assert not inbox.receive()
    assert inbox.said == ["criminal-0000000001.push: taken, 2 events, 1 of them refused"]
    assert (count(service, cases), count(service, quarantine)) == (1, 1)


def test_an_event_that_cannot_be_stored_keeps_its_file_waiting_no_more_than_any_refused_one(
    service, inbox, monkeypatch
):
    dated = storing._due_of

    def fail(batch, dues, change):
        if change.key == "M-poison":
            raise OverflowError
        return dated(batch, dues, change)

    monkeypatch.setattr(storing, "_due_of", fail)
    inbox.put(1, event("case", case()), event("milestone", milestone(key="M-poison")), event("party", party()))
    inbox.put(2, event("milestone", milestone()))
    assert not inbox.receive()
    assert inbox.said == [
        "criminal-0000000001.push: taken, 3 events, 1 of them refused",
        "criminal-0000000002.push: taken, 1 events, 0 of them refused",
    ]
    assert (count(service, quarantine), count(service, file_batches)) == (1, 2)
    assert [item["name"] for item in service.seen_by()["milestones"]] == ["case_filed"]


def test_the_checkpoint_names_the_newest_batch(service, inbox):
    inbox.put(2)
    inbox.receive()
    inbox.put(1)
    inbox.receive()
    assert intake.checkpoint(service.runtime, service.runtime.settings.sources["criminal"])["last_batch"] == 2


# What comes twice


def test_the_same_file_again_changes_nothing_and_is_kept_beside_the_first(service, inbox, logged):
    data = inbox.put(1, event("case", case())).read_bytes()
    inbox.receive()
    service.clock.advance(hours=1)
    inbox.put_bytes(data, "criminal-0000000001.push")
    assert inbox.receive()
    assert inbox.names("taken") == ["criminal-0000000001.push", "criminal-0000000001.push-2"]
    assert len(events_named(logged, "file_replayed")) == 1
    assert (count(service, history), count(service, audit), count(service, file_batches)) == (1, 1, 1)
    with service.runtime.database.autocommit() as connection:
        assert [state.last_push_at for state in pushes.source_states(connection)] == [NOON]


def test_an_older_file_again_does_not_bring_back_what_it_said(service, inbox):
    old = inbox.put(1, event("case", case()), event("party", party())).read_bytes()
    inbox.put(2, event("party", party(phone="19911110002"), sequence="2"))
    inbox.receive()
    inbox.put_bytes(old)
    assert inbox.receive()
    assert service.log_in(PHONE) is None
    assert service.log_in("19911110002")


def test_an_event_that_came_by_line_and_by_file_is_a_duplicate(service, inbox):
    sent = event("case", case())
    service.push(sent)
    inbox.put(1, sent)
    assert inbox.receive()
    assert count(service, history) == 1


@pytest.mark.parametrize(
    ("again", "why"),
    [
        ({"batch": 1, "message_id": "another id"}, "another file was taken with this batch number"),
        ({"batch": 1, "body": b"[ ]"}, "another file was taken with this batch number"),
        ({"batch": 4, "message_id": "the vendor's"}, "a file with the same webhook-id was taken as batch 3"),
    ],
)
def test_a_number_or_an_id_that_was_used_before_is_refused_and_kept(service, inbox, again, why):
    inbox.put(1)
    inbox.put(2)
    inbox.put(3, message_id="the vendor's")
    assert inbox.receive()
    inbox.put(**again, name="again.push")
    assert not inbox.receive()
    assert why in inbox.reason("again.push")
    assert inbox.names("refused") == ["again.push", "again.push.txt"]
    assert count(service, file_batches) == 3


# What is refused


def flipped(data: bytes) -> bytes:
    return data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]


WHOLE = content(1, event("case", case()))
REFUSED = {
    "a changed body": (flipped(WHOLE), "signature"),
    "half a file": (WHOLE[: len(WHOLE) // 2 + 200], "signature"),
    "another key": (content(1, key=OTHER_KEY), "signature"),
    "a changed batch": (WHOLE.replace(b'"batch": 1', b'"batch": 2'), "changed it"),
    "a changed source": (WHOLE.replace(b'"source": "criminal", "batch"', b'"source": "trade", "batch"'), "changed it"),
    "a changed id": (WHOLE.replace(b"file-criminal-1", b"file-criminal-01"), "signature"),
    "a changed time": (WHOLE.replace(b'timestamp": "1', b'timestamp": "2'), "signature"),
    "a part of a copy under another number": (content(1, message_id=part_of("C", 1, 2, 2)), "changed it"),
    "a part that there is not": (content(1, message_id=part_of("C", 3, 2, 1)), "a part"),
    "a part before the first": (content(1, message_id=part_of("C", 0, 2, 1)), "a part"),
    "a source nobody knows": (content(1, source="nobody", key=OTHER_KEY), "no key for its source"),
    "half JSON": (content(1, body=b'[{"a": '), "not strict JSON"),
    "a key twice": (content(1, body=b'[{"a": 1, "a": 2}]'), "not strict JSON"),
    "a number for a body": (content(1, body=b"7"), "a batch is a JSON array"),
    "an object that is no event": (content(1, body=b"{}"), "not a CloudEvent"),
    "too many events": (content(1, body=json.dumps([{}] * 1001).encode()), "at most 1000 events"),
    "nothing at all": (b"", "first line"),
    "no body": (WHOLE.split(b"\n")[0], "signature"),
    "no header": (b"[]", "first line"),
    "a header that is no object": (b"[]\n[]", "first line"),
    "a header with more in it": (content(1, note="x"), "first line"),
    "a header of numbers": (WHOLE.replace(b'"file-criminal-1"', b"1"), "must be texts"),
    "a batch in words": (WHOLE.replace(b'"batch": 1', b'"batch": "1"'), "batch"),
    "a batch that is true": (WHOLE.replace(b'"batch": 1', b'"batch": true'), "batch"),
    "batch 0": (WHOLE.replace(b'"batch": 1', b'"batch": 0'), "batch"),
    "a batch of eleven digits": (WHOLE.replace(b'"batch": 1', b'"batch": 10000000000'), "batch"),
    "a header too long": (content(1, message_id="x" * 70_000), "header line is longer"),
    "an id too long": (content(1, message_id="x" * 201), "webhook-id is longer"),
    "no id": (content(1, message_id=""), "signature"),
    "a file too large": (b" " * (receiver.LARGEST_FILE_BYTES + 1), "larger than"),
    "a body too large": (content(1, body=b" " * (5 * 1024 * 1024) + b"[]"), "larger than"),
}


@pytest.mark.parametrize(("data", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_trusted_or_read_is_put_aside_with_the_reason(service, inbox, logged, data, why):
    inbox.put_bytes(data, "x.push")
    assert not inbox.receive()
    assert inbox.names() == []
    assert inbox.names("refused") == ["x.push", "x.push.txt"]
    assert (inbox.folder / "refused" / "x.push").read_bytes() == data
    assert why in inbox.reason("x.push")
    assert [line["reason"] in inbox.reason("x.push") for line in events_named(logged, "file_refused")] == [True]
    assert (count(service, cases), count(service, quarantine), count(service, file_batches)) == (0, 0, 0)
    assert CASE not in json.dumps(logged)
    assert CASE not in inbox.reason("x.push")
