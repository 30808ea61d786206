"""The token of a regional system: what is taken at a moment, and why anything else is not."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from caseq.rules import linkkeys, linktoken
from caseq.rules.linkkeys import EVERY_ALGORITHM, LinkKey
from caseq.rules.linktoken import Cause, Claims
from tests.links import AUDIENCE, BACK, EC_JWK, ED_JWK, ISSUER, NOW, b64, claims, ec_key, ed_key, pem, token
from tests.service import CASE, NOON


def key_of(jwk, allowed=EVERY_ALGORITHM):
    found = linkkeys.link_key(jwk, allowed)
    assert isinstance(found, LinkKey), found
    return found


KEYS = {"east-1": key_of(ED_JWK), "east-2": key_of(EC_JWK)}


def read(text, keys=KEYS, at=NOON):
    return linktoken.read(text, ISSUER, AUDIENCE, keys, at)


def is_taken(text, **more):
    return isinstance(read(text, **more), Claims)


def test_a_good_token_says_its_claims():
    found = read(token(claims(return_url=BACK)))
    assert isinstance(found, Claims)
    assert (found.id, found.case_number, found.return_url) == ("j-1", CASE, BACK)
    assert found.usable_until == datetime.fromtimestamp(NOW + 130, UTC)


GOOD = {
    "signed with ES256": token(key="ec"),
    "under the newer name of Ed25519": token(alg="Ed25519"),
    "without typ": token(typ=...),
    "typ in small letters": token(typ="jwt"),
    "for several": token(claims(aud=["https://other.example.org", AUDIENCE])),
    "with fractions of a second": token(claims(iat=NOW - 0.5, exp=NOW + 119.5)),
    "with nbf": token(claims(nbf=NOW)),
    "with claims that we do not know": token(claims(sub="x", scope="everything")),
    "with a number of a document": token(claims(case_number="示公（城）立告字〔2026〕118号")),
    "with addresses of keys in its header, which nobody fetches": token(
        jku="https://evil.example.org/jwks", x5u="https://evil.example.org/x", x5c=["AAAA"]
    ),
    "with another key in its header, which nobody uses": token(jwk={**ED_JWK, "x": b64(b"o" * 32)}),
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_a_token_is_taken(text):
    assert is_taken(text)


def tampered(text):
    head, _, signature = text.split(".")
    return f"{head}.{b64(json.dumps(claims(case_number='A6401215100002026119999')).encode())}.{signature}"


KID = Cause.KEY
TWICE = b'{"alg":"EdDSA","alg":"none","kid":"east-1"}'
REFUSED = {
    # The form
    "nothing": ("", Cause.FORM),
    "words": ("hello", Cause.FORM),
    "two parts": (token().rsplit(".", 1)[0], Cause.FORM),
    "five parts": (token() + ".x.y", Cause.FORM),
    "signed with alg none": (token(key="none"), Cause.FORM),
    "a header that is no base64": ("a." + token().split(".", 1)[1], Cause.FORM),
    "a header that is a list": (f"{b64(b'[]')}.e30.e30", Cause.FORM),
    "a header of brackets": (f"{b64(b'[' * 2000)}.e30.e30", Cause.FORM),
    "a header with half a surrogate": (token(kid="\ud800"), Cause.FORM),
    "a header that names alg twice": (f"{b64(TWICE)}.e30.e30", Cause.FORM),
    "too long": (token(claims(more="x" * 4000)), Cause.FORM),
    "claims that are a list": (token(b"[]"), Cause.FORM),
    "claims of brackets": (token(b"[" * 2000), Cause.FORM),
    "claims with half a surrogate": (token(claims(case_number="\ud800")), Cause.FORM),
    "claims that name iss twice": (token(b'{"iss":"a","iss":"b"}'), Cause.FORM),
    # The header
    "another typ": (token(typ="at+jwt"), Cause.TYPE),
    "a typ that is no text": (token(typ=["JWT"]), Cause.TYPE),
    "an extension that must be understood": (token(crit=["exp"]), Cause.TYPE),
    "no kid": (token(kid=...), KID),
    "an unknown kid": (token(kid="east-9"), KID),
    "a kid that is a path": (token(kid="../../dev/null"), KID),
    "a kid that is SQL": (token(kid="' OR 1=1 --"), KID),
    "a kid that is an address": (token(kid="https://evil.example.org/key"), KID),
    "a kid that is a list": (token(kid=["east-1"]), KID),
    "alg none with a signature": (token(alg="none"), Cause.ALGORITHM),
    "HS256 signed with the public key": (token(key="hmac"), Cause.ALGORITHM),
    "alg of another key": (token(alg="ES256"), Cause.ALGORITHM),
    "alg that is a list": (token(alg=["EdDSA"]), Cause.ALGORITHM),
    "no alg": (token(alg=...), Cause.ALGORITHM),
    # The signature
    "signed by somebody else": (token(key="other"), Cause.SIGNATURE),
    "signed by a key that it brings along": (
        token(key="other", jwk={"kty": "OKP", "crv": "Ed25519", "x": "x"}, jku="https://evil.example.org/"),
        Cause.SIGNATURE,
    ),
    "changed": (tampered(token()), Cause.SIGNATURE),
    "signed by ES256 under the kid of the other key": (token(key="ec", kid="east-1"), Cause.ALGORITHM),
    "a payload that is not encoded": (token(b64=False), Cause.SIGNATURE),
    # Whom it is from and for
    "another iss": (token(claims(iss="https://evil.example.org")), Cause.ISSUER),
    "no iss": (token(claims(iss=...)), Cause.ISSUER),
    "another aud": (token(claims(aud="https://other.example.org")), Cause.AUDIENCE),
    "an aud that only holds ours": (token(claims(aud=AUDIENCE + ".evil.example.org")), Cause.AUDIENCE),
    "a list of others": (token(claims(aud=["https://other.example.org"])), Cause.AUDIENCE),
    "no aud": (token(claims(aud=...)), Cause.AUDIENCE),
    # When
    "expired": (token(claims(iat=NOW - 120, exp=NOW - 11)), Cause.TIME),
    "not begun by nbf": (token(claims(nbf=NOW + 11)), Cause.TIME),
    "made in the future": (token(claims(iat=NOW + 11, exp=NOW + 60)), Cause.TIME),
    "no exp": (token(claims(exp=...)), Cause.TIME),
    "no iat": (token(claims(iat=...)), Cause.TIME),
    "a life of more than two minutes": (token(claims(exp=NOW + 121)), Cause.TIME),
    "an end before its beginning": (token(claims(iat=NOW + 5, exp=NOW + 5)), Cause.TIME),
    "an exp that is a text": (token(claims(exp=str(NOW + 60))), Cause.TIME),
    "an nbf that is a text": (token(claims(nbf="0")), Cause.TIME),
    "an exp beyond every calendar": (token(claims(exp=1e300)), Cause.TIME),
    "an exp that no fraction can hold": (token(claims(exp=10**400)), Cause.TIME),
    # What
    "no jti": (token(claims(jti=...)), Cause.CLAIMS),
    "an empty jti": (token(claims(jti="")), Cause.CLAIMS),
    "a jti that is a number": (token(claims(jti=1)), Cause.CLAIMS),
    "a jti of any length": (token(claims(jti="x" * 201)), Cause.CLAIMS),
    "no case": (token(claims(case_number=...)), Cause.CLAIMS),
    "a case of spaces": (token(claims(case_number="  ")), Cause.CLAIMS),
    "a case of any length": (token(claims(case_number="A" * 101)), Cause.CLAIMS),
    "a case of several lines": (token(claims(case_number="A1\r\nSet-Cookie: x")), Cause.CLAIMS),
}


@pytest.mark.parametrize(("text", "cause"), REFUSED.values(), ids=REFUSED.keys())
def test_a_token_is_not_taken(text, cause):
    assert read(text) is cause


def test_clocks_may_be_ten_seconds_apart():
    text = token()
    for seconds, taken in ((-11, False), (-10, True), (129, True), (130, False)):
        assert is_taken(text, at=NOON + timedelta(seconds=seconds)) is taken, seconds


def test_true_is_no_moment():
    assert read(token(claims(iat=0, exp=True)), at=datetime.fromtimestamp(0, UTC)) is Cause.TIME


def test_only_the_algorithms_of_the_key_and_of_the_region_are_taken():
    assert not is_taken(token(alg="Ed25519"), keys={"east-1": key_of(ED_JWK, ["EdDSA"])})
    assert not is_taken(token(), keys={"east-1": key_of({**ED_JWK, "alg": "Ed25519"})})
    assert is_taken(token(), keys={"east-1": key_of({**ED_JWK, "alg": "EdDSA"})})


def test_a_return_url_that_is_no_text_is_no_way_back():
    found = read(token(claims(return_url=["https://evil.example.org/"])))
    assert isinstance(found, Claims)
    assert found.return_url is None


UNUSABLE = {
    "a private key": ({**ED_JWK, "d": "nWGxne"}, "private"),
    "a shared secret": ({"kty": "oct", "k": "AAAA"}, "private or secret"),
    "RSA": ({"kty": "RSA", "n": "AAAA", "e": "AQAB"}, "must be of kty"),
    "another curve": ({**EC_JWK, "crv": "P-384"}, "must be of kty"),
    "a key for exchanging keys": ({**ED_JWK, "crv": "X25519"}, "must be of kty"),
    "a kind that is a list": ({**ED_JWK, "kty": ["OKP"]}, "must be of kty"),
    "a key for encrypting": ({**ED_JWK, "use": "enc"}, "not for checking"),
    "a key for signing": ({**ED_JWK, "key_ops": ["sign"]}, "not for checking"),
    "another algorithm": ({**ED_JWK, "alg": "ES256"}, "fits none"),
    "a point off the curve": ({**EC_JWK, "y": EC_JWK["x"]}, "no point"),
    "a short key": ({**ED_JWK, "x": "11qY"}, "no point"),
    "no x": ({"kty": "EC", "crv": "P-256"}, "no point"),
    "an x that is a number": ({**ED_JWK, "x": 7}, "no point"),
}


@pytest.mark.parametrize(("jwk", "said"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_a_key_that_cannot_be_used_is_named(jwk, said):
    found = linkkeys.link_key(jwk, EVERY_ALGORITHM)
    assert isinstance(found, str)
    assert said in found


def test_a_key_that_no_algorithm_of_the_region_fits_is_named():
    assert "fits none" in str(linkkeys.link_key(EC_JWK, ["EdDSA"]))


@pytest.mark.parametrize(("key", "kid"), [(ed_key(), "east-1"), (ec_key(), "east-2")])
def test_a_private_key_finds_its_public_half_and_signs_what_is_taken(key, kid):
    signing = linkkeys.signing_key(pem(key))
    assert signing is not None
    assert linkkeys.name_of(signing, KEYS) == kid
    assert "d" not in signing.public
    for algorithm in KEYS[kid].algorithms:
        assert is_taken(linktoken.sign(claims(), signing, algorithm, kid))


def test_what_is_no_private_key_is_none():
    public = b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
    public += b"-----END PUBLIC KEY-----\n"
    assert linkkeys.signing_key(public) is None
    assert linkkeys.signing_key(b"hello") is None
    assert linkkeys.signing_key(b"\xff") is None
