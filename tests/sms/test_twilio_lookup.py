"""Asking Twilio after a message: which of its answers are one, and what they say of the message."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import responses

from caseq.errors import OutcomeUnknown
from caseq.rules.delivery import Failure, Receipt, Status
from caseq.sms.gateway import Accepted, Sms
from caseq.sms.twilio_sms import CLOCK_SLACK, MOST_PAGES, PAGE_SIZE, TwilioGateway
from tests.sms.conftest import ACCOUNT

TO = "+8619912345678"
SMS = Sms("caseq-1", TO, "您查询的事项有新内容。", 300)
SID = "SM" + "1" * 32
API = "https://api.twilio.com"
MESSAGES = f"{API}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
MESSAGE = f"{API}/2010-04-01/Accounts/{ACCOUNT}/Messages/{SID}.json"
NOW = datetime.now(UTC).replace(microsecond=0)


# Looking for a message


def test_a_message_is_found_by_number_text_and_time_unless_its_id_is_known(gateway: TwilioGateway) -> None:
    since = datetime.now(UTC)
    accepted = gateway.send(SMS)
    assert gateway.find(SMS, since, set()) == accepted
    assert gateway.find(SMS, since, {accepted.id}) is None
    assert gateway.find(replace(SMS, text="别的"), since, set()) is None
    assert gateway.find(SMS, since + timedelta(minutes=5), set()) is None


def row(made: datetime, text: str = SMS.text, sid: str = SID) -> dict[str, Any]:
    return {"sid": sid, "body": text, "to": TO, "date_created": format_datetime(made)}


def page(*rows: Any, further: bool = False) -> None:
    """One more page that Twilio will give."""
    uri = f"{MESSAGES.removeprefix(API)}?Page=1" if further else None
    responses.get(MESSAGES, json={"messages": list(rows), "page": 0, "next_page_uri": uri})


@pytest.mark.parametrize(("seconds", "is_ours"), [(0, True), (1, False)])
@responses.activate
def test_what_was_made_before_the_message_was_claimed_is_another(
    plain: TwilioGateway, seconds: int, is_ours: bool
) -> None:
    page(row(NOW - CLOCK_SLACK - timedelta(seconds=seconds)))
    assert (plain.find(SMS, NOW, set()) is not None) is is_ours


@responses.activate
def test_pages_are_read_until_one_is_older_than_the_message(plain: TwilioGateway) -> None:
    page(row(NOW, "别的"), further=True)
    page(row(NOW, "别的"), row(NOW - timedelta(days=1)), further=True)
    page(row(NOW - timedelta(days=2)), further=True)
    assert plain.find(SMS, NOW, set()) is None
    assert len(responses.calls) == 3
    assert f"PageSize={PAGE_SIZE}" in (responses.calls[0].request.url or "")


def test_a_message_behind_fifty_newer_ones_is_found(gateway: TwilioGateway, twilio: Any) -> None:
    since = datetime.now(UTC)
    accepted = gateway.send(SMS)
    twilio.wait()
    twilio.messages += [{**twilio.messages[0], "body": "别的", "sid": f"SM{n:032}"} for n in range(70)]
    assert gateway.find(SMS, since, set()) == accepted
    twilio.messages += [{**twilio.messages[-1], "sid": f"SM{n:032}"} for n in range(70, PAGE_SIZE * MOST_PAGES)]
    with pytest.raises(OutcomeUnknown, match="too long"):
        gateway.find(SMS, since, set())


NO_LIST = [(500, "{}"), (404, '{"code": 20404}'), (429, '{"code": 20429}'), (204, ""), (302, "")] + [
    (200, body) for body in ("", "<html>", "[]", "{}", "7", '{"messages": 7}', '{"messages": ["x"]}')
]


@pytest.mark.parametrize(("status", "body"), NO_LIST)
@pytest.mark.parametrize("is_first", [True, False])
@responses.activate
def test_what_is_no_list_is_never_taken_for_an_empty_one(
    plain: TwilioGateway, status: int, body: str, is_first: bool
) -> None:
    if not is_first:
        page(row(NOW, "别的"), further=True)
    responses.get(MESSAGES, body=body, status=status)
    with pytest.raises(OutcomeUnknown):
        plain.find(SMS, NOW, set())


@responses.activate
def test_a_message_without_a_date_or_an_id_leaves_the_outcome_unknown(plain: TwilioGateway) -> None:
    page({**row(NOW), "date_created": None})
    page({**row(NOW), "sid": None})
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            plain.find(SMS, NOW, set())


# What became of a message


@pytest.mark.parametrize(
    ("word", "status"),
    [(word, Status.ACCEPTED) for word in ("accepted", "queued", "scheduled", "sending")]
    + [("sent", Status.SENT), ("delivered", Status.DELIVERED), ("read", Status.DELIVERED)],
)
def test_twilios_words_for_a_message_on_its_way(gateway: TwilioGateway, twilio: Any, word: str, status: Status) -> None:
    accepted = gateway.send(SMS)
    twilio.wait()
    twilio.messages[0].update(status=word, error_code=30007)
    assert gateway.receipt(SMS, accepted, NOW) == Receipt(accepted.id, status)


BY_FAILURE = {
    Failure.NUMBER: (30005, 30006, 21610, 21614),
    Failure.MESSAGE: (30004, 30007),
    Failure.LATER: (30001, 30003, 30008, 30036),
    Failure.ACCOUNT: (30002, 63038),
    Failure.UNKNOWN: (30410, 39999),
}


@pytest.mark.parametrize(("failure", "code"), [(kind, code) for kind, codes in BY_FAILURE.items() for code in codes])
@pytest.mark.parametrize("word", ["undelivered", "failed"])
def test_a_message_that_failed_says_what_its_code_means(
    gateway: TwilioGateway, twilio: Any, word: str, failure: Failure, code: int
) -> None:
    twilio.faults.append({"statuses": ["sent", word], "error_code": code})
    accepted = gateway.send(SMS)
    twilio.wait()
    assert gateway.receipt(SMS, accepted, NOW) == Receipt(accepted.id, Status.FAILED, str(code), failure)


@pytest.mark.parametrize("code", [None, 0, -1, "text", "+8619912345678", []])
@responses.activate
def test_a_message_that_failed_without_a_code_failed_for_an_unknown_reason(plain: TwilioGateway, code: Any) -> None:
    responses.get(MESSAGE, json={"sid": SID, "status": "canceled", "error_code": code})
    assert plain.receipt(SMS, Accepted("twilio", SID), NOW) == Receipt(SID, Status.FAILED, None, Failure.UNKNOWN)


@pytest.mark.parametrize("word", ["received", "receiving", "partially_delivered", "", None, 7, []])
@responses.activate
def test_another_word_says_nothing(plain: TwilioGateway, word: Any) -> None:
    responses.get(MESSAGE, json={"sid": SID, "status": word, "error_code": None})
    assert plain.receipt(SMS, Accepted("twilio", SID), NOW) is None


def test_a_message_that_twilio_does_not_know_has_no_receipt(gateway: TwilioGateway) -> None:
    assert gateway.receipt(SMS, Accepted("twilio", SID), NOW) is None


NO_MESSAGE = [(500, "{}"), (404, "<html>"), (401, '{"code": 20003}'), (302, ""), (200, ""), (200, "[]"), (200, "{}")]


@pytest.mark.parametrize(("status", "body"), [*NO_MESSAGE, (200, '{"sid": "SM2", "status": "sent"}')])
@responses.activate
def test_what_is_no_message_is_no_receipt(plain: TwilioGateway, status: int, body: str) -> None:
    responses.get(MESSAGE, body=body, status=status)
    with pytest.raises(OutcomeUnknown):
        plain.receipt(SMS, Accepted("twilio", SID), NOW)
