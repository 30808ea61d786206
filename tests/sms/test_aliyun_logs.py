"""With Aliyun the address of a request is number and code: neither a log nor an error may hold it."""

import logging
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from caseq import logs
from caseq.errors import SmsError
from caseq.sms import aliyun_sms
from caseq.sms.aliyun_sms import AliyunGateway
from caseq.sms.gateway import Accepted, Sms
from tests.service import PHONE
from tests.sms.fake_aliyun import KEY_SECRET, FakeAliyun
from tests.sms.rigs import aliyun_gateway, dead_address, now

SMS = Sms("caseq-1-1", f"+86{PHONE}", "", 300, "news_phrase", "zh", {"phrase": "蓝色的门"})
PERSONAL = (PHONE, "蓝色的门", quote("蓝色的门"), "\\u84dd", KEY_SECRET)
#: A line without a colon among the headers: urllib3 warns of it with the address of the request.
BAD_HEADERS = {"X-One": "1\r\nno header at all\r\nX-Two: 2"}
HAPPENINGS: dict[str, dict[str, Any]] = {
    "it is accepted": {},
    "it is refused": {"code": "isv.PARAM_LENGTH_LIMIT"},
    "it is throttled": {"code": "Throttling.User", "status": 400},
    "the server fails": {"code": "InternalError", "status": 500},
    "the answer is garbage": {"body": f"<html>{PHONE}</html>".encode()},
    "the answer has bad headers": {"headers": BAD_HEADERS},
    "the answer redirects": {"status": 307, "headers": {"Location": "/"}},
    "the connection is reset before": {"drop": "before"},
    "the connection is reset after": {"drop": "after"},
    "the answer is late": {"delay": 0.5},
}


@pytest.fixture
def quiet() -> Iterator[None]:
    """The levels of the service's log; no longer than the test."""
    before = {name: logging.getLogger(name).level for name in logs._LEVELS}
    logs.quieten()
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def said(log: pytest.LogCaptureFixture, error: BaseException | None) -> str:
    """Everything a log could hold: what was logged at DEBUG, and the whole history of an error."""
    history = "" if error is None else "".join(traceback.format_exception(error))
    while error is not None:
        history += repr(error)
        error = error.__cause__ or error.__context__
    return log.text + history


def work(gateway: AliyunGateway) -> Iterator[SmsError | None]:
    """What comes of sending, looking for and asking after a message."""
    for act in (
        lambda: gateway.send(SMS),
        lambda: gateway.find(SMS, now(), set()),
        lambda: gateway.receipt(SMS, Accepted("aliyun", SMS.key), now()),
    ):
        try:
            act()
        except SmsError as error:
            yield error
        else:
            yield None


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("fault", HAPPENINGS.values(), ids=HAPPENINGS.keys())
def test_nothing_personal_reaches_a_log_when(
    to_aliyun: AliyunGateway,
    aliyun: FakeAliyun,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    fault: dict[str, Any],
) -> None:
    monkeypatch.setattr(aliyun_sms, "TIMEOUT_SECONDS", 0.25)
    caplog.set_level(logging.DEBUG)
    aliyun.faults += [{**fault}, {**fault, "action": "QuerySendDetails", "times": 2}]
    for error in work(to_aliyun):
        assert [text for text in PERSONAL if text in said(caplog, error)] == []
    assert len(aliyun.calls) == 3


@pytest.mark.usefixtures("quiet")
def test_nothing_personal_reaches_a_log_when_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for error in work(aliyun_gateway(dead_address())):
        assert error is not None
        assert [text for text in PERSONAL if text in said(caplog, error)] == []


def test_without_these_levels_the_library_would_log_the_address(
    to_aliyun: AliyunGateway, aliyun: FakeAliyun, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "urllib3")
    aliyun.faults.append({"headers": BAD_HEADERS})
    to_aliyun.send(SMS)
    assert PHONE in caplog.text


def test_neither_the_gateway_nor_a_message_shows_a_secret_or_a_person() -> None:
    shown = repr(SMS) + repr(vars(aliyun_gateway("http://127.0.0.1:9")))
    assert [text for text in PERSONAL if text in shown] == []
