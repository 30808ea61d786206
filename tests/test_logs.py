"""The log, set up as the service sets it up, in a process of its own: what others say in it holds no personal data."""

import json
import subprocess
import sys
from typing import Any

from tests.service import ROOT

PHONE = "+8619912345678"
START = "import logging, sys\nfrom caseq import logs\nlogs.configure(logging.DEBUG)\n"


def logged(script: str, *arguments: str) -> str:
    """All that the script writes, to the log and elsewhere."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout + done.stderr


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_librarys_exception_is_logged_without_its_text() -> None:
    raising = """
try:
    raise ValueError(sys.argv[1])
except ValueError:
    logging.getLogger("flask.app").exception("Exception on %s", "/track")
"""
    text = logged(START + raising, PHONE)
    assert PHONE not in text
    (line,) = lines(text)
    assert (line["event"], line["level"]) == ("Exception on /track", "error")
    assert line["exception"][0]["exc_type"] == "ValueError"
    assert line["exception"][0]["frames"]


def test_a_warning_of_a_library_that_asks_a_provider_is_logged_without_the_address() -> None:
    warning = """
for name in ("urllib3.connection", "httpx", "twilio.http_client"):
    logging.getLogger(name).warning("Failed to parse headers (url=%s)", "https://provider.example/?To=" + sys.argv[1])
"""
    text = logged(START + warning, PHONE)
    assert PHONE not in text
    # Of urllib3 not even warnings: with Aliyun an address is number and code.
    assert [line["event"] for line in lines(text)] == ["Failed to parse headers (url=%s)"] * 2


def test_a_library_made_talkative_by_hand_still_says_nothing_of_a_request() -> None:
    talk = """
for name in ("twilio", "twilio.http_client", "urllib3", "urllib3.connectionpool", "httpx", "httpcore.http11"):
    logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger(name).info("GET /?To=" + sys.argv[1])
    logging.getLogger(name).debug("GET /?To=%s", sys.argv[1])
"""
    assert logged(START + talk, PHONE) == ""


def test_other_libraries_are_heard_at_the_level_that_was_asked_for() -> None:
    assert [line["event"] for line in lines(logged(START + "logging.getLogger('granian').debug('x %s', 1)"))] == ["x 1"]
