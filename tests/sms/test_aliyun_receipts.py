"""Receipts that anybody may push at us in Aliyun's name are hints, and no more than their OutIds is read."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseq.errors import NotJson
from caseq.sms.aliyun_receipts import hints
from caseq.sms.aliyun_sms import AliyunGateway
from caseq.sms.gateway import Sms
from tests.service import PHONE
from tests.sms.fake_aliyun import FakeAliyun

REPORT = {
    "phone_number": PHONE,
    "send_time": "2026-11-23 12:00:00",
    "report_time": "2026-11-23 12:00:03",
    "success": True,
    "err_code": "DELIVERED",
    "err_msg": "用户接收成功",
    "sms_size": "1",
    "biz_id": "12345^0",
    "out_id": "caseq-1-1",
}


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[bytes]]]:
    """An address that takes pushes, and the bodies that came."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", bodies
        server.shutdown()


def test_a_push_names_the_messages_it_is_about_also_twice_and_backwards(
    to_aliyun: AliyunGateway, aliyun: FakeAliyun, receiver: tuple[str, list[bytes]]
) -> None:
    url, bodies = receiver
    for key in ("caseq-1-1", "caseq-2-1", "caseq-3-1"):
        to_aliyun.send(Sms(key, f"+86{PHONE}", "", 300, "news", "zh"))
    assert aliyun.push(url, times=2) == [200, 200]
    aliyun.push(url, backwards=True)
    assert [hints(body) for body in bodies] == [
        ["caseq-1-1", "caseq-2-1", "caseq-3-1"],
        ["caseq-1-1", "caseq-2-1", "caseq-3-1"],
        ["caseq-3-1", "caseq-2-1", "caseq-1-1"],
    ]


def body(*reports: object) -> bytes:
    return json.dumps(list(reports)).encode()


def test_each_message_is_named_once() -> None:
    assert hints(body(REPORT, {**REPORT, "out_id": "caseq-2-1"}, REPORT)) == ["caseq-1-1", "caseq-2-1"]


def test_a_message_of_another_program_has_no_name() -> None:
    without = {name: value for name, value in REPORT.items() if name != "out_id"}
    assert hints(body(without, {**REPORT, "out_id": ""}, {**REPORT, "out_id": None}, REPORT)) == ["caseq-1-1"]


@pytest.mark.parametrize(
    "value", [{}, "caseq-1-1", None, 1, REPORT, ["caseq-1-1"], [REPORT, 7], [[REPORT]], [{"out_id": 7}], []]
)
def test_what_is_no_push_names_nothing(value: object) -> None:
    assert hints(json.dumps(value).encode()) == []


@pytest.mark.parametrize(
    "raw", [b"", b"[", b"\xff", b'[{"out_id":"a","out_id":"b"}]', b"[" * 99, b'[{"out_id":"\\u0000"}]']
)
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    with pytest.raises(NotJson):
        hints(raw)


#: NUL is no JSON to us, see above.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.lists(st.fixed_dictionaries({}, optional={"out_id": st.none() | texts | st.integers()}) | st.none()))
def test_whatever_a_push_holds_only_texts_come_of_it_each_once(reports: list[dict[str, Any] | None]) -> None:
    named = hints(json.dumps(reports).encode())
    assert set(map(type, named)) <= {str}
    assert len(set(named)) == len(named)
    assert "" not in named
