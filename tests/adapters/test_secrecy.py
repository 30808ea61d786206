"""What must never leave the case system."""

import json
import re
import shutil
import sqlite3

import pytest

from tests.adapters.bench import NUMBER, OTHER, Adapter, Source
from tests.adapters.peer import key_of

FORBIDDEN = ("AJMC", "ZYAQ", "FADD", "AJZBRY", "AJBARP", "XXDZMS", "WFQK", "ZJHM", "ZBDW_CN", "AB_CN")


def test_columns_outside_the_mapping_are_never_selected(filled: Source, adapter: Adapter) -> None:
    adapter.statements = []
    assert adapter.once()
    selects = [text for text in adapter.statements if "FROM" in text and "sqlite_master" not in text]
    assert any("B_ASJ_XYRDJ" in text for text in selects)
    assert not [text for text in selects if "*" in text]
    for column in FORBIDDEN:
        assert not [text for text in selects if re.search(rf"\b{column}\b", text)], column


def test_no_value_of_a_forbidden_column_is_in_any_event_or_in_the_state(filled: Source, adapter: Adapter) -> None:
    assert adapter.once()
    pushed = json.dumps(adapter.peer.events, ensure_ascii=False)
    state = adapter.state_path.read_bytes().decode(errors="replace")
    for table, columns in (("B_ASJ_AJ", FORBIDDEN[:5]), ("B_ASJ_XYRDJ", FORBIDDEN[5:8]), ("B_ASJ_SHRDJ", ("ZJHM",))):
        for column in columns:
            values = {value for value in filled.values(f"SELECT {column} FROM {table}") if value}
            leaked = [value for value in values if f'"{value}"' in pushed or f'"{value}"' in state]
            assert values, column
            assert not leaked, column


def test_nothing_of_a_secret_case_ever_leaves(filled: Source, adapter: Adapter) -> None:
    secret = set(filled.values("SELECT AJBH FROM B_ASJ_AJ WHERE SECURITYGRADE NOT IN ('', '0')"))
    assert secret
    assert adapter.once()
    assert not secret & {event["subject"] for event in adapter.peer.events}


@pytest.mark.parametrize("grade", ["1", "2", "9", "A", "00"])
def test_any_grade_but_none_and_0_is_secret(source: Source, adapter: Adapter, grade: str) -> None:
    source.add_case(SECURITYGRADE=grade)
    source.add_victim()
    assert adapter.pushed() == []


@pytest.mark.parametrize("grade", [None, "", "0"])
def test_no_grade_and_grade_0_are_ordinary(source: Source, adapter: Adapter, grade: str | None) -> None:
    source.add_case(SECURITYGRADE=grade)
    assert len(adapter.pushed()) == 1


def test_nothing_of_a_secret_suspect_leaves(source: Source, adapter: Adapter) -> None:
    source.add_case()
    source.add_suspect(SECURITYGRADE="1", ASJ_XYRZT="2", CS="04", CSZXRQ="20261020150000")
    assert [key_of(event) for event in adapter.pushed()] == [NUMBER]


def test_a_case_that_becomes_secret_is_withdrawn_without_saying_why(source: Source, adapter: Adapter) -> None:
    source.add_case(LASJ="20261003100000")
    source.add_suspect(CS="04", CSZXRQ="20261020150000")
    source.add_victim()
    adapter.once()
    held = len(adapter.peer.live())
    source.change_case("20261104090000", SECURITYGRADE="1")
    events = adapter.pushed()
    assert len(events) == held
    assert {event["type"] for event in events} == {"caseq.withdrawal.v1"}
    assert events[-1]["data"] == {"record": "case", "key": NUMBER, "reason": "withdrawn at the source"}
    assert {event["time"] for event in events} == {"2026-11-04T09:00:00+08:00"}
    assert adapter.peer.live() == {}
    assert adapter.pushed("20260101000000") == []


def test_a_case_that_is_no_longer_secret_is_sent_whole_with_later_sequences(source: Source, adapter: Adapter) -> None:
    source.add_case()
    source.add_suspect(CS="04", CSZXRQ="20261020150000")
    adapter.once()
    source.change_suspect("20261103090000", CS="05", CSZXRQ="20261103080000")
    adapter.once()
    before = adapter.peer.live()
    source.change_case("20261104090000", SECURITYGRADE="1")
    adapter.once()
    source.change_case("20261105090000", SECURITYGRADE="0")
    adapter.once()
    after = adapter.peer.live()
    assert {place: event["data"] for place, event in after.items()} == {
        place: event["data"] for place, event in before.items()
    }
    assert all(after[place]["sequence"] > event["sequence"] for place, event in before.items())


def test_a_secret_case_changes_nothing_even_while_its_parties_change(source: Source, adapter: Adapter) -> None:
    source.add_case(SECURITYGRADE="1")
    source.add_suspect()
    adapter.once()
    source.change_suspect("20261103090000", CS="05", CSZXRQ="20261103080000", LXDH="19911111111")
    assert adapter.pushed() == []


def test_the_case_system_is_never_written(source: Source, adapter: Adapter) -> None:
    source.add_case()
    source.add_case(OTHER, "AJ2")
    before = source.path.read_bytes()
    adapter.statements = []
    adapter.once()
    assert source.path.read_bytes() == before
    assert not [text for text in adapter.statements if re.match(r"(?i)\s*(insert|update|delete|create|drop)", text)]


def test_a_name_sent_and_answered_for_is_not_kept(source: Source, adapter: Adapter) -> None:
    source.add_case()
    source.add_victim(XM="独一无二")
    adapter.once()
    assert adapter.state_path.stat().st_mode & 0o077 == 0
    copy = adapter.state_path.with_name("copy.db")
    shutil.copy(adapter.state_path, copy)
    database = sqlite3.connect(copy)
    assert "独一无二" not in "".join(database.iterdump())
    database.close()
    assert "独一无二".encode() not in copy.read_bytes()
