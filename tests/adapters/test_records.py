"""Keys and subjects of records where the mapping leaves them to the rows."""

from pathlib import Path
from typing import Any

import pytest

from adapters.mapping import Row
from adapters.reading import Reading
from adapters.values import Unread
from tests.adapters.smallmapping import reading_of, small_mapping

BY_NAME = 'subject = { column = "WHO", table = "people", name = "NAME", key = "P{ID}" }'
OF_STEP = ('occurred_on = ["DAY", "NOTED"]', f'occurred_on = "DAY"\n{BY_NAME}')
MAY_BE_EMPTY = ("[[parties]]", "whole_case_when_empty = true\n\n[[parties]]")
STEP: Row = {"PART": "A", "ID": "7", "KIND": "1", "DAY": "20261003"}
PEOPLE: list[Row] = [
    {"ID": "1", "ROLE": "2", "NAME": "疑某", "TEL": "13812345678"},
    {"ID": "2", "ROLE": "2", "NAME": "嫌 某", "TEL": "无"},
    {"ID": "3", "ROLE": "2", "NAME": "重名"},
    {"ID": "4", "ROLE": "2", "NAME": "重　名"},
    {"ID": "5", "ROLE": "2", "NAME": "密某", "SECRET": "1"},
]


def _milestones(reading: Reading) -> list[dict[str, Any]]:
    return [dict(record.data) for record in reading.records if record.type == "milestone"]


def _refused(reading: Reading) -> list[tuple[str, str, str]]:
    return [(fault.origin, fault.column, fault.reason) for fault in reading.refusals]


def test_without_a_key_the_place_of_the_row_and_what_it_says_are_the_key(tmp_path: Path) -> None:
    reading = reading_of(small_mapping(tmp_path), steps=[STEP, {**STEP, "PART": "B"}], people=PEOPLE[:2])
    assert [record.key for record in reading.records] == [
        "N1",
        "steps:A:7:case_filed",
        "steps:B:7:case_filed",
        "people:1:suspect",
        "people:2:suspect",
    ]


def test_a_word_where_a_document_number_should_be_is_no_alias(tmp_path: Path) -> None:
    mapping = small_mapping(tmp_path, ('kind = "criminal"', 'kind = "criminal"\naliases = ["DOC", "OLD"]'))
    reading = reading_of(mapping, case=[{"ID": "1", "DOC": "无", "OLD": "示公受〔2026〕3号"}])
    assert reading.records[0].data["aliases"] == ["示公受〔2026〕3号"]


def test_a_date_comes_from_the_first_column_that_is_filled(tmp_path: Path) -> None:
    reading = reading_of(small_mapping(tmp_path), steps=[{**STEP, "DAY": " ", "NOTED": "2026年10月5日"}])
    assert [data["occurred_on"] for data in _milestones(reading)] == ["2026-10-05"]


def test_a_step_without_a_date_or_of_a_code_that_tells_nothing_is_no_milestone(tmp_path: Path) -> None:
    steps: list[Row] = [{**STEP, "DAY": None}, {**STEP, "KIND": "9"}]
    reading = reading_of(small_mapping(tmp_path), steps=steps)
    assert (_milestones(reading), reading.refusals) == ([], [])


def test_what_cannot_be_read_is_refused_alone(tmp_path: Path) -> None:
    steps: list[Row] = [{**STEP, "ID": "1", "KIND": "5"}, {**STEP, "ID": "2", "DAY": "十月"}, {**STEP, "ID": "3"}]
    reading = reading_of(small_mapping(tmp_path), steps=steps)
    assert [data["milestone"] for data in _milestones(reading)] == ["steps:A:3:case_filed"]
    assert _refused(reading) == [
        ("steps:A:1", "KIND", "holds a code that the mapping does not know"),
        ("steps:A:2", "DAY or NOTED", "is not a date"),
    ]


@pytest.mark.parametrize("typed", ["嫌某", " 嫌某 ", "嫌 某", "嫌　某", "嫌\u00a0某"])
def test_a_suspect_is_found_by_name_however_it_is_spaced(tmp_path: Path, typed: str) -> None:
    reading = reading_of(small_mapping(tmp_path, OF_STEP), steps=[{**STEP, "WHO": typed}], people=PEOPLE)
    assert [data["subject"] for data in _milestones(reading)] == ["P2"]


@pytest.mark.parametrize("typed", ["无此人", "疑", "疑某某", "重名", "密某", "", None, "疑某、嫌某"])
def test_a_name_that_is_not_that_of_just_one_open_person_is_refused(tmp_path: Path, typed: str | None) -> None:
    reading = reading_of(small_mapping(tmp_path, OF_STEP), steps=[{**STEP, "WHO": typed}], people=PEOPLE)
    assert _milestones(reading) == []
    assert _refused(reading) == [("steps:A:7", "WHO", "is not the name of just one person of the case")]


@pytest.mark.parametrize(
    ("more", "is_told"),
    [
        ({"SECRET": "1"}, False),
        ({"SECRET": "1", "NAME": None}, False),
        ({}, False),
        ({"GONE": "1"}, True),
        ({"GONE": "1", "NAME": Unread.of("NAME", "x")}, True),
        ({"NAME": None}, True),
    ],
)
def test_of_two_of_one_name_nobody_can_tell_who_is_meant_also_if_one_is_secret(
    tmp_path: Path, more: Row, is_told: bool
) -> None:
    deleted = ("secret = {", 'deleted = { column = "GONE", is = ["1"] }\nsecret = {')
    people = [PEOPLE[0], {**PEOPLE[0], "ID": "8", **more}]
    reading = reading_of(small_mapping(tmp_path, OF_STEP, deleted), steps=[{**STEP, "WHO": "疑某"}], people=people)
    assert [data["subject"] for data in _milestones(reading)] == ["P1"] * is_told
    assert len(reading.refusals) == (not is_told)


MINORS = ('phone = "TEL"', 'phone = "TEL"\nborn_on = "BORN"\njuvenile = { column = "YOUNG", is_not = ["0"] }')
NOBODY: Row = {"NAME": None, "TEL": "无"}


@pytest.mark.parametrize(
    ("person", "is_minor"),
    [
        ({**NOBODY, "BORN": "20101101"}, True),
        ({**NOBODY, "YOUNG": "1"}, True),
        ({"ROLE": "5", "BORN": "20101101"}, True),
        ({**NOBODY, "BORN": "19801101", "YOUNG": "0"}, False),
        ({"ROLE": "5", "BORN": "19801101", "YOUNG": "0"}, False),
        ({"ROLE": "1", "BORN": "20101100"}, False),
        ({"ROLE": "9", "BORN": "20101100"}, False),
        (NOBODY, False),
        ({"SECRET": "1", "BORN": "20101101"}, False),
        ({**NOBODY, "BORN": "0001-01-01", "YOUNG": "0"}, False),
    ],
)
def test_a_minor_of_whom_no_party_tells_is_told_of_by_the_case(tmp_path: Path, person: Row, is_minor: bool) -> None:
    """Or the victim would read what is sealed. A code that is not known may be that of a suspect."""
    reading = reading_of(small_mapping(tmp_path, MINORS), people=[{**PEOPLE[0], **person}])
    assert [record.type for record in reading.records] == ["case"]
    assert reading.records[0].data.get("juvenile", False) is is_minor


@pytest.mark.parametrize(("role", "is_told"), [("2", False), ("5", False), ("1", True)])
def test_while_nobody_can_say_who_is_a_minor_nothing_leaves_that_is_about_a_suspect(
    tmp_path: Path, role: str, is_told: bool
) -> None:
    """And nothing is narrowed for good: with the date mended all of it leaves."""
    mapping = small_mapping(tmp_path, MINORS, OF_STEP, MAY_BE_EMPTY)
    people: list[Row] = [{**PEOPLE[0], "YOUNG": "0"}, {**PEOPLE[1], "ROLE": role, "BORN": "20101100"}]
    steps: list[Row] = [{**STEP, "WHO": "疑某"}, {**STEP, "ID": "8"}]
    reading = reading_of(mapping, steps=steps, people=people)
    assert [data.get("subject") for data in _milestones(reading)] == ["P1", None][not is_told :]
    assert "juvenile" not in reading.records[0].data
    told = ("steps:A:7", "BORN", "cannot be read, and may say that one is a minor")
    assert (told in _refused(reading)) is not is_told


@pytest.mark.parametrize("day", ["0001-01-01", "00010101", "0000-00-00", "0001-01-01 00:00:00", "00000000000000"])
def test_the_day_of_programs_that_have_none_is_none(tmp_path: Path, day: str) -> None:
    mapping, person = small_mapping(tmp_path, MINORS), {**PEOPLE[0], "BORN": day}
    reading = reading_of(mapping, steps=[{**STEP, "DAY": day}], people=[person])
    assert [record.type for record in reading.records] == ["case", "party"]
    assert reading.refusals == []


def test_a_code_that_tells_nothing_takes_back_what_the_row_said_and_waits_for_no_date(tmp_path: Path) -> None:
    mapping = small_mapping(tmp_path, ("[[parties]]", 'history = "KIND"\n\n[[parties]]'))
    first = reading_of(mapping, steps=[STEP])
    for step, left in (({"KIND": "9", "DAY": None}, []), ({"KIND": "2", "DAY": None}, ["case_filed"])):
        again = reading_of(mapping, histories=first.histories, steps=[{**STEP, **step}])
        assert [data["name"] for data in _milestones(again)] == left


def test_a_day_that_stands_for_never_is_no_day_of_a_step(tmp_path: Path) -> None:
    steps: list[Row] = [{**STEP, "DAY": "9999-12-31"}, {**STEP, "ID": "8", "DAY": "20271231"}]
    steps.append({**STEP, "ID": "9", "DAY": "1899-12-30"})
    reading = reading_of(small_mapping(tmp_path), steps=steps)
    assert [data["occurred_on"] for data in _milestones(reading)] == ["2027-12-31"]
    assert _refused(reading) == [
        (f"steps:A:{number}", "DAY or NOTED", "is before 1900 or years ahead") for number in (7, 9)
    ]


def test_what_a_clerk_broke_into_lines_arrives_in_one(tmp_path: Path) -> None:
    """The service refuses whatever holds control characters."""
    mapping = small_mapping(tmp_path, ('kind = "criminal"', 'kind = "criminal"\naliases = "DOC"'))
    case: list[Row] = [{"ID": "1", "DOC": "示公受〔2026〕\t3号"}]
    assert reading_of(mapping, case=case).records[0].data["aliases"] == ["示公受〔2026〕 3号"]
    person: Row = {**PEOPLE[0], "NAME": "疑\r\n某", "TEL": "13812345678\t\n0951-8011001"}
    reading = reading_of(small_mapping(tmp_path), people=[person])
    assert [(record.data["name"], record.data["phone"]) for record in reading.records[1:]] == [
        ("疑 某", "13812345678 0951-8011001")
    ]


def test_two_rows_of_one_person_are_still_one_person(tmp_path: Path) -> None:
    people = [PEOPLE[0], {**PEOPLE[0], "ROLE": "9"}]
    reading = reading_of(small_mapping(tmp_path, OF_STEP), steps=[{**STEP, "WHO": "疑某"}], people=people)
    assert [data["subject"] for data in _milestones(reading)] == ["P1"]


def test_an_empty_name_means_the_whole_case_only_where_the_mapping_says_so(tmp_path: Path) -> None:
    mapping = small_mapping(tmp_path, OF_STEP, MAY_BE_EMPTY)
    steps: list[Row] = [{**STEP, "WHO": " "}, {**STEP, "ID": "8", "WHO": "无此人"}]
    reading = reading_of(mapping, steps=steps, people=PEOPLE)
    assert ["subject" in data for data in _milestones(reading)] == [False]
    assert [place for place, _, _ in _refused(reading)] == ["steps:A:8"]


def test_an_empty_column_of_a_template_means_the_whole_case_only_where_the_mapping_says_so(tmp_path: Path) -> None:
    by_template = ('occurred_on = ["DAY", "NOTED"]', 'occurred_on = "DAY"\nsubject = "P{WHO}"')
    steps: list[Row] = [{**STEP, "WHO": None}]
    assert _milestones(reading_of(small_mapping(tmp_path, by_template), steps=steps)) == []
    (data,) = _milestones(reading_of(small_mapping(tmp_path, by_template, MAY_BE_EMPTY), steps=steps))
    assert "subject" not in data
    (data,) = _milestones(reading_of(small_mapping(tmp_path, by_template, MAY_BE_EMPTY), steps=[{**STEP, "WHO": "4"}]))
    assert data["subject"] == "P4"
