"""The command `caseq-adapter` as an operator sees it."""

import json
import os
import re
import subprocess

import pytest

from tests.adapters.bench import ROOT, Adapter, Source
from tests.adapters.peer import KEYS
from tests.adapters.test_kill import COMMAND


def _run(adapter: Adapter, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, words[0], str(adapter.file()), *words[1:]],
        cwd=ROOT,
        env={**os.environ, **adapter.environment(), **environment},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def full(source: Source) -> Source:
    source.add_case(LASJ="20261003100000")
    source.add_suspect()
    source.add_victim()
    return source


def test_once_sends_and_ends_with_0_and_its_log_holds_no_personal_data(full: Source, adapter: Adapter) -> None:
    done = _run(adapter, "run", "--once")
    assert done.returncode == 0, done.stderr
    assert len(adapter.peer.events) == 6
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert sorted(line["event"] for line in lines) == ["full_read", "read", "sent", "started", "stopped"]
    assert not re.search(r"疑|害|1990000|199-|AJ1|RXY", done.stderr)


def test_once_ends_with_1_if_the_service_cannot_be_reached(full: Source, adapter: Adapter) -> None:
    adapter.peer.port = 9
    done = _run(adapter, "run", "--once")
    assert done.returncode == 1
    assert "service_down" in done.stderr


def test_a_dry_run_prints_masked_events_and_writes_and_sends_nothing(full: Source, adapter: Adapter) -> None:
    done = _run(adapter, "run", "--dry-run")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(events) == 6
    assert {event["data"]["phone"] for event in events if event["type"] == "caseq.party.v1"} == {"＊＊＊"}
    assert not re.search(r"疑|害|1990000|199-", done.stdout)
    assert not adapter.peer.requests
    assert not adapter.state_path.exists()


def test_a_dry_run_after_a_run_shows_only_what_is_new(full: Source, adapter: Adapter) -> None:
    adapter.once()
    before = adapter.state_path.read_bytes()
    full.change_case("20261104090000", PASJ="20261104000000")
    done = _run(adapter, "run", "--dry-run")
    assert [json.loads(line)["data"]["name"] for line in done.stdout.splitlines()] == ["case_solved"]
    assert adapter.state_path.read_bytes() == before


def test_check_compares_both_sides_and_shows_masked_samples(full: Source, adapter: Adapter) -> None:
    adapter.once()
    done = _run(adapter, "check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "criminal: held here/there: case 1/1, party 4/4, milestone 1/1; waiting 0" in done.stdout
    assert done.stdout.count("sample ") == 3
    assert not re.search(r"疑|害|1990000|199-", done.stdout)
    adapter.peer.stored.popitem()
    assert _run(adapter, "check").returncode == 1


def test_check_lists_what_is_refused_on_either_side(full: Source, adapter: Adapter) -> None:
    full.add_victim(row_id="SH2", RYJS="7")
    adapter.peer.refuse = lambda event: event["data"].get("role") == "suspect"
    adapter.once()
    done = _run(adapter, "check")
    assert done.returncode == 1
    assert "criminal party of case" in done.stdout
    assert "data.phone: is not allowed" in done.stdout
    assert "victims:SH2: RYJS holds a code that the mapping does not know" in done.stdout


def test_check_names_missing_columns_wrong_keys_and_an_absent_source(full: Source, adapter: Adapter) -> None:
    full.write("ALTER TABLE B_ASJ_AJ RENAME COLUMN LASJ TO LASJ2")
    assert "B_ASJ_AJ.LASJ: is not a column" in _run(adapter, "check").stdout
    wrong = _run(adapter, "check", CASEQ_PUSH_KEY_CRIMINAL=KEYS["administrative"])
    assert "criminal: HTTP 401: the key is not the service's" in wrong.stdout
    nothing = adapter.state_path.with_name("nothing.db")
    absent = _run(adapter, "check", CASEQ_ADAPTER_SOURCE_URL=f"sqlite:///{nothing}")
    assert not nothing.exists()
    assert absent.returncode == 1
    assert "source    OperationalError" in absent.stdout


def test_a_missing_key_is_named_and_its_value_never_printed(full: Source, adapter: Adapter) -> None:
    done = _run(adapter, "run", "--once", CASEQ_PUSH_KEY_CRIMINAL="whsec_tooshort")
    assert done.returncode == 1
    assert "CASEQ_PUSH_KEY_CRIMINAL" in done.stderr
    assert "tooshort" not in done.stderr
    assert "is not set" in _run(adapter, "run", "--once", CASEQ_PUSH_KEY_CRIMINAL="").stderr


def test_wrong_usage_ends_with_2(adapter: Adapter) -> None:
    assert _run(adapter, "run", "--since", "yesterday").returncode == 2
    assert _run(adapter, "run", "--sometimes").returncode == 2


def test_help_needs_neither_sqlalchemy_nor_requests() -> None:
    code = "import sys, adapters.run; print([m for m in ('sqlalchemy', 'requests', 'structlog') if m in sys.modules])"
    done = subprocess.run([COMMAND[0], "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
