"""The outbox against the real Twilio SDK and a provider with faults."""

from dataclasses import replace
from typing import Any

import pytest

from caseq.sms.twilio_sms import TwilioGateway
from caseq.store import outbox_figures
from tests.service import PHONE, Service, case, event, milestone, party

TO = f"+86{PHONE}"


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
    assert states(sending) in ({("news", "sent"): 1}, {("news", "delivered"): 1})


def test_what_a_clock_that_is_ahead_sent_is_found_all_the_same(sending: Service, twilio: Any) -> None:
    """By that clock the message was made hours before anybody sent it."""
    sending.clock.advance(hours=3)
    twilio.faults.append({"drop": "after"})
    rounds(sending)
    assert len(twilio.sent(TO)) == 1


def test_a_rejected_message_ends_as_failed_with_the_providers_code(sending: Service, twilio: Any) -> None:
    twilio.faults.append({"error": {"code": 21610}, "times": 9})
    rounds(sending)
    assert twilio.sent(TO) == []
    assert twilio.requests == 1
    assert states(sending) == {("news", "failed"): 1}


def test_a_message_that_is_never_accepted_ends_with_a_human(sending: Service, twilio: Any) -> None:
    twilio.faults.append({"error": {"code": 20429}, "times": 1000})
    for _ in range(74):
        sending.clock.advance(hours=1)
        sending.work()
    assert states(sending) == {("news", "needs_human"): 1}


def test_two_messages_with_one_text_to_one_number_are_told_apart(sending: Service, twilio: Any) -> None:
    now = sending.clock().isoformat()
    sending.push(event("party", party("complainant"), time=now))
    twilio.faults += [{"drop": "after"}, {"drop": "before"}]
    rounds(sending)
    rounds(sending)
    assert len(twilio.sent(TO)) == 2
    assert sum(states(sending).values()) == 2
    assert {state for _, state in states(sending)} <= {"sent", "delivered"}


def test_a_code_of_unknown_outcome_is_never_sent_again(sending: Service, twilio: Any) -> None:
    rounds(sending)
    twilio.faults.append({"drop": "before"})
    sending.client.post("/api/v1/codes", json={"case_number": "A6401215100002026110012", "phone": PHONE})
    rounds(sending)
    assert len(twilio.sent(TO)) == 1
    assert states(sending)["code", "failed"] == 1
