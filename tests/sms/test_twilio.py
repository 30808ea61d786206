"""The real Twilio SDK against a provider with faults, and the outbox against both."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from caseq.errors import AccountProblem, OutcomeUnknown, Rejected, TryLater
from caseq.sms.gateway import Accepted, Sms
from caseq.sms.twilio_sms import TwilioGateway
from caseq.store import outbox_figures
from tests.service import PHONE, Service, case, event, milestone, party

TO = f"+86{PHONE}"
SMS = Sms("caseq-1", TO, "您查询的事项有新内容。", 300)


def test_an_accepted_message_has_the_providers_id(gateway: TwilioGateway, twilio: Any) -> None:
    accepted = gateway.send(SMS)
    assert accepted == Accepted("twilio", twilio.sent(TO)[0]["sid"])
    assert twilio.sent(TO)[0]["body"] == SMS.text


@pytest.mark.parametrize(
    ("to", "code"), [("+15005550001", "21211"), ("+15005550004", "21610"), ("+15005550009", "21614")]
)
def test_a_bad_number_is_rejected_for_good(gateway: TwilioGateway, to: str, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        gateway.send(replace(SMS, to=to))
    assert refused.value.code == code


def test_a_region_that_is_switched_off_and_a_wrong_token_are_problems_of_the_account(
    gateway: TwilioGateway, twilio: Any
) -> None:
    with pytest.raises(AccountProblem):
        gateway.send(replace(SMS, to="+15005550003"))
    stranger = TwilioGateway(twilio.account_sid, "wrong", sender="+15005550006", api_base=twilio.base_url)
    with pytest.raises(AccountProblem):
        stranger.send(SMS)


def test_too_many_requests_says_when_to_try_again(gateway: TwilioGateway, twilio: Any) -> None:
    twilio.faults.append({"error": {"code": 20429, "retry_after": 7}})
    with pytest.raises(TryLater) as refused:
        gateway.send(SMS)
    assert refused.value.retry_after == 7
    assert twilio.sent(TO) == []


@pytest.mark.parametrize("fault", [{"error": {"code": 20500}}, {"drop": "before"}, {"drop": "after"}])
def test_a_server_error_or_a_reset_leaves_the_outcome_unknown(
    gateway: TwilioGateway, twilio: Any, fault: dict[str, Any]
) -> None:
    twilio.faults.append(fault)
    with pytest.raises(OutcomeUnknown):
        gateway.send(SMS)
    assert twilio.requests == 1


def test_nobody_listening_is_surely_not_accepted() -> None:
    gateway = TwilioGateway("AC" + "a" * 32, "token", sender="+15005550006", api_base="http://127.0.0.1:9")
    with pytest.raises(TryLater):
        gateway.send(SMS)


def test_a_message_is_found_by_number_text_and_time_unless_its_id_is_known(gateway: TwilioGateway) -> None:
    since = datetime.now(UTC)
    accepted = gateway.send(SMS)
    assert gateway.find(SMS, since, set()) == accepted
    assert gateway.find(SMS, since, {accepted.id}) is None
    assert gateway.find(replace(SMS, text="别的"), since, set()) is None
    assert gateway.find(SMS, since + timedelta(minutes=5), set()) is None


@pytest.fixture
def sending(real_time_service: Service, gateway: TwilioGateway) -> Service:
    """A service whose messages go to the fake provider, with one piece of news waiting."""
    service = replace(real_time_service, gateway=gateway)  # type: ignore[arg-type]
    now = service.clock().isoformat()
    service.push(
        event("case", case(), time=now), event("milestone", milestone(), time=now), event("party", party(), time=now)
    )
    return service


def rounds(service: Service) -> None:
    """Let a worker look at the outbox now, an hour of retries later, and once more."""
    for _ in range(3):
        service.work()
        service.ask()
        service.clock.advance(minutes=20)
    service.work()


def states(service: Service) -> dict[tuple[str, str], int]:
    with service.runtime.database.autocommit() as connection:
        return outbox_figures.counts(connection)


@pytest.mark.parametrize(
    "fault",
    [
        None,
        {"error": {"code": 20429, "retry_after": 2}, "times": 2},
        {"error": {"code": 20500}},
        {"drop": "before"},
        {"drop": "after"},
        {"error": {"code": 21408}},
    ],
)
def test_whatever_the_provider_does_the_message_goes_out_once(
    sending: Service, twilio: Any, fault: dict[str, Any] | None
) -> None:
    if fault:
        twilio.faults.append(fault)
    rounds(sending)
    assert len(twilio.sent(TO)) == 1
    assert states(sending) == {("news", "sent"): 1}


def test_a_rejected_message_ends_as_failed_with_the_providers_code(sending: Service, twilio: Any) -> None:
    twilio.faults.append({"error": {"code": 21610}, "times": 9})
    rounds(sending)
    assert twilio.sent(TO) == []
    assert twilio.requests == 1
    assert states(sending) == {("news", "failed"): 1}


def test_a_message_that_is_never_accepted_ends_with_a_human(sending: Service, twilio: Any) -> None:
    twilio.faults.append({"error": {"code": 20429}, "times": 100})
    for _ in range(20):
        rounds(sending)
    assert states(sending) == {("news", "needs_human"): 1}


def test_two_messages_with_one_text_to_one_number_are_told_apart(sending: Service, twilio: Any) -> None:
    now = sending.clock().isoformat()
    sending.push(event("milestone", milestone("case_solved"), time=now))
    twilio.faults += [{"drop": "after"}, {"drop": "before"}]
    rounds(sending)
    rounds(sending)
    assert len(twilio.sent(TO)) == 2
    assert states(sending) == {("news", "sent"): 2}


def test_a_code_of_unknown_outcome_is_never_sent_again(sending: Service, twilio: Any) -> None:
    rounds(sending)
    twilio.faults.append({"drop": "before"})
    sending.client.post("/api/v1/codes", json={"case_number": "A6401215100002026110012", "phone": PHONE})
    rounds(sending)
    assert len(twilio.sent(TO)) == 1
    assert states(sending)["code", "failed"] == 1
