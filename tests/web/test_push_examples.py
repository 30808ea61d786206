"""The examples of docs/push.md do what is said of them."""

import json
import re
import shutil
import subprocess

import pytest

from caseq.rules import signing
from tests.service import KEYS, ROOT

DOCUMENT = (ROOT / "docs" / "push.md").read_text(encoding="utf-8")
VECTOR = "v1,1Nz74u5HYQmfTr3pdEBVu0Vrip1Ao+aCR5jinK7h2As="

PRINT_VECTOR = f"""
class Vector {{
    public static void main(String[] args) throws Exception {{
        System.out.print(Push.sign("{KEYS["criminal"]}", "msg_1", "1764000000", "[]".getBytes()));
    }}
}}
"""


def test_the_test_vector_is_what_the_service_computes():
    assert VECTOR in DOCUMENT
    assert signing.sign(KEYS["criminal"], "msg_1", 1764000000, b"[]") == VECTOR


@pytest.fixture
def java(tmp_path):
    """Runs the Java example, or a class behind it."""
    for program in ("java", "javac"):
        if shutil.which(program) is None:
            pytest.skip(f"no {program} on this machine")
    (code,) = re.findall(r"```java\n(.*?)```", DOCUMENT, re.DOTALL)
    (tmp_path / "Push.java").write_text(code + PRINT_VECTOR, encoding="utf-8")
    subprocess.run(["javac", "-encoding", "UTF-8", "--release", "11", "Push.java"], cwd=tmp_path, check=True)

    def run(name, *arguments):
        command = ["java", "-cp", str(tmp_path), name, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    return run


@pytest.mark.slow
def test_the_java_example_signs_as_the_service_does_and_its_event_is_stored(java, served):
    assert java("Vector") == VECTOR
    status, answer = java("Push", served.url, KEYS["criminal"]).split(" ", 1)
    assert status == "200"
    assert [result["outcome"] for result in json.loads(answer)["results"]] == ["accepted"]
