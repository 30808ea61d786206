"""A mapping is checked whole; every fault names file, line and key."""

import sqlite3
from pathlib import Path

import pytest

from adapters import vocabulary
from adapters.columns import columns_read
from adapters.mapping_file import read_mapping
from adapters.sections import Fault, MappingError
from adapters.sources.engines import open_engine
from adapters.sources.sql import SqlSource
from caseq.rules import case
from tests.adapters.bench import B_ASJ
from tests.adapters.smallmapping import small_mapping


def _faults(tmp_path: Path, *changes: tuple[str, str]) -> tuple[str, list[Fault]]:
    text = B_ASJ.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "wrong.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MappingError) as raised:
        read_mapping(path, {})
    return text, list(raised.value.faults)


def test_the_shipped_mapping_is_good_and_reads_only_what_it_names() -> None:
    mapping = read_mapping(B_ASJ, {})
    assert columns_read(mapping, mapping.table("victims")) == (
        "AJBH",
        "CREATEDTIME",
        "CSRQ",
        "DELETEFLAG",
        "LASTUPDATEDTIME",
        "LXDH",
        "LXRDH",
        "LXRXM",
        "RYBH",
        "RYJS",
        "SYSTEMID",
        "XM",
    )


@pytest.mark.parametrize(
    ("old", "new", "key", "reason"),
    [
        ('opened_on = "SL_LRSJ"', 'opend_on = "SL_LRSJ"', "case.opend_on", "is not known here"),
        ('name = "case_solved"', 'name = "case_sloved"', "milestones.3.name", "must be one of"),
        ('kinds = ["administrative"]', 'kinds = ["adminstrative"]', "milestones.1.kinds", "must name only"),
        ('"刑事" = "criminal"', '"刑事" = "crime"', "case.kind.codes.刑事", "must be one of"),
        ('"04" = "criminal_detention"', '"04" = "jail"', "milestones.7.details.measure.codes.04", "must be one of"),
        ('role = "suspect_family"', 'role = "cousin"', "parties.2.role", "must be one of"),
        ('changed = "LASTUPDATEDTIME"', "changed = 7", "tables.case.changed", "must be a text"),
        ('occurred_on = "LASJ"', 'occurred_on = "LASJ; DROP TABLE x"', "milestones.2.occurred_on", "plain name"),
        ('key = "{RYBH}:family"', 'key = "family"', "parties.2.key", "in braces"),
        ("chunk_cases = 2000", "chunk_cases = 5000", "source.chunk_cases", "at most 2000"),
        ("http://127.0.0.1:8000", "http://caseq.example", "service.url", "https://"),
        ("${CASEQ_ADAPTER_SOURCE_URL:-sqlite:///var/b_asj.db}", "${CASEQ_NO_URL}", "source.url", "CASEQ_NO_URL"),
        ('[tables.case]\ntable = "B_ASJ_AJ"', "[tables.case]", "tables.case.table", "is missing"),
        ('history = "CS"', 'document_number = "CS"', "milestones.7.history", "is missing"),
    ],
)
def test_a_fault_names_file_line_key_and_reason(tmp_path: Path, old: str, new: str, key: str, reason: str) -> None:
    text, faults = _faults(tmp_path, (old, new))
    (fault,) = [fault for fault in faults if fault.key == key]
    assert fault.file == str(tmp_path / "wrong.toml")
    assert reason in fault.reason
    assert fault.place is not None
    near = text.splitlines()[fault.place[0] - 1]
    assert new.split("\n")[0].split(" = ")[0] in near or near.startswith("[")
    assert str(fault) == f"{fault.file}:{fault.place[0]}:{fault.place[1]}: {key}: {fault.reason}"


def test_every_fault_is_named_not_only_the_first(tmp_path: Path) -> None:
    _, faults = _faults(
        tmp_path,
        ('state = "open"', 'state = "opened"'),
        ('name = "case_filed"', 'name = "filed"'),
        ("poll_seconds = 10", "poll_seconds = 0"),
    )
    assert {fault.key for fault in faults} >= {"case.state", "milestones.2.name", "source.poll_seconds"}


def test_text_that_is_not_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    _, faults = _faults(tmp_path, ("[source]", "[source"))
    assert [fault.place[0] for fault in faults if fault.place] == [9]


def test_a_missing_file_and_wrong_bytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="No such file"):
        read_mapping(tmp_path / "none.toml", {})
    (tmp_path / "latin.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(MappingError, match="UTF-8"):
        read_mapping(tmp_path / "latin.toml", {})


def test_the_closed_sets_are_those_of_the_service() -> None:
    assert set(case.Kind) == vocabulary.KINDS
    assert set(case.Role) == vocabulary.ROLES
    assert case.SUSPECT_SIDE == vocabulary.SUSPECT_SIDE
    assert set(case.CaseState) == vocabulary.STATES
    assert {str(name): fields for name, fields in case.DETAIL_FIELDS.items()} == dict(vocabulary.DETAILS)


@pytest.mark.parametrize(
    ("old", "new", "where", "reason"),
    [
        ('phone = "TEL"', 'phone = "rem.TEL"', "parties.1.phone", "rem.TEL: no lookup of people is called rem"),
        ("[push.sources]", "[push.source]", "push.sources", "is missing"),
        ("[tables.case]", "[tabels.case]", "tables.case", "is missing"),
    ],
)
def test_what_needs_no_database_is_told_with_its_place(
    tmp_path: Path, old: str, new: str, where: str, reason: str
) -> None:
    with pytest.raises(MappingError) as raised:
        small_mapping(tmp_path, (old, new))
    fault = next(fault for fault in raised.value.faults if fault.key == where)
    assert reason in fault.reason
    assert fault.place is not None


def test_what_the_database_lacks_is_told_with_its_place(tmp_path: Path) -> None:
    mapping = small_mapping(tmp_path, ("small.db", f"{tmp_path}/small.db"))
    with sqlite3.connect(tmp_path / "small.db") as database:
        database.execute("CREATE TABLE T_CASE (ID INTEGER, NO TEXT)")
        database.execute("CREATE TABLE T_PERSON (ID INTEGER, NO TEXT, SECRET TEXT, ROLE TEXT, NAME TEXT)")
    source = SqlSource(mapping, open_engine(mapping.source.url))
    with pytest.raises(MappingError) as raised:
        list(source.changed_rows(None))
    lines = Path(mapping.file).read_text(encoding="utf-8").splitlines()
    assert [(fault.key, fault.reason) for fault in raised.value.faults] == [
        ("parties.1.phone", "T_PERSON.TEL is not a column"),
        ("tables.steps.table", "T_STEP is not a table of the case system"),
    ]
    for fault, text in zip(raised.value.faults, ("TEL", "T_STEP"), strict=True):
        assert fault.place
        assert lines[fault.place[0] - 1][fault.place[1] - 1 :].startswith(text)


def test_two_milestones_of_a_name_do_not_keep_one_history_of_a_row(tmp_path: Path) -> None:
    kept = '[[milestones]]\ntable = "people"\nname = "compulsory_measure"\nsubject = "{{ID}}"\n'
    kept += 'occurred_on = "DAY{0}"\nhistory = "CS{0}"\n'
    with pytest.raises(MappingError) as caught:
        small_mapping(tmp_path, ("[[parties]]", "".join(map(kept.format, (1, 2))) + "[[parties]]"))
    assert [fault.key for fault in caught.value.faults] == ["milestones.3.history"]
    apart = kept.format(1) + 'kinds = ["criminal"]\n' + kept.format(2) + 'kinds = ["administrative"]\n'
    small_mapping(tmp_path, ("[[parties]]", apart + "[[parties]]"))


@pytest.mark.parametrize("name", sorted(vocabulary.OF_A_SUSPECT))
def test_what_is_always_about_one_suspect_says_about_whom(tmp_path: Path, name: str) -> None:
    step = ('"2" = "case_solved"', f'"2" = "{name}"')
    with pytest.raises(MappingError) as caught:
        small_mapping(tmp_path, step)
    assert [fault.key for fault in caught.value.faults] == ["milestones.1.subject"]
    for said in ('subject = "P{ID}"', "whole_case_when_empty = true"):
        small_mapping(tmp_path, step, ('occurred_on = ["DAY"', f'{said}\noccurred_on = ["DAY"'))
