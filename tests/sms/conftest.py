"""The real Twilio SDK, pointed at the fake provider."""

from typing import Any

import pytest

from caseq.sms.twilio_sms import TwilioGateway
from tests.fake_twilio import fake_twilio_module, twilio

__all__ = ["fake_twilio_module", "twilio"]

ACCOUNT = "AC" + "a" * 32


@pytest.fixture
def gateway(twilio: Any) -> TwilioGateway:
    return TwilioGateway(twilio.account_sid, twilio.auth_token, sender="+15005550006", api_base=twilio.base_url)


@pytest.fixture
def plain() -> TwilioGateway:
    """A gateway to Twilio's own address; only for tests in which nothing goes out."""
    return TwilioGateway(ACCOUNT, "token", sender="+15005550006")
