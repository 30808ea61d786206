"""Values that are not of their column's type refuse what is made of them, and nothing else."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from adapters import fixtures
from adapters.moments import LOCAL_TIME, moment
from adapters.run import main as command
from adapters.sections import MappingError
from adapters.sources.cells import bytes_of, text_row
from adapters.sources.engines import open_engine
from adapters.values import UnreadableError, filled
from tests.adapters.joined import MAPPING, Joined, joined, keys, refused

PERSON = "王小明 13900001111"
GUARD = 'secret = { column = "ren.mj", is_not = ["", "0"] }\n'


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Joined]:
    with joined("sqlite", tmp_path) as found:
        yield found


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Joined]:
    with joined("postgresql", tmp_path) as found:
        yield found


@pytest.fixture
def mariadb(tmp_path: Path) -> Iterator[Joined]:
    with joined("mariadb", tmp_path) as found:
        yield found


def _no_trace(done: Result) -> str:
    """What a command said; it must say nothing of the row, and not end in a traceback."""
    assert done.exception is None or isinstance(done.exception, SystemExit)
    said = done.output + done.stderr
    assert "王小明" not in said
    assert "1390000" not in said
    return said


@pytest.mark.parametrize("kind", ["DATE", "DATETIME", "TIMESTAMP", "TIME", "DECIMAL(10,2)", "FLOAT", "INTEGER"])
def test_a_name_in_a_column_of_another_type_of_sqlite_is_no_traceback(sqlite: Joined, kind: str) -> None:
    sqlite.create()
    sqlite.run(
        "DROP TABLE aj",
        f"CREATE TABLE aj (id INTEGER, bh TEXT, d {kind})",
        f"INSERT INTO aj VALUES (1, 'N1', '{PERSON}'), (2, 'N2', '2026年3月2日'), (3, 'N3', NULL)",
    )
    found = sqlite.readings()
    assert refused(found["N1"]) == [("case:1", "d", "is not a date")]
    assert found["N2"].records[0].data["opened_on"] == "2026-03-02"
    assert [record.key for record in found["N3"].records] == ["N3"]
    text = MAPPING.format(url=sqlite.system.url, schema="").replace("https://caseq.example", "http://127.0.0.1:9")
    file = sqlite.folder / "cli.toml"
    file.write_text(text.replace('name = "joined"', f'name = "joined"\nstate = "{sqlite.folder}/cli.db"'))
    environment = {"CASEQ_PUSH_KEY_CRIMINAL": "whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="}
    for arguments in (["check", str(file)], ["run", str(file), "--dry-run"]):
        _no_trace(CliRunner().invoke(command, arguments, env=environment))
    draft = ["new", "n", "--from", sqlite.system.url, "--out", str(sqlite.folder / "n.toml")]
    _no_trace(CliRunner().invoke(command, draft))
    assert "王小明" not in (sqlite.folder / "n.toml").read_text(encoding="utf-8")


def test_a_date_of_sqlite_that_is_one_reads_as_before(sqlite: Joined) -> None:
    sqlite.create()
    sqlite.run(
        "DROP TABLE aj",
        "CREATE TABLE aj (id INTEGER, bh TEXT, d DATETIME)",
        "INSERT INTO aj VALUES (1, 'N1', '2026-03-02 10:11:12.000000'), (2, 'N2', '2026-03-02')",
    )
    rows = [case.tables["case"][0]["d"] for case in sqlite.source().cases(["N1"])]
    assert rows == ["20260302101112"]
    assert sqlite.readings()["N2"].records[0].data["opened_on"] == "2026-03-02"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("date", "infinity"),
        ("date", "-infinity"),
        ("timestamp", "infinity"),
        ("timestamptz", "infinity"),
        ("date", "0044-03-15 BC"),
        ("timestamp", "0044-03-15 10:00:00 BC"),
        ("timestamptz", "20000-01-01 00:00:00+00"),
        ("real", "NaN"),
        ("real", "Infinity"),
        ("double precision", "-Infinity"),
        ("numeric", "NaN"),
    ],
)
def test_a_value_that_python_cannot_hold_refuses_its_record_alone(postgres: Joined, kind: str, value: str) -> None:
    postgres.create()
    postgres.run(
        f"ALTER TABLE aj DROP COLUMN d, ADD COLUMN d {kind}",
        f"INSERT INTO aj VALUES ('A', 'N1', '{value}'), ('B', 'N2', NULL)",
    )
    found = postgres.readings()
    assert [(place, column) for place, column, _ in refused(found["N1"])] == [("case:A", "d")]
    assert [record.key for record in found["N2"].records] == ["N2"]


def test_a_guard_that_is_no_number_closes(postgres: Joined) -> None:
    postgres.create()
    postgres.run(
        "ALTER TABLE aj ADD COLUMN jb real",
        "INSERT INTO aj VALUES ('A', 'N1', NULL, 'NaN'), ('B', 'N2', NULL, 1), ('C', 'N3', NULL, 9)",
    )
    found = postgres.readings(('table = "aj"', 'table = "aj"\ndeleted = { column = "jb", is = ["9"] }'))
    assert {number: len(reading.records) for number, reading in found.items()} == {"N1": 0, "N2": 1, "N3": 0}
    assert refused(found["N1"]) == [("case:A", "jb", "holds a value that cannot be read")]


def test_a_change_time_without_end_is_no_stamp(postgres: Joined) -> None:
    postgres.create()
    postgres.run(
        "ALTER TABLE aj ADD COLUMN gx timestamp",
        "INSERT INTO aj VALUES ('A', 'N1', NULL, 'infinity'), ('B', 'N2', NULL, '2026-11-01 10:00:00')",
    )
    source = postgres.source(
        ('case_number = "bh"\n[tables.steps]', 'case_number = "bh"\nchanged = "gx"\n[tables.steps]')
    )
    assert [(row.case_number, row.changed) for row in source.changed_rows("20261031000000")] == [
        ("N1", ""),
        ("N2", "20261101100000"),
    ]


def test_binary_keys_that_differ_stay_apart_and_join(mariadb: Joined) -> None:
    mariadb.create("BINARY(4)", "BINARY(4)")
    mariadb.run(
        "INSERT INTO aj VALUES (x'ff01ff01', 'N1', NULL), (x'fe01fe01', 'N2', NULL), ('ABCD', 'N3', NULL)",
        "INSERT INTO bz VALUES (1, x'ff01ff01', NULL, '2026-03-01'), (2, x'fe01fe01', NULL, '2026-03-01'),"
        " (3, 'ABCD', NULL, '2026-03-01')",
    )
    found = mariadb.readings()
    assert [keys(found[number]) for number in ("N1", "N2", "N3")] == [
        ["steps:1:case_filed"],
        ["steps:2:case_filed"],
        ["steps:3:case_filed"],
    ]
    assert [found[number].records[0].origin for number in ("N1", "N2", "N3")] == [
        "case:0xff01ff01",
        "case:0xfe01fe01",
        "case:ABCD",
    ]


def test_bytes_that_are_no_text_are_no_name(sqlite: Joined) -> None:
    sqlite.create("", "")
    sqlite.run(
        "INSERT INTO aj VALUES (x'ff01', 'N1', NULL)",
        "INSERT INTO bz VALUES (1, x'ff01', NULL, '2026-03-01'), (2, x'fe01', NULL, '2026-03-01')",
        "INSERT INTO ren VALUES ('P1', CAST(x'cdf5d0a1' AS TEXT), '13900001111', '0'), ('P2', '李公开', '', '0')",
        "INSERT INTO cy VALUES (3, 'N1', 'P1'), (4, 'N1', 'P2')",
    )
    reading = sqlite.readings()["N1"]
    assert keys(reading) == ["steps:1:case_filed", "people:4:victim"]
    assert refused(reading) == [("people:3", "ren.xm", "holds bytes that are no text")]


def test_no_two_bytes_become_one_text() -> None:
    values = [b"\xff", b"\xfe", b"0xff", b"ff", "王".encode(), "王".encode("gb18030"), b"a\0", b"a", b"0x30786666"]
    texts = [filled(text_row(("id",), (value,), None, None), "id") for value in values]  # type: ignore[arg-type]
    assert len(set(texts)) == len(values)
    assert [bytes_of(text) for text in texts] == values


def test_an_unread_cell_says_column_and_reason_and_nothing_of_the_value() -> None:
    row = text_row(("note",), (float("nan"),), None, frozenset())  # type: ignore[arg-type]
    with pytest.raises(UnreadableError, match=r"^note: holds a value that cannot be read$"):
        filled(row, "note")
    assert "note" in json.dumps(row)


@pytest.mark.parametrize(
    "url",
    [
        "mysql+pymysql://root:geh@eim:12x3@127.0.0.1/x",
        "postgresql://u:geheim@host:12x3/x",
        "geheim",
        "://geheim@12x3",
    ],
)
def test_a_malformed_url_is_told_without_a_piece_of_it(url: str, tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"is not a database URL.*CASEQ_ADAPTER_SOURCE_URL") as told:
        open_engine(url)
    assert told.value.__cause__ is None
    done = CliRunner().invoke(command, ["new", "n", "--from", url, "--out", str(tmp_path / "n.toml")])
    if "://" in url:
        said = _no_trace(done)
        assert "is not a database URL" in said
        assert not [piece for piece in ("geh", "eim", "12x3") if piece in said]


def test_a_fixture_keeps_a_key_that_leads_nowhere(sqlite: Joined) -> None:
    sqlite.create()
    sqlite.run(
        "INSERT INTO aj VALUES ('A', 'N1', NULL)",
        "INSERT INTO cy VALUES (4, 'N1', 'P9')",
        "INSERT INTO bz VALUES (5, 'A', 'P9', '2026-03-01')",
    )
    source = sqlite.source()
    folder = sqlite.folder / "fixture"
    assert fixtures.record(source.mapping, source, folder, 5, datetime(2026, 11, 25, tzinfo=UTC)) == 1
    assert "points to no row of ren" in (folder / "events.jsonl").read_text(encoding="utf-8")
    assert fixtures.replay(source.mapping, folder) == []


def test_the_years_of_dates_and_times_have_four_digits() -> None:
    """The day by which programs say that there is none would else read like a serial number of 1927."""
    values = (date(1, 1, 1), datetime(1, 1, 1, 2, 3, 4, 5), datetime(2026, 11, 25, 16, 0, 9, tzinfo=UTC))
    row = text_row(("a", "b", "c"), values, LOCAL_TIME)
    assert row == {"a": "00010101", "b": "00010101020304", "c": "20261126000009"}
    assert moment(row["a"]) is None
