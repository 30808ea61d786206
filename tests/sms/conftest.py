"""The gateways, pointed at providers that are not theirs: the real Twilio SDK, our own Aliyun, a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caseq.sms.aliyun_sms import AliyunGateway
from caseq.sms.twilio_sms import TwilioGateway
from tests.fake_twilio import fake_twilio_module, twilio
from tests.sms.fake_aliyun import FakeAliyun
from tests.sms.rigs import AliyunRig, FileRig, ProviderRig, Rig, TwilioRig, aliyun_gateway

__all__ = ["fake_twilio_module", "twilio"]

ACCOUNT = "AC" + "a" * 32


@pytest.fixture
def gateway(twilio: Any) -> TwilioGateway:
    return TwilioGateway(twilio.account_sid, twilio.auth_token, sender="+15005550006", api_base=twilio.base_url)


@pytest.fixture
def plain() -> TwilioGateway:
    """A gateway to Twilio's own address; only for tests in which nothing goes out."""
    return TwilioGateway(ACCOUNT, "token", sender="+15005550006")


@pytest.fixture
def aliyun() -> Iterator[FakeAliyun]:
    """The fake provider: `.sent(to)`, `.faults`, `.calls`. Whatever happens, it never got a wrong signature."""
    with FakeAliyun() as running:
        yield running
    assert running.refused_signatures == []


@pytest.fixture
def to_aliyun(aliyun: FakeAliyun) -> AliyunGateway:
    return aliyun_gateway(aliyun.base_url)


@pytest.fixture(params=["file", "twilio", "aliyun"])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Rig:
    """Every gateway with its provider."""
    if request.param == "file":
        return FileRig(tmp_path)
    return _provider(request)


@pytest.fixture(params=["twilio", "aliyun"])
def provider(request: pytest.FixtureRequest) -> ProviderRig:
    """Every gateway whose provider is somebody else and can refuse."""
    return _provider(request)


def _provider(request: pytest.FixtureRequest) -> ProviderRig:
    fake = request.getfixturevalue(request.param)
    return AliyunRig(fake) if request.param == "aliyun" else TwilioRig(fake)
