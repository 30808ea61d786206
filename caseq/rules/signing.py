"""Standard Webhooks signatures over the raw bytes of a push (standardwebhooks.com, version 1)."""

import base64
import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256

TOLERANCE_SECONDS = 300
KEY_PREFIX = "whsec_"


def key_bytes(key: str) -> bytes:
    """The secret inside a ``whsec_…`` key; ValueError if it is not base64 or shorter than 24 bytes."""
    if not key.startswith(KEY_PREFIX):
        raise ValueError(f"a push key starts with {KEY_PREFIX}")
    try:
        secret = base64.b64decode(key.removeprefix(KEY_PREFIX), validate=True)
    except ValueError as error:
        raise ValueError(f"a push key is {KEY_PREFIX} followed by base64") from error
    if len(secret) < 24:
        raise ValueError("a push key holds at least 24 bytes")
    return secret


def sign(key: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The ``webhook-signature`` header value, ``v1,<base64>``; timestamp in Unix seconds."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key_bytes(key), signed, sha256).digest()).decode()


def headers(key: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a signed request."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(key, message_id, timestamp, body),
    }


def is_signed(keys: Sequence[str], request_headers: Mapping[str, str], body: bytes, now: float) -> bool:
    """Whether any of the keys signed this body within five minutes of `now` (Unix seconds).

    The names in `request_headers` are in lower case.
    """
    sent_at = signed_at(request_headers)
    is_recent = sent_at is not None and abs(now - sent_at) <= TOLERANCE_SECONDS
    return is_recent and is_signed_whenever(keys, request_headers, body)


def is_signed_whenever(keys: Sequence[str], request_headers: Mapping[str, str], body: bytes) -> bool:
    """Whether any of the keys signed this body, however long ago: a file may be days on its way."""
    message_id, sent_at = request_headers.get("webhook-id", ""), signed_at(request_headers)
    if not message_id or sent_at is None:
        return False
    given = request_headers.get("webhook-signature", "").split()[:10]
    expected = [sign(key, message_id, sent_at, body) for key in keys]
    return any(hmac.compare_digest(g.encode(), e.encode()) for g in given for e in expected)


def signed_at(request_headers: Mapping[str, str]) -> int | None:
    """The time in the headers (Unix seconds), None if there is none."""
    text = request_headers.get("webhook-timestamp", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None
