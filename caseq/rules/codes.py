"""One-time codes (RFC 4226, by pyotp): derived from the challenge when they are needed, stored nowhere."""

import base64
import hmac
import re
import unicodedata
from datetime import datetime, timedelta
from hashlib import sha256

import pyotp

DIGITS = 8
#: One person may stand in a case in up to this many roles by the same telephone; each role gets its own code.
MOST_GRANTS = 7

#: How far apart the clocks of two machines of the service may be.
CLOCKS_DIFFER = timedelta(minutes=1)

#: What the key of all codes is derived for.
PURPOSE = "one-time codes"

_SEPARATORS = re.compile(r"[\s\-]+")


def is_in_time(asked_at: datetime, expires_at: datetime, now: datetime) -> bool:
    """Whether a code is within its time; one that is yet to be asked for is of before the clock was set back."""
    return asked_at <= now + CLOCKS_DIFFER and now < expires_at


def secret(key: bytes, challenge_id: int) -> bytes:
    """The secret of one challenge under the key of all codes."""
    return hmac.new(key, f"challenge {challenge_id}".encode(), sha256).digest()


def code(secret: bytes, n: int) -> str:
    """The n-th code of a challenge with this secret, 8 digits."""
    return pyotp.HOTP(base64.b32encode(secret).decode(), digits=DIGITS).at(n)


def which(secret: bytes, typed: str) -> int | None:
    """Which code of the challenge was typed, None if none; takes the same time for every answer."""
    given = typed_code(typed).encode()
    matches = [hmac.compare_digest(code(secret, n).encode(), given) for n in range(MOST_GRANTS)]
    return matches.index(True) if any(matches) else None


def typed_code(typed: str) -> str:
    """What a person typed or pasted, without spaces and dashes and with ordinary digits."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", typed[:100]))
