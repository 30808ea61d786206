"""A push request as a whole: its signature, its size, its media type and its JSON, before any event is looked at."""

import json

import pytest
from sqlalchemy import func, select

from caseq.errors import DatabaseUnavailable
from caseq.store import pushes
from caseq.store.tables import audit, cases, quarantine
from tests.service import CASE, KEYS, case, event, signed

BATCH = "application/cloudevents-batch+json"
SINGLE = "application/cloudevents+json"
OTHER_KEY = "whsec_" + "QUJD" * 10


def post(service, body, headers=None, source="criminal", **more):
    """Push these bytes, signed unless headers are given."""
    headers = signed("criminal", body, service.clock.now.timestamp()) if headers is None else headers
    return service.client.post(f"/push/v1/{source}", data=body, headers={**headers, **more})


def batch(*events):
    return json.dumps(list(events)).encode()


def count(service, table):
    with service.runtime.database.autocommit() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def assert_problem(answer, status):
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    body = answer.get_json()
    assert body["status"] == status
    assert body["type"] == "about:blank"
    assert body["title"]


# Signatures


@pytest.fixture
def body():
    return batch(event("case", case()))


def refused_headers(service, body):
    """Every way not to be signed, by name."""
    now = int(service.clock.now.timestamp())
    good = signed("criminal", body, now)

    def without(name):
        return {key: value for key, value in good.items() if key != name}

    return {
        "no headers": {"Content-Type": BATCH},
        "no id": without("webhook-id"),
        "no timestamp": without("webhook-timestamp"),
        "no signature": without("webhook-signature"),
        "an empty signature": {**good, "webhook-signature": ""},
        "words for a signature": {**good, "webhook-signature": "v1,nonsense"},
        "a signature that is not ASCII": {**good, "webhook-signature": "v1,ü"},
        "a signature of another version": {**good, "webhook-signature": good["webhook-signature"].replace("v1", "v2")},
        "another id": {**good, "webhook-id": "msg_other"},
        "another timestamp": {**good, "webhook-timestamp": str(now + 1)},
        "another source's key": signed("criminal", body, now, key=OTHER_KEY),
        "six minutes ago": signed("criminal", body, now - 360),
        "in six minutes": signed("criminal", body, now + 360),
        "a timestamp in words": {**good, "webhook-timestamp": "now"},
        "a timestamp of 5,000 digits": {**good, "webhook-timestamp": "1" * 5000},
        "digits that are not ours": {**good, "webhook-timestamp": "²"},
        "a negative timestamp": {**good, "webhook-timestamp": f"-{now}"},
        "the right one behind ten wrong ones": {
            **good,
            "webhook-signature": "v1,x " * 10 + good["webhook-signature"],
        },
    }


def test_whatever_is_not_signed_gets_the_same_401(service, body):
    answers = {name: post(service, body, headers) for name, headers in refused_headers(service, body).items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 401)
    assert len({answer.get_data() for answer in answers.values()}) == 1
    assert_problem(answers["no headers"], 401)
    assert count(service, cases) == 0


def test_an_unknown_source_and_an_unconnected_one_answer_as_a_wrong_signature_does(service, body):
    wrong = post(service, body, {"Content-Type": BATCH})
    for source in ("nobody", "Criminal", "criminal%00", "..", "%2e%2e"):
        answer = post(service, body, source=source)
        assert (answer.status_code, answer.get_data()) == (401, wrong.get_data())


def test_one_changed_byte_is_refused(service, body):
    headers = signed("criminal", body, service.clock.now.timestamp())
    for position in (0, 7, -1):
        changed = bytearray(body)
        changed[position] ^= 1
        assert_problem(post(service, bytes(changed), headers), 401)


def test_nothing_is_parsed_before_the_signature_is_right(service):
    for body in (b"[", b"[" * 100_000, b'{"a": NaN}', b"\xff", b""):
        assert_problem(post(service, body, {"Content-Type": BATCH}), 401)


def test_a_clock_that_is_a_little_off_is_taken(service, body):
    for minutes in (-4.9, 4.9):
        headers = signed("criminal", body, service.clock.now.timestamp() + 60 * minutes)
        assert post(service, body, headers).status_code == 200


def test_each_source_needs_its_own_key(service_with, body):
    service = service_with(CASEQ_PUSH_KEY_TRADE=OTHER_KEY)
    now = service.clock.now.timestamp()
    assert_problem(post(service, body, signed("criminal", body, now), source="trade"), 401)
    assert_problem(post(service, body, signed("criminal", body, now, key=OTHER_KEY)), 401)
    assert post(service, b"[]", signed("criminal", b"[]", now, key=OTHER_KEY), source="trade").status_code == 200


def test_a_source_whose_key_is_missing_takes_nothing(service_with, body):
    assert_problem(post(service_with(CASEQ_PUSH_KEY_CRIMINAL=""), body), 401)


def test_old_and_new_key_are_live_together_while_keys_are_changed(service_with, body):
    service = service_with(CASEQ_PUSH_KEY_CRIMINAL=f"{OTHER_KEY},{KEYS['criminal']}")
    now = service.clock.now.timestamp()
    for key in (OTHER_KEY, KEYS["criminal"]):
        assert post(service, body, signed("criminal", body, now, key=key)).status_code == 200
    assert_problem(post(service, body, signed("criminal", body, now, key="whsec_" + "REVG" * 10)), 401)


def test_a_key_that_was_taken_away_signs_nothing_any_more(service_with, body):
    service = service_with(CASEQ_PUSH_KEY_CRIMINAL=OTHER_KEY)
    assert_problem(post(service, body), 401)


def test_one_right_signature_among_several_is_enough(service, body):
    headers = signed("criminal", body, service.clock.now.timestamp())
    headers["webhook-signature"] = f"v1a,other {'v1,wrong'} {headers['webhook-signature']}"
    assert post(service, body, headers).status_code == 200


def test_the_checkpoint_is_signed_alike(service):
    now = service.clock.now.timestamp()
    url = "/push/v1/criminal/checkpoint"
    assert service.client.get(url, headers=signed("criminal", b"", now)).status_code == 200
    for headers in ({}, signed("criminal", b"", now, key=OTHER_KEY), signed("criminal", b"x", now)):
        assert_problem(service.client.get(url, headers=headers), 401)
    assert_problem(service.client.get("/push/v1/nobody/checkpoint", headers=signed("criminal", b"", now)), 401)


# Size


def test_five_mebibytes_are_taken_and_one_byte_more_is_not(service):
    limit = 5 * 1024 * 1024
    assert post(service, b"[]" + b" " * (limit - 2)).status_code == 200
    assert_problem(post(service, b"[]" + b" " * (limit - 1)), 413)
    assert_problem(post(service, b"[]" + b" " * limit), 413)


def test_a_thousand_events_are_taken_and_one_more_is_not(service):
    assert_problem(post(service, b"[" + b",".join([b"{}"] * 1001) + b"]"), 413)
    assert count(service, quarantine) == 0
    assert post(service, b"[" + b",".join([b"{}"] * 1000) + b"]").status_code == 200


# Media type


def test_another_media_type_is_refused(service, body):
    for mimetype in ("application/json", "text/plain", "application/x-www-form-urlencoded", ""):
        assert_problem(post(service, body, **{"Content-Type": mimetype}), 415)


def test_a_compressed_body_is_refused(service, body):
    for encoding in ("gzip", "deflate", "br", "GZIP", "identity, gzip"):
        assert_problem(post(service, body, **{"Content-Encoding": encoding}), 415)


def test_parameters_and_letter_case_of_the_media_type_do_not_matter(service, body):
    mimetype = "Application/CloudEvents-Batch+JSON; charset=UTF-8"
    assert post(service, body, **{"Content-Type": mimetype}).status_code == 200


# JSON

NOT_JSON = {
    "nothing": b"",
    "spaces": b"  ",
    "a word": b"nonsense",
    "half a list": b"[",
    "half a text": b'["a',
    "trailing garbage": b"[] x",
    "two values": b"[][]",
    "a comma too many": b"[1,]",
    "a comment": b"[] // none",
    "single quotes": b"['a']",
    "a key twice": b'[{"a": 1, "a": 2}]',
    "a key twice, once escaped": b'[{"a": 1, "\\u0061": 2}]',
    "NaN": b"[NaN]",
    "Infinity": b"[Infinity]",
    "minus Infinity": b"[-Infinity]",
    "1e999": b"[1e999]",
    "minus 1e999": b"[-1e999]",
    "5,000 digits": b"[" + b"9" * 5000 + b"]",
    "a leading zero": b"[01]",
    "hexadecimal": b"[0x10]",
    "an escaped NUL": b'["\\u0000"]',
    "an escaped NUL in a key": b'[{"\\u0000": 1}]',
    "a raw NUL": b'["\x00"]',
    "a raw line break in a text": b'["a\nb"]',
    "half of a pair, escaped": b'["\\ud800"]',
    "the other half, escaped": b'["\\uDFFF"]',
    "half of a pair in a key": b'[{"\\udC00": 1}]',
    "a pair the wrong way round": b'["\\ude00\\ud83d"]',
    "half of a pair, raw": b'["\xed\xa0\x80"]',
    "bad UTF-8": b'["\xff\xfe"]',
    "overlong UTF-8": b'["\xc0\xaf"]',
    "UTF-16": '["a"]'.encode("utf-16"),
    "GB 18030": '["公安"]'.encode("gb18030"),
    "a byte order mark": b"\xef\xbb\xbf[]",
    "17 deep": b"[" * 17 + b"]" * 17,
    "17 deep, objects": b'{"a":' * 17 + b"1" + b"}" * 17,
    "100,000 deep": b"[" * 100_000,
    "100,000 deep and closed": b"[" * 100_000 + b"]" * 100_000,
    "an unknown escape": b'["\\x"]',
}


@pytest.mark.parametrize("mimetype", [BATCH, SINGLE])
def test_what_is_not_strict_json_is_refused_and_leaves_nothing_behind(service, mimetype):
    answers = {name: post(service, text, **{"Content-Type": mimetype}) for name, text in NOT_JSON.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(NOT_JSON, 400)
    assert_problem(answers["1e999"], 400)
    assert [count(service, table) for table in (cases, quarantine, audit)] == [0, 0, 0]


def test_unusual_but_right_json_is_taken(service):
    for text in (b" []\r\n\t", b'[{"a": "\\ud83d\\ude00"}]', b'[{"a": 1e300}]', b"[" + b"[" * 15 + b"]" * 15 + b"]"):
        assert post(service, text).status_code == 200


def test_a_body_full_of_quotes_is_refused_as_any_other(service):
    """Each quote must not start another reading of the rest: that took hours for five mebibytes."""
    for text in (b'"' + b'\\"' * 2_500_000, b'"' * 5_000_000, b'["\\' * 1_200_000):
        assert_problem(post(service, text), 400)


def test_a_batch_that_is_no_list_is_refused(service):
    for text in (b"{}", b"null", b"1", b'"text"', b"true"):
        assert_problem(post(service, text), 400)


def test_a_single_event_that_is_no_cloudevent_is_refused(service):
    whole = event("case", case())
    broken = [[whole], "text", 5, None, {}]
    for name in ("specversion", "id", "source", "type"):
        broken += [{**whole, name: None}, {**whole, name: 1}, {**whole, name: ""}]
        broken += [{key: value for key, value in whole.items() if key != name}]
    for value in broken:
        assert_problem(post(service, json.dumps(value).encode(), **{"Content-Type": SINGLE}), 400)


def test_a_single_event_is_taken(service):
    answer = post(service, json.dumps(whole := event("case", case())).encode(), **{"Content-Type": SINGLE})
    assert answer.get_json() == {"results": [{"id": whole["id"], "outcome": "accepted"}]}


def test_chinese_is_taken_raw_and_escaped_alike(service):
    raw = json.dumps([event("case", case())], ensure_ascii=False).encode()
    escaped = json.dumps([event("case", case(), sequence="2")], ensure_ascii=True).encode()
    assert b"\\u" in escaped
    assert b"\\u" not in raw
    assert [post(service, text).get_json()["results"][0]["outcome"] for text in (raw, escaped)] == ["accepted"] * 2


def test_a_source_may_push_no_more_than_its_limit(service_with):
    service = service_with(limits={"push": "3 per minute"})
    headers = signed("criminal", b"[]", service.clock.now.timestamp())
    answers = [post(service, b"[]", headers) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert_problem(answers[3], 429)
    assert 0 < int(answers[3].headers["Retry-After"]) <= 60
    trade = post(service, b"[]", signed("trade", b"[]", service.clock.now.timestamp()), source="trade")
    assert trade.status_code == 200


def test_a_database_that_does_not_answer_is_a_503_with_retry_after(service, monkeypatch):
    def gone(*_):
        raise DatabaseUnavailable("OperationalError")

    monkeypatch.setattr(pushes, "lock_source", gone)
    answer = post(service, batch(event("case", case())))
    assert_problem(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0


def test_a_case_number_in_the_path_is_no_source(service, body):
    assert_problem(post(service, body, source=CASE), 401)
