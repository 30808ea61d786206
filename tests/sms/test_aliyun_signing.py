"""Our signature is the one that Aliyun's own SDK makes."""

from datetime import datetime
from urllib.parse import parse_qsl

import pytest
from alibabacloud_tea_openapi.utils import Utils
from darabonba.request import DaraRequest

from caseq.rules.case import BUREAU_TIME
from caseq.sms import aliyun_signing
from caseq.sms.aliyun_signing import AccessKey

KEY = AccessKey("LTAI-test", "test-secret")
ABOUT = {"host": "dysmsapi.aliyuncs.com", "x-acs-action": "SendSms", "x-acs-version": "2017-05-25"}
NOW = datetime(2026, 11, 23, 12, 0, 5, 999_999, tzinfo=BUREAU_TIME)
TEXTS = {
    "Chinese": "永宁县公安局",
    "a tilde": "a~b",
    "a star": "a*b",
    "a plus": "a+b",
    "a space": "a b",
    "a slash": "a/b",
    "JSON": '{"code": "1234 5678", "phrase": "蓝色&=%?#\'()!"}',
    "beyond the basic plane": "𠮷野",
    "nothing": "",
}


def of_the_sdk(parameters: dict[str, str], headers: dict[str, str]) -> str:
    request = DaraRequest()
    request.method, request.pathname, request.query, request.headers = "POST", "/", parameters, headers
    return Utils.get_authorization(
        request, aliyun_signing.ALGORITHM, headers["x-acs-content-sha256"], KEY.id, KEY.secret
    )


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_the_signature_is_the_one_of_the_sdk(text: str) -> None:
    parameters = {"SignName": text, "PhoneNumbers": "19912345678", "OutId": "caseq-1"}
    ours = aliyun_signing.headers(KEY, aliyun_signing.query_string(parameters), ABOUT, NOW, "nonce-1")
    authorization = ours.pop("authorization")
    assert authorization == of_the_sdk(parameters, ours)
    assert ours["x-acs-date"] == "2026-11-23T04:00:05Z"


def test_everything_that_is_sent_is_signed() -> None:
    ours = aliyun_signing.headers(KEY, "", ABOUT, NOW, "nonce-1")
    authorization = ours.pop("authorization")
    assert f"SignedHeaders={';'.join(sorted(ours))}," in authorization


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_the_address_says_what_was_meant(text: str) -> None:
    query = aliyun_signing.query_string({"b": text, "a": "1"})
    assert parse_qsl(query, keep_blank_values=True) == [("a", "1"), ("b", text)]


def test_a_key_does_not_show_its_secret() -> None:
    assert "test-secret" not in repr(KEY)
