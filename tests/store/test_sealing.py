"""What is sealed opens only with its key, for its purpose and unchanged."""

import base64
import json

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from hypothesis import given
from hypothesis import strategies as st

from caseq.errors import CipherMissing, SealBroken
from caseq.rules.ciphers import Cipher
from caseq.store import sealing
from caseq.store.sealing import SM4_MARK, Sealer, array, bound, token_hash

NEW, OLD = "new-secret-" + "1" * 32, "old-secret-" + "2" * 32
both_ciphers = pytest.mark.parametrize("cipher", Cipher)


@both_ciphers
def test_what_was_sealed_is_opened_again(cipher):
    sealer = Sealer([NEW], cipher)
    for data in (b"", b"x", "欧阳示例".encode(), bytes(range(256))):
        assert sealer.unseal("parties.name", sealer.seal("parties.name", data)) == data


@both_ciphers
def test_the_same_value_is_sealed_differently_every_time(cipher):
    sealer = Sealer([NEW], cipher)
    assert len({sealer.seal("x", b"same") for _ in range(50)}) == 50


@both_ciphers
def test_many_are_sealed_as_one_is_and_each_with_a_nonce_of_its_own(cipher):
    sealer = Sealer([NEW], cipher)
    seal = sealer.sealing(50)
    tokens = {seal("x", b"same") for _ in range(50)}
    assert len({token.removeprefix(SM4_MARK)[:21] for token in tokens}) == 50
    assert {sealer.unseal("x", token) for token in tokens} == {b"same"}
    with pytest.raises(IndexError):
        seal("x", b"one more")


@given(st.lists(st.text() | st.integers() | st.none(), max_size=5))
def test_what_a_value_is_bound_to_is_written_as_it_always_was(values):
    assert array(*values) == json.dumps(values)


@both_ciphers
def test_a_value_opens_for_its_own_purpose_only(cipher):
    """A telephone number copied into the column of names must not be shown as a name."""
    sealer = Sealer([NEW], cipher)
    with pytest.raises(SealBroken):
        sealer.unseal("parties.name", sealer.seal("parties.phone", b"x"))


@both_ciphers
def test_a_changed_byte_breaks_the_seal(cipher):
    sealer = Sealer([NEW], cipher)
    mark = SM4_MARK if cipher is Cipher.SM4_GCM else ""
    raw = base64.urlsafe_b64decode(sealer.seal("x", b"value").removeprefix(mark))
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 1
        with pytest.raises(SealBroken):
            sealer.unseal("x", mark + base64.urlsafe_b64encode(bytes(changed)).decode())


@both_ciphers
def test_a_value_that_was_cut_off_is_refused(cipher):
    sealer = Sealer([NEW], cipher)
    token = sealer.seal("x", b"value")
    for length in range(len(token)):
        with pytest.raises(SealBroken):
            sealer.unseal("x", token[:length])


@pytest.mark.parametrize("token", ["", "x", "=", "AAAA", "ü", "A" * 200, "\x00", "🙂", "sm4.", "sm4.AAAA", "sm4.ü"])
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


# Two ciphers


def test_sm4_gcm_is_that_of_rfc_8998():
    cipher = sealing._Sm4Gcm(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"))
    plain = bytes.fromhex("".join(letter * 16 for letter in "ABCDEFEA"))
    sealed = cipher.encrypt(
        bytes.fromhex("00001234567800000000ABCD"), plain, bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
    )
    assert sealed.hex().upper() == (
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735"
        "D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
        "83DE3541E4C2B58177E065A9BF7B62EC"
    )


def test_what_either_cipher_sealed_opens_whatever_is_chosen_now():
    aes, sm4 = Sealer([NEW]), Sealer([NEW], Cipher.SM4_GCM)
    for sealer in (aes, sm4):
        assert sm4.unseal("x", sealer.seal("x", b"value")) == aes.unseal("x", sealer.seal("x", b"value")) == b"value"


def test_a_value_does_not_pass_for_one_of_the_other_cipher():
    sealer = Sealer([NEW])
    aes, sm4 = sealer.seal("x", b"value"), Sealer([NEW], Cipher.SM4_GCM).seal("x", b"value")
    for forged in (SM4_MARK + aes, sm4.removeprefix(SM4_MARK), SM4_MARK + sm4):
        with pytest.raises(SealBroken):
            sealer.unseal("x", forged)


def test_what_an_earlier_version_sealed_and_hashed_is_still_good():
    """Both were made before values said which cipher sealed them."""
    sealer = Sealer([NEW, OLD], Cipher.SM4_GCM)
    token = "iXu-IlY_zFMroefOyCYCeSCFrIkV1AUT45OHw09vIm-1EtT5-1zmd5gRmXc="
    assert sealer.unseal("parties.name", token).decode() == "欧阳示例"
    found = "067ad9e483ffd00eb7836f9034cc393ac1549881128e1a06966fa4055a84dab9"
    assert found in sealer.fingerprints("phone", "+8619912345678")
    assert sealer.key_ids[1] == "897bbe22"


def test_a_machine_without_sm4_is_told_at_the_start(monkeypatch):
    def unsupported(*_):
        raise UnsupportedAlgorithm("no SM4")

    monkeypatch.setattr(sealing._Sm4Gcm, "encrypt", unsupported)
    Sealer([NEW])
    with pytest.raises(CipherMissing):
        Sealer([NEW], Cipher.SM4_GCM)


def test_the_keys_of_the_ciphers_are_strangers_to_each_other():
    key = sealing._Key(NEW)
    assert not key.derived("seal").startswith(key.derived("seal sm4")[:16])


# What a sealed value says of itself


@both_ciphers
def test_a_value_begins_with_the_mark_of_its_key_and_cipher(cipher):
    sealers = {keys: Sealer(keys, cipher) for keys in ((NEW,), (OLD,), (NEW, OLD))}
    for sealer in sealers.values():
        token = sealer.seal("x", b"value")
        assert token.startswith(sealer.mark)
        assert sealers[NEW, OLD].marks[sealer.mark] == (sealer.key_id, cipher)
        assert sealers[NEW, OLD].knows(token)
    assert len(sealers[NEW, OLD].marks) == 4
    assert not sealers[NEW,].knows(sealers[OLD,].seal("x", b"value"))


def test_a_value_is_sealed_anew_under_the_newest_key_and_cipher():
    old, new = Sealer([OLD]), Sealer([NEW, OLD], Cipher.SM4_GCM)
    token = new.seal_anew("x", old.seal("x", b"value"), bound("x", "row", 1))
    assert token.startswith(new.mark)
    assert new.unseal(bound("x", "row", 1), token) == b"value"
    with pytest.raises(SealBroken):
        new.seal_anew("y", token)


def test_what_is_bound_to_a_row_opens_in_no_other():
    """Whatever stands in the names: no two rows share a purpose."""
    assert (
        len({bound("x", "a", "b"), bound("x", "a,b"), bound("x", 'a", "b'), bound("x"), "x", bound("x", "a", 1)}) == 6
    )


# Signatures


def test_a_signature_holds_for_its_purpose_its_text_and_a_live_key():
    old, both = Sealer([OLD]), Sealer([NEW, OLD])
    signature = old.signature("contact", "text")
    assert both.is_signature("contact", "text", signature)
    assert signature.startswith(old.key_id + ".")
    assert both.signature("contact", "text") == Sealer([NEW]).signature("contact", "text")
    for purpose, text, made in (
        ("contact", "other", signature),
        ("other", "text", signature),
        ("contact", "text", signature[:-1] + "x"),
        ("contact", "text", both.key_id + signature[8:]),
        ("contact", "text", ""),
        ("contact", "text", "ü.ü"),
    ):
        assert not both.is_signature(purpose, text, made)
    assert not Sealer([NEW]).is_signature("contact", "text", signature)
