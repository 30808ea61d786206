"""Personal data at rest: AES-256-GCM, keyed fingerprints for look-ups, keys derived from CASEQ_SECRET_KEY."""

import base64
import hmac
import secrets
from collections.abc import Sequence
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from caseq.errors import SealBroken

_NONCE_BYTES = 12
_KEY_ID_BYTES = 4


class Sealer:
    """Seals with the newest key and opens what any of the keys sealed; `purpose` is bound into every value."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        masters = [sha256(b"caseq master " + key.encode()).digest() for key in secret_keys]
        self._masters = {_derive(master, "key id")[:_KEY_ID_BYTES]: master for master in masters}
        self._ciphers = {key_id: AESGCM(_derive(master, "seal")) for key_id, master in self._masters.items()}
        self._newest = _derive(masters[0], "key id")[:_KEY_ID_BYTES]

    def seal(self, purpose: str, data: bytes) -> str:
        """`data` encrypted as URL-safe text: key id, nonce, ciphertext."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._ciphers[self._newest].encrypt(nonce, data, purpose.encode())
        return base64.urlsafe_b64encode(self._newest + nonce + sealed).decode()

    def unseal(self, purpose: str, token: str) -> bytes:
        """What was sealed for this purpose; SealBroken if it was not, or was changed."""
        try:
            raw = base64.urlsafe_b64decode(token.encode("ascii"))
            cipher = self._ciphers[raw[:_KEY_ID_BYTES]]
            start = _KEY_ID_BYTES + _NONCE_BYTES
            return cipher.decrypt(raw[_KEY_ID_BYTES:start], raw[start:], purpose.encode())
        except (KeyError, ValueError, InvalidTag) as error:
            raise SealBroken(purpose) from error

    def fingerprints(self, purpose: str, text: str) -> tuple[str, ...]:
        """The keyed hashes of `text` under every live key, newest first: store the first, look up by any."""
        ordered = sorted(self._masters, key=lambda key_id: key_id != self._newest)
        return tuple(
            hmac.new(_derive(self._masters[key_id], purpose), text.encode(), sha256).hexdigest() for key_id in ordered
        )

    def fingerprint(self, purpose: str, text: str) -> str:
        """The keyed hash of `text` under the newest key."""
        return self.fingerprints(purpose, text)[0]

    @property
    def key_id(self) -> str:
        """The id of the newest key, to be stored beside what is derived from it."""
        return self._newest.hex()

    def derived_by_older_keys(self, purpose: str) -> list[bytes]:
        """The same secret under every key but the newest."""
        return [_derive(master, purpose) for key_id, master in self._masters.items() if key_id != self._newest]

    def derived(self, key_id: str, purpose: str) -> bytes:
        """32 secret bytes for this purpose under the key of that id; SealBroken if the key is gone."""
        try:
            return _derive(self._masters[bytes.fromhex(key_id)], purpose)
        except (KeyError, ValueError) as error:
            raise SealBroken(purpose) from error


def _derive(master: bytes, purpose: str) -> bytes:
    return hmac.new(master, purpose.encode(), sha256).digest()


def token_hash(token: str) -> str:
    """How a random bearer token (at least 128 bits) is stored: found by it, never read back from it."""
    return sha256(token.encode()).hexdigest()
