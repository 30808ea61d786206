"""Each gateway with its provider, and how to make that provider do what the contract is about."""

import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from caseq.rules.delivery import Failure
from caseq.sms.aliyun_sms import AliyunGateway
from caseq.sms.file_sms import FileGateway
from caseq.sms.gateway import SmsGateway
from caseq.sms.twilio_sms import TwilioGateway
from tests.sms.fake_aliyun import KEY_ID, KEY_SECRET, SIGN_NAME, FakeAliyun

Refusal = Literal["message", "number", "later", "account"]

#: Twilio's codes of refusals and of receipts, one for each meaning; nobody has listed 39999.
TWILIO_REFUSALS: dict[Refusal, int] = {"message": 21617, "number": 21211, "later": 20429, "account": 20003}
TWILIO_FAILURES = {Failure.NUMBER: 30006, Failure.MESSAGE: 30007, Failure.LATER: 30003, Failure.UNKNOWN: 39999}

#: The same of Aliyun's; the unknown one is a carrier's own.
ALIYUN_REFUSALS: dict[Refusal, dict[str, Any]] = {
    "message": {"code": "isv.PARAM_LENGTH_LIMIT"},
    "number": {"code": "isv.MOBILE_NUMBER_ILLEGAL"},
    "later": {"code": "Throttling.User", "status": 400},
    "account": {"code": "isv.AMOUNT_NOT_ENOUGH"},
}
ALIYUN_FAILURES = {
    Failure.NUMBER: "USER_REJECT",
    Failure.MESSAGE: "CONTENT_KEYWORD",
    Failure.LATER: "MOBILE_NOT_ON_SERVICE",
    Failure.UNKNOWN: "MK:0255",
}


class Rig(Protocol):
    """A gateway with its provider; `unreachable` is the same gateway where nobody listens."""

    gateway: SmsGateway
    unreachable: SmsGateway
    stranger: str  # An id that could be of the provider's, of no message.

    def count(self, to: str) -> int:
        """How many messages to a number the provider has accepted."""
        ...

    def settle(self) -> None:
        """Wait until receipts that are under way have arrived."""
        ...


class ProviderRig(Rig, Protocol):
    """A provider over a network, which can refuse, fail and report."""

    def refuse(self, what: Refusal, retry_after: int | None = None) -> None:
        """Have the next message refused."""
        ...

    def cut(self, when: Literal["before", "after"]) -> None:
        """Have the next message's connection reset before or after it is accepted."""
        ...

    def fail_with_500(self) -> None:
        """Have the next message answered with an error of the server's."""
        ...

    def becomes(self, failure: Failure | None) -> None:
        """Have the next message fail, or wait for its receipt."""
        ...


def dead_address() -> str:
    """An address on this machine where nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}"


class FileRig:
    stranger = "caseq-nobodys"

    def __init__(self, folder: Path) -> None:
        self.messages = FileGateway(folder / "sms.jsonl")
        self.gateway: SmsGateway = self.messages
        self.unreachable: SmsGateway = FileGateway(folder)

    def count(self, to: str) -> int:
        return sum(message["to"] == to for message in self.messages.messages())

    def settle(self) -> None:
        """Nothing is under way."""


class TwilioRig:
    stranger = "SM" + "0" * 32

    def __init__(self, fake: Any) -> None:
        self._fake = fake
        self.gateway: SmsGateway = self._made(fake.base_url)
        self.unreachable: SmsGateway = self._made(dead_address())

    def _made(self, address: str) -> TwilioGateway:
        fake = self._fake
        return TwilioGateway(fake.account_sid, fake.auth_token, sender="+15005550006", api_base=address)

    def count(self, to: str) -> int:
        return len(self._fake.sent(to))

    def refuse(self, what: Refusal, retry_after: int | None = None) -> None:
        self._fake.faults.append({"error": {"code": TWILIO_REFUSALS[what], "retry_after": retry_after}})

    def cut(self, when: Literal["before", "after"]) -> None:
        self._fake.faults.append({"drop": when})

    def fail_with_500(self) -> None:
        self._fake.faults.append({"error": {"code": 20500}})

    def becomes(self, failure: Failure | None) -> None:
        if failure is None:
            self._fake.faults.append({"statuses": ["sent"]})
        else:
            self._fake.faults.append({"statuses": ["sent", "undelivered"], "error_code": TWILIO_FAILURES[failure]})

    def settle(self) -> None:
        self._fake.wait()


class AliyunRig:
    stranger = "caseq-nobodys"

    def __init__(self, fake: FakeAliyun) -> None:
        self._fake = fake
        self.gateway: SmsGateway = aliyun_gateway(fake.base_url)
        self.unreachable: SmsGateway = aliyun_gateway(dead_address())

    def count(self, to: str) -> int:
        return len(self._fake.sent(to.removeprefix("+86")))

    def refuse(self, what: Refusal, retry_after: int | None = None) -> None:
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        self._fake.faults.append({**ALIYUN_REFUSALS[what], "headers": headers})

    def cut(self, when: Literal["before", "after"]) -> None:
        self._fake.faults.append({"drop": when})

    def fail_with_500(self) -> None:
        self._fake.faults.append({"code": "InternalError", "status": 500})

    def becomes(self, failure: Failure | None) -> None:
        self._fake.faults.append({"becomes": None if failure is None else ALIYUN_FAILURES[failure]})

    def settle(self) -> None:
        """Nothing is under way: the fake's receipts are there with the message."""


def aliyun_gateway(address: str) -> AliyunGateway:
    templates = {("news", "zh"): "SMS_100", ("code", "zh"): "SMS_101", ("news_phrase", "zh"): "SMS_102"}
    return AliyunGateway(KEY_ID, KEY_SECRET, sign_name=SIGN_NAME, templates=templates, api_base=address)


def now() -> datetime:
    return datetime.now(UTC)
