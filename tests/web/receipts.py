"""What a provider posts to us: forms signed by Twilio's own library, and a service that has accounts."""

from typing import Any

from twilio.request_validator import RequestValidator
from werkzeug.test import TestResponse

from tests.provider import sid
from tests.service import Service

TOKEN = "twilio-token-of-the-tests"
PUBLIC = "https://cases.example.org"
ACCOUNT = {
    "CASEQ_SMS_FILE": "",
    "CASEQ_TWILIO_ACCOUNT_SID": "AC" + "a" * 32,
    "CASEQ_TWILIO_AUTH_TOKEN": TOKEN,
    "CASEQ_TWILIO_FROM": "+15005550006",
}


SECRET = "secret-of-the-tests-0123456789-abcdef"
ALIYUN = {
    "CASEQ_ALIYUN_ACCESS_KEY_ID": "LTAI5tFake",
    "CASEQ_ALIYUN_ACCESS_KEY_SECRET": "hunter2",
    "CASEQ_ALIYUN_RECEIPT_SECRET": SECRET,
}


def form(key: str, status: str, **more: str) -> dict[str, str]:
    """The fields that Twilio posts about the message with this key."""
    named = {"MessageSid": sid(key), "SmsSid": sid(key), "MessageStatus": status, "SmsStatus": status}
    about = {"AccountSid": ACCOUNT["CASEQ_TWILIO_ACCOUNT_SID"], "ApiVersion": "2010-04-01", "From": "+15005550006"}
    return {**about, **named, **more}


def signature(fields: dict[str, Any], url: str, token: str = TOKEN) -> dict[str, str]:
    """The header in which Twilio signs these fields for this address."""
    return {"X-Twilio-Signature": RequestValidator(token).compute_signature(url, fields)}


def post(
    service: Service, fields: dict[str, str], key: str | None = None, signed: str | None = None, **headers: str
) -> TestResponse:
    """Post fields to the address of the message with this key, signed for the public form of it or for `signed`."""
    path = "/sms/status" + (f"?message={key}" if key else "")
    root = service.runtime.settings.public_url or "http://localhost"
    sent = {**signature(fields, signed or root + path), **headers}
    return service.client.post(path, data=fields, headers=sent)


def told(service: Service, key: str, status: str, **more: str) -> int:
    """The status of the answer when Twilio says this of the message with this key."""
    return post(service, form(key, status, **more), key).status_code
