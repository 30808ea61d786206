"""A regional system for tests: its published test keys, its files below config/, and tokens of every kind.

Tokens are put together and signed here, by hand, so that nothing the service uses vouches for itself.
"""

import base64
import json
import shutil
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.service import CASE, NOON, ROOT

#: The keys of RFC 8037 (appendix A) and RFC 7515 (appendix A.3): everybody knows their private halves.
ED_PRIVATE = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
EC_PRIVATE = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"
ED_JWK = {
    "kty": "OKP",
    "crv": "Ed25519",
    "kid": "east-1",
    "use": "sig",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}
EC_JWK = {
    "kty": "EC",
    "crv": "P-256",
    "kid": "east-2",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
REGION = "east"
ISSUER, AUDIENCE = "https://query.example.org", "https://cases.example.org"
BACK = "https://query.example.org/progress/"
TITLE = {"zh": "东部查询平台", "en": "Eastern query system"}
NOW = int(NOON.timestamp())
TOML = f"""[{REGION}]
title = {{ zh = "{TITLE["zh"]}", en = "{TITLE["en"]}" }}
issuer = "{ISSUER}"
audience = "{AUDIENCE}"
keys = "regions/east.jwks.json"
algorithms = ["EdDSA", "Ed25519", "ES256"]
return_urls = ["{BACK}"]
"""


def config_with_region(folder: Path, toml: str = TOML, *jwks: dict[str, Any]) -> Path:
    """A copy of the shipped config/ with one regional system in it."""
    config = shutil.copytree(ROOT / "config", folder / "config")
    (config / "regions.toml").write_text(toml, encoding="utf-8")
    (config / "regions").mkdir()
    write_jwks(config, *(jwks or (ED_JWK, EC_JWK)))
    return config


def write_jwks(config: Path, *keys: dict[str, Any]) -> Path:
    path = config / "regions" / "east.jwks.json"
    path.write_text(json.dumps({"keys": list(keys)}, indent=1), encoding="utf-8")
    return path


def claims(**more: Any) -> dict[str, Any]:
    """Good claims at noon; a claim that is `...` is left out."""
    good = {"iss": ISSUER, "aud": AUDIENCE, "iat": NOW, "exp": NOW + 120, "jti": "j-1", "case_number": CASE}
    return {name: value for name, value in {**good, **more}.items() if value is not ...}


def token(given: dict[str, Any] | bytes | None = None, /, key: str = "ed", **header: Any) -> str:
    """A token of these claims, signed by `key` (ed, ec, other, none, hmac); `header` changes the header's values."""
    algorithm = {"ec": "ES256", "none": "none", "hmac": "HS256"}.get(key, "EdDSA")
    usual = {"alg": algorithm, "kid": "east-2" if key == "ec" else "east-1", "typ": "JWT"}
    head = {name: value for name, value in {**usual, **header}.items() if value is not ...}
    body = given if isinstance(given, bytes) else json.dumps(given if given is not None else claims()).encode()
    signed = f"{b64(json.dumps(head).encode())}.{b64(body)}"
    return f"{signed}.{b64(SIGNERS[key](signed.encode()))}"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def ed_key(private: str = ED_PRIVATE) -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.from_private_bytes(unb64(private))


def ec_key(private: str = EC_PRIVATE) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(unb64(private), "big"), ec.SECP256R1())


def pem(key: Any) -> bytes:
    """A private key as `openssl genpkey` writes it."""
    form = serialization.PrivateFormat.PKCS8
    return bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


def _signed_by_ec(message: bytes) -> bytes:
    r, s = decode_dss_signature(ec_key().sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _signed_with_the_public_key(message: bytes) -> bytes:
    """What a verifier computes that takes the algorithm from the header and the public key for a secret."""
    public = ed_key().public_key()
    text = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    mac = hmac.HMAC(text, hashes.SHA256())
    mac.update(message)
    return mac.finalize()


SIGNERS = {
    "ed": lambda message: ed_key().sign(message),
    "ec": _signed_by_ec,
    "other": lambda message: ed_key(b64(b"o" * 32)).sign(message),
    "none": lambda _: b"",
    "hmac": _signed_with_the_public_key,
}
