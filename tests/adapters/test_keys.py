"""Keys that two tables write differently are one key, and a guard behind a key that leads nowhere closes."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.sources.keys import KeyForm
from tests.adapters.joined import Joined, joined, keys, refused
from tests.adapters.longengines import ENGINES

GONE = "points to no row of ren"


@pytest.fixture(params=list(ENGINES))
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Joined]:
    with joined(request.param, tmp_path) as found:
        yield found


@pytest.mark.parametrize("key", ["P1 ", "P1\t", " P1", "\u3000P1\u00a0", "P1\r\n"])
@pytest.mark.parametrize("side", ["pointer", "key"])
def test_a_secret_person_stays_secret_whatever_space_stands_around_the_key(
    database: Joined, key: str, side: str
) -> None:
    there, here = ("P1", key) if side == "pointer" else (key, "P1")
    database.create()
    database.run(
        "INSERT INTO aj VALUES ('A', 'N1', '2026-03-01')",
        f"INSERT INTO ren VALUES ('{there}', '王保密', '13900001111', '1'), ('P2', '李公开', '13900002222', '0')",
        f"INSERT INTO bz VALUES (1, 'A', '{here}', '2026-03-01'), (2, 'A', 'P2', '2026-03-01')",
        f"INSERT INTO cy VALUES (3, 'N1', '{here}'), (4, 'N1', 'P2 ')",
    )
    reading = database.readings()["N1"]
    assert keys(reading) == ["steps:2:case_filed", "people:4:victim"]
    assert refused(reading) == []


def test_a_guard_behind_a_key_without_a_row_closes_and_is_counted(database: Joined) -> None:
    database.create()
    database.run(
        "INSERT INTO aj VALUES ('A', 'N1', '2026-03-01')",
        "INSERT INTO bz VALUES (1, 'A', 'P9', '2026-03-01'), (2, 'A', '', '2026-03-01'), (3, 'A', NULL, '2026-03-01')",
        "INSERT INTO cy VALUES (4, 'N1', 'P9')",
    )
    reading = database.readings()["N1"]
    assert keys(reading) == ["steps:2:case_filed", "steps:3:case_filed"]
    assert refused(reading) == [("steps:1", "ren", GONE), ("people:4", "ren", GONE)]


def test_a_party_whose_person_is_nowhere_is_refused_without_a_guard_too(database: Joined) -> None:
    guard = 'secret = { column = "ren.mj", is_not = ["", "0"] }\n'
    database.create()
    database.run("INSERT INTO aj VALUES ('A', 'N1', NULL)", "INSERT INTO cy VALUES (4, 'N1', 'P9')")
    reading = database.readings((guard, ""))["N1"]
    assert (keys(reading), refused(reading)) == ([], [("people:4", "ren", GONE)])


def test_a_key_that_leads_to_two_persons_who_differ_is_refused(database: Joined) -> None:
    database.create()
    database.run(
        "INSERT INTO aj VALUES ('A', 'N1', NULL)",
        "INSERT INTO ren VALUES ('P1', '李公开', '', '0'), ('P1\t', '王保密', '', '1')",
        "INSERT INTO cy VALUES (4, 'N1', 'P1')",
    )
    reading = database.readings()["N1"]
    assert (keys(reading), refused(reading)) == ([], [("people:4", "ren", "points to several rows of ren")])


@pytest.mark.parametrize(
    ("key", "pointer", "there", "here"),
    [
        ("INTEGER", "VARCHAR(20)", "7", "'0000000007'"),
        ("INTEGER", "VARCHAR(20)", "7", "'7.0'"),
        ("INTEGER", "VARCHAR(20)", "7", "' 7'"),
        ("BIGINT", "VARCHAR(20)", "7000000000000000001", "'7000000000000000001'"),
        ("CHAR(10)", "INTEGER", "'0000000007'", "7"),
        ("VARCHAR(10)", "NUMERIC(10,2)", "'7'", "7.00"),
        ("NUMERIC(10,2)", "VARCHAR(20)", "1.5", "'1.50'"),
        ("CHAR(10)", "VARCHAR(20)", "'P1'", "'P1'"),
        ("VARCHAR(20)", "CHAR(10)", "'P1'", "'P1'"),
    ],
)
def test_keys_of_different_types_join(database: Joined, key: str, pointer: str, there: str, here: str) -> None:
    database.create(key, pointer)
    database.run(
        f"INSERT INTO aj VALUES ({there}, 'N1', NULL)",
        f"INSERT INTO ren VALUES ({there}, '王保密', '', '1')",
        f"INSERT INTO bz VALUES (1, {here}, NULL, '2026-03-01'), (2, {here}, {here}, '2026-03-01')",
    )
    reading = database.readings()["N1"]
    assert (keys(reading), refused(reading)) == (["steps:1:case_filed"], [])


def test_keys_that_are_not_whole_are_compared_exactly(database: Joined) -> None:
    database.create("NUMERIC(10,2)", "NUMERIC(10,2)")
    database.run(
        "INSERT INTO aj VALUES (1.5, 'N1', NULL), (2, 'N2', NULL), (1, 'N3', NULL)",
        "INSERT INTO bz VALUES (1, 1.5, NULL, '2026-03-01'), (2, 2, NULL, '2026-03-01')",
    )
    found = database.readings()
    assert [keys(found[number]) for number in ("N1", "N2", "N3")] == [
        ["steps:1:case_filed"],
        ["steps:2:case_filed"],
        [],
    ]


def test_letter_case_counts_where_the_database_says_so(database: Joined) -> None:
    database.create()
    database.run(
        "INSERT INTO aj VALUES ('a', 'n1', NULL)",
        "INSERT INTO ren VALUES ('r1', '李公开', '', '0'), ('r2', '王保密', '', '1')",
        "INSERT INTO cy VALUES (1, 'N1', 'R1'), (2, 'n1', 'R2'), (3, 'n1 ', 'r1')",
        "INSERT INTO bz VALUES (4, 'A', 'R2', '2026-03-01'), (5, 'A', 'R1', '2026-03-01')",
    )
    found = database.readings()
    if database.system.engine.dialect.name == "mysql":
        assert keys(found["n1"]) == ["steps:5:case_filed", "people:1:victim", "people:3:victim"]
        assert refused(found["n1"]) == []
        return
    assert keys(found["n1"]) == ["people:3:victim"]
    assert refused(found["n1"]) == [("people:2", "ren", GONE)]
    assert refused(found["N1"]) == [("people:1", "bh", "points to no row of aj")]


def test_columns_without_a_type_join_by_what_they_hold(tmp_path: Path) -> None:
    with joined("sqlite", tmp_path) as database:
        database.create("", "", "")
        database.run(
            "INSERT INTO aj VALUES (1, 'N1', NULL), ('2', 'N2', NULL)",
            "INSERT INTO ren VALUES (7, '王保密', '', 1), (8, '李公开', '', 0)",
            "INSERT INTO bz VALUES (1, 1, 7, '2026-03-01'), (2, 1, '8', '2026-03-01'), (3, 2, NULL, '2026-03-01')",
        )
        found = database.readings()
    assert keys(found["N1"]) == ["steps:2:case_filed"]
    assert keys(found["N2"]) == ["steps:3:case_filed"]


@pytest.mark.parametrize("space", ["\t", "\r\n", "\u00a0", "\u3000", " ", "\x85", " \u3000\t"])
def test_a_case_is_read_whatever_space_stands_around_its_number(database: Joined, space: str) -> None:
    database.create()
    database.run(
        f"INSERT INTO aj VALUES ('A', 'N1{space}', '2026-03-01'), ('B', '{space}N2', '2026-03-01')",
        "INSERT INTO ren VALUES ('P2', '李公开', '', '0')",
        f"INSERT INTO cy VALUES (4, 'N1', 'P2'), (5, 'N2{space}', 'P2')",
    )
    found = database.readings()
    assert {number: keys(reading) for number, reading in found.items()} == {
        "N1": ["people:4:victim"],
        "N2": ["people:5:victim"],
    }
    assert [record.type for record in found["N1"].records] == ["case", "party"]


def test_a_row_of_a_case_that_is_not_there_is_counted(database: Joined) -> None:
    database.create()
    database.run(
        "INSERT INTO aj VALUES ('A', 'N1', NULL)",
        "INSERT INTO ren VALUES ('P2', '李公开', '', '0')",
        "INSERT INTO cy VALUES (4, 'N9', 'P2'), (5, 'N1', 'P2')",
        "INSERT INTO bz VALUES (6, 'Z', NULL, '2026-03-01'), (7, ' A', NULL, '2026-03-01'), (8, NULL, NULL, '')",
    )
    assert refused(database.readings()["N9"]) == [("people:4", "bh", "points to no row of aj")]
    rows = list(database.source().changed_rows(None))
    assert {row.origin for row in rows if row.is_lost} == {"steps:6"}


def test_a_poll_finds_the_case_of_a_row_that_writes_its_parent_otherwise(database: Joined) -> None:
    database.create("INTEGER", "VARCHAR(20)")
    database.run(
        "INSERT INTO aj VALUES (7, 'N1', NULL)",
        "INSERT INTO bz VALUES (1, '007 ', NULL, '20261101000000'), (2, '9', NULL, '20261101000000')",
    )
    source = database.source(
        ('parent = { column = "aj", key = "id" }', 'parent = { column = "aj", key = "id" }\nchanged = "d"')
    )
    assert [(row.origin, row.case_number) for row in source.changed_rows("20261031000000")] == [
        ("steps:1", "N1"),
        ("steps:2", ""),
    ]
    assert [len(case.tables["steps"]) for case in source.cases(["N1"])] == [1]
    database.run("INSERT INTO bz VALUES (3, '07', NULL, '20261102000000')")
    assert "N1" in [row.case_number for row in source.changed_rows("20261102000000")]
    assert [len(case.tables["steps"]) for case in source.cases(["N1"])] == [2]


@pytest.mark.parametrize(("there", "here"), [("P1", "P1 "), ("P1", "\tP1"), ("P1\u3000", "P1")])
def test_a_poll_finds_the_rows_of_a_changed_person_whose_key_they_write_otherwise(
    database: Joined, there: str, here: str
) -> None:
    database.create()
    database.run(
        "INSERT INTO aj VALUES ('A', 'N1', NULL)",
        f"INSERT INTO ren VALUES ('{there}', '王保密', '20261101000000', '1')",
        f"INSERT INTO cy VALUES (4, 'N1', '{here}')",
    )
    looked_up = 'lookups.ren = { table = "ren", key = "id", by = "ren" }'
    source = database.source((looked_up, looked_up.replace(" }", ', changed = "dh" }')))
    assert "N1" in [row.case_number for row in source.changed_rows("20261031000000")]
    assert "N1" not in [row.case_number for row in source.changed_rows("20261102000000")]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("0000000007", "7"),
        ("7.0", "7"),
        ("-07", "-7"),
        ("+7", "7"),
        ("1.50", "1.5"),
        ("7a", "7a"),
        ("1e3", "1e3"),
        ("", ""),
    ],
)
def test_the_form_of_a_number(text: str, form: str) -> None:
    assert KeyForm(is_number=True).of(f" {text}\u3000") == form


def test_a_text_of_digits_keeps_its_zeros_where_both_columns_are_texts() -> None:
    assert KeyForm().of("007") == "007"
    assert sqlite3.connect(":memory:").execute("SELECT '007' = '7'").fetchone() == (0,)
