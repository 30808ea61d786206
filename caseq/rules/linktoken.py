"""The token of a link from a regional system: a signed JWT (RFC 7519) that names a case and proves nothing else."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeGuard

from jwt import InvalidKeyError, InvalidTokenError, PyJWS
from jwt.algorithms import OKPAlgorithm

from caseq.errors import NotJson
from caseq.rules import strictjson
from caseq.rules.linkkeys import LinkKey, SigningKey
from caseq.rules.numbers import LONGEST_NUMBER

LIFE_SECONDS = 120
#: How far the clocks of two machines may be apart.
LEEWAY_SECONDS = 10
LONGEST_TOKEN = 4096
LONGEST_ID = 200

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LATEST = 1e11

_jws = PyJWS(algorithms=["ES256", "EdDSA"])
_jws.register_algorithm("Ed25519", OKPAlgorithm())


class Cause(StrEnum):
    """Why a token is not taken; for our log only, people read the same for each."""

    FORM = "form"
    TYPE = "type"
    KEY = "key"
    ALGORITHM = "algorithm"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    TIME = "time"
    CLAIMS = "claims"
    USED = "used"


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says; `usable_until` is when it is refused for its age at the latest."""

    id: str = field(repr=False)
    case_number: str = field(repr=False)
    return_url: str | None = field(repr=False)
    usable_until: datetime


def read(token: str, issuer: str, audience: str, keys: Mapping[str, LinkKey], now: datetime) -> Claims | Cause:
    """What a token from `issuer` for `audience` says at this moment, or why it is not taken.

    Key and algorithm are those of `keys`; the header only names one of them, whatever else stands in it.
    """
    compact = _COMPACT.fullmatch(token) if len(token) <= LONGEST_TOKEN else None
    header = _header(compact[1]) if compact else None
    if header is None:
        return Cause.FORM
    if str(header.get("typ", "JWT")).upper() != "JWT" or "crit" in header:
        return Cause.TYPE
    kid, algorithm = header.get("kid"), header.get("alg")
    key = keys.get(kid) if isinstance(kid, str) else None
    if key is None:
        return Cause.KEY
    if not isinstance(algorithm, str) or algorithm not in key.algorithms:
        return Cause.ALGORITHM
    try:
        payload = _jws.decode(token, key.key, algorithms=[algorithm])
    except (InvalidTokenError, InvalidKeyError):
        return Cause.SIGNATURE
    claims = _object(payload)
    return Cause.FORM if claims is None else _claims(claims, issuer, audience, now.timestamp())


def sign(claims: Mapping[str, object], key: SigningKey, algorithm: str, kid: str) -> str:
    """The token with these claims, for tests: the regional system makes its own."""
    payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode()
    return _jws.encode(payload, key.key, algorithm=algorithm, headers={"kid": kid, "typ": "JWT"})


def _header(segment: str) -> dict[str, Any] | None:
    try:
        return _object(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except ValueError:
        return None


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        value = strictjson.loads(text)
    except NotJson:
        return None
    return value if isinstance(value, dict) else None


def _claims(claims: Mapping[str, Any], issuer: str, audience: str, now: float) -> Claims | Cause:
    if claims.get("iss") != issuer:
        return Cause.ISSUER
    meant_for = claims.get("aud")
    if audience not in (meant_for if isinstance(meant_for, list) else [meant_for]):
        return Cause.AUDIENCE
    ends_at = _end(claims, now)
    if ends_at is None:
        return Cause.TIME
    token_id, case_number, back = (claims.get(name) for name in ("jti", "case_number", "return_url"))
    if not _is_text(token_id, LONGEST_ID) or not _is_text(case_number, LONGEST_NUMBER):
        return Cause.CLAIMS
    usable_until = datetime.fromtimestamp(ends_at, UTC) + timedelta(seconds=LEEWAY_SECONDS)
    return Claims(token_id, case_number, back if isinstance(back, str) else None, usable_until)


def _end(claims: Mapping[str, Any], now: float) -> float | None:
    """When the token ends (Unix seconds); None if it is over, not begun, lives too long or does not say."""
    made_at, ends_at, begins_at = (_seconds(claims.get(name)) for name in ("iat", "exp", "nbf"))
    if made_at is None or ends_at is None or ("nbf" in claims and begins_at is None):
        return None
    has_begun = max(made_at, begins_at or 0) <= now + LEEWAY_SECONDS
    is_short = made_at < ends_at <= made_at + LIFE_SECONDS
    return ends_at if has_begun and is_short and now < ends_at + LEEWAY_SECONDS else None


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < _LATEST else None


def _is_text(value: object, longest: int) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value.strip()) <= len(value) <= longest and not _CONTROL.search(value)
