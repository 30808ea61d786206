"""The keys with which a regional system signs its links: JSON Web Keys (RFC 7517)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from jwt import InvalidKeyError
from jwt.algorithms import ECAlgorithm, OKPAlgorithm

#: Kind and curve of a key, to the ``alg`` of a token that it may have signed. Ed25519 has two names: the one of
#: RFC 8037 and the one that RFC 9864 put in its place.
ALGORITHMS: Mapping[tuple[object, object], frozenset[str]] = {
    ("EC", "P-256"): frozenset({"ES256"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA", "Ed25519"}),
}
EVERY_ALGORITHM = frozenset().union(*ALGORITHMS.values())

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_EC, _OKP = ECAlgorithm(ECAlgorithm.SHA256), OKPAlgorithm()


@dataclass(frozen=True)
class LinkKey:
    """A public key, the only values of ``alg`` with which it is ever used, and itself as a bare JSON Web Key."""

    key: Any = field(repr=False)
    algorithms: frozenset[str]
    public: Mapping[str, str]


@dataclass(frozen=True)
class SigningKey:
    """A private key and its public half as a bare JSON Web Key."""

    key: Any = field(repr=False)
    public: Mapping[str, str]


def link_key(jwk: Mapping[str, Any], allowed: Collection[str]) -> LinkKey | str:
    """The key of one JSON Web Key, to be used with the `allowed` algorithms only; a text says why it is none."""
    if _PRIVATE & jwk.keys():
        return "is a private or secret key: take it out, and have the regional system make another one"
    if jwk.get("use", "sig") != "sig" or "verify" not in _texts(jwk.get("key_ops", ["verify"])):
        return "is not for checking signatures"
    kind = (str(jwk.get("kty")), str(jwk.get("crv")))
    if kind not in ALGORITHMS:
        return "must be of kty EC and crv P-256, or of kty OKP and crv Ed25519"
    algorithms = ALGORITHMS[kind] & frozenset(allowed)
    if "alg" in jwk:
        algorithms &= frozenset(_texts([jwk["alg"]]))
    if not algorithms:
        return "fits none of the algorithms that regions.toml allows this regional system"
    reader = _EC if kind[0] == "EC" else _OKP
    try:
        key: Any = reader.from_jwk(dict(jwk))
    except (InvalidKeyError, ValueError, TypeError):
        return "is no point of its curve, or not written in base64url"
    return LinkKey(key, algorithms, reader.to_jwk(key, as_dict=True))


def signing_key(pem: bytes) -> SigningKey | None:
    """The private key in a PEM text without a password; None if it is no such thing."""
    for reader in (_OKP, _EC):
        try:
            key: Any = reader.prepare_key(pem)
            jwk = reader.to_jwk(key, as_dict=True)
        except (InvalidKeyError, ValueError, TypeError):
            continue
        if "d" in jwk:
            return SigningKey(key, {name: part for name, part in jwk.items() if name != "d"})
    return None


def name_of(key: SigningKey, keys: Mapping[str, LinkKey]) -> str | None:
    """The ``kid`` under which the public half of this key stands among `keys`; None if it does not."""
    return next((kid for kid, known in keys.items() if known.public == key.public), None)


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
