"""The command `caseq-adapter` as an operator sees it."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.adapters.bench import NUMBER, ROOT, Adapter, Source
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


def test_once_ends_with_1_as_long_as_anything_is_refused(full: Source, adapter: Adapter) -> None:
    adapter.peer.refuse = lambda event: event["data"].get("role") == "victim"
    assert _run(adapter, "run", "--once").returncode == 1
    assert _run(adapter, "run", "--once").returncode == 1
    adapter.peer.refuse = lambda event: False
    assert _run(adapter, "run", "--once", "--since", "20200101000000").returncode == 0


def test_check_says_where_to_look_if_nobody_answers(full: Source, adapter: Adapter) -> None:
    adapter.peer.port = 9
    adapter.source_url = "sqlite:////nowhere/at/all.db"
    done = _run(adapter, "check")
    lines = [line for line in done.stdout.splitlines() if line.startswith(("source ", "service "))]
    assert done.returncode == 1
    assert lines[0] == (
        "source    cannot be read: OperationalError SQLITE_CANTOPEN; "
        "look at its address, its network and the rights there"
    )
    reason = "does not answer as it should: ConnectionError; look at its address, its network, ca_file and its own log"
    assert lines[1:] == [f"service   criminal: {reason}", f"service   administrative: {reason}"]


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


def test_check_lists_what_is_refused_without_an_id_or_number_that_tells_of_a_person(
    full: Source, adapter: Adapter
) -> None:
    full.add_case(number="证640121199001011234", row_id="AJ7", LASJ="20261003100000")
    full.add_victim(row_id="640121199001011234", RYJS="7")
    full.add_victim(number="证640121199001011234", row_id="SH8", RYJS="7")
    adapter.peer.refuse = lambda event: event["type"] == "caseq.case.v1" and "1990" in event["subject"]
    adapter.once()
    refused = [line for line in _run(adapter, "check").stdout.splitlines() if line.startswith("refused")]
    assert not [line for line in refused if "19900101" in line]
    assert [line for line in refused if "by the service: criminal case of case ＊＊＊: " in line]
    assert [line for line in refused if "here: party of case ＊＊＊, victims:SH8: " in line]
    assert [line for line in refused if f"here: party of case {NUMBER}, victims:＊＊＊: " in line]


def test_check_names_missing_columns_wrong_keys_and_an_absent_source(full: Source, adapter: Adapter) -> None:
    full.write("ALTER TABLE B_ASJ_AJ RENAME COLUMN LASJ TO LASJ2")
    assert ".occurred_on: B_ASJ_AJ.LASJ is not a column" in _run(adapter, "check").stdout
    wrong = _run(adapter, "check", CASEQ_PUSH_KEY_CRIMINAL=KEYS["administrative"])
    assert "criminal: HTTP 401: the key is not the service's" in wrong.stdout
    nothing = adapter.state_path.with_name("nothing.db")
    absent = _run(adapter, "check", CASEQ_ADAPTER_SOURCE_URL=f"sqlite:///{nothing}")
    assert not nothing.exists()
    assert absent.returncode == 1
    assert "source    cannot be read: OperationalError SQLITE_CANTOPEN" in absent.stdout


def test_a_missing_key_is_named_and_its_value_never_printed(full: Source, adapter: Adapter) -> None:
    done = _run(adapter, "run", "--once", CASEQ_PUSH_KEY_CRIMINAL="whsec_tooshort")
    assert done.returncode == 1
    assert "CASEQ_PUSH_KEY_CRIMINAL" in done.stderr
    assert "tooshort" not in done.stderr
    assert "is not set" in _run(adapter, "run", "--once", CASEQ_PUSH_KEY_CRIMINAL="").stderr


def test_what_is_refused_in_large_numbers_is_named_20_times_and_counted(full: Source, adapter: Adapter) -> None:
    for number in range(30):
        full.add_victim(row_id=f"SH7{number}", RYJS="7")
        full.add_victim(row_id=f"SH6{number}")
    full.add_victim(row_id="SH9", RYJS="5", CSRQ="someday")
    adapter.peer.refuse = lambda event: event["data"].get("role") == "victim"
    adapter.once()
    lines = [line for line in _run(adapter, "check").stdout.splitlines() if line.startswith("refused")]
    assert [line for line in lines if "records in all" in line] == [
        "refused   by the service: 31 records in all, the first 20 are named",
        "refused   here: party: RYJS holds a code that the mapping does not know: 31 records in all,"
        " the first 20 are named",
    ]
    assert len(lines) == 42


@pytest.mark.parametrize("words", [("check",), ("run", "--once"), ("run", "--dry-run")])
def test_a_state_file_that_cannot_be_used_is_told_without_a_trace(
    full: Source, adapter: Adapter, words: tuple[str, ...]
) -> None:
    adapter.state_path.parent.mkdir(exist_ok=True)
    adapter.state_path.write_bytes(b"garbage " * 1000)
    done = _run(adapter, *words)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert "move it away and start anew" in done.stderr
    nowhere = _run(adapter, *words, "--state", str(adapter.state_path / "below"))
    assert "Traceback" not in nowhere.stderr


@pytest.mark.parametrize("words", [("check",), ("run", "--dry-run"), ("record", "--out", "nowhere")])
def test_an_inbox_that_cannot_be_read_is_told_without_a_trace(tmp_path: Path, words: tuple[str, ...]) -> None:
    state, inbox = str(tmp_path / "a.db"), str(tmp_path / "none")
    environment = {
        "CASEQ_ADAPTER_INBOX": inbox,
        "CASEQ_ADAPTER_STATE": state,
        "CASEQ_PUSH_KEY_PETITION": "whsec_" + "Y3Jp" * 11,
    }
    done = subprocess.run(
        [*COMMAND, words[0], str(ROOT / "config/adapters/petitions.toml"), *words[1:]],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert f"the inbox {inbox} cannot be copied: No such file or directory" in done.stdout + done.stderr
    assert not (ROOT / "nowhere").exists()


def test_a_change_column_of_another_form_is_told_by_check_and_by_the_full_read(full: Source, adapter: Adapter) -> None:
    full.write("UPDATE B_ASJ_AJ SET LASTUPDATEDTIME = '2026-10-03 10:00:00'")
    done = _run(adapter, "check")
    assert done.returncode == 1
    assert "changed   B_ASJ_AJ.LASTUPDATEDTIME is not written as changed_form says" in done.stdout
    told = [json.loads(line) for line in _run(adapter, "run", "--once").stderr.splitlines()]
    assert [line["column"] for line in told if line["event"] == "changed_form_wrong"] == ["B_ASJ_AJ.LASTUPDATEDTIME"]


def test_wrong_usage_ends_with_2(adapter: Adapter) -> None:
    for since in ("yesterday", "20261301000000", "00000000000000", "２０２６１１０４０９００００"):
        assert _run(adapter, "run", "--since", since).returncode == 2
    assert _run(adapter, "run", "--sometimes").returncode == 2


def test_help_needs_neither_sqlalchemy_nor_requests() -> None:
    code = "import sys, adapters.run; print([m for m in ('sqlalchemy', 'requests', 'structlog') if m in sys.modules])"
    done = subprocess.run([COMMAND[0], "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
