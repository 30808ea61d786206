"""The gateways that a runtime builds from settings, pointed at providers that are not theirs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from caseq import runtime
from caseq.runtime import Runtime
from caseq.settings import load
from caseq.sms.gateway import Sms
from tests.service import PHONE, environment
from tests.sms.fake_aliyun import KEY_ID, KEY_SECRET, SIGN_NAME, FakeAliyun

SMS = Sms("caseq-17", f"+86{PHONE}", "文", 300, "news", "zh")


def built(folder: Path, **environ: str) -> Runtime:
    """A runtime whose signature and texts are those that the fake Aliyun approved."""
    settings = load(environment(f"sqlite:///{folder / 'unused.db'}", folder, CASEQ_SMS_FILE="", **environ))
    news = replace(settings.wording.templates["news"], approved={("news", "zh"): "SMS_100"})
    wording = replace(settings.wording, signatures={"zh": f"【{SIGN_NAME}】", "en": "[Us] "}, templates={"news": news})
    return runtime.build(replace(settings, wording=wording))


def test_aliyun_gets_the_approved_signature_without_its_brackets_and_the_approved_template(
    tmp_path: Path, aliyun: FakeAliyun
) -> None:
    account = {"CASEQ_ALIYUN_ACCESS_KEY_ID": KEY_ID, "CASEQ_ALIYUN_ACCESS_KEY_SECRET": KEY_SECRET}
    gateways = built(tmp_path, **account, CASEQ_ALIYUN_API_BASE=aliyun.base_url).gateways
    assert set(gateways) == {"aliyun"}
    gateways["aliyun"].send(SMS)
    (sent,) = aliyun.sent(PHONE)
    assert (sent["OutId"], sent["TemplateCode"]) == ("caseq-17", "SMS_100")


@pytest.mark.parametrize(
    ("public_url", "reported_to"),
    [
        ("https://127.0.0.1:1/status/", ["https://127.0.0.1:1/status/sms/status?message=caseq-17"] * 2),
        ("http://127.0.0.1:1", []),
        ("", []),
    ],
)
def test_twilio_is_told_where_to_report_if_that_is_a_public_address_on_https(
    tmp_path: Path, twilio: Any, public_url: str, reported_to: list[str]
) -> None:
    account = {
        "CASEQ_TWILIO_ACCOUNT_SID": twilio.account_sid,
        "CASEQ_TWILIO_AUTH_TOKEN": twilio.auth_token,
        "CASEQ_TWILIO_FROM": "+15005550006",
        "CASEQ_TWILIO_API_BASE": twilio.base_url,
    }
    built(tmp_path, **account, CASEQ_PUBLIC_URL=public_url).gateways["twilio"].send(SMS)
    twilio.wait()
    assert [callback["url"] for callback in twilio.callbacks] == reported_to
