"""A case system nobody wrote code for: a mapping alone reads the long format, on every kind of database."""

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.adapters.longengines import ENGINES, LongAdapter
from tests.adapters.longlayout import HIDDEN, NUMBER, OTHER, UNMAPPED, LongSystem, at, code_id
from tests.adapters.peer import Peer, key_of


@pytest.fixture(params=ENGINES)
def system(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LongSystem]:
    """An empty case system of the long layout on each engine."""
    with ENGINES[request.param](tmp_path) as made:
        yield made


@pytest.fixture
def long_adapter(system: LongSystem, peer: Peer, tmp_path: Path) -> LongAdapter:
    state = tmp_path / "state" / "long-state.db"
    return LongAdapter(system.url, peer, state, schema=system.schema or "")


@pytest.fixture
def dossier(system: LongSystem) -> LongSystem:
    """A case with two suspects, a victim, a witness, a lawyer, and steps of the case and of one suspect."""
    system.add_dossier()
    system.add_person(1, full_name="疑某")
    system.add_person(2, full_name="嫌某", phone="无")
    system.add_person(3, capacity="VICT", full_name="害某", phone="手机19912345678")
    system.add_person(4, capacity="WITN", full_name="HIDDENWITNESS")
    system.add_lawyer(1, "疑 某")
    system.add_step(1, "FILE")
    system.add_step(2, "DETN", involved=1001)
    system.add_step(3, "NOTE")
    return system


def _found(events: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(event["type"].split(".")[1], key_of(event)) for event in events}


def test_a_first_read_gives_case_milestones_and_parties(dossier: LongSystem, long_adapter: LongAdapter) -> None:
    events = {key_of(event): event["data"] for event in long_adapter.pushed()}
    assert events == {
        NUMBER: {
            "kind": "criminal",
            "opened_on": "2026-10-01",
            "state": "open",
            "unit": {"code": "640121510000", "name": "示例县公安局东湖派出所", "phone": "0951-8010051"},
        },
        "steps:1:case_filed": {
            "milestone": "steps:1:case_filed",
            "name": "case_filed",
            "occurred_on": "2026-10-03",
            "document_number": "示公字〔2026〕1号",
        },
        "personal_steps:2:compulsory_measure": {
            "milestone": "personal_steps:2:compulsory_measure",
            "name": "compulsory_measure",
            "subject": "P1001",
            "occurred_on": "2026-10-03",
            "details": {"measure": "criminal_detention", "action": "imposed"},
        },
        "P1001": _suspect("P1001", "疑某", phone="13812345678/0951-8011001"),
        "P1002": _suspect("P1002", "嫌某"),
        "P1003": {"party": "P1003", "role": "victim", "name": "害某", "phone": "手机19912345678", "sms": True},
        "L1": {
            "party": "L1",
            "role": "agent",
            "name": "律师1",
            "phone": "13912345678",
            "subject": "P1001",
            "sms": True,
        },
    }


def _suspect(key: str, name: str, **more: str) -> dict[str, Any]:
    known = {"role": "suspect", "subject": key, "appeared_on": "2026-10-02", "sms": True}
    return {"party": key, "name": name, **known, **more}


def test_what_did_not_change_gives_no_event_however_often_it_is_read(
    dossier: LongSystem, long_adapter: LongAdapter
) -> None:
    long_adapter.once()
    assert long_adapter.pushed() == []
    assert long_adapter.pushed("20260101000000") == []
    long_adapter.now += timedelta(hours=25)
    assert long_adapter.pushed() == []


def test_a_new_step_is_one_new_milestone(dossier: LongSystem, long_adapter: LongAdapter) -> None:
    long_adapter.once()
    dossier.add_step(4, "SOLV", updated_at=at(2), taken_on=date(2026, 11, 2))
    dossier.add_step(5, "ARST", involved=1002, updated_at=at(2))
    assert _found(long_adapter.pushed()) == {
        ("milestone", "steps:4:case_solved"),
        ("milestone", "personal_steps:5:compulsory_measure"),
    }


def test_a_phone_changed_in_the_table_of_persons_only_is_found(dossier: LongSystem, long_adapter: LongAdapter) -> None:
    long_adapter.once()
    dossier.change("person", 2, at(3), phone="13712345678")
    (event,) = long_adapter.pushed()
    assert (key_of(event), event["data"]["phone"]) == ("P1002", "13712345678")
    assert event["sequence"].startswith("20261103090000")


def test_a_person_in_two_cases_is_changed_in_both(dossier: LongSystem, long_adapter: LongAdapter) -> None:
    dossier.add_dossier(2, OTHER)
    dossier.insert("involved", id=2001, dossier_id=2, person_id=3, capacity_id=code_id("VICT"), updated_at=at(1))
    long_adapter.once()
    dossier.change("person", 3, at(3), phone="13712345678")
    assert _found(long_adapter.pushed()) == {("party", "P1003"), ("party", "P2001")}


def test_a_step_of_an_unknown_code_is_refused_alone_and_pushed_once_it_is_known(
    dossier: LongSystem, long_adapter: LongAdapter
) -> None:
    dossier.add_step(4, "NEW9")
    with capture_logs() as lines:
        assert ("milestone", "steps:1:case_filed") in _found(long_adapter.pushed())
    refused = [line for line in lines if line["event"] == "unreadable"]
    assert [(line["column"], line["records"]) for line in refused] == [("kind.code", 1)]
    assert long_adapter.state("SELECT case_number, origin, field FROM unreadable") == [(NUMBER, "steps:4", "kind.code")]
    dossier.change("step", 4, at(4), kind_id=code_id("SOLV"))
    assert _found(long_adapter.pushed()) == {("milestone", "steps:4:case_solved")}
    assert long_adapter.state("SELECT * FROM unreadable") == []


def test_rows_removed_without_a_trace_are_found_by_the_full_read(
    dossier: LongSystem, long_adapter: LongAdapter
) -> None:
    dossier.add_dossier(2, OTHER, updated_at=at(5))
    long_adapter.once()
    dossier.remove("step", 2)
    dossier.remove("involved", 1003)
    assert long_adapter.pushed() == []
    long_adapter.now += timedelta(hours=24)
    withdrawn = {("withdrawal", "personal_steps:2:compulsory_measure"), ("withdrawal", "P1003")}
    with capture_logs() as lines:
        assert _found(long_adapter.pushed()) == withdrawn
    (line,) = [line for line in lines if line["event"] == "full_read"]
    assert (line["cases"], line["events"], line["withdrawn"]) == (2, 2, 2)


def test_a_case_removed_with_everything_is_withdrawn_whole(dossier: LongSystem, long_adapter: LongAdapter) -> None:
    dossier.add_dossier(2, OTHER)
    long_adapter.once()
    dossier.remove("dossier", 1)
    long_adapter.now += timedelta(hours=24)
    long_adapter.once()
    assert {key for _, _, key in long_adapter.peer.live()} == {OTHER}


def test_a_commit_that_comes_late_is_found_within_the_overlap(dossier: LongSystem, long_adapter: LongAdapter) -> None:
    dossier.add_dossier(2, OTHER, updated_at=at(5, 9))
    long_adapter.once()
    dossier.add_step(4, "SOLV", updated_at=at(5, 8, 50, 1))
    dossier.add_step(5, "PROS", updated_at=at(5, 8, 40))
    assert _found(long_adapter.pushed()) == {
        ("milestone", "steps:4:case_solved"),
        ("milestone", "steps:5:transferred_for_prosecution_review"),
    }


def test_a_commit_later_than_the_overlap_waits_for_the_full_read(
    dossier: LongSystem, long_adapter: LongAdapter
) -> None:
    dossier.add_dossier(2, OTHER, updated_at=at(5, 9))
    long_adapter.once()
    dossier.add_step(4, "SOLV", updated_at=at(5, 8, 40))
    assert long_adapter.pushed() == []
    long_adapter.now += timedelta(hours=24)
    assert _found(long_adapter.pushed()) == {("milestone", "steps:4:case_solved")}


def test_rows_changed_at_the_very_same_time_are_all_found(dossier: LongSystem, long_adapter: LongAdapter) -> None:
    dossier.add_step(4, "SOLV", updated_at=at(5, 9, 0, 7))
    long_adapter.once()
    dossier.add_step(5, "PROS", updated_at=at(5, 9, 0, 7))
    dossier.change("step", 4, at(5, 9, 0, 7), taken_on=date(2026, 11, 5))
    events = long_adapter.pushed()
    assert _found(events) == {
        ("milestone", "steps:4:case_solved"),
        ("milestone", "steps:5:transferred_for_prosecution_review"),
    }
    assert len(long_adapter.peer.live()) == len(_found(long_adapter.peer.events))
    assert (
        next(event for event in events if key_of(event) == "steps:4:case_solved")["sequence"] > "20261105090007.000001"
    )


def test_a_clock_that_steps_back_does_not_make_news_look_old(dossier: LongSystem, long_adapter: LongAdapter) -> None:
    dossier.change("person", 1, at(5, 9), phone="13612345678")
    long_adapter.once()
    before = long_adapter.peer.live()["criminal", "party", "P1001"]
    dossier.change("person", 1, at(5, 8, 55), phone="13512345678")
    (event,) = long_adapter.pushed()
    assert event["sequence"] > before["sequence"]
    assert long_adapter.peer.live()["criminal", "party", "P1001"]["data"]["phone"] == "13512345678"


def test_nothing_of_a_secret_person_and_of_the_steps_that_concern_them_leaves(
    dossier: LongSystem, long_adapter: LongAdapter
) -> None:
    dossier.change("person", 1, at(2), classified=2)
    assert _found(long_adapter.pushed()) == {
        ("case", NUMBER),
        ("milestone", "steps:1:case_filed"),
        ("party", "P1002"),
        ("party", "P1003"),
    }
    assert "疑某" not in json.dumps(long_adapter.peer.events, ensure_ascii=False)
    assert long_adapter.state("SELECT origin, field FROM unreadable") == [("lawyers:1", "for_whom")]


def test_a_person_who_becomes_secret_is_withdrawn_with_steps_and_lawyer(
    dossier: LongSystem, long_adapter: LongAdapter
) -> None:
    long_adapter.once()
    dossier.change("person", 1, at(3), classified=1)
    assert _found(long_adapter.pushed()) == {
        ("withdrawal", "P1001"),
        ("withdrawal", "L1"),
        ("withdrawal", "personal_steps:2:compulsory_measure"),
    }


@pytest.mark.parametrize("named", ["疑 某", "疑　某 ", "嫌某"])
def test_a_lawyer_is_given_to_the_suspect_whose_name_is_typed(
    dossier: LongSystem, long_adapter: LongAdapter, named: str
) -> None:
    dossier.add_lawyer(2, named)
    long_adapter.once()
    wanted = "P1002" if named == "嫌某" else "P1001"
    assert long_adapter.peer.live()["criminal", "party", "L2"]["data"]["subject"] == wanted


@pytest.mark.parametrize("named", ["", "无此人", "重名"])
def test_a_lawyer_of_nobody_or_of_two_of_one_name_is_kept_back(
    dossier: LongSystem, long_adapter: LongAdapter, named: str
) -> None:
    dossier.add_person(5, full_name="重名")
    dossier.add_person(6, full_name="重 名")
    dossier.add_lawyer(2, named)
    assert ("party", "L2") not in _found(long_adapter.pushed())
    assert long_adapter.state("SELECT origin, field FROM unreadable") == [("lawyers:2", "for_whom")]


def test_only_mapped_columns_are_selected_and_nothing_else_leaves(
    dossier: LongSystem, long_adapter: LongAdapter
) -> None:
    long_adapter.statements = []
    long_adapter.once()
    dossier.change("person", 1, at(3), phone="13712345678")
    long_adapter.once()
    selects = [one for one in long_adapter.statements if re.search(r"\b(dossier|person|step|lawyer)\b", one)]
    assert any("full_name" in one for one in selects)
    for column in UNMAPPED:
        assert not [one for one in selects if re.search(rf"\b{column}\b", one)], column
    pushed = json.dumps(long_adapter.peer.events, ensure_ascii=False)
    assert HIDDEN not in pushed
    assert "HIDDENWITNESS" not in pushed
    assert HIDDEN.encode() not in long_adapter.state_path.read_bytes()
