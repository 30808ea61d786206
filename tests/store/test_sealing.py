"""What is sealed opens only with its key, for its purpose and unchanged."""

import base64

import pytest

from caseq.errors import SealBroken
from caseq.store.sealing import Sealer, token_hash

NEW, OLD = "new-secret-" + "1" * 32, "old-secret-" + "2" * 32


def test_what_was_sealed_is_opened_again():
    sealer = Sealer([NEW])
    for data in (b"", b"x", "欧阳示例".encode(), bytes(range(256))):
        assert sealer.unseal("parties.name", sealer.seal("parties.name", data)) == data


def test_the_same_value_is_sealed_differently_every_time():
    sealer = Sealer([NEW])
    assert len({sealer.seal("x", b"same") for _ in range(50)}) == 50


def test_a_value_opens_for_its_own_purpose_only():
    """A telephone number copied into the column of names must not be shown as a name."""
    sealer = Sealer([NEW])
    with pytest.raises(SealBroken):
        sealer.unseal("parties.name", sealer.seal("parties.phone", b"x"))


def test_a_changed_byte_breaks_the_seal():
    sealer = Sealer([NEW])
    raw = base64.urlsafe_b64decode(sealer.seal("x", b"value"))
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 1
        with pytest.raises(SealBroken):
            sealer.unseal("x", base64.urlsafe_b64encode(bytes(changed)).decode())


@pytest.mark.parametrize("token", ["", "x", "=", "AAAA", "ü", "A" * 200, "\x00", "🙂"])
def test_what_is_no_sealed_value_is_refused(token):
    with pytest.raises(SealBroken):
        Sealer([NEW]).unseal("x", token)


def test_an_older_key_still_opens_and_the_newest_seals():
    old, both = Sealer([OLD]), Sealer([NEW, OLD])
    assert both.unseal("x", old.seal("x", b"value")) == b"value"
    with pytest.raises(SealBroken):
        old.unseal("x", both.seal("x", b"value"))
    with pytest.raises(SealBroken):
        Sealer([NEW]).unseal("x", old.seal("x", b"value"))


def test_fingerprints_are_found_under_every_live_key_and_stored_under_the_newest():
    old, both = Sealer([OLD]), Sealer([NEW, OLD])
    assert both.fingerprint("phone", "+86199") == Sealer([NEW]).fingerprint("phone", "+86199")
    assert both.fingerprints("phone", "+86199")[0] == both.fingerprint("phone", "+86199")
    assert old.fingerprint("phone", "+86199") in both.fingerprints("phone", "+86199")


def test_a_fingerprint_depends_on_key_purpose_and_text():
    sealer = Sealer([NEW])
    made = {sealer.fingerprint("phone", "1"), sealer.fingerprint("phone", "2"), sealer.fingerprint("name", "1")}
    assert len(made | {Sealer([OLD]).fingerprint("phone", "1")}) == 4


def test_secrets_are_derived_by_key_and_purpose():
    old, both = Sealer([OLD]), Sealer([NEW, OLD])
    assert both.derived(old.key_id, "codes") == old.derived(old.key_id, "codes")
    assert both.derived(both.key_id, "codes") != both.derived(old.key_id, "codes")
    assert both.derived(both.key_id, "codes") != both.derived(both.key_id, "flask")
    assert both.derived_by_older_keys("flask") == [old.derived(old.key_id, "flask")]
    for lost in (Sealer(["third-" + "3" * 32]).key_id, "", "zz"):
        with pytest.raises(SealBroken):
            both.derived(lost, "codes")


def test_nothing_of_a_secret_is_in_what_is_sealed_or_derived():
    sealer = Sealer([NEW])
    shown = sealer.seal("x", b"y") + sealer.key_id + sealer.fingerprint("x", "y") + repr(sealer)
    assert NEW not in shown
    assert NEW.encode().hex() not in shown


def test_a_token_is_stored_as_a_hash():
    assert token_hash("token") != "token"
    assert len(token_hash("token")) == 64
    assert token_hash("token") == token_hash("token") != token_hash("Token")
