"""What every gateway does, whoever the provider is: the worker, which knows no provider, relies on each of these."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from caseq.errors import AccountProblem, NumberDead, OutcomeUnknown, Rejected, SmsError, TryLater
from caseq.rules.delivery import Failure, Receipt, Status
from caseq.sms.gateway import Accepted, Sms
from tests.service import PHONE
from tests.sms.rigs import ProviderRig, Rig, now

TO = f"+86{PHONE}"
SMS = Sms("caseq-1-1", TO, "【永宁县公安局】您查询的事项有新内容。", 300, "news", "zh")
AGAIN = replace(SMS, key="caseq-2-1")
OTHER = replace(
    AGAIN,
    text="【永宁县公安局】验证码1234 5678,10分钟内有效。",
    template="code",
    values={"code": "1234 5678", "minutes": "10"},
)


def refused(provider: ProviderRig) -> SmsError:
    """What the gateway says of a message that the provider does not confirm."""
    with pytest.raises(SmsError) as error:
        provider.gateway.send(SMS)
    return error.value


# Sending


def test_an_accepted_message_has_an_id_and_is_there_once(rig: Rig) -> None:
    accepted = rig.gateway.send(SMS)
    assert accepted.gateway == rig.gateway.name
    assert accepted.id
    assert rig.count(TO) == 1


def test_messages_that_are_sent_at_once_are_each_there_once(rig: Rig) -> None:
    with ThreadPoolExecutor(8) as pool:
        accepted = list(pool.map(rig.gateway.send, [replace(SMS, key=f"caseq-{n}-1") for n in range(24)]))
    assert len({message.id for message in accepted}) == 24
    assert rig.count(TO) == 24


def test_a_message_that_is_refused_for_good_is_rejected_and_its_number_is_not_dead(provider: ProviderRig) -> None:
    provider.refuse("message")
    error = refused(provider)
    assert type(error) is Rejected
    assert error.code
    assert provider.count(TO) == 0


def test_a_number_that_takes_no_message_is_dead(provider: ProviderRig) -> None:
    provider.refuse("number")
    assert type(refused(provider)) is NumberDead
    assert provider.count(TO) == 0


@pytest.mark.parametrize("seconds", [None, 7])
def test_a_provider_that_is_busy_is_tried_later_when_it_says(provider: ProviderRig, seconds: int | None) -> None:
    provider.refuse("later", seconds)
    error = refused(provider)
    assert type(error) is TryLater
    assert error.retry_after == seconds
    assert provider.count(TO) == 0


def test_an_account_that_is_refused_is_not_the_fault_of_the_message(provider: ProviderRig) -> None:
    provider.refuse("account")
    assert type(refused(provider)) is AccountProblem
    assert provider.count(TO) == 0


def test_nobody_listening_is_surely_not_accepted(rig: Rig) -> None:
    with pytest.raises(TryLater) as error:
        rig.unreachable.send(SMS)
    assert type(error.value) is TryLater


def test_an_error_of_the_server_leaves_the_outcome_unknown(provider: ProviderRig) -> None:
    provider.fail_with_500()
    assert type(refused(provider)) is OutcomeUnknown


def test_no_error_quotes_the_number_or_the_text(provider: ProviderRig) -> None:
    provider.refuse("message")
    error = refused(provider)
    assert PHONE not in str(error)
    assert SMS.text not in str(error)


# Finding out


def test_a_message_whose_answer_was_lost_is_found_and_nothing_else_is(provider: ProviderRig) -> None:
    since = now()
    first = provider.gateway.send(SMS)
    provider.cut("after")
    with pytest.raises(OutcomeUnknown):
        provider.gateway.send(AGAIN)
    assert provider.count(TO) == 2
    found = provider.gateway.find(AGAIN, since, {first.id})
    assert found is not None
    assert found.gateway == provider.gateway.name
    assert found.id != first.id
    assert provider.gateway.find(AGAIN, since, {first.id, found.id}) is None


def test_a_message_that_never_arrived_is_not_found(provider: ProviderRig) -> None:
    since = now()
    provider.cut("before")
    with pytest.raises(OutcomeUnknown):
        provider.gateway.send(SMS)
    assert provider.gateway.find(SMS, since, set()) is None
    assert provider.count(TO) == 0


def test_an_accepted_message_is_found_under_the_id_it_was_accepted_with(rig: Rig) -> None:
    since = now()
    accepted = rig.gateway.send(SMS)
    assert rig.gateway.find(SMS, since, set()) == accepted


def test_a_message_that_is_known_already_is_not_found_again(rig: Rig) -> None:
    since = now()
    accepted = rig.gateway.send(SMS)
    assert rig.gateway.find(SMS, since, {accepted.id}) is None


def test_of_two_messages_with_one_text_each_is_found_for_itself(rig: Rig) -> None:
    since = now()
    first, second = rig.gateway.send(SMS), rig.gateway.send(AGAIN)
    assert rig.gateway.find(AGAIN, since, {first.id}) == second
    assert rig.gateway.find(SMS, since, {second.id}) == first


def test_another_message_to_the_number_is_not_this_one(rig: Rig) -> None:
    since = now()
    rig.gateway.send(SMS)
    assert rig.gateway.find(OTHER, since, set()) is None


def test_a_provider_that_cannot_be_asked_leaves_the_outcome_unknown(rig: Rig) -> None:
    with pytest.raises(OutcomeUnknown):
        rig.unreachable.find(SMS, now(), set())
    with pytest.raises(OutcomeUnknown):
        rig.unreachable.receipt(SMS, Accepted(rig.gateway.name, rig.stranger), now())


# Receipts


def receipt_of_a_message(rig: Rig) -> Receipt:
    """What became of a message that is sent now."""
    since = now()
    accepted = rig.gateway.send(SMS)
    rig.settle()
    receipt = rig.gateway.receipt(SMS, accepted, since)
    assert receipt is not None
    assert receipt.provider_id == accepted.id
    return receipt


def test_a_message_that_arrived_is_delivered(rig: Rig) -> None:
    receipt = receipt_of_a_message(rig)
    assert (receipt.status, receipt.failure) == (Status.DELIVERED, None)


@pytest.mark.parametrize("failure", [Failure.NUMBER, Failure.MESSAGE, Failure.LATER, Failure.UNKNOWN])
def test_a_message_that_failed_says_with_which_code_and_what_that_means(
    provider: ProviderRig, failure: Failure
) -> None:
    provider.becomes(failure)
    receipt = receipt_of_a_message(provider)
    assert (receipt.status, receipt.failure) == (Status.FAILED, failure)
    assert receipt.code


def test_a_message_that_is_under_way_is_neither_delivered_nor_failed(provider: ProviderRig) -> None:
    provider.becomes(None)
    receipt = receipt_of_a_message(provider)
    assert not receipt.status.is_final
    assert receipt.failure is None


def test_each_message_has_its_own_receipt(provider: ProviderRig) -> None:
    since = now()
    provider.becomes(Failure.LATER)
    failed, delivered = provider.gateway.send(SMS), provider.gateway.send(AGAIN)
    provider.settle()
    receipts = [
        provider.gateway.receipt(SMS, failed, since),
        provider.gateway.receipt(AGAIN, delivered, since),
    ]
    assert [receipt and receipt.status for receipt in receipts] == [Status.FAILED, Status.DELIVERED]


def test_the_provider_knows_nothing_of_a_message_that_it_never_had(rig: Rig) -> None:
    since = now() - timedelta(seconds=1)
    rig.gateway.send(SMS)
    assert rig.gateway.receipt(AGAIN, Accepted(rig.gateway.name, rig.stranger), since) is None
