"""What Aliyun has on record: whether it took a message, and what became of it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from caseq.errors import OutcomeUnknown
from caseq.rules.delivery import Failure, Receipt, Status
from caseq.sms import aliyun_sms
from caseq.sms.aliyun_sms import AliyunGateway
from caseq.sms.gateway import Accepted, Sms
from tests.service import PHONE
from tests.sms.fake_aliyun import FakeAliyun
from tests.sms.rigs import now

CODE = Sms("caseq-1-1", f"+86{PHONE}", "", 300, "code", "zh", {"code": "1234 5678", "minutes": "10"})

# Finding out

MIDNIGHT = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)  # of Beijing


@pytest.mark.parametrize("accepted_after", [-2, -1, 0, 1, 3])
def test_a_message_of_midnight_is_found_on_either_day(
    to_aliyun: AliyunGateway, aliyun: FakeAliyun, accepted_after: int
) -> None:
    claimed = MIDNIGHT - timedelta(seconds=1)
    with time_machine.travel(claimed):
        aliyun.now = lambda: MIDNIGHT + timedelta(seconds=accepted_after)
        accepted = to_aliyun.send(CODE)
    aliyun.now = now
    with time_machine.travel(MIDNIGHT + timedelta(minutes=2)):
        assert to_aliyun.find(CODE, claimed, set()) == accepted
        assert to_aliyun.receipt(CODE, accepted, claimed) == Receipt(CODE.key, Status.DELIVERED)


def test_a_provider_whose_clock_is_behind_ours_may_have_the_message_a_day_early(
    to_aliyun: AliyunGateway, aliyun: FakeAliyun
) -> None:
    claimed = MIDNIGHT + timedelta(seconds=1)
    with time_machine.travel(claimed):
        aliyun.now = lambda: MIDNIGHT - timedelta(seconds=2)
        accepted = to_aliyun.send(CODE)
        aliyun.now = now
        assert to_aliyun.find(CODE, claimed, set()) == accepted


def test_every_day_is_asked_until_today_and_no_more_than_are_kept() -> None:
    noon = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
    assert [day.day for day in aliyun_sms._days(noon - timedelta(days=3), noon)] == [20, 21, 22, 23]
    kept = list(aliyun_sms._days(noon - timedelta(days=100), noon))
    assert (len(kept), kept[-1].day) == (30, 23)
    assert [day.day for day in aliyun_sms._days(noon + timedelta(hours=3), noon)] == [23]
    assert [day.day for day in aliyun_sms._days(noon - timedelta(hours=8), noon)] == [23]  # It was 22 in Greenwich.


@pytest.mark.parametrize(("others", "pages"), [(0, 1), (49, 1), (50, 2), (120, 3)])
def test_every_page_of_a_day_is_read(to_aliyun: AliyunGateway, aliyun: FakeAliyun, others: int, pages: int) -> None:
    since = now()
    accepted = to_aliyun.send(CODE)
    (first,) = aliyun.messages
    aliyun.messages += [{**first, "OutId": f"other-{n}"} for n in range(others)]
    aliyun.calls.clear()
    assert to_aliyun.find(CODE, since, set()) == accepted
    assert aliyun.calls == ["QuerySendDetails"] * pages


def test_a_day_without_an_end_leaves_the_outcome_unknown(to_aliyun: AliyunGateway, aliyun: FakeAliyun) -> None:
    row = {"OutId": "other", "SendStatus": 3}
    page = {"Code": "OK", "TotalCount": 10**8, "SmsSendDetailDTOs": {"SmsSendDetailDTO": [row] * 50}}
    aliyun.faults.append({"action": "QuerySendDetails", "times": 1000, "body": json.dumps(page).encode()})
    with pytest.raises(OutcomeUnknown):
        to_aliyun.find(CODE, now(), set())
    assert len(aliyun.calls) == aliyun_sms.MOST_PAGES


NO_PAGES = {
    "no details": {"TotalCount": 0},
    "details that are a list": {"TotalCount": 0, "SmsSendDetailDTOs": []},
    "rows that are none": {"TotalCount": 0, "SmsSendDetailDTOs": {"SmsSendDetailDTO": ["caseq-1-1"]}},
    "rows that are an object": {"TotalCount": 0, "SmsSendDetailDTOs": {"SmsSendDetailDTO": {}}},
    "no total": {"SmsSendDetailDTOs": {"SmsSendDetailDTO": []}},
    "a total in words": {"TotalCount": "many", "SmsSendDetailDTOs": {"SmsSendDetailDTO": []}},
    "a total and no rows": {"TotalCount": 1, "SmsSendDetailDTOs": {"SmsSendDetailDTO": []}},
}


@pytest.mark.parametrize("page", NO_PAGES.values(), ids=NO_PAGES.keys())
def test_a_page_that_is_none_is_not_taken_for_not_found(
    to_aliyun: AliyunGateway, aliyun: FakeAliyun, page: dict[str, Any]
) -> None:
    aliyun.faults.append({"action": "QuerySendDetails", "body": json.dumps({"Code": "OK", **page}).encode()})
    with pytest.raises(OutcomeUnknown):
        to_aliyun.find(CODE, now(), set())


@pytest.mark.parametrize(
    "code", ["Throttling.User", "isv.AMOUNT_NOT_ENOUGH", "isv.INVALID_PARAMETERS", "Forbidden.RAM"]
)
def test_a_refused_question_is_never_taken_for_not_found(
    to_aliyun: AliyunGateway, aliyun: FakeAliyun, code: str
) -> None:
    fault = {"action": "QuerySendDetails", "code": code, "status": 400, "times": 2}
    aliyun.faults.append(fault)
    with pytest.raises(OutcomeUnknown) as error:
        to_aliyun.find(CODE, now(), set())
    assert error.value.code == code
    with pytest.raises(OutcomeUnknown):
        to_aliyun.receipt(CODE, Accepted("aliyun", CODE.key), now())


# Receipts

REPORTS = {
    "MOBILE_NOT_ON_SERVICE": Failure.LATER,
    "INVALID_NUMBER": Failure.LATER,
    "MOBILE_ACCOUNT_ABNORMAL": Failure.LATER,
    "MOBLLE_TERMINAL_ERROR": Failure.LATER,
    "isv.BUSINESS_LIMIT_CONTROL": Failure.LATER,
    "MOBILE_IN_BLACK": Failure.NUMBER,
    "isv.MOBILE_NUMBER_ILLEGAL": Failure.NUMBER,
    "CONTENT_KEYWORD": Failure.MESSAGE,
    "isv.UNSUPPORTED_CONTENT": Failure.MESSAGE,
    "PORT_NOT_REGISTERED": Failure.ACCOUNT,
    "isv.AMOUNT_NOT_ENOUGH": Failure.ACCOUNT,
    "SP_UNKNOWN_ERROR": Failure.UNKNOWN,
    "MK:0255": Failure.UNKNOWN,
}


@pytest.mark.parametrize(("code", "failure"), REPORTS.items())
def test_each_code_of_a_receipt_has_its_meaning(
    to_aliyun: AliyunGateway, aliyun: FakeAliyun, code: str, failure: Failure
) -> None:
    since = now()
    aliyun.faults.append({"becomes": code})
    accepted = to_aliyun.send(CODE)
    assert to_aliyun.receipt(CODE, accepted, since) == Receipt(CODE.key, Status.FAILED, code, failure)


@pytest.mark.parametrize(
    ("said", "status"), [(1, Status.SENT), ("1", Status.SENT), ("3", Status.DELIVERED), (9, Status.ACCEPTED)]
)
def test_a_status_may_be_a_text_and_a_new_one_says_no_more_than_accepted(
    to_aliyun: AliyunGateway, aliyun: FakeAliyun, said: object, status: Status
) -> None:
    since = now()
    accepted = to_aliyun.send(CODE)
    aliyun.messages[0]["SendStatus"] = said
    assert to_aliyun.receipt(CODE, accepted, since) == Receipt(CODE.key, status)


def test_a_receipt_with_words_in_place_of_a_code_does_not_pass_them_on(
    to_aliyun: AliyunGateway, aliyun: FakeAliyun
) -> None:
    since = now()
    aliyun.faults.append({"becomes": f"张三 {PHONE} 已停机"})
    receipt = to_aliyun.receipt(CODE, to_aliyun.send(CODE), since)
    assert receipt == Receipt(CODE.key, Status.FAILED, "no code", Failure.UNKNOWN)


def test_of_one_key_that_was_accepted_twice_the_delivered_message_counts(
    to_aliyun: AliyunGateway, aliyun: FakeAliyun
) -> None:
    since = now()
    aliyun.faults += [{"becomes": "MOBILE_SEND_LIMIT"}, {}, {"becomes": None}]
    accepted, _, _ = [to_aliyun.send(CODE) for _ in range(3)]
    assert to_aliyun.receipt(CODE, accepted, since) == Receipt(CODE.key, Status.DELIVERED)
