"""What is Aliyun's own: its requests, its codes, its pages and days. What all gateways do is in test_contract.py."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from caseq.errors import AccountProblem, NumberDead, OutcomeUnknown, Rejected, SmsError, TryLater
from caseq.sms import aliyun_codes, aliyun_sms
from caseq.sms.aliyun_sms import AliyunGateway
from caseq.sms.gateway import Accepted, Sms
from tests.service import PHONE
from tests.sms.fake_aliyun import KEY_ID, KEY_SECRET, SIGN_NAME, FakeAliyun
from tests.sms.rigs import aliyun_gateway, dead_address, now

CODE = Sms("caseq-1-1", f"+86{PHONE}", "", 300, "code", "zh", {"code": "1234 5678", "minutes": "10"})
NEWS = Sms("caseq-2-1", f"+86{PHONE}", "", 300, "news", "zh")


def refused(gateway: AliyunGateway, sms: Sms = CODE) -> SmsError:
    with pytest.raises(SmsError) as error:
        gateway.send(sms)
    return error.value


# Sending


def test_the_approved_template_goes_out_with_its_values_and_our_key(
    to_aliyun: AliyunGateway, aliyun: FakeAliyun
) -> None:
    assert to_aliyun.send(CODE) == Accepted("aliyun", CODE.key)
    (message,) = aliyun.sent(PHONE)
    assert message["Content"] == f"【{SIGN_NAME}】验证码1234 5678,10分钟内有效。"
    assert (message["OutId"], message["TemplateCode"]) == (CODE.key, "SMS_101")


@pytest.mark.parametrize("phrase", ["蓝色的门", "a~b*c+d e/f", '"引号"&=%?#', "𠮷野家"])
def test_the_words_of_a_person_arrive_as_they_are(to_aliyun: AliyunGateway, aliyun: FakeAliyun, phrase: str) -> None:
    to_aliyun.send(replace(NEWS, template="news_phrase", values={"phrase": phrase}))
    assert aliyun.sent(PHONE)[0]["Content"] == f"【{SIGN_NAME}】{phrase}:您查询的事项有新内容。"


@pytest.mark.parametrize("sms", [replace(NEWS, language="en"), replace(NEWS, template="device")])
def test_a_message_without_an_approved_template_is_kept_for_a_human_and_nobody_is_asked(
    to_aliyun: AliyunGateway, aliyun: FakeAliyun, sms: Sms
) -> None:
    error = refused(to_aliyun, sms)
    assert type(error) is AccountProblem
    assert error.code == "no template"
    assert aliyun.calls == []


def test_a_number_of_another_country_has_its_code_and_no_plus() -> None:
    assert aliyun_sms._number("+85261234567") == "85261234567"
    assert aliyun_sms._number("+8619912345678") == "19912345678"


CODES = {
    **dict.fromkeys(aliyun_codes.NUMBER_CODES, NumberDead),
    **dict.fromkeys(aliyun_codes.MESSAGE_CODES, Rejected),
    **dict.fromkeys(aliyun_codes.ACCOUNT_CODES, AccountProblem),
    "InvalidAccessKeyId.NotFound": AccountProblem,
    "Forbidden.RAM": AccountProblem,
    "InvalidTimeStamp.Expired": AccountProblem,
    "isp.SYSTEM_ERROR": OutcomeUnknown,
    "isp.GATEWAY_ERROR": OutcomeUnknown,
    "SignatureNonceUsed": OutcomeUnknown,
    "Throttling": TryLater,
    "Throttling.User": TryLater,
    "isv.SOMETHING_NEW": TryLater,
}


@pytest.mark.parametrize(("code", "kind"), sorted(CODES.items(), key=str))
def test_each_code_has_its_meaning_also_with_http_200(
    to_aliyun: AliyunGateway, aliyun: FakeAliyun, code: str, kind: type[SmsError]
) -> None:
    aliyun.faults.append({"code": code})
    error = refused(to_aliyun)
    assert type(error) is kind
    assert error.code == code
    assert error.retry_after is None
    assert aliyun.calls == ["SendSms"]


def test_too_many_messages_to_one_number_wait_an_hour(to_aliyun: AliyunGateway, aliyun: FakeAliyun) -> None:
    aliyun.faults.append({"code": "isv.BUSINESS_LIMIT_CONTROL"})
    error = refused(to_aliyun)
    assert (type(error), error.retry_after) == (TryLater, 3600)


@pytest.mark.parametrize(
    ("given", "waited"), [("7", 7.0), ("9" * 400, 86_400.0), ("soon", None), ("-7", None), ("²", None)]
)
def test_a_wait_that_is_asked_for_is_kept_within_a_day(
    to_aliyun: AliyunGateway, aliyun: FakeAliyun, given: str, waited: float | None
) -> None:
    aliyun.faults.append({"code": "Throttling.User", "status": 400, "headers": {"Retry-After": given}})
    assert refused(to_aliyun).retry_after == waited


UNCLEAR: dict[str, dict[str, Any]] = {
    "no body": {"body": b""},
    "a page of a proxy": {"body": b"<html>", "status": 403},
    "half a body": {"body": b'{"Code":"OK"'},
    "a list": {"body": b"[]"},
    "a code twice": {"body": b'{"Code":"OK","Code":"OK"}'},
    "no code": {"body": b'{"BizId":"1"}'},
    "a code that is a number": {"body": b'{"Code":200}'},
    "a code that may be a person's": {"body": '{"Code":"张三 19912345678"}'.encode()},
    "OK with an error": {"status": 502},
    "a redirect": {"body": b"", "status": 307, "headers": {"Location": "/"}},
    "an error of the server's with a refusal": {"code": "isv.AMOUNT_NOT_ENOUGH", "status": 503},
}


@pytest.mark.parametrize("fault", UNCLEAR.values(), ids=UNCLEAR.keys())
def test_an_answer_that_is_none_leaves_the_outcome_unknown(
    to_aliyun: AliyunGateway, aliyun: FakeAliyun, fault: dict[str, Any]
) -> None:
    aliyun.faults.append(fault)
    error = refused(to_aliyun)
    assert type(error) is OutcomeUnknown
    assert PHONE not in error.code
    assert aliyun.calls == ["SendSms"]


@pytest.mark.parametrize("fault", [{"code": "Throttling.Api", "status": 503}, {"body": b"busy", "status": 429}])
def test_who_is_throttled_was_not_looked_at(
    to_aliyun: AliyunGateway, aliyun: FakeAliyun, fault: dict[str, Any]
) -> None:
    aliyun.faults.append(fault)
    assert type(refused(to_aliyun)) is TryLater


def test_an_answer_that_comes_too_late_leaves_the_outcome_unknown(
    to_aliyun: AliyunGateway, aliyun: FakeAliyun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aliyun_sms, "TIMEOUT_SECONDS", 0.2)
    aliyun.faults.append({"delay": 0.6})
    since = now()
    assert type(refused(to_aliyun)) is OutcomeUnknown
    assert aliyun.calls == ["SendSms"]
    monkeypatch.undo()
    assert to_aliyun.find(CODE, since, set()) == Accepted("aliyun", CODE.key)


@pytest.mark.parametrize(("key", "secret"), [("LTAIstranger", KEY_SECRET), (KEY_ID, "wrong")])
def test_a_wrong_key_is_a_problem_of_the_account(aliyun: FakeAliyun, key: str, secret: str) -> None:
    templates = {("code", "zh"): "SMS_101"}
    stranger = AliyunGateway(key, secret, sign_name=SIGN_NAME, templates=templates, api_base=aliyun.base_url)
    assert type(refused(stranger)) is AccountProblem
    assert aliyun.refused_signatures.pop() in ("InvalidAccessKeyId.NotFound", "SignatureDoesNotMatch")


def test_a_clock_that_is_wrong_is_a_problem_of_the_account(to_aliyun: AliyunGateway, aliyun: FakeAliyun) -> None:
    aliyun.now = lambda: now() + timedelta(hours=1)
    assert type(refused(to_aliyun)) is AccountProblem
    assert aliyun.refused_signatures.pop() == "InvalidTimeStamp.Expired"


def test_neither_a_proxy_nor_a_password_of_the_environment_is_used(
    to_aliyun: AliyunGateway, aliyun: FakeAliyun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, dead_address())
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    to_aliyun.send(CODE)
    assert len(aliyun.sent(PHONE)) == 1


def test_a_name_that_nobody_knows_is_surely_not_accepted() -> None:
    assert type(refused(aliyun_gateway("http://nobody.invalid"))) is TryLater
