"""`caseq-adapter check` names every record that the two sides hold differently, and nothing else."""

import os
import subprocess
from contextlib import closing

import pytest

from adapters import comparing, statefile
from adapters.carriers.https import HttpsCarrier
from tests.adapters.bench import NUMBER, OTHER, ROOT, Adapter, Source
from tests.adapters.peer import KEYS, key_of
from tests.adapters.test_kill import COMMAND

_PERSONAL = ("疑某", "害某", "疑家", "害家", "19900000", "SECRETIDENTITY")


def _check(adapter: Adapter, *options: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*COMMAND, "check", str(adapter.file()), *options],
        cwd=ROOT,
        env={**os.environ, **adapter.environment()},
        capture_output=True,
        text=True,
    )
    assert not [word for word in _PERSONAL if word in done.stdout + done.stderr]
    return done


def _lines(adapter: Adapter, start: str) -> list[str]:
    return [line for line in _check(adapter).stdout.splitlines() if line.startswith(start)]


@pytest.fixture
def full(source: Source, adapter: Adapter) -> Source:
    source.add_case(LASJ="20261003100000")
    source.add_suspect()
    source.add_victim()
    assert adapter.once()
    return source


def _forget(adapter: Adapter, key: str) -> dict[str, object]:
    place = next(place for place, event in adapter.peer.stored.items() if key_of(event) == key)
    return adapter.peer.stored.pop(place)


@pytest.mark.parametrize("page", [5000, 1])
def test_two_sides_alike_have_no_difference(full: Source, adapter: Adapter, page: int) -> None:
    adapter.peer.page = page
    done = _check(adapter)
    assert (done.returncode, "differs" in done.stdout) == (0, False), done.stdout


def test_what_is_only_here_only_there_or_later_is_named(full: Source, adapter: Adapter) -> None:
    _forget(adapter, "AJ1:case_filed")
    stray = {**next(iter(adapter.peer.stored.values())), "id": "stray", "subject": "A" + "9" * 22}
    adapter.peer.stored["criminal", "stray"] = stray
    party = next(event for event in adapter.peer.events if key_of(event) == "SSH1:victim")
    adapter.peer.stored["criminal", party["id"]] = {**party, "sequence": "20991231000000.000001"}
    done = _check(adapter)
    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line.startswith("differs")] == [
        f"differs   criminal case A{'9' * 22} of case A{'9' * 22}: only there",
        f"differs   criminal milestone AJ1:case_filed of case {NUMBER}: only here",
        f"differs   criminal party SSH1:victim of case {NUMBER}: another sequence",
    ]


def test_more_than_20_of_a_type_are_counted(source: Source, adapter: Adapter) -> None:
    for number in range(25):
        source.add_case(f"A6401215100002026{number:06d}", row_id=f"AJ{number}")
    assert adapter.once()
    adapter.peer.stored.clear()
    found = _lines(adapter, "differs")
    assert len(found) == 21
    assert found[-1] == "differs   criminal case: 25 records in all, the first 20 are named"


def test_events_that_wait_are_no_difference(full: Source, adapter: Adapter) -> None:
    full.change_case("20261104090000", PASJ="20261104000000")
    port, adapter.peer.port = adapter.peer.port, 9
    assert not adapter.once()
    adapter.peer.port = port
    done = _check(adapter)
    assert "waiting 1" in done.stdout
    assert (done.returncode, "differs" in done.stdout) == (0, False), done.stdout


def test_what_an_adapter_sends_meanwhile_is_no_difference(full: Source, adapter: Adapter) -> None:
    carrier = HttpsCarrier(adapter.peer.url, KEYS)
    with closing(statefile.open_as_is(adapter.state_path)) as before:
        full.change_case("20261104090000", PASJ="20261104000000", LASJ="20261003110000")
        assert adapter.once()
        with closing(statefile.open_to_read(adapter.state_path)) as now:
            assert comparing.differences(carrier, before, now, "criminal").lines == []
        assert comparing.differences(carrier, before, before, "criminal").lines != []


def test_a_service_that_cannot_name_its_records_is_compared_by_counts(full: Source, adapter: Adapter) -> None:
    adapter.peer.page = None
    assert _check(adapter).returncode == 0


def test_unknown_codes_are_shown_with_their_count_but_never_words(full: Source, adapter: Adapter) -> None:
    for number in range(3):
        full.add_victim(row_id=f"SH7{number}", RYJS="7")
    full.add_victim(row_id="SH8", RYJS="害某的邻居")
    adapter.once()
    assert _lines(adapter, "unmapped") == [
        "unmapped  B_ASJ_SHRDJ.RYJS: codes that may not be shown: 1 record",
        "unmapped  B_ASJ_SHRDJ.RYJS: code 7: 3 records",
    ]
    assert _check(adapter).returncode == 1


def test_a_change_that_was_never_polled_is_overdue(full: Source, adapter: Adapter) -> None:
    assert "read      up to 2026" in _check(adapter).stdout
    full.change_case("20261104090000", PASJ="20261104000000")
    done = _check(adapter)
    assert done.returncode == 1
    assert "a poll is overdue since 20261104090000" in done.stdout


def _missed(adapter: Adapter, *options: str) -> list[str]:
    done = _check(adapter, *options)
    found = [line.removeprefix("missed    ") for line in done.stdout.splitlines() if line.startswith("missed")]
    assert done.returncode == (1 if found else 0), done.stdout
    return found


def test_what_the_source_changed_without_a_stamp_is_named(full: Source, adapter: Adapter) -> None:
    assert _missed(adapter) == []
    full.write(
        "UPDATE B_ASJ_AJ SET LASJ = '20261004100000'",
        "DELETE FROM B_ASJ_SHRDJ",
    )
    full.add_case(OTHER, "AJ2", LASTUPDATEDTIME="20200101000000")
    named = [
        f"criminal case {OTHER} of case {OTHER}: the next full read would push it",
        f"criminal milestone AJ1:case_filed of case {NUMBER}: the next full read would push it",
        f"criminal party SSH1:victim of case {NUMBER}: the next full read would withdraw it",
        f"criminal party SSH1:victim_family of case {NUMBER}: the next full read would withdraw it",
    ]
    found = _missed(adapter)
    assert [line for line in named if line not in found] == [], found
    assert _missed(adapter, "--quick") == []
    assert "repaired  the next run reads everything" in _check(adapter, "--repair").stdout
    assert adapter.once()
    assert _missed(adapter) == []


def test_what_the_next_poll_reads_was_not_missed(full: Source, adapter: Adapter) -> None:
    full.change_case("20261104090000", PASJ="20261104000000")
    assert _lines(adapter, "missed") == []


def test_more_than_20_missed_of_a_type_are_counted(source: Source, adapter: Adapter) -> None:
    for number in range(60):
        source.add_case(f"A6401215100002026{number:06d}", row_id=f"AJ{number}")
    assert adapter.once()
    source.write("DELETE FROM B_ASJ_AJ WHERE SYSTEMID LIKE 'AJ1%' OR SYSTEMID LIKE 'AJ2%' OR SYSTEMID LIKE 'AJ3%'")
    found = _missed(adapter)
    assert found[-1] == "criminal case: 33 records in all, the first 20 are named"


def test_a_twin_that_no_poll_saw_is_noticed(full: Source, adapter: Adapter) -> None:
    full.add_case(NUMBER.lower(), "AJ2", LASTUPDATEDTIME="20200101000000")
    assert f"criminal case {NUMBER} of case {NUMBER}: the next full read would withdraw it" in _missed(adapter)


def test_rows_of_another_form_than_the_newest_change_are_counted(full: Source, adapter: Adapter) -> None:
    full.add_case(OTHER, "AJ2", LASTUPDATEDTIME="2026-11-28 18:00:00")
    full.change_case("20261128190000")
    changed = _lines(adapter, "changed")
    reason = "is not written as changed_form says (rows: 1): polls overlook their changes"
    assert changed == [f"changed   B_ASJ_AJ.LASTUPDATEDTIME {reason}"]
