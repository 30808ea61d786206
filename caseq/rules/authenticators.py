"""Codes of authenticator apps (RFC 6238, by pyotp): 8 digits, a new one every 30 seconds."""

import base64
import hmac

import pyotp

from caseq.rules.codes import DIGITS, typed_code

STEP_SECONDS = 30
SECRET_BYTES = 20
#: What stands beside the digits in the app: whoever looks over a shoulder learns nothing from it.
_LABEL = "caseq"


def step_at(seconds: float) -> int:
    """The time step at this Unix time."""
    return int(seconds) // STEP_SECONDS


def which_step(secret: bytes, typed: str, now_step: int) -> int | None:
    """The time step, this one or the one before, whose code was typed; takes the same time for every answer."""
    given = typed_code(typed).encode()
    code_of = pyotp.HOTP(base32(secret), digits=DIGITS).at
    matches = [hmac.compare_digest(code_of(step).encode(), given) for step in (now_step, now_step - 1)]
    return now_step - matches.index(True) if any(matches) else None


def shown(secret: bytes, step: int) -> str:
    """What the app shows during this time step."""
    return pyotp.HOTP(base32(secret), digits=DIGITS).at(step)


def base32(secret: bytes) -> str:
    """The secret as people type it into an app."""
    return base64.b32encode(secret).decode()


def address(secret: bytes) -> str:
    """The otpauth address that an app reads from a QR code; it names no bureau, no case and nobody."""
    return pyotp.TOTP(base32(secret), digits=DIGITS, interval=STEP_SECONDS).provisioning_uri(name=_LABEL)
