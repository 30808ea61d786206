"""Every word of the mapping language is checked, and a fault says where it stands, to the column."""

from pathlib import Path

import pytest

from adapters.mapping import CASE_TABLE
from adapters.mapping_file import read_mapping
from adapters.sections import Fault, MappingError
from tests.adapters.smallmapping import TEXT, small_mapping

PERSON = '[[parties]]\ntable = "people"\n'
STEP = '[[milestones]]\ntable = "steps"\n'
CASE = 'kind = "criminal"\n'
PEOPLE = 'table = "T_PERSON"\nid = "ID"\ncase_number = "NO"\n'


def _faults(folder: Path, old: str, new: str) -> list[Fault]:
    with pytest.raises(MappingError) as raised:
        small_mapping(folder, (old, new))
    return list(raised.value.faults)


@pytest.mark.parametrize(
    ("old", "new", "key", "reason"),
    [
        (STEP, f"{STEP}hold = {{ until = 'DAY' }}\n", "milestones.1.hold.reason", "is missing"),
        (STEP, f"{STEP}tell_first = {{ column = 'X' }}\n", "milestones.1.tell_first.is", "is missing"),
        (STEP, f"{STEP}only = {{ column = 'X', filled = 1 }}\n", "milestones.1.only.filled", "true or false"),
        (STEP, f"{STEP}only = {{ column = 'X', was = ['1'] }}\n", "milestones.1.only.was", "is not known here"),
        (STEP, f"{STEP}subject = 'P'\n", "milestones.1.subject", "in braces"),
        (STEP, f"{STEP}subject = '{{P'\n", "milestones.1.subject", "in braces"),
        (STEP, f"{STEP}whole_case_when_empty = 'yes'\n", "milestones.1.whole_case_when_empty", "true or false"),
        (STEP, f"{STEP}details = {{ measure = 'X' }}\n", "milestones.1.details.measure", "is not a detail of"),
        ('"1" = "case_filed"', '"1" = "filed"', "milestones.1.name.codes.1", "must be one of"),
        ('"2" = "case_solved"', '"１" = "case_solved"', "milestones.1.name.codes.１", "the same code as another"),
        ('["DAY", "NOTED"]', "[]", "milestones.1.occurred_on", "must not be empty"),
        ('["DAY", "NOTED"]', "7", "milestones.1.occurred_on", "must be a table"),
        ('["DAY", "NOTED"]', "'DAY; --'", "milestones.1.occurred_on", "one plain name"),
        ('["DAY", "NOTED"]', "{ when = { column = 'A', is = ['1'] } }", "milestones.1.occurred_on.column", "missing"),
        (PERSON, '[[parties]]\ntable = "persons"\n', "parties.1.table", "must be one of case, people, steps"),
        (PERSON, f"{PERSON}sms = 'no'\n", "parties.1.sms", "an array of tables"),
        (PERSON, f"{PERSON}born = 'DAY'\n", "parties.1.born", "is not known here"),
        (PEOPLE, PEOPLE.replace('"NO"', "['NO']"), "tables.people.case_number", "must be a text"),
        (PEOPLE, PEOPLE.replace("case_number = ", "parent = "), "tables.people.parent", "must be a table"),
        (PEOPLE, f"{PEOPLE}changed_form = 'unix'\n", "tables.people.changed_form", "must be one of"),
        (CASE, f"{CASE}trade = {{ always = 7 }}\n", "case.trade.always", "must be a text"),
        (CASE, 'kind = { column = "K" }\n', "case.kind.codes", "is missing"),
        (CASE, 'kind = "administrative"\n', "case.kind", "must be one of criminal"),
        (CASE, f"{CASE}state = 'shut'\n", "case.state", "must be one of"),
        (CASE, f"{CASE}opened_on = 'DAY\"'\n", "case.opened_on", "one plain name"),
        ('"1" = "case_filed"', '"1" = "filed"', "milestones.1.name.codes.1", 'one of "", case_accepted'),
    ],
)
def test_a_fault_in_any_part_names_its_key_and_reason(
    tmp_path: Path, old: str, new: str, key: str, reason: str
) -> None:
    found = [fault for fault in _faults(tmp_path, old, new) if fault.key == key]
    assert [fault for fault in found if reason in fault.reason]


@pytest.mark.parametrize(
    ("old", "new", "marked"),
    [
        ('role = { column = "ROLE"', 'roles = { column = "ROLE"', 'roles = { column = "ROLE"'),
        ('phone = "TEL"', '  phone = "TEL; --"', 'phone = "TEL; --"'),
        ('id = ["PART", "ID"]', 'id = ["PART", "ID "]', 'id = ["PART", "ID "]'),
        ("[tables.people]", "[ tables.people ]\nwrong = 1", "wrong = 1"),
        ('kind = "criminal"', 'opened_on = 5\nkind = "criminal"', "opened_on = 5"),
        ('name = "NAME"', '"name" = 5', '"name" = 5'),
    ],
)
def test_a_fault_stands_at_the_line_and_column_of_its_key(tmp_path: Path, old: str, new: str, marked: str) -> None:
    text = TEXT.replace(old, new, 1)
    line = text[: text.index(marked)].count("\n") + 1
    column = text.index(marked) - (text.rfind("\n", 0, text.index(marked)) + 1) + 1
    assert (line, column) in {fault.place for fault in _faults(tmp_path, old, new)}


def test_a_file_that_breaks_off_is_refused_at_its_end_and_one_of_notepad_is_read(tmp_path: Path) -> None:
    (fault,) = _faults(tmp_path, 'phone = "TEL"\n', 'phone = "TE')
    assert (fault.key, fault.place) == ("TOML", (TEXT.count("\n"), len('phone = "TE') + 1))
    marked = tmp_path / "marked.toml"
    marked.write_text(TEXT, encoding="utf-8-sig")
    assert read_mapping(marked, {}).name == "small"


def test_a_key_written_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    (fault,) = _faults(tmp_path, PEOPLE, f"{PEOPLE}secret = 1\n")
    assert fault.key == "TOML"
    assert fault.place is not None
    assert TEXT.replace(PEOPLE, f"{PEOPLE}secret = 1\n").splitlines()[fault.place[0] - 1].startswith("secret = {")


def test_the_second_of_two_entries_of_one_name_is_named_as_the_second(tmp_path: Path) -> None:
    second = f'{PERSON}role = "cousin"\nname = "N2"\n\n{PERSON}'
    (fault,) = _faults(tmp_path, PERSON, second)
    assert fault.key == "parties.1.role"
    third = f'{PERSON}role = "victim"\nname = "N2"\n\n[[parties]]\nsms = "x"\ntable = "people"\n'
    (fault,) = _faults(tmp_path, PERSON, third)
    assert fault.key == "parties.2.sms"
    line = TEXT.replace(PERSON, third, 1).splitlines().index('sms = "x"') + 1
    assert fault.place == (line, 1)


def test_tables_that_hang_on_each_other_or_on_nothing_are_refused(tmp_path: Path) -> None:
    ring = PEOPLE.replace('case_number = "NO"', 'parent = { table = "steps", column = "A", key = "B" }')
    assert small_mapping(tmp_path, (PEOPLE, ring)).tables[-1].name == "people"
    ring = PEOPLE.replace('case_number = "NO"', 'parent = { table = "people", column = "A", key = "B" }')
    reasons = {fault.key: fault.reason for fault in _faults(tmp_path, PEOPLE, ring)}
    assert reasons["tables.people"] == "does not hang on the case table"


def test_every_parent_stands_before_its_children(tmp_path: Path) -> None:
    mapping = small_mapping(tmp_path)
    assert mapping.tables[0].name == CASE_TABLE
    assert [table.parent and table.parent.key for table in mapping.tables] == [None, "NO", "NO"]


def test_a_milestone_without_a_place_in_time_is_refused(tmp_path: Path) -> None:
    (fault,) = _faults(tmp_path, 'occurred_on = ["DAY", "NOTED"]\n', "")
    assert (fault.key, fault.reason) == ("milestones.1.occurred_on", "is missing")
