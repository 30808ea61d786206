"""What Twilio posts to the `status_url` of a message: who may say it, and what it says.

A signature has neither time nor nonce, and covers names and values written one after the other without anything
between them. So whoever once saw a signed request can send it again, and can move letters between names and values.
Three things take the use out of that. Only fixed names with values of a fixed form are read here. No name may be empty
or begin with a digit, or the end of the URL could move into the form: `?message=caseq-17` would pass for
`?message=caseq-1`. And whoever reads the key of the message from the URL takes it for nothing but the whole of
`caseq-` and digits, and for that message only if it has this id or none yet.
"""

from collections.abc import Mapping

from caseq.rules.delivery import Receipt
from caseq.sms import twilio_codes

SIGNATURE_HEADER = "X-Twilio-Signature"


def is_signed(auth_token: str, url: str, form: Mapping[str, str], signature: str) -> bool:
    """True if Twilio signed this form for this URL, which is the public one, with its query, as Twilio knows it.

    Parameters that we do not know are covered like all others. Of a parameter that comes twice the form must give both
    values (`getlist`, as that of Flask does), because both are signed. Whether the URL has a port makes no difference:
    Twilio itself sometimes leaves it out.
    """
    from twilio.request_validator import RequestValidator

    if not auth_token or not signature or any(not name or name[0].isdigit() for name in form):
        return False
    try:
        return bool(RequestValidator(auth_token).validate(url, form, signature))
    except ValueError:  # a port that is none, or text that is no Unicode
        return False


def receipt_of(form: Mapping[str, str]) -> Receipt | None:
    """What a signed form says of one message; None if it says nothing that we understand.

    A name that comes twice says nothing. SmsSid and SmsStatus, the old names of the same things, are not read.
    """
    sid, status, code = (_only(form, name) for name in ("MessageSid", "MessageStatus", "ErrorCode"))
    if sid is None or not twilio_codes.SID.fullmatch(sid):
        return None
    return twilio_codes.receipt(sid, status, code)


def _only(form: Mapping[str, str], name: str) -> str | None:
    """The value of a name that comes once; a form without `getlist` has every name once."""
    every = form.getlist(name) if hasattr(form, "getlist") else [form.get(name)]
    return every[0] if len(every) == 1 else None
