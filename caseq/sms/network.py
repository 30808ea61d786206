"""What a failed request says of the message in it: surely not sent, or nobody knows."""

import ssl

import requests
from urllib3.exceptions import NewConnectionError

from caseq.errors import OutcomeUnknown, SmsError, TryLater

#: However long a provider asks us to wait, a message is tried again after a day.
LONGEST_WAIT_SECONDS = 86_400


def meaning(error: requests.RequestException) -> SmsError:
    """TryLater only if no byte of the request was sent: there was no connection, or its certificate was refused."""
    if isinstance(error, requests.ConnectTimeout):
        return TryLater("connect timeout")
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(reason, NewConnectionError):
        return TryLater("no connection")
    if reason is not None and any(isinstance(cause, ssl.SSLCertVerificationError) for cause in reason.args):
        return TryLater("certificate refused")
    return OutcomeUnknown(type(error).__name__)


def retry_after(value: str | None) -> float | None:
    """The seconds of a Retry-After header, at most a day; None if there is none or it is a date."""
    if value is None or not (value.isascii() and value.isdigit()):
        return None
    return float(min(int(value[:9]), LONGEST_WAIT_SECONDS))
