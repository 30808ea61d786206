"""Signatures of Alibaba Cloud's API, version 3 (ACS3-HMAC-SHA256), for a POST whose parameters stand in the address.

Help page 2593177, "request syntax and signature method V3"; the tests compare with alibabacloud_tea_openapi.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

ALGORITHM = "ACS3-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class AccessKey:
    id: str
    secret: str = field(repr=False)


def query_string(parameters: Mapping[str, str]) -> str:
    """The parameters sorted by name and encoded by RFC 3986, as they are signed and as they must be sent."""
    return "&".join(f"{quote(name, safe='')}={quote(parameters[name], safe='')}" for name in sorted(parameters))


def headers(key: AccessKey, query: str, about: Mapping[str, str], now: datetime, nonce: str) -> dict[str, str]:
    """All headers of a POST to / without a body; `about` has host, x-acs-action and x-acs-version in small letters."""
    signed = {
        **about,
        "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
        "x-acs-date": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
    }
    return {**signed, "authorization": authorization(key, query, signed)}


def authorization(key: AccessKey, query: str, signed: Mapping[str, str]) -> str:
    """The Authorization header of a POST to / whose headers are `signed`, all of them."""
    names = sorted(signed)
    lines = "".join(f"{name}:{signed[name].strip()}\n" for name in names)
    canonical = "\n".join(["POST", "/", query, lines, ";".join(names), signed["x-acs-content-sha256"]])
    to_sign = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(key.secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Credential={key.id},SignedHeaders={';'.join(names)},Signature={signature}"
