"""The doors for receipts: who gets in, and that those who do not cost next to nothing and learn nothing."""

import pytest

from caseq.errors import DatabaseUnavailable
from caseq.web import receipts as routes
from tests.provider import Line
from tests.service import case, event, milestone, party
from tests.web.receipts import ACCOUNT, PUBLIC, form, post, signature, told


@pytest.fixture
def line(service_with):
    """News that the provider has just taken; of the first call."""
    return sent(service_with(**ACCOUNT))


def sent(service) -> Line:
    line = Line.of(service)
    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    line.send(line.claim())()
    assert line.states() == ["sent"]
    return line


KEY = "caseq-1"


def test_what_twilio_signed_is_taken(line):
    answer = post(line.service, form(KEY, "delivered"), KEY)
    assert (answer.status_code, answer.data) == (204, b"")
    assert line.states() == ["delivered"]


def test_without_a_key_in_the_address_the_message_is_found_by_the_providers_id(line):
    """So it is where the address is set for a whole messaging service, at Twilio."""
    assert post(line.service, form(KEY, "delivered")).status_code == 204
    assert line.states() == ["delivered"]


def test_fields_that_twilio_adds_some_day_are_signed_and_not_looked_at(line):
    more = {"Größe": "尺寸 & more=1", "Empty": "", "Status": "failed"}
    assert told(line.service, KEY, "delivered", **more) == 204
    assert line.states() == ["delivered"]


# Who does not get in

WRONG = {
    "no signature": {},
    "an empty one": {"X-Twilio-Signature": ""},
    "none at all": {"X-Twilio-Signature": "x" * 5000},
    "no text": {"X-Twilio-Signature": "\xff\xfe"},
    "that of another account": signature(form(KEY, "delivered"), f"http://127.0.0.1/sms/status?message={KEY}", "other"),
    "that of another message": signature(form(KEY, "delivered"), "http://127.0.0.1/sms/status?message=caseq-2"),
    "that of another path": signature(form(KEY, "delivered"), f"http://127.0.0.1/voice?message={KEY}"),
    "that of another host": signature(form(KEY, "delivered"), f"http://127.0.0.2/sms/status?message={KEY}"),
    "that of other fields": signature(form(KEY, "failed"), f"http://127.0.0.1/sms/status?message={KEY}"),
}


@pytest.mark.parametrize("headers", WRONG.values(), ids=WRONG.keys())
def test_without_a_right_signature_nothing_gets_in_and_the_answer_is_empty(line, headers, monkeypatch):
    monkeypatch.setattr(line.service.runtime.database, "transaction", None)
    monkeypatch.setattr(line.service.runtime.database, "autocommit", None)
    answer = line.service.client.post(f"/sms/status?message={KEY}", data=form(KEY, "delivered"), headers=headers)
    assert (answer.status_code, answer.data) == (403, b"")
    assert "Set-Cookie" not in answer.headers


def test_without_a_signature_not_even_the_body_is_read(line):
    class Unread:
        def read(self, *_):
            raise AssertionError("the body was read")

    sent = {"wsgi.input": Unread(), "CONTENT_LENGTH": "1000"}
    assert line.service.client.post("/sms/status", environ_overrides=sent).status_code == 403


def test_a_query_spelled_otherwise_is_another_address(line):
    fields = form(KEY, "delivered")
    for query in ("message=caseq%2D1", "message=caseq-1&", "message=caseq-1&x=1", "Message=caseq-1", ""):
        headers = signature(fields, f"http://127.0.0.1/sms/status?message={KEY}")
        assert line.service.client.post(f"/sms/status?{query}", data=fields, headers=headers).status_code == 403
    assert line.states() == ["sent"]


def test_letters_moved_between_address_and_form_reach_no_other_message(line):
    """The signed text is address and fields in one: the end of the address may be cut off and put into a field."""
    fields = form(KEY, "delivered")
    headers = signature(fields, f"http://127.0.0.1/sms/status?message={KEY}7")
    moved = {"7AccountSid": fields["AccountSid"], **{name: fields[name] for name in fields if name != "AccountSid"}}
    for forged in ({"7": "", **fields}, moved):
        answer = line.service.client.post(f"/sms/status?message={KEY}", data=forged, headers=headers)
        assert answer.status_code == 403
    assert line.states() == ["sent"]


def test_a_flood_of_unsigned_posts_turns_no_receipt_away(line):
    statuses = {line.service.client.post("/sms/status", data={"a": "b"}).status_code for _ in range(500)}
    assert statuses == {403}
    assert told(line.service, KEY, "delivered") == 204


# What is signed and still says nothing

SAYS_NOTHING = {
    "another message's key": ("caseq-2", form(KEY, "delivered")),
    "no such key": ("caseq-77", form("caseq-77", "delivered")),
    "no key of ours": ("other-1", form(KEY, "delivered")),
    "a key with something behind": (f"{KEY}x", form(KEY, "delivered")),
    "two keys": (f"{KEY}&message={KEY}", form(KEY, "delivered")),
    "another id of the provider's": (KEY, form("caseq-9", "delivered")),
    "an unknown id, without a key": ("", form("caseq-9", "delivered")),
    "no id": (KEY, form(KEY, "delivered", MessageSid="")),
    "an id of another form": (KEY, form(KEY, "delivered", MessageSid="SM' OR 1=1 --")),
    "an unknown word": (KEY, form(KEY, "vaporised")),
    "the word of an incoming message": (KEY, form(KEY, "received")),
    "no word": (KEY, {"MessageSid": form(KEY, "")["MessageSid"], "SmsStatus": "delivered"}),
}


@pytest.mark.parametrize(("key", "fields"), SAYS_NOTHING.values(), ids=SAYS_NOTHING.keys())
def test_what_says_nothing_about_a_message_of_ours_is_thanked_for_and_changes_nothing(line, key, fields):
    before = (line.messages(), line.outcomes())
    answer = post(line.service, fields, key)
    assert (answer.status_code, answer.data) == (204, b"")
    assert (line.messages(), line.outcomes()) == before


# Sizes, methods, settings, database


def test_a_form_that_is_too_large_is_not_read(line):
    fields = form(KEY, "delivered", Padding="x" * routes.LARGEST_FORM_BYTES)
    assert told(line.service, KEY, "delivered", Padding="x" * 8000) == 204
    assert post(line.service, fields, KEY).status_code == 413


def test_a_form_with_too_many_fields_or_without_text_is_refused(line):
    many = {f"F{n}": "" for n in range(routes.MOST_FIELDS)}
    assert told(line.service, KEY, "delivered", **many) == 403
    headers = {**signature({}, f"http://127.0.0.1/sms/status?message={KEY}"), "Content-Type": "text/plain"}
    for body in (b"a=%FF", b"\xff=1", b"\0" * 100, b"=1", b"1=1", b"&" * 1000):
        answer = line.service.client.post(f"/sms/status?message={KEY}", data=body, headers=headers)
        assert (answer.status_code, answer.data) == (403, b"")


def test_nobody_comes_here_by_another_method(line):
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        assert line.service.client.open("/sms/status", method=method).status_code == 405


def test_where_twilio_is_not_configured_there_is_nothing(service):
    answer, nowhere = post(service, form(KEY, "delivered"), KEY), service.client.post("/sms/status/nowhere")
    assert answer.status_code == 404
    assert (answer.data, answer.mimetype) == (nowhere.data, nowhere.mimetype)


def test_while_the_database_is_away_the_provider_is_told_to_come_again(line, monkeypatch):
    def away():
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(line.service.runtime.database, "transaction", away)
    answer = post(line.service, form(KEY, "delivered"), KEY)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    monkeypatch.undo()
    assert told(line.service, KEY, "delivered") == 204
    assert line.states() == ["delivered"]


# Behind a proxy

FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "cases.example.org", "X-Forwarded-For": "203.0.113.7"}
SIGNED = f"{PUBLIC}/sms/status?message={KEY}"


def test_behind_a_proxy_the_address_is_the_one_that_twilio_was_given(service_with):
    line = sent(service_with(**ACCOUNT, CASEQ_PUBLIC_URL="", CASEQ_TRUSTED_PROXIES="1"))
    assert post(line.service, form(KEY, "delivered"), KEY, SIGNED).status_code == 403
    assert post(line.service, form(KEY, "delivered"), KEY, SIGNED, **FORWARDED).status_code == 204
    assert line.states() == ["delivered"]


def test_a_proxy_that_is_not_trusted_says_nothing_about_the_address(service_with):
    line = sent(service_with(**ACCOUNT, CASEQ_PUBLIC_URL=""))
    assert post(line.service, form(KEY, "delivered"), KEY, SIGNED, **FORWARDED).status_code == 403
    assert (
        post(line.service, form(KEY, "delivered"), KEY, f"http://localhost/sms/status?message={KEY}").status_code == 204
    )


@pytest.mark.parametrize("proxies", ["0", "1"])
@pytest.mark.parametrize("prefix", ["", "/status", ":8443"])
def test_the_public_address_counts_where_it_is_set_whatever_the_request_says(service_with, proxies, prefix):
    public = f"{PUBLIC}{prefix}"
    line = sent(service_with(**ACCOUNT, CASEQ_PUBLIC_URL=f"{public}/", CASEQ_TRUSTED_PROXIES=proxies))
    signed = f"{public}/sms/status?message={KEY}"
    foreign = {**FORWARDED, "X-Forwarded-Host": "evil.example.org", "Host": "evil.example.org"}
    assert (
        post(line.service, form(KEY, "delivered"), KEY, signed.replace("cases", "evil"), **foreign).status_code == 403
    )
    assert post(line.service, form(KEY, "delivered"), KEY, signed, **foreign).status_code == 204
    assert line.states() == ["delivered"]
