"""A stand-in for Aliyun's SMS: SendSms and QuerySendDetails over real HTTP, with faults and pushed receipts.

It checks the signature with arithmetic of its own. Listens on loopback; keeps everything in memory.

A fault is a dict; every key is optional:
    action   which calls it hits, "SendSms" unless told
    times    how many calls it hits (1)
    code     refused with this code, before anything is accepted
    status   the HTTP status that goes with it (200, as for all business refusals)
    headers  more headers of that answer
    body     these bytes instead of an answer, whatever was accepted
    drop     "before" | "after": reset the connection before or after accepting
    delay    seconds to wait after accepting, before answering
    becomes  what the carrier says of the message: None for nothing yet, "DELIVERED", or the code of a failure
"""

import json
import os
import re
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from tests.sms.fake_aliyun_signature import Refused, check

BEIJING = timedelta(hours=8)
KEY_ID, KEY_SECRET = "LTAI5tFake", "fake-secret-" + "0" * 18
SIGN_NAME = "永宁县公安局"
#: The approved templates and their variables.
TEMPLATES = {
    "SMS_100": "您查询的事项有新内容。",
    "SMS_101": "验证码${code},${minutes}分钟内有效。",
    "SMS_102": "${phrase}:您查询的事项有新内容。",
}


class Drop(Exception):
    """Reset the connection instead of answering."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # Five, as usual, would have callers at once wait a second for a connection.


class FakeAliyun:
    """One account: its messages and its rules."""

    def __init__(self) -> None:
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.messages: list[dict[str, Any]] = []
        self.faults: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.refused_signatures: list[str] = []
        self._nonces: set[str] = set()
        self._lock = threading.Lock()
        self._http = Server(("127.0.0.1", 0), _handler(self))
        self.base_url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> "FakeAliyun":
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def sent(self, to: str | None = None) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(message) for message in self.messages if to in (None, message["PhoneNum"])]

    def becomes(self, message: dict[str, Any], report: str | None) -> None:
        """The carrier's receipt of a message is this code."""
        status = 1 if report is None else 3 if report == "DELIVERED" else 2
        message.update(SendStatus=status, ErrCode=report or "")
        if report is not None:
            message["ReceiveDate"] = self._local()

    def push(self, url: str, *, times: int = 1, backwards: bool = False) -> list[int]:
        """Post a receipt for every final message in one array, so often; returns the statuses of the answers."""
        final = [message for message in self.sent() if message["SendStatus"] != 1]
        reports = [_report(message) for message in (reversed(final) if backwards else final)]
        return [requests.post(url, json=reports, timeout=10).status_code for _ in range(times)]

    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, body and further headers for a request; raises Drop."""
        action = headers.get("x-acs-action", "")
        with self._lock:
            self.calls.append(action)
        try:
            check(method, path, headers, body, {KEY_ID: KEY_SECRET}, self.now(), self._nonces)
        except Refused as refused:
            self.refused_signatures.append(refused.code)
            return refused.status, _said(refused.code), {}
        fault = self._take_fault(action)
        if "code" in fault:
            return fault.get("status", 200), _said(fault["code"]), fault.get("headers", {})
        if fault.get("drop") == "before":
            raise Drop
        query = dict(parse_qsl(urlsplit(path).query, keep_blank_values=True))
        said = {"SendSms": self._send, "QuerySendDetails": self._query}.get(action, _no_action)(query, fault)
        time.sleep(fault.get("delay", 0))
        if fault.get("drop") == "after":
            raise Drop
        return fault.get("status", 200), fault.get("body", said), fault.get("headers", {})

    def _take_fault(self, action: str) -> dict[str, Any]:
        with self._lock:
            for fault in self.faults:
                if fault.get("action", "SendSms") == action and fault.setdefault("times", 1) > 0:
                    fault["times"] -= 1
                    return dict(fault)
        return {}

    def _send(self, query: dict[str, str], fault: dict[str, Any]) -> dict[str, Any]:
        values = _values(query.get("TemplateParam", "{}"))
        text = TEMPLATES.get(query.get("TemplateCode", ""))
        wrong = _wrong(query, values, text)
        if wrong:
            return _said(wrong)
        assert text is not None
        assert values is not None
        message = {
            "PhoneNum": query["PhoneNumbers"],
            "OutId": query.get("OutId", ""),
            "TemplateCode": query["TemplateCode"],
            "Content": f"【{SIGN_NAME}】" + re.sub(r"\$\{(\w+)\}", lambda name: values[name[1]], text),
            "SendDate": self._local(),
            "BizId": f"{time.time_ns()}^0",
        }
        self.becomes(message, fault.get("becomes", "DELIVERED"))
        with self._lock:
            self.messages.append(message)
        return {**_said("OK"), "BizId": message["BizId"]}

    def _query(self, query: dict[str, str], _fault: dict[str, Any]) -> dict[str, Any]:
        size, page = int(query["PageSize"]), int(query["CurrentPage"])
        if not 1 <= size <= 50 or page < 1 or not re.fullmatch(r"\d{11}", query["PhoneNumber"]):
            return _said("isv.INVALID_PARAMETERS")
        day = datetime.strptime(query["SendDate"], "%Y%m%d").strftime("%Y-%m-%d")
        rows = [row for row in reversed(self.sent(query["PhoneNumber"])) if row["SendDate"].startswith(day)]
        shown = [{name: row[name] for name in row if name != "BizId"} for row in rows[(page - 1) * size : page * size]]
        return {**_said("OK"), "TotalCount": str(len(rows)), "SmsSendDetailDTOs": {"SmsSendDetailDTO": shown}}

    def _local(self) -> str:
        return (self.now().astimezone(UTC) + BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _said(code: str) -> dict[str, Any]:
    return {"Code": code, "Message": f"said: {code}", "RequestId": str(uuid.uuid4()).upper()}


def _no_action(_query: dict[str, str], _fault: dict[str, Any]) -> dict[str, Any]:
    return _said("InvalidAction.NotFound")


def _values(text: str) -> dict[str, str] | None:
    try:
        values = json.loads(text)
    except ValueError:
        return None
    good = isinstance(values, dict) and all(isinstance(value, str) for value in values.values())
    return values if good else None


def _wrong(query: dict[str, str], values: dict[str, str] | None, text: str | None) -> str | None:
    """The code that a message is refused with, None if it is right."""
    if not re.fullmatch(r"1[3-9]\d{9}", query.get("PhoneNumbers", "")):
        return "isv.MOBILE_NUMBER_ILLEGAL"
    if query.get("SignName") != SIGN_NAME:
        return "isv.SMS_SIGNATURE_ILLEGAL"
    if text is None:
        return "isv.SMS_TEMPLATE_ILLEGAL"
    if values is None:
        return "isv.INVALID_JSON_PARAM"
    if not set(re.findall(r"\$\{(\w+)\}", text)) <= set(values):
        return "isv.TEMPLATE_MISSING_PARAMETERS"
    return "isv.PARAM_LENGTH_LIMIT" if any(len(value) > 35 for value in values.values()) else None


def _report(message: Mapping[str, Any]) -> dict[str, Any]:
    delivered = message["SendStatus"] == 3
    return {
        "phone_number": message["PhoneNum"],
        "send_time": message["SendDate"],
        "report_time": message["ReceiveDate"],
        "success": delivered,
        "err_code": message["ErrCode"],
        "err_msg": "用户接收成功" if delivered else "失败",
        "sms_size": "1",
        "biz_id": message["BizId"],
        "out_id": message["OutId"],
    }


def _handler(fake: FakeAliyun) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                self._write(*fake.answer(self.command, self.path, headers, body))
            except Drop:
                self._reset()
            except OSError:  # The caller gave up waiting.
                self.close_connection = True

        def _write(self, status: int, said: Any, more: dict[str, str]) -> None:
            data = said if isinstance(said, bytes) else json.dumps(said, ensure_ascii=False).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def _reset(self) -> None:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())

    return Handler
