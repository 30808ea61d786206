"""Sending, looking for a message and asking what became of it write neither number nor text, even at DEBUG."""

from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from tests.test_logs import logged

PHONE, TEXT = "+8619912345678", "您查询的事项有新内容。"
ASKING = """
import logging, sys
from datetime import UTC, datetime
from caseq import logs
from caseq.sms.gateway import Sms
from caseq.sms.twilio_sms import TwilioGateway

set_up, account, token, base, phone, text = sys.argv[1:]
logs.configure(logging.DEBUG) if set_up == "service" else logging.basicConfig(level=logging.DEBUG)
for name in ("twilio", "twilio.http_client", "urllib3", "urllib3.connectionpool", "requests"):
    logging.getLogger(name).setLevel(logging.DEBUG)
sms, since = Sms("caseq-1", phone, text, 300), datetime.now(UTC)
gateway = TwilioGateway(account, token, sender="+15005550006", api_base=base, status_url="http://127.0.0.1:9/s")
accepted = gateway.send(sms)
assert gateway.find(sms, since, ()) == accepted
assert gateway.receipt(sms, accepted, since)
"""


@pytest.mark.parametrize(("set_up", "is_quiet"), [("service", True), ("by hand", False)])
def test_neither_number_nor_text_is_logged(twilio: Any, set_up: str, is_quiet: bool) -> None:
    text = logged(ASKING, set_up, twilio.account_sid, twilio.auth_token, twilio.base_url, PHONE, TEXT)
    assert len(twilio.sent(PHONE)) == 1
    found = [form for form in (PHONE[3:], TEXT, TEXT[:4], quote(TEXT), quote_plus(TEXT)) if form in text]
    assert (found == []) is is_quiet
