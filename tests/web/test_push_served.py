"""The push API over a real socket: what a WSGI server does with chunks, large bodies and half requests."""

import json
import socket
import time

import pytest
import requests

from tests.service import case, event, signed

LIMIT = 5 * 1024 * 1024


def chunks(body, size):
    for start in range(0, len(body), size):
        yield body[start : start + size]


def test_a_push_in_chunks_without_a_length_is_taken(served):
    body = json.dumps([event("case", case())] * 3).encode()
    headers = signed("criminal", body, time.time())
    answer = requests.post(f"{served.url}/push/v1/criminal", data=chunks(body, 100), headers=headers, timeout=30)
    assert answer.status_code == 200
    assert [result["outcome"] for result in answer.json()["results"]][1:] == ["duplicate"] * 2


@pytest.mark.parametrize("chunked", [True, False])
def test_more_than_five_mebibytes_are_refused(served, chunked):
    body = b"[]" + b" " * LIMIT
    data = chunks(body, 100_000) if chunked else body
    answer = requests.post(
        f"{served.url}/push/v1/criminal", data=data, headers=signed("criminal", body, time.time()), timeout=30
    )
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/push/v1/criminal", "/api/v1/codes"])
def test_a_body_without_end_is_cut_off(served, path):
    """What a sender has still to say is not read for ever: at most four times the limit goes in."""
    host, port = served.url.removeprefix("http://").split(":")
    sent, answer = 0, b""
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        connection.sendall((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
        try:
            while sent < 20 * LIMIT:
                connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                sent += 0x10000
                connection.setblocking(False)
                try:
                    answer += connection.recv(1000)
                    break
                except BlockingIOError:
                    connection.settimeout(30)
        except (ConnectionError, TimeoutError):
            pass
    assert sent < 20 * LIMIT
    assert answer[:12] in (b"HTTP/1.1 413", b"")


def test_a_large_body_that_is_announced_is_refused_without_waiting_for_it(served):
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        head = f"POST /push/v1/criminal HTTP/1.1\r\nHost: {host}\r\nContent-Length: {10**9}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(1000)[:12] == b"HTTP/1.1 413"


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 2\r\nContent-Length: 3\r\n",
        b"Content-Length: +2\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length : 2\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
    ],
)
def test_a_request_whose_length_is_in_doubt_is_never_taken(served, lines):
    """Two programs in a row that disagree about the length would see different requests."""
    host, port = served.url.removeprefix("http://").split(":")
    headers = signed("criminal", b"[]", time.time())
    signature = "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode()
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"POST /push/v1/criminal HTTP/1.1\r\nHost: x\r\n" + signature + lines + b"\r\n[]")
        connection.shutdown(socket.SHUT_WR)
        try:
            answer = connection.recv(1000)
        except ConnectionError:
            answer = b""
    assert b" 200 " not in answer[:20]
