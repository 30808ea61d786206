"""What Aliyun pushes is not signed: who knows the secret can have Aliyun asked sooner, and nothing else."""

import json
from datetime import timedelta

import pytest

from caseq.errors import DatabaseUnavailable
from caseq.web.receipts import LARGEST_PUSH_BYTES
from tests.provider import Line
from tests.service import PHONE, case, event, milestone, party
from tests.web.receipts import ALIYUN, SECRET

ACCOUNT = {"CASEQ_SMS_FILE": "", **ALIYUN}


@pytest.fixture
def line(service_with):
    """News that Aliyun has just taken."""
    line = Line.of(service_with(**ACCOUNT), "aliyun")
    line.service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    line.send(line.claim())()
    return line


def report(out_id: str = "caseq-1", **more: object) -> dict[str, object]:
    about = {"phone_number": PHONE, "success": True, "err_code": "DELIVERED", "biz_id": "1^0", "sms_size": "1"}
    return {**about, "out_id": out_id, **more}


def push(line: Line, body: object, secret: str = SECRET, **headers: str):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    address = f"/sms/status/aliyun/{secret}"
    return line.service.client.post(address, data=data, headers={"Content-Type": "application/json", **headers})


def test_a_push_has_aliyun_asked_and_is_not_believed_itself(line):
    answer = push(line, [report(), report("caseq-9"), report("of another program")])
    assert (answer.status_code, answer.get_json()) == (200, {"code": 0, "msg": "ok"})
    assert line.states() == ["sent"]
    assert line.messages()[0].ask_at == line.service.clock.now
    line.service.ask()
    assert line.provider.questions == 1


def test_a_push_again_or_of_a_message_that_has_ended_changes_nothing(line):
    for _ in range(3):
        assert push(line, [report()] * 3).status_code == 200
        before = line.messages()
    assert line.messages() == before
    line.rounds(50, minutes=10)
    before = line.messages()
    assert push(line, [report(success=False, err_code="MOBILE_NOT_ON_SERVICE")]).status_code == 200
    assert line.messages() == before


@pytest.mark.parametrize(
    "secret", ["", "x", SECRET[:-1], SECRET + "0", SECRET.upper(), "秘密", "%00", "..", SECRET + "/"]
)
def test_with_a_wrong_secret_there_is_nothing_here(line, secret):
    nowhere = line.service.client.post("/sms/status/nowhere", data=b"[]")
    answer = push(line, [report()], secret)
    assert answer.status_code == 404
    assert (answer.data, answer.mimetype) == (nowhere.data, nowhere.mimetype)
    assert line.messages()[0].ask_at == line.service.clock.now + timedelta(minutes=10)


@pytest.mark.parametrize("name", ["CASEQ_ALIYUN_RECEIPT_SECRET", None])
def test_without_a_secret_or_without_an_account_there_is_nothing_here(service_with, name):
    environ = {**ACCOUNT, name: ""} if name else {}
    line = Line.of(service_with(**environ))
    for secret in ("", "None", SECRET):
        assert push(line, [report()], secret).status_code == 404


def test_only_strict_json_of_the_documented_form_says_something(line):
    for body in (b"", b"[", b'[{"out_id": NaN}]', b'[{"out_id": "caseq-1", "out_id": "caseq-1"}]', b"[" * 100, b"\xff"):
        assert push(line, body).status_code == 400
    for value in ({}, report(), [], [1], [[report()]], [report(), "x"], [{**report(), "out_id": 1}], "caseq-1", None):
        assert push(line, value).get_json() == {"code": 0, "msg": "ok"}
    assert line.messages()[0].ask_at > line.service.clock.now


def test_a_push_may_be_a_mebibyte_and_no_more(line):
    body = json.dumps([report(f"caseq-{n}") for n in range(1, 6000)]).encode()
    assert LARGEST_PUSH_BYTES * 0.7 < len(body) < LARGEST_PUSH_BYTES
    assert push(line, body.ljust(LARGEST_PUSH_BYTES)).status_code == 200
    assert line.messages()[0].ask_at == line.service.clock.now
    assert push(line, body.ljust(LARGEST_PUSH_BYTES + 1)).status_code == 413


def test_a_push_of_the_shortest_reports_is_not_too_many_for_the_database(line):
    body = b"[" + b",".join(b'{"out_id":"caseq-%d"}' % n for n in range(1, 40_000)) + b"]"
    assert push(line, body).status_code == 200


def test_while_the_database_is_away_aliyun_is_told_to_come_again(line, monkeypatch):
    def away():
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(line.service.runtime.database, "transaction", away)
    assert push(line, [report()]).status_code == 503


def test_the_secret_and_the_number_stand_in_no_log_and_no_figure(line, logged, monkeypatch):
    push(line, [report()])
    push(line, b"[")
    push(line, [report()] * 20000)
    push(line, [report()], SECRET + "x")

    def crash(_):
        raise RuntimeError(SECRET)

    monkeypatch.setattr("caseq.sms.aliyun_receipts.hints", crash)
    assert push(line, [report()]).status_code == 500
    said = repr([{**entry, "exc_info": None} for entry in logged])
    assert "/sms/status/aliyun/<secret>" in said
    figures = line.service.client.get("/metrics").get_data(as_text=True)
    assert "/sms/status/aliyun/<secret>" in figures
    for hidden in (SECRET, PHONE):
        assert hidden not in said + figures
