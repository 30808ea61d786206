"""Twilio through its SDK: which errors mean refused, later, or unknown (Twilio's error pages 20003-30008)."""

import threading
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import requests

from caseq.errors import AccountProblem, OutcomeUnknown, Rejected, SmsError, TryLater
from caseq.sms.gateway import Accepted, Sms

TIMEOUT_SECONDS = 10
#: The account is refused, not the message: wrong credentials, region switched off, sender not ours.
ACCOUNT_CODES = frozenset({20003, 20005, 21408, 21606, 21659, 21660})
#: Surely not processed: too many requests, queue full.
LATER_CODES = frozenset({20429, 21611})
#: How far apart our clock and Twilio's may be when a message is looked for.
CLOCK_SLACK = timedelta(seconds=5)


class TwilioGateway:
    """One Twilio account with a sender number or a messaging service."""

    name = "twilio"

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        sender: str | None = None,
        messaging_service_sid: str | None = None,
        api_base: str | None = None,
    ) -> None:
        from twilio.http.http_client import TwilioHttpClient
        from twilio.rest import Client

        self._answer = threading.local()
        # A connection for every request: a kept one that the other side has dropped looks like an unknown outcome.
        http = TwilioHttpClient(
            pool_connections=False, timeout=TIMEOUT_SECONDS, request_hooks={"response": self._note_retry_after}
        )
        self._client = Client(account_sid, auth_token, http_client=http)
        if api_base:
            self._client.api.base_url = api_base
        self._sender = {"messaging_service_sid": messaging_service_sid} if messaging_service_sid else {"from_": sender}

    def _note_retry_after(self, response: requests.Response, *_args: Any, **_kwargs: Any) -> None:
        value = response.headers.get("Retry-After", "")
        self._answer.retry_after = float(value) if value.isdigit() else None

    def send(self, sms: Sms) -> Accepted:
        from twilio.base.exceptions import TwilioException, TwilioRestException

        try:
            message = self._client.messages.create(
                to=sms.to, body=sms.text, validity_period=sms.valid_seconds, **self._sender
            )
        except TwilioRestException as error:
            raise _meaning(error, self._answer.retry_after) from error
        except (requests.RequestException, TwilioException) as error:
            raise _network_meaning(error) from error
        return Accepted(self.name, message.sid)

    def find(self, sms: Sms, since: datetime, known: Collection[str]) -> Accepted | None:
        from twilio.base.exceptions import TwilioException

        try:
            messages = self._client.messages.list(to=sms.to, limit=50)
        except (requests.RequestException, TwilioException) as error:
            raise OutcomeUnknown("list") from error
        for message in messages:
            made = message.date_created
            if message.body == sms.text and message.sid not in known and made and made >= since - CLOCK_SLACK:
                return Accepted(self.name, message.sid)
        return None


def _meaning(error: Any, retry_after: float | None) -> SmsError:
    code = str(error.code or error.status)
    if error.code in ACCOUNT_CODES or error.status == 401:
        return AccountProblem(code)
    if error.code in LATER_CODES or error.status == 429:
        return TryLater(code, retry_after)
    return OutcomeUnknown(code) if error.status >= 500 else Rejected(code)


def _network_meaning(error: Exception) -> SmsError:
    """TryLater only when no byte was sent: the connection was never made."""
    if isinstance(error, requests.ConnectTimeout):
        return TryLater("connect timeout")
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(error, requests.ConnectionError) and type(reason).__name__ == "NewConnectionError":
        return TryLater("no connection")
    return OutcomeUnknown(type(error).__name__)
