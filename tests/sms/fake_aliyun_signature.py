"""How the fake Aliyun checks a signature: worked out from the request as it came, without the code under test."""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
AUTHORIZATION = re.compile(r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})")
CLOCKS_APART = timedelta(minutes=15)


class Refused(Exception):
    """The request is not of the account's."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.status = code, status


def check(
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    secrets: Mapping[str, str],
    now: datetime,
    nonces: set[str],
) -> None:
    """Refused unless the request is signed, whole, by a known key, now and for the first time."""
    found = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if found is None:
        raise Refused("IncompleteSignature")
    key, names, signature = found[1], found[2].split(";"), found[3]
    if key not in secrets:
        raise Refused("InvalidAccessKeyId.NotFound", 404)
    must = {name for name in headers if name.startswith("x-acs-") or name in ("host", "content-type")}
    if set(names) != must or names != sorted(names):
        raise Refused("IncompleteSignature")
    if headers["x-acs-content-sha256"] != hashlib.sha256(body).hexdigest():
        raise Refused("SignatureDoesNotMatch")
    expected = _signature(method, target, headers, names, secrets[key])
    if not hmac.compare_digest(expected, signature):
        raise Refused("SignatureDoesNotMatch")
    at = datetime.strptime(headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    if abs(at - now) > CLOCKS_APART:
        raise Refused("InvalidTimeStamp.Expired")
    if headers["x-acs-signature-nonce"] in nonces:
        raise Refused("SignatureNonceUsed")
    nonces.add(headers["x-acs-signature-nonce"])


def _signature(method: str, target: str, headers: Mapping[str, str], names: list[str], secret: str) -> str:
    path, _, query = target.partition("?")
    pairs = sorted((_decoded(name), _decoded(value)) for name, _, value in (p.partition("=") for p in query.split("&")))
    canonical = method + "\n" + path + "\n"
    canonical += "&".join(_encoded(name) + "=" + _encoded(value) for name, value in pairs) + "\n"
    for name in names:
        canonical += name + ":" + headers[name].strip() + "\n"
    canonical += "\n" + ";".join(names) + "\n" + headers["x-acs-content-sha256"]
    text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
    return hmac.new(secret.encode(), text.encode(), "sha256").hexdigest()


def _encoded(raw: bytes) -> str:
    return "".join(chr(byte) if byte in UNRESERVED else f"%{byte:02X}" for byte in raw)


def _decoded(text: str) -> bytes:
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda digits: bytes([int(digits[1], 16)]), text.encode())
