"""Twilio's reports: signed by Twilio for this very request, read by fixed names, and nothing else gets through."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Thread
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from caseq.rules.delivery import Failure, Receipt, Status
from caseq.sms.gateway import Sms
from caseq.sms.twilio_receipts import SIGNATURE_HEADER, is_signed, receipt_of
from caseq.sms.twilio_sms import TwilioGateway

TOKEN, SID = "test-token", "SM" + "1" * 32
URL = "https://caseq.example/api/v1/sms/twilio?message=caseq-17"
FORM = {
    "AccountSid": "AC" + "a" * 32,
    "ApiVersion": "2010-04-01",
    "ErrorCode": "30005",
    "From": "+15005550006",
    "MessageSid": SID,
    "MessageStatus": "undelivered",
    "SmsSid": SID,
    "SmsStatus": "undelivered",
    "To": "+8619912345678",
}
FAILED = Receipt(SID, Status.FAILED, "30005", Failure.NUMBER)


@pytest.fixture
def signature(fake_twilio_module: Any) -> str:
    """Twilio's signature of FORM for URL, made by the provider of the tests."""
    return str(fake_twilio_module.sign(TOKEN, URL, FORM))


def test_the_example_of_the_sdks_own_tests_is_signed() -> None:
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    form = {"CallSid": "CA1234567890ABCDE", "Digits": "1234", "From": "+14158675309"}
    form |= {"To": "+18005551212", "Caller": "+14158675309"}
    assert is_signed("12345", url, form, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    assert not is_signed("12346", url, form, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")


def test_what_twilio_signed_is_signed(signature: str) -> None:
    assert is_signed(TOKEN, URL, FORM, signature)
    assert is_signed(TOKEN, URL, MultiDict(FORM), signature)
    assert receipt_of(FORM) == receipt_of(MultiDict(FORM)) == FAILED


@pytest.mark.parametrize("wrong", ["", "x", "签名", "\x00", "\udcff", "=" * 28, "A" * 27 + "=", "é" * 28, "A" * 10**6])
def test_another_signature_is_none(signature: str, wrong: str) -> None:
    assert not is_signed(TOKEN, URL, FORM, wrong)
    assert not is_signed(TOKEN, URL, FORM, signature.lower())


def test_another_token_or_none_at_all_signs_nothing(fake_twilio_module: Any, signature: str) -> None:
    assert not is_signed("other", URL, FORM, signature)
    assert not is_signed("", URL, FORM, fake_twilio_module.sign("", URL, FORM))


@pytest.mark.parametrize(
    "other",
    [
        URL.replace("https", "http"),
        URL.replace("caseq.example", "caseq2.example"),
        URL.replace("/api/", "/API/"),
        URL.replace("17", "18"),
        URL + "&x=1",
        URL.partition("?")[0],
        "",
        "https://caseq.example:99999/",
        "https://caseq.example:port/",
        "https://[::1/",
        URL + "\ud800",
    ],
)
def test_for_another_url_it_is_not_signed(signature: str, other: str) -> None:
    assert not is_signed(TOKEN, other, FORM, signature)


def test_the_port_makes_no_difference_where_twilio_left_it_out(fake_twilio_module: Any, signature: str) -> None:
    assert is_signed(TOKEN, URL.replace(".example", ".example:443"), FORM, signature)
    elsewhere = fake_twilio_module.sign(TOKEN, URL.replace(".example", ".example:8443"), FORM)
    assert not is_signed(TOKEN, URL, FORM, elsewhere)


@pytest.mark.parametrize(
    "changed",
    [
        {"MessageStatus": "delivered"},
        {"MessageSid": "SM" + "2" * 32},
        {"ErrorCode": "30008"},
        {"ErrorCode": ""},
        {"To": "\ud800"},
        {"More": "x"},
    ],
)
def test_a_changed_form_is_not_signed(signature: str, changed: dict[str, str]) -> None:
    assert not is_signed(TOKEN, URL, {**FORM, **changed}, signature)


def test_parameters_that_twilio_adds_later_change_nothing(fake_twilio_module: Any) -> None:
    form = {**FORM, "ChannelToAddress": "+8619912345678", "RawDlrDoneDate": "2611281200", "新": "值"}
    signature = fake_twilio_module.sign(TOKEN, URL, form)
    assert is_signed(TOKEN, URL, form, signature)
    assert receipt_of(form) == FAILED


#: The same letters, cut into names and values elsewhere: the signature is good, and nothing is said.
SHIFTED = [
    {"MessageStatus": None, "MessageStatusun": "delivered"},
    {"MessageStatus": None, "MessageStatusu": "ndelivered"},
    {"MessageSid": None, "MessageStatus": None, "MessageSidSM": f"{'1' * 32}MessageStatusundelivered"},
    {"MessageSid": f"{SID}MessageStatus", "MessageStatus": None, "undelivered": ""},
    {"MessageStatus": "undeliveredSms", "SmsSid": None, "Sid": SID},
    {"MessageStatus": "", "undelivered": ""},
]


@pytest.mark.parametrize("moved", SHIFTED)
def test_letters_moved_between_names_and_values_say_nothing(moved: dict[str, str | None]) -> None:
    form = {name: value for name, value in {**FORM, **moved}.items() if value is not None}
    assert receipt_of(form) is None


def test_a_moved_letter_keeps_the_signature_so_only_fixed_names_protect(signature: str) -> None:
    form = {name: value for name, value in FORM.items() if name != "MessageStatus"}
    assert is_signed(TOKEN, URL, {**form, "MessageStatusun": "delivered"}, signature)


@pytest.mark.parametrize("name", ["7AccountSid", ""])
def test_the_end_of_the_url_cannot_move_into_the_form(signature: str, name: str) -> None:
    form = {key: value for key, value in FORM.items() if key != "AccountSid"}
    form[name] = FORM["AccountSid"] if name else f"7AccountSid{FORM['AccountSid']}"
    assert not is_signed(TOKEN, URL.removesuffix("7"), form, signature)


def test_a_parameter_that_comes_twice_is_covered_and_a_fixed_name_that_does_says_nothing(
    fake_twilio_module: Any,
) -> None:
    signature = fake_twilio_module.sign(TOKEN, URL, {**FORM, "To": "+1To+2"})
    twice = MultiDict([*((name, value) for name, value in FORM.items() if name != "To"), ("To", "+2"), ("To", "+1")])
    assert is_signed(TOKEN, URL, twice, signature)
    assert not is_signed(TOKEN, URL, MultiDict({**FORM, "To": "+1"}), signature)
    assert receipt_of(twice) == FAILED
    for name in ("MessageSid", "MessageStatus"):
        assert receipt_of(MultiDict([*FORM.items(), (name, FORM[name])])) is None


def test_the_old_names_are_not_read() -> None:
    form = {"SmsSid": SID, "SmsStatus": "delivered"}
    assert receipt_of(form) is None
    assert receipt_of({**form, "MessageSid": SID}) is None
    assert receipt_of({**form, "MessageStatus": "delivered"}) is None


@pytest.mark.parametrize("sid", ["", "SM1", SID + "\n", "CA" + "1" * 32, SID.lower(), "SM" + "1" * 31 + "g", SID + "1"])
def test_what_is_no_message_id_says_nothing(sid: str) -> None:
    assert receipt_of({**FORM, "MessageSid": sid}) is None


@pytest.mark.parametrize("status", ["", "Delivered", "delivered ", "received", "lost", "undelivered\n"])
def test_an_unknown_status_says_nothing(status: str) -> None:
    assert receipt_of({**FORM, "MessageStatus": status}) is None


@pytest.mark.parametrize("code", [None, "", "0", "-30005", "30005 ", "30005\n", "３０００５", "1" * 5000, "30005;x"])
def test_a_failure_whose_code_is_none_failed_for_an_unknown_reason(code: str | None) -> None:
    form = {name: value for name, value in {**FORM, "ErrorCode": code}.items() if value is not None}
    assert receipt_of(form) == Receipt(SID, Status.FAILED, None, Failure.UNKNOWN)


@pytest.mark.parametrize(
    ("word", "status"),
    [("queued", Status.ACCEPTED), ("sent", Status.SENT), ("delivered", Status.DELIVERED), ("read", Status.DELIVERED)],
)
def test_a_report_of_a_message_on_its_way_has_no_code(word: str, status: Status) -> None:
    assert receipt_of({**FORM, "MessageStatus": word}) == Receipt(SID, status)


@contextmanager
def receiving(token: str) -> Iterator[tuple[str, list[tuple[str | None, Receipt | None]]]]:
    """The address of a server that takes signed reports, and the keys and receipts that have come to it."""
    came: list[tuple[str | None, Receipt | None]] = []

    @Request.application
    def take(request: Request) -> Response:
        if not is_signed(token, request.url, request.form, request.headers.get(SIGNATURE_HEADER, "")):
            return Response(status=403)
        came.append((request.args.get("message"), receipt_of(request.form)))
        return Response(status=204)

    server = make_server("127.0.0.1", 0, take, threaded=True)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/twilio", came
    server.shutdown()
    server.server_close()


def test_what_the_provider_reports_is_what_it_says_when_asked(twilio: Any, fake_twilio_module: Any) -> None:
    sms = Sms("caseq-17", "+8619912345678", "您查询的事项有新内容。", 300)
    twilio.faults.append({"statuses": ["sent", "undelivered"], "error_code": 30003, "repeat": 2})
    with receiving(twilio.auth_token) as (url, came):
        gateway = TwilioGateway(
            *(twilio.account_sid, twilio.auth_token),
            messaging_service_sid="MG" + "b" * 32,
            api_base=twilio.base_url,
            status_url=url,
        )
        accepted = gateway.send(sms)
        twilio.wait()
        forged = fake_twilio_module.post_signed(f"{url}?message=caseq-17", FORM, "another token")
    failed = Receipt(accepted.id, Status.FAILED, "30003", Failure.LATER)
    assert came == [("caseq-17", Receipt(accepted.id, Status.SENT))] * 2 + [("caseq-17", failed)] * 2
    assert gateway.receipt(sms, accepted, datetime.now(UTC)) == failed
    assert forged[0] == 403
