"""Twilio through its SDK; twilio_codes.py knows what its answers mean."""

import threading
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

import requests
from requests.auth import HTTPBasicAuth
from twilio.base.exceptions import TwilioException

from caseq.errors import OutcomeUnknown, SmsError, TryLater
from caseq.rules.delivery import Receipt
from caseq.sms import twilio_codes
from caseq.sms.gateway import Accepted, Sms
from caseq.sms.lastmoment import LastMoment

#: How far apart our clock and Twilio's may be when a message is looked for.
CLOCK_SLACK = timedelta(seconds=5)
#: How many messages to one number are looked through: four slow pages still end within a worker's lease.
PAGE_SIZE, MOST_PAGES = 50, 4
#: The longest wait that is believed, whatever the answer says.
LONGEST_RETRY_AFTER_SECONDS = 86400
#: What the SDK raises when it gets no answer, a refusal, or an answer that is not Twilio's: network errors are those of
#: requests, and a body that is no JSON or has another shape is whatever stumbles over it.
SDK_ERRORS = (
    TwilioException,
    requests.RequestException,
    *(ValueError, TypeError, LookupError, AttributeError, RecursionError),
)


class TwilioGateway:
    """One Twilio account with a sender number or a messaging service.

    With a `status_url` Twilio is asked to report there what becomes of each message; the key of the message is added
    to it (`?message=caseq-17`), so that a report can be placed that comes before `send` has returned.
    """

    name = "twilio"

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        sender: str | None = None,
        messaging_service_sid: str | None = None,
        api_base: str | None = None,
        status_url: str | None = None,
        answer_seconds: float = 10,
    ) -> None:
        from twilio.rest import Client

        self._sending = threading.local()

        self._answer = threading.local()
        # A connection for every request: a kept one that the other side has dropped looks like an unknown outcome.
        http = _http_client(
            self._sending,
            pool_connections=False,
            timeout=answer_seconds,
            request_hooks={"response": self._note_answer},
        )
        self._client = Client(account_sid, auth_token, http_client=http)
        # Where requests go is said in our settings only; these two come from the environment and change the host.
        self._client.edge = self._client.region = None
        if api_base:
            self._client.api.base_url = api_base
        self._sender = {"messaging_service_sid": messaging_service_sid} if messaging_service_sid else {"from_": sender}
        self._status_url = status_url

    def _note_answer(self, response: requests.Response, *_args: Any, **_kwargs: Any) -> None:
        """Keep what the SDK's exceptions do not tell: when to come again, and the status of the HTTP answer itself."""
        value = response.headers.get("Retry-After", "")
        is_seconds = value.isascii() and value.isdigit()
        self._answer.retry_after = min(float(value), LONGEST_RETRY_AFTER_SECONDS) if is_seconds else None
        self._answer.http_status = response.status_code

    def send(self, sms: Sms) -> Accepted:
        report = {"status_callback": f"{self._status_url}?message={sms.key}"} if self._status_url else {}
        self._sending.sms = sms
        try:
            message = self._client.messages.create(
                to=sms.to, body=sms.text, validity_period=sms.valid_seconds, **self._sender, **report
            )
        except SDK_ERRORS as error:
            raise self._meaning(error) from error
        finally:
            self._sending.sms = None
        return self._accepted(message.sid)

    def _accepted(self, sid: object) -> Accepted:
        """The acceptance; without an id in it the answer was none."""
        if not (isinstance(sid, str) and twilio_codes.SID.fullmatch(sid)):
            raise OutcomeUnknown("no message id")
        return Accepted(self.name, sid)

    def find(self, sms: Sms, since: datetime, known: Collection[str]) -> Accepted | None:
        """The newest message to this number with this text; what was made before `since` is none of ours."""
        oldest = since - CLOCK_SLACK
        for messages in self._pages(sms.to):
            for message in messages:
                if message.body == sms.text and message.sid not in known and _made(message) >= oldest:
                    return self._accepted(message.sid)
            if messages and all(_made(message) < oldest for message in messages):
                return None
        return None

    def _pages(self, to: str) -> Iterator[list[Any]]:
        """The messages to one number, newest first, page by page; OutcomeUnknown where a page is missing."""
        try:
            page = self._client.messages.page(to=to, page_size=PAGE_SIZE)
            for left in reversed(range(MOST_PAGES)):
                yield list(page)
                if not page.next_page_url:
                    return
                page = page.next_page() if left else None
        except SDK_ERRORS as error:
            raise OutcomeUnknown(f"list: {_said(error)}") from error
        raise OutcomeUnknown("list: too long")

    def receipt(self, sms: Sms, accepted: Accepted, since: datetime) -> Receipt | None:  # noqa: ARG002
        try:
            message = self._client.messages(accepted.id).fetch()
        except SDK_ERRORS as error:
            if twilio_codes.number(getattr(error, "code", None)) == twilio_codes.NOT_FOUND:
                return None
            raise OutcomeUnknown(f"fetch: {_said(error)}") from error
        if message.sid != accepted.id:
            raise OutcomeUnknown("fetch: another message")
        return twilio_codes.receipt(accepted.id, message.status, message.error_code)

    def _meaning(self, error: Exception) -> SmsError:
        if _is_refusal(error):
            code = twilio_codes.number(getattr(error, "code", None))
            return twilio_codes.refusal(code, self._answer.http_status, self._answer.retry_after)
        return _network_meaning(error)


def _said(error: Exception) -> str:
    """The code of a refusal, else the kind of the failure; never words, which may quote the number."""
    code = twilio_codes.number(getattr(error, "code", None))
    return str(code or type(error).__name__)


def _http_client(sending: threading.local, **settings: Any) -> Any:
    """The SDK's HTTP client; while `sending` has an `sms`, that goes out only if it still may when its body is due."""
    from twilio.http.http_client import TwilioHttpClient

    class HttpClient(TwilioHttpClient):  # type: ignore[misc]
        def request(self, *args: Any, auth: Any = None, **more: Any) -> Any:
            if (sms := getattr(sending, "sms", None)) is not None:
                auth = LastMoment(sms, HTTPBasicAuth(*auth))
            return super().request(*args, auth=auth, **more)

    return HttpClient(**settings)


def _made(message: Any) -> datetime:
    made = message.date_created
    if not isinstance(made, datetime):
        raise OutcomeUnknown("list: no date")
    return made


def _is_refusal(error: Exception) -> bool:
    """True for an answer with an HTTP status of its own: both of the SDK's forms of it have a status and a code."""
    return isinstance(error, TwilioException) and hasattr(error, "status")


def _network_meaning(error: Exception) -> SmsError:
    """TryLater only when no byte was sent: the connection was never made."""
    if isinstance(error, requests.ConnectTimeout):
        return TryLater("connect timeout")
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    # By name: urllib3 is a library of requests, not ours. A name that is not found is a kind of this.
    is_unmade = any(kind.__name__ == "NewConnectionError" for kind in type(reason).__mro__)
    if isinstance(error, requests.ConnectionError) and is_unmade:
        return TryLater("no connection")
    return OutcomeUnknown(type(error).__name__)
