"""The test vector of docs/regions.md is what the code takes at its time, and what openssl or any library would make."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from caseq.rules import linkkeys, linktoken, returnurl
from caseq.rules.linktoken import Claims
from tests.links import b64, ed_key, unb64
from tests.service import ROOT

TEXT = (ROOT / "docs" / "regions.md").read_text(encoding="utf-8")
JWKS, HEADER, CLAIMS = re.findall(r"```json\n(.*?)\n```", TEXT, re.DOTALL)
TOKENS = [".".join(block.split("\n")) for block in re.findall(r"```text\n(.*?)\n```", TEXT, re.DOTALL)]
AT = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
PRIVATE = {jwk["kid"]: jwk for jwk in json.loads(JWKS)["keys"]}
LISTED = ("https://query.example.org/progress/",)


def read(token, at):
    keys = {}
    for kid, jwk in PRIVATE.items():
        public = {name: value for name, value in jwk.items() if name != "d"}
        key = linkkeys.link_key(public, linkkeys.EVERY_ALGORITHM)
        assert isinstance(key, linkkeys.LinkKey)
        keys[kid] = key
    return linktoken.read(token, "https://query.example.org", "https://cases.example.org", keys, at)


def test_there_are_two_keys_and_a_token_for_each():
    kids = [json.loads(unb64(token.split(".")[0]))["kid"] for token in TOKENS]
    assert kids == list(PRIVATE) == ["test-ed25519", "test-p256"]


@pytest.mark.parametrize("token", TOKENS, ids=["EdDSA", "ES256"])
def test_the_token_is_taken_for_its_two_minutes_and_says_what_the_document_says(token):
    for seconds, is_taken in ((-11, False), (0, True), (119, True), (130, False)):
        assert isinstance(read(token, AT + timedelta(seconds=seconds)), Claims) is is_taken
    said, found = json.loads(CLAIMS), read(token, AT)
    assert isinstance(found, Claims)
    assert (found.id, found.case_number, found.return_url) == (said["jti"], said["case_number"], said["return_url"])
    assert returnurl.is_listed(said["return_url"], LISTED)
    assert unb64(token.split(".")[1]).decode() == CLAIMS


def test_the_signature_is_that_of_the_published_key_over_the_written_bytes():
    signed = f"{b64(HEADER.encode())}.{b64(CLAIMS.encode())}"
    assert TOKENS[0] == f"{signed}.{b64(ed_key(PRIVATE['test-ed25519']['d']).sign(signed.encode()))}"


def test_the_private_halves_as_published_are_refused():
    for jwk in PRIVATE.values():
        assert isinstance(linkkeys.link_key(jwk, linkkeys.EVERY_ALGORITHM), str)
