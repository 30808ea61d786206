"""Twilio's own OpenAPI document accepts what the gateway says: Prism, which nobody here wrote, checks every request.

Prism answers with the document's examples, or stands before the provider of the tests and checks its answers too.
It knows nothing of states, callbacks and resets: those are in test_twilio_gateway.py.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from caseq.errors import AccountProblem, OutcomeUnknown, Rejected, TryLater
from caseq.rules.delivery import Receipt, Status
from caseq.sms.gateway import Accepted, Sms
from caseq.sms.twilio_sms import PAGE_SIZE, TwilioGateway
from tests.sms.conftest import ACCOUNT
from tests.sms.prism.document import prepared
from tests.sms.prism.program import DOCUMENT, fetched, prism

# One worker runs them all: each would start programs of its own.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("prism")]

SMS = Sms("caseq-17", "+8619912345678", "您查询的事项有新内容。", 300)
SENDER, SERVICE, STATUS_URL = "+15005550006", "MG" + "b" * 32, "https://caseq.example/api/v1/sms/twilio"
#: What the document has as examples of a list and of one message.
LISTED = Accepted("twilio", "SMded05904ccb347238880ca9264e8fe1c")
LISTED_TEXT, LISTED_AT = "testing", datetime(2019, 5, 24, 17, 44, 46, tzinfo=UTC)
FETCHED = Accepted("twilio", "SMb7c0a2ce80504485a6f653a7110836f5")


@pytest.fixture(scope="module")
def program(pytestconfig: pytest.Config) -> Path:
    return fetched(pytestconfig.cache.mkdir("prism"))


@pytest.fixture(scope="module")
def document(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twilio's document as a file, made fit for Prism."""
    path = tmp_path_factory.mktemp("prism") / "twilio.json"
    whole = json.loads((program / DOCUMENT).read_text(encoding="utf-8"))
    path.write_text(json.dumps(prepared(whole)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def mock(program: Path, document: Path) -> Iterator[str]:
    """A Twilio that consists of its document."""
    with prism(program, document.with_name("mock.log"), "mock", document) as address:
        yield address


@pytest.fixture(scope="module")
def provider(fake_twilio_module: Any) -> Iterator[Any]:
    with fake_twilio_module.FakeTwilio() as running:
        yield running


@pytest.fixture(scope="module")
def checked(program: Path, document: Path, provider: Any) -> Iterator[str]:
    """Prism between us and the provider of the tests: a violation on either side becomes an error."""
    log = document.with_name("proxy.log")
    with prism(program, log, "proxy", document, provider.base_url) as address:
        yield address


def gateway(address: str, **options: Any) -> TwilioGateway:
    return TwilioGateway(ACCOUNT, "test-token", api_base=address, **(options or {"sender": SENDER}))


def violations(asked: TwilioGateway) -> list[str]:
    """What Prism found wrong with the last request or its answer."""
    headers = asked._client.http_client._test_only_last_response.headers
    return [found["message"] for found in json.loads(headers.get("sl-violations", "[]"))]


@pytest.mark.parametrize("status_url", [None, STATUS_URL])
@pytest.mark.parametrize("sender", [{"sender": SENDER}, {"messaging_service_sid": SERVICE}])
def test_a_message_is_accepted(mock: str, sender: dict[str, str], status_url: str | None) -> None:
    asking = gateway(mock, **sender, status_url=status_url)
    assert asking.send(SMS).id.startswith("SM")
    assert violations(asking) == []


def test_a_list_is_given_and_read(mock: str) -> None:
    asking = gateway(mock)
    assert asking.find(SMS, datetime.now(UTC), ()) is None
    assert asking.find(replace(SMS, text=LISTED_TEXT), LISTED_AT, ()) == LISTED
    assert violations(asking) == []


def test_one_message_is_given_and_read(mock: str) -> None:
    asking = gateway(mock)
    assert asking.receipt(SMS, FETCHED, LISTED_AT) == Receipt(FETCHED.id, Status.SENT)
    assert violations(asking) == []


WRONG = {
    "no number": (SENDER, {"to": None}, "must have required property 'To'"),
    "no seconds": (SENDER, {"valid_seconds": "soon"}, "property ValidityPeriod must be integer"),
    "no messaging service": ("MG1", {}, "property MessagingServiceSid must match pattern"),
}


@pytest.mark.parametrize(("sender", "changed", "reason"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_request_is_refused(mock: str, sender: str, changed: dict[str, Any], reason: str) -> None:
    asking = gateway(mock, **{"sender" if sender == SENDER else "messaging_service_sid": sender})
    with pytest.raises(Rejected):
        asking.send(replace(SMS, **changed))
    assert any(reason in found for found in violations(asking))


def test_a_wrong_address_for_reports_and_a_wrong_message_id_are_refused(mock: str) -> None:
    asking = gateway(mock, sender=SENDER, status_url="reports")
    with pytest.raises(Rejected):
        asking.send(SMS)
    assert 'Request body property StatusCallback must match format "uri"' in violations(asking)
    with pytest.raises(OutcomeUnknown):
        asking.receipt(SMS, Accepted("twilio", "SM1"), LISTED_AT)
    assert any("sid must match pattern" in found for found in violations(asking))


def preferring(asking: TwilioGateway, status: int) -> TwilioGateway:
    """The gateway, whose every request asks Prism for the document's answer with this HTTP status."""
    client = asking._client.http_client
    ask = client.request

    def request(*arguments: Any, headers: dict[str, str], **options: Any) -> Any:
        return ask(*arguments, headers={**headers, "Prefer": f"code={status}"}, **options)

    client.request = request
    return asking


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Rejected), (401, AccountProblem), (429, TryLater), (500, OutcomeUnknown), (503, OutcomeUnknown)],
)
def test_an_error_means_what_it_should(mock: str, status: int, kind: type[Exception]) -> None:
    asking = preferring(gateway(mock), status)
    with pytest.raises(kind) as refused:
        asking.send(SMS)
    assert type(refused.value) is kind
    with pytest.raises(OutcomeUnknown):
        asking.find(SMS, LISTED_AT, ())
    with pytest.raises(OutcomeUnknown):
        asking.receipt(SMS, FETCHED, LISTED_AT)
    assert violations(asking) == []


def test_a_message_that_is_not_there_has_no_receipt(mock: str) -> None:
    assert preferring(gateway(mock), 404).receipt(SMS, FETCHED, LISTED_AT) is None


@pytest.mark.parametrize("sender", [{"sender": SENDER}, {"messaging_service_sid": SERVICE}])
def test_a_whole_conversation_keeps_to_the_document(checked: str, provider: Any, sender: dict[str, str]) -> None:
    asking, since = gateway(checked, **sender), datetime.now(UTC)
    provider.reset()
    provider.faults.append({"statuses": ["sent", "undelivered"], "error_code": 30003})
    accepted = asking.send(SMS)
    provider.wait()
    provider.messages += [{**provider.messages[-1], "body": "别的", "sid": f"SM{n:032}"} for n in range(PAGE_SIZE)]
    assert asking.find(SMS, since, ()) == accepted
    receipt = asking.receipt(SMS, accepted, since)
    assert receipt is not None
    assert (receipt.status, receipt.code) == (Status.FAILED, "30003")
    assert violations(asking) == []


def test_an_answer_against_the_document_is_noticed(checked: str, provider: Any) -> None:
    asking = gateway(checked)
    accepted = asking.send(SMS)
    provider.wait()
    provider.messages[-1]["status"] = "lost"
    with pytest.raises(OutcomeUnknown):
        asking.receipt(SMS, accepted, LISTED_AT)
    assert any("status must be equal to one of the allowed values" in found for found in violations(asking))
