"""Case systems that are named, keyed and stamped as nobody would have thought."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import Inspector, Text, inspect, text
from sqlalchemy.exc import ProgrammingError

from adapters.mapping import SystemMapping
from adapters.moments import is_of_form
from adapters.sections import MappingError
from adapters.sources.engines import open_engine
from adapters.sources.looking import look_at_database
from adapters.sources.schema import find_tables, table_names
from adapters.sources.sql import SqlSource
from tests.adapters.joined import joined, keys
from tests.adapters.smallmapping import small_mapping

_PEOPLE = "CREATE TABLE T_PERSON (ID INTEGER, NO TEXT, SECRET TEXT, ROLE TEXT, NAME TEXT, TEL TEXT)"
_STEPS = "CREATE TABLE T_STEP (PART TEXT, ID INTEGER, NO TEXT, KIND TEXT, DAY TEXT, NOTED TEXT)"


def _source(folder: Path, statements: Sequence[str], *changes: tuple[str, str]) -> SqlSource:
    file = folder / "small.db"
    with sqlite3.connect(file) as database:
        for statement in statements:
            database.execute(statement)
    mapping = small_mapping(folder, ("sqlite:///small.db", f"sqlite:///{file}"), *changes)
    return SqlSource(mapping, open_engine(mapping.source.url))


def test_tables_and_columns_with_spaces_and_signs_are_read(tmp_path: Path) -> None:
    source = _source(
        tmp_path,
        [
            'CREATE TABLE "案件 基本%表" ("序 号" INTEGER, "案件:编号(新)" TEXT)',
            _PEOPLE.replace("TEL", '"联系 电话?"'),
            _STEPS,
            "INSERT INTO \"案件 基本%表\" VALUES (1, 'N1')",
            "INSERT INTO T_PERSON VALUES (1, 'N1', '', '1', '', '13800138000')",
        ],
        ('"T_CASE"\nid = "ID"\ncase_number = "NO"', '"案件 基本%表"\nid = "序 号"\ncase_number = "案件:编号(新)"'),
        ('"TEL"', '"联系 电话?"'),
    )
    assert [row.case_number for row in source.changed_rows(None)] == ["N1"]
    (case,) = source.cases(["N1"])
    assert case.tables["people"][0]["联系 电话?"] == "13800138000"


def test_children_are_found_by_keys_below_zero_and_keys_too_large_for_the_column_find_none(tmp_path: Path) -> None:
    parent = (
        '"T_STEP"\nid = ["PART", "ID"]\ncase_number = "NO"',
        '"T_STEP"\nid = "ID"\nparent = { column = "NO", key = "KEY" }',
    )
    source = _source(
        tmp_path,
        [
            "CREATE TABLE T_CASE (ID INTEGER, NO TEXT, KEY TEXT)",
            _PEOPLE,
            _STEPS.replace("NO TEXT", "NO INTEGER"),
            "INSERT INTO T_CASE VALUES (1, 'N1', '-1'), (2, 'N2', '99999999999999999999')",
            "INSERT INTO T_STEP VALUES ('a', -7, -1, '1', '2026-11-01', '')",
        ],
        parent,
    )
    found = source.cases(["N1", "N2"])
    assert [len(case.tables.get("steps", ())) for case in found] == [1, 0]


@pytest.mark.parametrize("kind", ["NUMERIC(20)", "DECIMAL(20,0)", "NUMBER(19)", "NUMERIC(20,2)"])
def test_whole_numbers_that_no_float_can_hold_stay_apart_in_columns_of_numbers(tmp_path: Path, kind: str) -> None:
    people = '"T_PERSON"\nid = "ID"\n'
    first, second, stray = 1850000000000000001, 1850000000000000002, 1850000000000000003
    source = _source(
        tmp_path,
        [
            f"CREATE TABLE T_CASE (ID {kind}, NO {kind})",
            _PEOPLE.replace("ID INTEGER", f"ID {kind}, CASE_ID {kind}"),
            _STEPS.replace("NO TEXT", f"NO {kind}"),
            f"INSERT INTO T_CASE VALUES ({first}, {first}), ({second}, {second})",
            f"INSERT INTO T_PERSON (ID, CASE_ID, NAME) VALUES ({first}, {first}, '甲'), ({second}, {second}, '乙')",
            f"INSERT INTO T_STEP VALUES ('a', 1, {stray}, '1', '2026-11-01', '')",
        ],
        (f'{people}case_number = "NO"', f'{people}parent = {{ column = "CASE_ID", key = "ID" }}'),
    )
    found = [(row.origin, row.case_number) for row in source.changed_rows(None)]
    cases = [(f"case:{first}", str(first)), (f"case:{second}", str(second))]
    assert found == [*cases, ("steps:", str(stray))]
    names = [[row["NAME"] for row in case.tables["people"]] for case in source.cases([str(first), str(second)])]
    assert names == [["甲"], ["乙"]]


def _columns(*names: str) -> list[dict[str, Any]]:
    return [{"name": name, "type": Text()} for name in names]


def _found(mapping: SystemMapping, tables: list[str], columns: list[dict[str, Any]]) -> dict[str, Any]:
    inspector = SimpleNamespace(
        get_table_names=lambda schema: tables,
        get_view_names=lambda schema: [],
        get_columns=lambda name, schema: columns,
    )
    return find_tables(mapping, cast("Inspector", inspector))


def test_of_two_names_that_differ_in_letter_case_none_is_guessed(tmp_path: Path) -> None:
    mapping = small_mapping(tmp_path)
    names = ("id", "no", "secret", "ROLE", "name", "tel", "part", "kind", "day", "noted")
    tables = ["t_case", "T_PERSON", "T_STEP"]
    assert _found(mapping, tables, _columns(*names))["people"].columns["ROLE"].name == "ROLE"
    both = _columns(*names, "Name")
    with pytest.raises(MappingError, match=r"T_PERSON\.NAME may be Name or name: write it as the database does"):
        _found(mapping, tables, both)
    assert _found(mapping, tables, [*both, *_columns("NAME")])["people"].columns["NAME"].name == "NAME"
    with pytest.raises(MappingError, match="T_CASE may be T_Case or t_case"):
        _found(mapping, [*tables, "T_Case"], _columns(*names))


def test_a_materialized_view_of_postgresql_is_read_like_a_table(tmp_path: Path) -> None:
    with joined("postgresql", tmp_path) as database:
        database.create()
        database.run(
            "ALTER TABLE aj RENAME TO base",
            "INSERT INTO base VALUES ('A', 'N1', '2026-03-01')",
            "CREATE MATERIALIZED VIEW aj AS SELECT * FROM base",
        )
        assert [record.key for record in database.readings()["N1"].records] == ["N1"]
        looked_at = look_at_database(database.system.url, database.system.schema or "")
        assert "aj" in [one.name for one in looked_at]


def test_a_foreign_table_of_postgresql_is_a_table(tmp_path: Path) -> None:
    with joined("postgresql", tmp_path) as database, database.system.engine.connect() as connection:
        schema = database.system.schema or ""
        try:
            connection.execute(text(f"CREATE FOREIGN DATA WRAPPER {schema}"))
        except ProgrammingError as error:
            pytest.skip(f"needs a superuser: {type(error.orig).__name__}")
        connection.execute(text(f"CREATE SERVER {schema} FOREIGN DATA WRAPPER {schema}"))
        connection.execute(text(f"CREATE FOREIGN TABLE {schema}.far (id INTEGER) SERVER {schema}"))
        assert "far" in table_names(inspect(connection), schema)
        connection.rollback()


@pytest.mark.parametrize("words", ['is = ["true"]', 'is = ["1", "Y"]', 'is_not = ["", "f"]'])
def test_a_guard_on_a_boolean_that_names_what_no_boolean_says_is_told(tmp_path: Path, words: str) -> None:
    tables = ["CREATE TABLE T_CASE (ID INTEGER, NO TEXT)", _PEOPLE.replace("SECRET TEXT", "SECRET BOOLEAN"), _STEPS]
    source = _source(tmp_path, tables, ('is = ["1"]', words))
    with pytest.raises(MappingError, match='SECRET is a boolean, which reads as "1" or "0"') as raised:
        list(source.changed_rows(None))
    assert [fault.key for fault in raised.value.faults] == ["tables.people.secret"]


def test_a_code_table_of_a_boolean_that_names_what_no_boolean_says_is_told(tmp_path: Path) -> None:
    tables = ["CREATE TABLE T_CASE (ID INTEGER, NO TEXT)", _PEOPLE.replace("ROLE TEXT", "ROLE BOOLEAN"), _STEPS]
    with pytest.raises(MappingError, match='write one of these for "2", "9"'):
        list(_source(tmp_path, tables).changed_rows(None))
    codes = ('"1" = "victim", "2" = "suspect", "9" = ""', '"1" = "victim", "0" = "suspect"')
    assert list(_source(tmp_path, [], codes).changed_rows(None)) == []


@pytest.mark.parametrize("kind", ["boolean", "yes_or_no"])
def test_a_guard_on_a_boolean_of_postgresql_holds_for_1_and_refuses_words(tmp_path: Path, kind: str) -> None:
    with joined("postgresql", tmp_path) as database:
        database.create()
        database.run(
            "CREATE DOMAIN yes_or_no AS boolean",
            f"ALTER TABLE ren DROP COLUMN mj, ADD COLUMN mj {kind}",
            "INSERT INTO aj VALUES ('A', 'N1', NULL)",
            "INSERT INTO ren VALUES ('P1', '王保密', '', true), ('P2', '李公开', '', false), ('P3', '钱', '', NULL)",
            "INSERT INTO cy VALUES (1, 'N1', 'P1'), (2, 'N1', 'P2'), (3, 'N1', 'P3')",
        )
        assert keys(database.readings()["N1"]) == ["people:2:victim", "people:3:victim"]
        with pytest.raises(MappingError, match=r'ren\.mj is a boolean, .* for "true"') as raised:
            database.readings(('is_not = ["", "0"]', 'is = ["true"]'))
        assert [fault.key for fault in raised.value.faults] == ["tables.steps.secret", "tables.people.secret"]


@pytest.mark.parametrize(
    ("form", "kind", "value", "doubtful"),
    [
        ("stamp", "TEXT", "20261104090000", False),
        ("stamp", "TEXT", "2026-11-04 09:00:00", True),
        ("stamp", "TEXT", "20261104", True),
        ("stamp", "INTEGER", 1764000000, True),
        ("stamp", "NUMERIC(14)", 20261104090000, False),
        ("stamp", "NUMERIC(14)", "2026-11-04", True),
        ("epoch", "INTEGER", 1764000000, False),
        ("epoch", "INTEGER", 1764000000000, True),
        ("iso", "TEXT", "2026/11/4 9:00", True),
        ("iso_t", "TEXT", "2026-11-04T09:00:00.123", False),
        ("stamp", "TEXT", None, False),
        ("stamp", "DATETIME", "2026-11-04 09:00:00.000000", False),
    ],
)
def test_a_change_column_of_another_form_is_noticed(
    tmp_path: Path, form: str, kind: str, value: str | int | None, doubtful: bool
) -> None:
    told = f'case_number = "NO"\nchanged = "AT"\nchanged_form = "{form}"\n\n[tables.people]'
    source = _source(
        tmp_path,
        [f"CREATE TABLE T_CASE (ID INTEGER, NO TEXT, AT {kind})", _PEOPLE, _STEPS],
        ('case_number = "NO"\n\n[tables.people]', told),
    )
    with sqlite3.connect(tmp_path / "small.db") as database:
        database.execute("INSERT INTO T_CASE VALUES (1, 'N1', ?)", (value,))
    assert source.doubtful_changes() == ({"T_CASE.AT": 1} if doubtful else {})


@pytest.mark.parametrize(
    ("form", "is_utc", "value", "doubtful"),
    [
        ("iso_t", False, "2026-11-04T09:00:00Z", True),
        ("iso_t", False, "2026-11-04T09:00:00.123Z", True),
        ("iso_t", False, "2026-11-04T09:00:00+00:00", True),
        ("iso_t", False, "2026-11-04T09:00:00.123+0800", False),
        ("iso", False, "2026-11-04 09:00:00 Z", True),
        ("iso", False, "2026-11-04 09:00:00 +08:00", False),
        ("iso", False, "2026-11-04 09:00:00 PM", True),
        ("iso_t", True, "2026-11-04T09:00:00Z", False),
        ("iso_t", True, "2026-11-04T09:00:00+08:00", True),
        ("iso_t", True, "2026-11-04T09:00:00,1234567", False),
    ],
)
def test_a_change_column_that_names_another_offset_than_it_is_compared_in_is_noticed(
    tmp_path: Path, form: str, is_utc: bool, value: str, doubtful: bool
) -> None:
    told = f'case_number = "NO"\nchanged = "AT"\nchanged_form = "{form}"\n\n[tables.people]'
    source = _source(
        tmp_path,
        ["CREATE TABLE T_CASE (ID INTEGER, NO TEXT, AT TEXT)", _PEOPLE, _STEPS],
        ('case_number = "NO"\n\n[tables.people]', told),
        ('.db"\n', f'.db"\nutc = {str(is_utc).lower()}\n'),
    )
    with sqlite3.connect(tmp_path / "small.db") as database:
        database.execute("INSERT INTO T_CASE VALUES (1, 'N1', ?)", (value,))
    assert source.doubtful_changes() == ({"T_CASE.AT": 1} if doubtful else {})


def test_a_form_is_told_by_every_sign() -> None:
    assert not is_of_form("", "iso")
    assert is_of_form(" 20261104090000 ", "stamp")
