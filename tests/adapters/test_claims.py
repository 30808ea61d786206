"""Numbers that people cannot tell apart: of two such cases none leaves, and a number that is spelled anew arrives."""

import sqlite3

import pytest

from adapters.claims import ALIKE
from caseq.rules.numbers import lookup_key
from tests.adapters.bench import Adapter, Source
from tests.adapters.peer import KEYS, Peer

FIRST, SECOND = "Z〔2026〕7号", "Z〔2026〕007号"


def _cases(peer: Peer) -> set[str]:
    return {key for _, name, key in peer.live() if name == "case"}


def _refused(adapter: Adapter) -> list[tuple[str, ...]]:
    return adapter.state("SELECT case_number, reason FROM unreadable ORDER BY case_number")


@pytest.fixture(autouse=True)
def _one_case_at_a_time(peer: Peer) -> object:
    """What a service holds under one reading was never two cases, and always the later sequence."""
    yield
    held: dict[tuple[str, str], tuple[str, str, bool]] = {}
    for event in peer.events:
        record = event["data"].get("record", "") if event["type"] == "caseq.withdrawal.v1" else event["type"][6:-3]
        if record == "case":
            place, number = (event["source"], lookup_key(event["subject"])), event["subject"]
            before, sequence, is_live = held.get(place, ("", "", False))
            assert not is_live or before == number
            assert event["sequence"] > sequence
            held[place] = (number, event["sequence"], event["type"] != "caseq.withdrawal.v1")


def _add(source: Source, number: str, row: str, **more: str) -> None:
    source.add_case(number, row, **more)
    source.add_victim(number, f"SH{row}")


def _add_many(source: Source, count: int) -> None:
    """So many cases like the first one."""
    with sqlite3.connect(source.path) as database:
        row = database.execute("SELECT * FROM B_ASJ_AJ").fetchone()
        names = [one[1] for one in database.execute("PRAGMA table_info(B_ASJ_AJ)")]
        for number in range(count):
            values = {**dict(zip(names, row, strict=True)), "SYSTEMID": f"X{number}", "AJBH": f"N{number}"}
            database.execute(f"INSERT INTO B_ASJ_AJ VALUES ({', '.join('?' * len(names))})", list(values.values()))


@pytest.mark.parametrize(("first", "second"), [(FIRST, SECOND), ("z2026-1", "Z2026-1")])
@pytest.mark.parametrize("between", [0, 300])
def test_two_cases_whose_numbers_read_alike_are_refused(
    source: Source, adapter: Adapter, peer: Peer, first: str, second: str, between: int
) -> None:
    """Also when many cases lie between them: they are read in chunks of 40."""
    _add(source, first, "1")
    _add_many(source, between)
    _add(source, second, "ZZ")
    assert adapter.once()
    assert _cases(peer) == {f"N{number}" for number in range(between)}
    assert not [key for _, name, key in peer.live() if name == "party"]
    assert _refused(adapter) == sorted((number, ALIKE) for number in (first, second))


def test_a_later_poll_finds_the_twin_and_its_correction(source: Source, adapter: Adapter, peer: Peer) -> None:
    _add(source, FIRST, "1")
    assert adapter.once()
    assert _cases(peer) == {FIRST}
    source.add_case(SECOND, "2", LASTUPDATEDTIME="20261104090000")
    assert adapter.once()
    assert _cases(peer) == set()
    assert {number for number, _ in _refused(adapter)} == {FIRST, SECOND}
    source.change_case("20261104090100", "2", AJBH="Z〔2026〕8号")
    assert adapter.once()
    assert (_cases(peer), _refused(adapter)) == ({FIRST, "Z〔2026〕8号"}, [])


def test_a_full_read_finds_that_the_twin_is_gone(source: Source, adapter: Adapter, peer: Peer) -> None:
    _add(source, FIRST, "1")
    _add(source, SECOND, "2")
    assert adapter.once()
    for table in ("B_ASJ_XYRDJ", "B_ASJ_SHRDJ", "B_ASJ_AJ"):
        source.write(f"DELETE FROM {table} WHERE AJBH = '{SECOND}'")
    adapter.state("DELETE FROM setting WHERE name = 'full_read'")
    assert adapter.once()
    assert (_cases(peer), _refused(adapter)) == ({FIRST}, [])


def test_a_secret_twin_keeps_no_case_back(source: Source, adapter: Adapter, peer: Peer) -> None:
    _add(source, FIRST, "1")
    _add(source, SECOND, "2", DELETEFLAG="1")
    assert adapter.once()
    assert _cases(peer) == {FIRST}


@pytest.mark.parametrize("is_stamped", [True, False])
@pytest.mark.parametrize(("first", "second"), [(FIRST, SECOND), (SECOND, FIRST)])
def test_a_number_that_is_spelled_anew_is_the_same_case_to_the_service(
    source: Source, adapter: Adapter, peer: Peer, first: str, second: str, is_stamped: bool
) -> None:
    _add(source, first, "1")
    assert adapter.once()
    for number in (second, first, second):
        source.write(f"UPDATE B_ASJ_AJ SET AJBH = '{number}'", f"UPDATE B_ASJ_SHRDJ SET AJBH = '{number}'")
        if is_stamped:
            source.change_case("20261104090000", "1")
        else:
            adapter.state("DELETE FROM setting WHERE name = 'full_read'")
        assert adapter.once()
        assert (_cases(peer), _refused(adapter)) == ({number}, [])
        assert {event["subject"] for event in peer.live().values()} == {number}


def test_a_state_of_the_layout_before_knows_the_numbers(source: Source, adapter: Adapter, peer: Peer) -> None:
    _add(source, FIRST, "1")
    assert adapter.once()
    adapter.state("DROP TABLE claim")
    adapter.state("PRAGMA user_version = 4")
    source.add_case(SECOND, "2", LASTUPDATEDTIME="20261104090000")
    assert adapter.once()
    assert _cases(peer) == set()


def test_a_lost_state_learns_the_spelling_that_the_service_holds(source: Source, adapter: Adapter, peer: Peer) -> None:
    _add(source, FIRST, "1")
    assert adapter.once()
    adapter.state_path.unlink()
    source.write(f"UPDATE B_ASJ_AJ SET AJBH = '{SECOND}'", f"UPDATE B_ASJ_SHRDJ SET AJBH = '{SECOND}'")
    assert adapter.once()
    assert _cases(peer) == {SECOND}


def test_a_number_spelled_anew_in_another_source_waits_until_the_former_one_is_withdrawn(
    source: Source, adapter: Adapter, peer: Peer
) -> None:
    """A full read finds the new spelling first, and reads it again, some chunks after the withdrawal was kept."""
    _add(source, FIRST, "1")
    _add_many(source, 100)
    assert adapter.once()
    source.write(f"UPDATE B_ASJ_AJ SET AJBH = '{SECOND}', AJLX = '行政' WHERE SYSTEMID = '1'")
    source.write(f"UPDATE B_ASJ_SHRDJ SET AJBH = '{SECOND}'")
    adapter.state("DELETE FROM setting WHERE name = 'full_read'")
    peer.keys["criminal"] = KEYS["administrative"]
    assert not adapter.once()
    assert FIRST in _cases(peer)
    assert SECOND not in _cases(peer)
    peer.keys["criminal"] = KEYS["criminal"]
    assert adapter.once()
    assert FIRST not in _cases(peer)
    assert SECOND in _cases(peer)


def test_a_case_that_comes_back_in_another_source_waits_until_it_is_withdrawn_from_the_former_one(
    source: Source, adapter: Adapter, peer: Peer
) -> None:
    """The withdrawal was read, and kept, by an earlier run."""
    _add(source, FIRST, "1")
    assert adapter.once()
    source.write("DELETE FROM B_ASJ_AJ", "DELETE FROM B_ASJ_SHRDJ")
    adapter.state("DELETE FROM setting WHERE name = 'full_read'")
    peer.keys["criminal"] = KEYS["administrative"]
    assert not adapter.once()
    _add(source, FIRST, "2", AJLX="行政", LASTUPDATEDTIME="20261104090000")
    assert not adapter.once()
    assert {place[0] for place in peer.live()} == {"criminal"}
    peer.keys["criminal"] = KEYS["criminal"]
    assert adapter.once()
    assert {place[0] for place in peer.live()} == {"administrative"}
    peer.keys["criminal"] = KEYS["administrative"]
    source.change_case("20261105090000", "2", LASJ="20261105090000", AJWH="示公受〔2026〕9号")
    adapter.once()
    assert "示公受〔2026〕9号" in peer.live()["administrative", "case", FIRST]["data"]["aliases"]
