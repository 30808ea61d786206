"""Crashes in the middle of a push and pushes at the same time: everything is stored once, or nothing at all."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import pytest
from sqlalchemy import func, select, text

from caseq.rules import signing
from caseq.store import writing
from caseq.store.tables import metadata
from tests.service import case, event, milestone, party, signed

pytestmark = pytest.mark.usefixtures("logged")

STEPS = [
    "pushes.lock_source",
    "pushes.receive",
    "pushes.parked_for",
    "ledger.open_book",
    "writing.write",
    "pushes.unpark",
    "pushes.park",
    "pushes.put_in_quarantine",
    "outbox.add_news",
    "pushes.note_sequence",
    "auditing.record",
]


def batch():
    return [
        event("case", case()),
        event("party", party()),
        event("milestone", milestone()),
        event("milestone", milestone("verdict")),
        event("milestone", milestone(key="M2"), case="A6401215100002026110099"),
    ]


def row_counts(service):
    with service.runtime.database.autocommit() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_any_step_stores_nothing_and_the_same_request_succeeds_later(service, monkeypatch, when):
    body = json.dumps(batch()).encode()
    headers = signed("criminal", body, service.clock.now.timestamp())
    empty = row_counts(service)
    for step in STEPS:
        module_name, name = step.split(".")
        module = import_module(f"caseq.store.{module_name}")
        original = getattr(module, name)

        def crash(*given, _original=original, **named):
            if when == "after":
                _original(*given, **named)
            raise RuntimeError("测试人 crashed")

        with monkeypatch.context() as patch:
            patch.setattr(module, name, crash)
            answer = service.client.post("/push/v1/criminal", data=body, headers=headers)
        assert (step, answer.status_code, answer.mimetype) == (step, 500, "application/problem+json")
        assert "crashed" not in answer.get_data(as_text=True)
        assert row_counts(service) == empty
    answer = service.client.post("/push/v1/criminal", data=body, headers=headers)
    outcomes = [result["outcome"] for result in answer.get_json()["results"]]
    assert outcomes == ["accepted", "accepted", "accepted", "refused", "parked"]


def test_twenty_pushes_of_the_same_request_at_once_store_everything_once(service):
    events = [event("case", case()), event("party", party())]
    events += [event("milestone", milestone(key=f"M{n}")) for n in range(5)]
    body = json.dumps(events).encode()
    headers = signed("criminal", body, service.clock.now.timestamp())
    app = service.app

    def push(_):
        return app.test_client().post("/push/v1/criminal", data=body, headers=headers)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(push, range(20)))
    assert {answer.status_code for answer in answers} == {200}
    for number in range(len(events)):
        outcomes = Counter(answer.get_json()["results"][number]["outcome"] for answer in answers)
        assert outcomes == {"accepted": 1, "duplicate": 19}
    assert {name: n for name, n in row_counts(service).items() if name in ("milestones", "history", "received")} == {
        "milestones": 5,
        "history": 7,
        "received": 7,
    }
    service.work()
    assert len(service.messages()) == 1
    assert list(service.told().values()) == [5]


def test_parallel_states_of_one_record_end_with_the_newest(service):
    service.push(event("case", case()), event("party", party()))
    app = service.app

    def push(number):
        body = json.dumps(
            [event("milestone", milestone(document_number=f"{number}号"), sequence=f"{number:03}")]
        ).encode()
        headers = signed("criminal", body, service.clock.now.timestamp())
        return (
            app.test_client().post("/push/v1/criminal", data=body, headers=headers).get_json()["results"][0]["outcome"]
        )

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(push, [7, 3, 19, 1, 12, 5, 18, 2, 11, 4]))
    assert set(outcomes) <= {"accepted", "stale"}
    assert service.seen_by()["milestones"][0]["document_number"] == "19号"


def test_a_case_and_what_waits_for_it_may_come_at_the_same_time(service):
    app = service.app

    def push(raw):
        body = json.dumps([raw]).encode()
        headers = signed("criminal", body, service.clock.now.timestamp())
        return (
            app.test_client().post("/push/v1/criminal", data=body, headers=headers).get_json()["results"][0]["outcome"]
        )

    events = [event("milestone", milestone(key=f"M{n}")) for n in range(8)]
    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(push, [*events[:4], event("case", case()), *events[4:], event("party", party())]))
    assert set(outcomes) <= {"accepted", "parked"}
    assert len(service.seen_by()["milestones"]) == 8


def test_two_sources_that_claim_one_number_at_once_do_not_both_get_it(service):
    app = service.app

    def push(source):
        body = json.dumps([event("case", case(source), source=source)]).encode()
        headers = signed(source, body, service.clock.now.timestamp())
        return app.test_client().post(f"/push/v1/{source}", data=body, headers=headers)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(push, ["criminal", "trade", "petition"] * 2))
    assert {answer.status_code for answer in answers} <= {200, 503}
    accepted = [a for a in answers if a.status_code == 200 and a.get_json()["results"][0]["outcome"] == "accepted"]
    assert accepted
    assert row_counts(service)["cases"] == 1


def test_a_database_error_shows_no_pushed_value_in_the_log(service, monkeypatch, logged):
    """A driver's error repeats the statement and its parameters, and those are facts of a case."""
    real = writing.write

    def broken(connection, *rest):
        real(connection, *rest)
        connection.execute(text("SELECT no_such(:value)"), {"value": "秘密文号"})

    monkeypatch.setattr(writing, "write", broken)
    body = json.dumps(batch()).encode()
    headers = signed("criminal", body, service.clock.now.timestamp())
    answer = service.client.post("/push/v1/criminal", data=body, headers=headers)
    assert answer.status_code in (500, 503)
    assert logged
    assert "秘密文号" not in " ".join(f"{line} {line.get('exc_info')!s}" for line in logged)


def test_the_key_of_a_push_is_not_read_from_the_request(service):
    """A sender cannot choose with which of its keys, or with whose, its signature is checked."""
    body = b"[]"
    headers = signing.headers("whsec_" + "QUJD" * 10, "msg_1", int(service.clock.now.timestamp()), body)
    headers |= {"webhook-key": "whsec_" + "QUJD" * 10, "Content-Type": "application/cloudevents-batch+json"}
    assert service.client.post("/push/v1/criminal", data=body, headers=headers).status_code == 401
