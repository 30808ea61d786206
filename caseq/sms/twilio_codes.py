"""What Twilio's error codes and words for a message mean to us, as tables (source: its error dictionary)."""

import re
from collections.abc import Mapping

from caseq.errors import AccountProblem, NumberDead, OutcomeUnknown, Rejected, SmsError, TryLater
from caseq.rules.delivery import Failure, Receipt, Status

#: How an id of a message looks (Twilio's OpenAPI document, api.v2010.account.message).
SID = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")
_CODE = re.compile(r"[1-9][0-9]{0,6}")
#: A message, or the list of them, that is not there.
NOT_FOUND = 20404

#: What a code means, whether it refuses a request or says why an accepted message failed: through a messaging service
#: Twilio finds the same things out later. A code that may stand for a message that did arrive (30410, the carrier's
#: answer was lost) is not here on purpose.
FAILURES: Mapping[int, Failure] = {
    21211: Failure.NUMBER,  # no telephone number
    21265: Failure.NUMBER,  # a short code
    21610: Failure.NUMBER,  # its owner answered STOP
    21614: Failure.NUMBER,  # no mobile
    21635: Failure.NUMBER,  # a landline
    30005: Failure.NUMBER,  # unknown to its carrier
    30006: Failure.NUMBER,  # a landline, or a carrier that takes no SMS
    21602: Failure.MESSAGE,  # no text
    21603: Failure.MESSAGE,  # no sender
    21604: Failure.MESSAGE,  # no number
    21617: Failure.MESSAGE,  # more than 1600 characters
    30004: Failure.MESSAGE,  # blocked
    30007: Failure.MESSAGE,  # filtered as spam
    10001: Failure.ACCOUNT,  # suspended
    20003: Failure.ACCOUNT,  # wrong credentials
    20005: Failure.ACCOUNT,  # not active
    20403: Failure.ACCOUNT,  # may not use the API
    NOT_FOUND: Failure.ACCOUNT,  # to a request for sending: no such account
    21408: Failure.ACCOUNT,  # this country is switched off
    21606: Failure.ACCOUNT,  # the sender cannot send there, or is not ours
    21608: Failure.ACCOUNT,  # a trial account sends to verified numbers only
    21609: Failure.ACCOUNT,  # the address for receipts in our settings is none
    21659: Failure.ACCOUNT,  # the sender is not Twilio's
    21660: Failure.ACCOUNT,  # the sender belongs to another account
    21661: Failure.ACCOUNT,  # the sender cannot send SMS
    21701: Failure.ACCOUNT,  # no such messaging service
    21705: Failure.ACCOUNT,  # not the id of a messaging service
    30002: Failure.ACCOUNT,  # suspended while the message waited
    63038: Failure.ACCOUNT,  # its messages of the day are used up
    20429: Failure.LATER,  # too many requests, this one was not processed
    21611: Failure.LATER,  # the queue of the sender is full
    30001: Failure.LATER,  # the queue overflowed
    30003: Failure.LATER,  # the handset is off or out of reach
    30008: Failure.LATER,  # unknown to Twilio itself
    30036: Failure.LATER,  # waited longer than it was worth
}
_ERRORS: Mapping[Failure, type[SmsError]] = {
    Failure.NUMBER: NumberDead,
    Failure.MESSAGE: Rejected,
    Failure.ACCOUNT: AccountProblem,
    Failure.LATER: TryLater,
}
#: For an answer without a code that we know: credentials, a wrong address and a proxy's own refusal (407) say nothing
#: of the message; after 408 nobody knows what was read.
_BY_HTTP_STATUS: Mapping[int, type[SmsError]] = {
    401: AccountProblem,
    403: AccountProblem,
    407: AccountProblem,
    408: OutcomeUnknown,
    429: TryLater,
}

#: Twilio's words for how far a message has come; words of incoming messages and new ones are not here.
STATUSES: Mapping[str, Status] = {
    "accepted": Status.ACCEPTED,
    "queued": Status.ACCEPTED,
    "scheduled": Status.ACCEPTED,
    "sending": Status.ACCEPTED,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.DELIVERED,
    "undelivered": Status.FAILED,
    "failed": Status.FAILED,
    "canceled": Status.FAILED,
}


def number(code: object) -> int | None:
    """The error code as a number, None if it is none: JSON has a number or null there, a form has text or nothing."""
    text = str(code)
    return int(text) if _CODE.fullmatch(text) else None


def refusal(code: int | None, http_status: int, retry_after: float | None) -> SmsError:
    """What an answer with an error means for a message that was to be sent: the code decides, else the HTTP status."""
    if code is not None and code in FAILURES:
        kind = _ERRORS[FAILURES[code]]
    else:
        other = Rejected if 400 <= http_status < 500 else OutcomeUnknown
        kind = _BY_HTTP_STATUS.get(http_status, other)
    return kind(str(code or http_status), retry_after)


def receipt(sid: str, status: object, code: object) -> Receipt | None:
    """What Twilio says of one message; None if its word for it is none of a message on its way to somebody.

    A code counts only where the message failed: Twilio leaves some on messages that went on.
    """
    reached = STATUSES.get(status) if isinstance(status, str) else None
    if reached is not Status.FAILED:
        return Receipt(sid, reached) if reached else None
    known = number(code)
    failure = FAILURES.get(known, Failure.UNKNOWN) if known else Failure.UNKNOWN
    return Receipt(sid, reached, str(known) if known else None, failure)
