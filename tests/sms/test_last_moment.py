"""A message whose time is over reaches no provider any more, even if its connection is made already."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from caseq.errors import TooLate
from caseq.rules.routes import Route
from caseq.sms.file_sms import FileGateway
from caseq.sms.gateway import Sms
from caseq.sms.route import Router
from caseq.sms.twilio_sms import TwilioGateway
from tests.service import PHONE

SMS = Sms("caseq-1", f"+86{PHONE}", "您查询的事项有新内容。", 300)


class Listener:
    """A provider that holds a new connection for a moment before it reads, and keeps what it got."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        self.got = b""
        self.thread = threading.Thread(target=self._take, daemon=True)
        self.thread.start()

    def _take(self) -> None:
        connection, _ = self.server.accept()
        with connection:
            while data := connection.recv(65536):
                self.got += data


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.server.close()


def late() -> Sms:
    return replace(SMS, begin_by=time.monotonic() - 0.1)


def test_the_file_takes_no_message_that_is_late(tmp_path: Path) -> None:
    gateway = FileGateway(tmp_path / "sms.jsonl")
    with pytest.raises(TooLate):
        gateway.send(late())
    assert gateway.messages() == []


def test_the_provider_takes_no_message_that_is_late(gateway: TwilioGateway, twilio: Any) -> None:
    with pytest.raises(TooLate):
        gateway.send(late())
    assert twilio.sent() == []
    assert gateway.send(replace(SMS, begin_by=time.monotonic() + 60)).id == twilio.sent()[0]["sid"]


def test_the_time_is_looked_at_after_the_headers_are_out(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the process was stopped after it had begun to send."""
    gateway = TwilioGateway("AC" + "a" * 32, "token", sender="+15005550006", api_base=listener.url)
    sms = replace(SMS, begin_by=time.monotonic() + 60)

    def stopped(_: Sms) -> None:
        raise TooLate("not begun in time")

    monkeypatch.setattr(Sms, "check_time", stopped)
    with pytest.raises(TooLate):
        gateway.send(sms)
    listener.thread.join(5)
    head, _, body = listener.got.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /2010-04-01/Accounts/")
    assert b"Content-Length:" in head
    assert body == b""


def test_a_late_message_says_nothing_of_its_gateway(tmp_path: Path) -> None:
    gateway = FileGateway(tmp_path / "sms.jsonl")
    router = Router({"file": gateway}, (Route("+", ("file",)),))
    for _ in range(20):
        with pytest.raises(TooLate):
            router.send("file", late())
    assert router.shares() == {"file": 1.0}
