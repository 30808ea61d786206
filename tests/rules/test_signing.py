"""Signatures as Standard Webhooks describes them."""

import pytest

from caseq.rules.signing import headers, is_signed, is_signed_whenever, key_bytes, sign

KEY, OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "QUJD" * 10
NOW = 1_700_000_000
BODY = b'{"a": 1}'


def test_the_example_of_the_standard_gives_the_signature_of_the_standard():
    made = sign(KEY, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_was_signed_is_signed_by_any_of_the_live_keys():
    made = headers(KEY, "msg_1", NOW, BODY)
    assert is_signed([KEY], made, BODY, NOW)
    assert is_signed([OTHER, KEY], made, BODY, NOW)
    assert not is_signed([OTHER], made, BODY, NOW)
    assert not is_signed([], made, BODY, NOW)


@pytest.mark.parametrize(("seconds", "taken"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_a_signature_lives_five_minutes_either_way(seconds, taken):
    assert is_signed([KEY], headers(KEY, "msg_1", NOW + seconds, BODY), BODY, NOW) is taken


def test_a_file_may_have_been_signed_at_any_time_but_by_a_live_key_and_over_this_body():
    made = headers(KEY, "msg_1", 1, BODY)
    assert is_signed_whenever([OTHER, KEY], made, BODY)
    assert not is_signed_whenever([OTHER], made, BODY)
    assert not is_signed_whenever([KEY], made, BODY + b" ")
    assert not is_signed_whenever([KEY], {**made, "webhook-timestamp": "2"}, BODY)
    assert not is_signed_whenever([KEY], {**made, "webhook-timestamp": "soon"}, BODY)
    assert not is_signed_whenever([KEY], headers(KEY, "", 1, BODY), BODY)


def test_body_id_and_time_are_all_signed():
    made = headers(KEY, "msg_1", NOW, BODY)
    assert not is_signed([KEY], made, BODY + b" ", NOW)
    assert not is_signed([KEY], {**made, "webhook-id": "msg_2"}, BODY, NOW)
    assert not is_signed([KEY], {**made, "webhook-timestamp": str(NOW + 1)}, BODY, NOW)


@pytest.mark.parametrize(
    "key", ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_x", "whsec_äöü", "whsec_QUJD"]
)
def test_what_cannot_be_a_key_is_refused_without_being_repeated(key):
    with pytest.raises(ValueError, match="a push key") as caught:
        key_bytes(key)
    assert key.removeprefix("whsec_") not in str(caught.value) or key in ("", "whsec_", "whsec_x")


def test_a_key_of_24_bytes_is_the_shortest():
    assert len(key_bytes("whsec_" + "QUJD" * 8)) == 24
    with pytest.raises(ValueError, match="24"):
        key_bytes("whsec_" + "QUJD" * 7 + "QUI=")
