"""Personal data at rest: AES-256-GCM or SM4-GCM, keyed fingerprints for look-ups, keys derived from CASEQ_SECRET_KEY.

A sealed value is URL-safe text: key id, nonce, ciphertext, tag. In front of what SM4 sealed stands ``sm4.``, which no
other sealed value can begin with; without it AES sealed the value.
"""

import base64
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from json.encoder import encode_basestring_ascii as _quoted
from typing import Protocol

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM

from caseq.errors import CipherMissing, SealBroken
from caseq.rules.ciphers import Cipher

SM4_MARK = "sm4."
#: Of a key id so many characters are whole in base64; the next one holds bits of the nonce too.
KEY_CHARACTERS = 5
_NONCE_BYTES = 12
_KEY_ID_BYTES = 4
_TAG_BYTES = 16
_SM4_KEY_BYTES = 16


#: Gives `data` sealed for a purpose.
Seal = Callable[[str, bytes], str]


class _Gcm(Protocol):
    """What both ciphers do: the ciphertext with its tag behind it, and back; InvalidTag if anything was changed."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


class _Sm4Gcm:
    """SM4 in GCM, used like cryptography's AESGCM."""

    def __init__(self, key: bytes) -> None:
        self._algorithm = SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        encryptor = BlockCipher(self._algorithm, GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(associated_data or b"")
        return encryptor.update(data) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        mode = GCM(nonce, data[-_TAG_BYTES:], min_tag_length=_TAG_BYTES)
        decryptor = BlockCipher(self._algorithm, mode).decryptor()
        decryptor.authenticate_additional_data(associated_data or b"")
        return decryptor.update(data[:-_TAG_BYTES]) + decryptor.finalize()


class _Key:
    """What is derived of one secret key; nothing derived for one purpose tells anything about another."""

    def __init__(self, secret: str) -> None:
        self._master = sha256(b"caseq master " + secret.encode()).digest()
        self.derived = lru_cache(maxsize=64)(self._derived)
        self._hashing = lru_cache(maxsize=64)(self._hashing_for)
        self.id = self.derived("key id")[:_KEY_ID_BYTES]
        self.ciphers: Mapping[Cipher, _Gcm] = {
            Cipher.AES_256_GCM: AESGCM(self.derived("seal")),
            Cipher.SM4_GCM: _Sm4Gcm(self.derived("seal sm4")[:_SM4_KEY_BYTES]),
        }

    def _derived(self, purpose: str) -> bytes:
        return hmac.digest(self._master, purpose.encode(), "sha256")

    def _hashing_for(self, purpose: str) -> hmac.HMAC:
        return hmac.new(self.derived(purpose), digestmod="sha256")

    def hash(self, purpose: str, text: str) -> str:
        # hmac.digest would let another thread have the interpreter every time, and wait until that gives it back.
        hashing = self._hashing(purpose).copy()
        hashing.update(text.encode())
        return hashing.hexdigest()


class Sealer:
    """Seals with the newest key and the cipher chosen, and opens what any key and either cipher sealed.

    `purpose` is bound into every value. CipherMissing if OpenSSL on this machine lacks the cipher.
    """

    def __init__(self, secret_keys: Sequence[str], cipher: Cipher = Cipher.AES_256_GCM) -> None:
        keys = [_Key(secret) for secret in secret_keys]
        self._keys = {key.id: key for key in keys}
        self._newest = self._keys[keys[0].id]
        self._cipher = cipher
        try:
            self.seal("", b"")
        except UnsupportedAlgorithm as error:
            raise CipherMissing(f"OpenSSL on this machine has no {cipher}") from error

    def seal(self, purpose: str, data: bytes) -> str:
        """`data` encrypted as URL-safe text."""
        return self._sealed(secrets.token_bytes(_NONCE_BYTES), purpose, data)

    def sealing(self, most: int) -> Seal:
        """`seal` for up to so many values: the system is asked for the chance of all at once. IndexError for more."""
        chance = secrets.token_bytes(_NONCE_BYTES * most)
        nonces = [chance[start : start + _NONCE_BYTES] for start in range(0, len(chance), _NONCE_BYTES)]
        return lambda purpose, data: self._sealed(nonces.pop(), purpose, data)

    def _sealed(self, nonce: bytes, purpose: str, data: bytes) -> str:
        sealed = self._newest.ciphers[self._cipher].encrypt(nonce, data, purpose.encode())
        return _mark(self._cipher) + base64.urlsafe_b64encode(self._newest.id + nonce + sealed).decode()

    def unseal(self, purpose: str, token: str) -> bytes:
        """What was sealed for this purpose; SealBroken if it was not, or was changed."""
        cipher = Cipher.SM4_GCM if token.startswith(SM4_MARK) else Cipher.AES_256_GCM
        try:
            raw = base64.urlsafe_b64decode(token.removeprefix(_mark(cipher)).encode("ascii"))
            start = _KEY_ID_BYTES + _NONCE_BYTES
            key = self._keys[raw[:_KEY_ID_BYTES]]
            return key.ciphers[cipher].decrypt(raw[_KEY_ID_BYTES:start], raw[start:], purpose.encode())
        except (KeyError, ValueError, InvalidTag) as error:
            raise SealBroken(purpose) from error

    def seal_anew(self, purpose: str, token: str, new_purpose: str | None = None) -> str:
        """The same value under the newest key and the cipher chosen; SealBroken if it cannot be opened."""
        return self.seal(new_purpose or purpose, self.unseal(purpose, token))

    def fingerprints(self, purpose: str, text: str) -> tuple[str, ...]:
        """The keyed hashes of `text` under every live key, newest first: store the first, look up by any."""
        return tuple(key.hash(purpose, text) for key in self._keys.values())

    def fingerprint(self, purpose: str, text: str) -> str:
        """The keyed hash of `text` under the newest key."""
        return self._newest.hash(purpose, text)

    def signature(self, purpose: str, text: str) -> str:
        """The keyed hash of `text` under the newest key, after the id of that key."""
        return f"{self.key_id}.{self.fingerprint(purpose, text)}"

    def is_signature(self, purpose: str, text: str, signature: str) -> bool:
        """Whether a live key made this signature of `text`."""
        key_id = signature.partition(".")[0]
        return self.has(key_id) and hmac.compare_digest(
            f"{key_id}.{self._keys[bytes.fromhex(key_id)].hash(purpose, text)}".encode(), signature.encode()
        )

    @property
    def key_id(self) -> str:
        """The id of the newest key, to be stored beside what is derived from it."""
        return self._newest.id.hex()

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of all live keys, newest first."""
        return tuple(key_id.hex() for key_id in self._keys)

    @property
    def mark(self) -> str:
        """What every value begins with that is sealed now."""
        return next(iter(self.marks))

    @property
    def marks(self) -> Mapping[str, tuple[str, Cipher]]:
        """The key id and the cipher for everything that a value can begin with; what is sealed now comes first."""
        ciphers = sorted(Cipher, key=lambda cipher: cipher is not self._cipher)
        return {
            _mark(cipher) + base64.urlsafe_b64encode(key_id).decode()[:KEY_CHARACTERS]: (key_id.hex(), cipher)
            for key_id in self._keys
            for cipher in ciphers
        }

    def knows(self, token: str) -> bool:
        """Whether this was sealed with a live key, if it was sealed at all."""
        return token.startswith(tuple(self.marks))

    def has(self, key_id: str) -> bool:
        """Whether the key of this id is live."""
        return key_id in self.key_ids

    def derived_by_older_keys(self, purpose: str) -> list[bytes]:
        """The same secret under every key but the newest."""
        return [key.derived(purpose) for key in self._keys.values() if key is not self._newest]

    def derived(self, key_id: str, purpose: str) -> bytes:
        """32 secret bytes for this purpose under the key of that id; SealBroken if the key is gone."""
        if not self.has(key_id):
            raise SealBroken(purpose)
        return self._keys[bytes.fromhex(key_id)].derived(purpose)


def bound(purpose: str, *row: str | int) -> str:
    """The purpose of a value that belongs to one row: sealed so, it opens nowhere else."""
    return array(purpose, *row)


def array(*values: str | int | None) -> str:
    """The values as a JSON array, as json.dumps writes it, whose way of making one is slow."""
    return f"[{', '.join([_quoted(value) if isinstance(value, str) else _plain(value) for value in values])}]"


def _plain(value: int | None) -> str:
    return "null" if value is None else str(value)


def _mark(cipher: Cipher) -> str:
    return SM4_MARK if cipher is Cipher.SM4_GCM else ""


def token_hash(token: str) -> str:
    """How a random bearer token (at least 128 bits) is stored: found by it, never read back from it."""
    return sha256(token.encode()).hexdigest()
