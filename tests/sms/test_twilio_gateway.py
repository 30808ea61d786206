"""Sending by Twilio: the real SDK against a provider with faults, and against answers that are none."""

import socket
from dataclasses import replace
from typing import Any

import pytest
import responses

from caseq.errors import AccountProblem, NumberDead, OutcomeUnknown, Rejected, TryLater
from caseq.sms.gateway import Accepted, Sms
from caseq.sms.twilio_sms import TwilioGateway
from tests.sms.conftest import ACCOUNT

TO = "+8619912345678"
SMS = Sms("caseq-1", TO, "您查询的事项有新内容。", 300)
SID = "SM" + "1" * 32
MESSAGES = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


def test_an_accepted_message_has_the_providers_id(gateway: TwilioGateway, twilio: Any) -> None:
    accepted = gateway.send(SMS)
    assert accepted == Accepted("twilio", twilio.sent(TO)[0]["sid"])
    assert twilio.sent(TO)[0]["body"] == SMS.text


def test_with_a_status_url_twilio_reports_there_under_the_key_of_the_message(twilio: Any) -> None:
    url = "http://127.0.0.1:9/twilio"
    reporting = TwilioGateway(
        twilio.account_sid, twilio.auth_token, sender="+15005550006", api_base=twilio.base_url, status_url=url
    )
    reporting.send(SMS)
    twilio.wait()
    assert {report["url"] for report in twilio.callbacks} == {f"{url}?message=caseq-1"}


def test_without_a_status_url_twilio_reports_nothing(gateway: TwilioGateway, twilio: Any) -> None:
    gateway.send(SMS)
    twilio.wait()
    assert twilio.callbacks == []


@pytest.mark.parametrize(
    ("to", "code"), [("+15005550001", "21211"), ("+15005550004", "21610"), ("+15005550009", "21614")]
)
def test_a_number_that_no_message_reaches_is_dead(gateway: TwilioGateway, to: str, code: str) -> None:
    with pytest.raises(NumberDead) as refused:
        gateway.send(replace(SMS, to=to))
    assert refused.value.code == code


BY_CODE = {
    NumberDead: (21211, 21265, 21610, 21614, 21635),
    Rejected: (21602, 21603, 21604, 21617, 29999),
    AccountProblem: (10001, 20003, 20005, 20403, 20404, 21408, 21606, 21608, 21609, 21659, 21660, 21661, 21705),
    TryLater: (20429, 21611),
}


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in BY_CODE.items() for code in codes])
def test_a_refusal_means_what_its_code_says_whatever_the_http_status(
    gateway: TwilioGateway, twilio: Any, kind: type[Exception], code: int
) -> None:
    twilio.faults.append({"error": {"code": code, "status": 400}})
    with pytest.raises(kind) as refused:
        gateway.send(SMS)
    assert type(refused.value) is kind
    assert twilio.sent(TO) == []


BY_STATUS = {
    Rejected: (400, 404, 409),
    AccountProblem: (401, 403, 407),
    TryLater: (429,),
    OutcomeUnknown: (302, 408, 500, 502, 503, 504),
}


@pytest.mark.parametrize(
    ("kind", "http_status"), [(kind, status) for kind, statuses in BY_STATUS.items() for status in statuses]
)
@pytest.mark.parametrize("body", ["<html>no</html>", '{"code": 29999, "message": "new"}', '{"code": "+8619912345678"}'])
@responses.activate
def test_where_the_code_is_unknown_the_http_status_decides(
    plain: TwilioGateway, http_status: int, kind: type[Exception], body: str
) -> None:
    responses.post(MESSAGES, body=body, status=http_status)
    with pytest.raises(kind) as refused:
        plain.send(SMS)
    assert type(refused.value) is kind
    assert str(refused.value) in ("29999", str(http_status))


@pytest.mark.parametrize(
    ("code", "http_status", "kind"), [(21211, 400, NumberDead), (29999, 422, Rejected), (29999, 503, OutcomeUnknown)]
)
@responses.activate
def test_a_refusal_in_the_form_of_rfc_9457_means_the_same(
    plain: TwilioGateway, code: int, http_status: int, kind: type[Exception]
) -> None:
    problem = {"type": "about:blank", "title": "no", "status": 200, "code": code}
    responses.post(MESSAGES, json=problem, status=http_status, content_type="application/problem+json")
    with pytest.raises(kind) as refused:
        plain.send(SMS)
    assert type(refused.value) is kind


def test_a_wrong_token_is_a_problem_of_the_account(twilio: Any) -> None:
    stranger = TwilioGateway(twilio.account_sid, "wrong", sender="+15005550006", api_base=twilio.base_url)
    with pytest.raises(AccountProblem):
        stranger.send(SMS)


def test_too_many_requests_says_when_to_try_again(gateway: TwilioGateway, twilio: Any) -> None:
    twilio.faults.append({"error": {"code": 20429, "retry_after": 7}})
    with pytest.raises(TryLater) as refused:
        gateway.send(SMS)
    assert refused.value.retry_after == 7
    assert twilio.sent(TO) == []


@pytest.mark.parametrize(("told", "believed"), [("9" * 30, 86400), ("soon", None), ("-1", None), ("\xb2", None)])
@responses.activate
def test_a_strange_time_to_try_again_is_not_believed(plain: TwilioGateway, told: str, believed: float | None) -> None:
    responses.post(MESSAGES, json={"code": 20429}, status=429, headers={"Retry-After": told})
    with pytest.raises(TryLater) as refused:
        plain.send(SMS)
    assert refused.value.retry_after == believed


@pytest.mark.parametrize("fault", [{"error": {"code": 20500}}, {"drop": "before"}, {"drop": "after"}, {"delay": 0.6}])
def test_a_server_error_a_reset_or_silence_leaves_the_outcome_unknown(
    gateway: TwilioGateway, twilio: Any, fault: dict[str, Any]
) -> None:
    assert gateway._client.http_client.timeout == 10
    gateway._client.http_client.timeout = (5, 0.3)
    twilio.faults.append(fault)
    with pytest.raises(OutcomeUnknown):
        gateway.send(SMS)
    assert twilio.requests == 1


@pytest.mark.parametrize("body", ["", "<html>ok</html>", "[]", "{}", '"queued"', '{"sid": 7}', '{"sid": "CA1"}'])
@responses.activate
def test_a_good_status_with_a_strange_body_leaves_the_outcome_unknown(plain: TwilioGateway, body: str) -> None:
    responses.post(MESSAGES, body=body, status=201)
    with pytest.raises(OutcomeUnknown):
        plain.send(SMS)


def test_nobody_listening_is_surely_not_accepted() -> None:
    gateway = TwilioGateway(ACCOUNT, "token", sender="+15005550006", api_base="http://127.0.0.1:9")
    with pytest.raises(TryLater):
        gateway.send(SMS)


def test_a_host_without_an_address_is_surely_not_accepted(
    plain: TwilioGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(*_args: Any, **_kwargs: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    with pytest.raises(TryLater):
        plain.send(SMS)


@responses.activate
def test_the_environment_does_not_change_where_requests_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_REGION", "ie1")
    monkeypatch.setenv("TWILIO_EDGE", "dublin")
    responses.post(MESSAGES, json={"sid": SID}, status=201)
    assert TwilioGateway(ACCOUNT, "token", sender="+15005550006").send(SMS).id == SID
