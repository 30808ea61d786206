"""`caseq-adapter check --repair` brings both sides together again without a new state file."""

import os
import subprocess
from pathlib import Path

import pytest

from adapters import statefile
from tests.adapters.bench import NUMBER, OTHER, ROOT, Adapter, Source
from tests.adapters.peer import key_of
from tests.adapters.test_kill import COMMAND


def _check(adapter: Adapter, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "check", str(adapter.file()), *options],
        cwd=ROOT,
        env={**os.environ, **adapter.environment()},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def full(source: Source, adapter: Adapter) -> Source:
    source.add_case(LASJ="20261003100000")
    source.add_suspect()
    source.add_victim()
    source.add_case(OTHER, row_id="AJ2")
    assert adapter.once()
    return source


def _facts(adapter: Adapter) -> set[tuple[str, str, str, str]]:
    """What the service holds: type, key, case number and data."""
    return {(name, key, one["subject"], str(one["data"])) for (_, name, key), one in adapter.peer.live().items()}


def test_a_service_set_back_to_an_older_backup_is_brought_up_again(full: Source, adapter: Adapter) -> None:
    older = dict(adapter.peer.stored)
    full.change_case("20261104090000", PASJ="20261104000000")
    full.write("DELETE FROM B_ASJ_SHRDJ")
    full.change_case("20261104090000", row_id="AJ2", DELETEFLAG="1")
    assert adapter.once("20200101000000")
    wanted = _facts(adapter)
    adapter.peer.stored = older
    assert _facts(adapter) != wanted
    assert adapter.once()
    assert _facts(adapter) != wanted, "the next run alone does not notice"

    done = _check(adapter, "--repair")
    assert (done.returncode, done.stderr) == (1, "")
    assert "repaired  criminal: " in done.stdout
    assert adapter.once()
    assert _facts(adapter) == wanted
    again = _check(adapter)
    assert (again.returncode, "differs" in again.stdout) == (0, False), again.stdout


def test_a_record_that_the_service_lost_or_holds_elsewhere_or_later_is_pushed_again(
    full: Source, adapter: Adapter
) -> None:
    wanted = _facts(adapter)
    by_key = {key_of(event): place for place, event in adapter.peer.stored.items()}
    del adapter.peer.stored[by_key["AJ1:case_filed"]]
    party = adapter.peer.stored[by_key["SSH1:victim"]]
    adapter.peer.stored["criminal", "moved"] = {**party, "id": "moved", "subject": OTHER, "sequence": "2027"}
    adapter.peer.stored["criminal", "stray"] = {
        **adapter.peer.stored[by_key[NUMBER]],
        "id": "stray",
        "subject": "A" + "9" * 22,
    }
    _check(adapter, "--repair")
    assert adapter.once()
    assert _facts(adapter) == wanted
    assert _check(adapter).returncode == 0


def test_without_the_word_nothing_is_marked_and_with_it_only_what_differs(full: Source, adapter: Adapter) -> None:
    adapter.peer.stored = {
        place: event for place, event in adapter.peer.stored.items() if key_of(event) != "AJ1:case_filed"
    }
    before = len(adapter.peer.events)
    _check(adapter)
    assert adapter.once()
    assert len(adapter.peer.events) == before
    assert "repaired  criminal: 1 records" in _check(adapter, "--repair").stdout
    assert adapter.once()
    assert len(adapter.peer.events) == before + 1


def test_it_waits_for_no_running_adapter_and_makes_no_state(full: Source, adapter: Adapter, tmp_path: Path) -> None:
    with statefile.only_adapter(adapter.state_path):
        done = _check(adapter, "--repair")
    assert done.returncode == 1
    assert "another adapter is running" in done.stderr
    missing = tmp_path / "other.db"
    absent = _check(adapter, "--repair", "--state", str(missing))
    assert (absent.returncode, missing.exists()) == (1, False)
    assert "not there yet" in absent.stdout
