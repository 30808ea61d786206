"""`caseq-adapter new` drafts a mapping from a look at the source, and names nobody."""

import csv
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import create_engine, text

from adapters.guessing import CODE, NAME, PHONE, codes, hidden_codes, kind_of
from adapters.mapping_file import read_mapping
from adapters.sources.filerows import rows as file_rows
from adapters.sources.looking import Column
from tests.adapters.bench import ROOT, Adapter, Source
from tests.adapters.test_kill import COMMAND

_PEOPLE = ("孙晓雨", "钱博文", "郑佳怡", "冯若兰", "褚思远")
_HEADINGS = ("信访编号", "信访人姓名", "联系电话", "身份证号", "登记时间", "办结日期", "类别", "经办民警", "事由")


def _new(origin: object, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "new", "draft", "--from", str(origin), "--out", str(out), *more],
        cwd=ROOT,
        env={**os.environ, "CASEQ_ADAPTER_SOURCE_URL": str(origin)},
        capture_output=True,
        text=True,
    )


def _rows() -> list[tuple[str, ...]]:
    return [
        (
            f"信访〔2026〕{number}号",
            _PEOPLE[number % 5],
            f"199000000{number:02d}",
            f"64012119800101{number:03d}X",
            "2026-03-01",
            f"2026-04-{number % 28 + 1:02d}",
            ("求决", "建议")[number % 2],
            _PEOPLE[number % 2],
            f"{_PEOPLE[number % 5]}反映道路问题",
        )
        for number in range(40)
    ]


def _write_csv(path: Path) -> None:
    lines = [f"信访登记簿{';' * 8}", "填表", ";".join(_HEADINGS), *(";".join(row) for row in _rows())]
    path.write_bytes("\r\n".join(lines).encode("gb18030"))


def _write_xlsx(path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["信访登记簿"])
    for row in (_HEADINGS, *_rows()):
        sheet.append(list(row))
    book.save(path)


def _write_jsonl(path: Path) -> None:
    rows: list[dict[str, Any]] = [dict(zip(_HEADINGS, row, strict=True)) for row in _rows()]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")


def _write_xml(path: Path) -> None:
    cells = ["".join(f"<{n}>{v}</{n}>" for n, v in zip(_HEADINGS, row, strict=True)) for row in _rows()]
    path.write_text(f"<名单>{''.join(f'<件>{one}</件>' for one in cells)}</名单>", encoding="utf-8")


_WRITERS = {"csv": _write_csv, "xlsx": _write_xlsx, "jsonl": _write_jsonl, "xml": _write_xml}


def _write(file: Path, rows: Sequence[Sequence[str]]) -> None:
    """A register of these rows, as CSV or as a workbook."""
    if file.suffix == ".csv":
        with file.open("w", encoding="utf-8", newline="") as opened:
            csv.writer(opened).writerows(rows)
        return
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(list(row))
    book.save(file)


@pytest.mark.parametrize("suffix", _WRITERS)
def test_a_register_of_any_format_gives_a_draft_that_parses_and_names_nobody(tmp_path: Path, suffix: str) -> None:
    file, out = tmp_path / f"register.{suffix}", tmp_path / "draft.toml"
    _WRITERS[suffix](file)
    done = _new(file, out)
    assert done.returncode == 0, done.stderr
    draft = out.read_text(encoding="utf-8")
    mapping = read_mapping(out, {})
    assert mapping.table("case").case_number == "信访编号"
    assert ('code: "建议", "求决"' in draft, "name of a person" in draft) == (True, True)
    hidden = [*_PEOPLE, "1990000", "640121", "道路", "信访〔2026〕", "2026-03"]
    assert not [word for word in hidden if word in draft + done.stdout + done.stderr]


@pytest.mark.parametrize(
    "filled_in",
    [
        ("填报单位：示例县公安局", "填表人：孙晓雨", "联系电话：19900000099"),
        ("填报单位", "示例县公安局", "填表人", "孙晓雨"),
        ("填表人", "孙晓雨", "19900000099", "办公室", "法制科"),
        ("填表人", "孙晓雨", "2026年3月1日", "办公室", "法制科"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_what_is_filled_in_above_the_headings_is_no_heading(
    tmp_path: Path, suffix: str, filled_in: tuple[str, ...]
) -> None:
    file, out = tmp_path / f"register.{suffix}", tmp_path / "draft.toml"
    rows = [("信访登记簿",), filled_in, ("#", *_HEADINGS), *(("1", *row) for row in _rows())]
    padded = [(*row, *[""] * (1 + len(_HEADINGS) - len(row))) for row in rows]
    _write(file, padded)
    assert _new(file, out).returncode == 0
    draft = out.read_text(encoding="utf-8")
    assert (read_mapping(out, {}).table("case").case_number, "header_row = 3" in draft) == ("信访编号", True)
    assert not [word for word in ("孙晓雨", "1990000", "3月1日") if word in draft]


@pytest.mark.parametrize("rows", [_rows(), [("1", "孙晓雨", "求决"), ("2", "钱博文", "建议")]])
def test_a_file_without_headings_gives_no_draft(tmp_path: Path, rows: list[tuple[str, ...]]) -> None:
    file, out = tmp_path / "register.csv", tmp_path / "draft.toml"
    file.write_text("".join(",".join(row) + "\n" for row in rows), encoding="utf-8")
    done = _new(file, out)
    assert (done.returncode, out.exists()) == (1, False)
    assert "has no row of headings among its first 10 rows" in done.stderr
    assert not [word for word in (*_PEOPLE, "1990000", "640121") if word in done.stdout + done.stderr]


def test_a_database_gives_a_draft_that_parses_with_its_tables_ids_and_change_columns(
    filled: Source, tmp_path: Path
) -> None:
    before = filled.path.read_bytes()
    out = tmp_path / "draft.toml"
    assert _new(filled.url, out).returncode == 0
    mapping = read_mapping(out, {"CASEQ_ADAPTER_SOURCE_URL": filled.url})
    case = mapping.table("case")
    assert (case.table, case.row_id, case.case_number, case.changed) == (
        "B_ASJ_AJ",
        ("SYSTEMID",),
        "AJBH",
        "LASTUPDATEDTIME",
    )
    assert {table.table for table in mapping.tables} >= {"B_ASJ_AJ", "B_ASJ_XYRDJ", "B_ASJ_SHRDJ"}
    assert filled.path.read_bytes() == before
    draft = out.read_text(encoding="utf-8")
    people = create_engine(filled.url)
    with people.connect() as connection:
        for table in ("B_ASJ_XYRDJ", "B_ASJ_SHRDJ"):
            for row in connection.execute(text(f"SELECT XM, ZJHM, LXDH, LXRXM FROM {table}")):
                assert not [value for value in row if value and len(value) > 1 and f'"{value}"' in draft]


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("20261104090000", ""),
        ("2026-11-04 09:00:00", "iso"),
        ("2026-11-04T09:00:00", "iso_t"),
        ("1764000000", "epoch"),
        ("1764000000000", "epoch_ms"),
        ("2026/11/4", None),
    ],
)
def test_a_draft_tells_the_form_of_the_change_column_or_leaves_it_out(
    tmp_path: Path, written: str, form: str | None
) -> None:
    url, out = f"sqlite:///{tmp_path / 'odd.db'}", tmp_path / "draft.toml"
    with create_engine(url).begin() as connection:
        connection.execute(text('CREATE TABLE "案件 表" ("案 件 编 号" TEXT, "最后 更新" TEXT)'))
        connection.execute(
            text('INSERT INTO "案件 表" VALUES (:n, :w)'), [{"n": f"AJ-{n}", "w": written} for n in (1, 2)]
        )
    assert _new(url, out).returncode == 0
    case = read_mapping(out, {"CASEQ_ADAPTER_SOURCE_URL": url}).table("case")
    assert case.case_number == "案 件 编 号"
    assert (case.changed, case.changed_form) == (("", "stamp") if form is None else ("最后 更新", form or "stamp"))


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_a_heading_in_two_lines_is_a_column_that_the_reader_finds(tmp_path: Path, suffix: str) -> None:
    file, out = tmp_path / f"register.{suffix}", tmp_path / "draft.toml"
    rows = [("案件\n编号", "登记\r\n日期", "金额{元}"), ("AJ-1", "2026-03-01", "5"), ("AJ-2", "2026-03-01", "6")]
    _write(file, rows)
    assert _new(file, out).returncode == 0
    case = read_mapping(out, {}).table("case")
    assert case.drops is not None
    with file.open("rb") as opened_again:
        found = [row.values[case.case_number] for row in file_rows(opened_again, case.drops, [case.case_number])]
    assert found == ["AJ-1", "AJ-2"]
    left_out = '#   "金额{元}": left out, for a mapping cannot name it; give it another heading'
    assert left_out in out.read_text(encoding="utf-8")


def test_a_name_that_is_half_a_character_gives_no_draft(tmp_path: Path) -> None:
    file, out = tmp_path / "register.jsonl", tmp_path / "draft.toml"
    file.write_text('{"案件编号": "AJ-1", "\\ud83d": "x"}\n', encoding="utf-8")
    done = _new(file, out)
    assert (done.returncode, out.exists()) == (1, False)
    assert "holds U+D83D, the trace of a conversion that failed" in done.stderr


def test_whatever_tables_and_columns_are_called_the_draft_loads(tmp_path: Path) -> None:
    url, out = f"sqlite:///{tmp_path / 'odd.db'}", tmp_path / "draft.toml"
    odd = ("日期.新", "日期[新]", "a{b}", "a'b", "a;b", "a\\b", " a", "a\nb", "a\x7fb", "a" * 129)
    with create_engine(url).begin() as connection:
        for table in ("a", "案件人员", "TABLE1", "TABLE2", "Case", "案件.表", "案件[表]"):
            columns = ", ".join(f'"{name}" TEXT' for name in ("AJBH", "RQ", *odd))
            connection.exec_driver_sql(f'CREATE TABLE "{table}" ({columns}, PRIMARY KEY ("日期.新"))')
            connection.exec_driver_sql(f"""INSERT INTO "{table}" (AJBH, RQ) VALUES ('AJ-1', '2026-03-01')""")
    assert _new(url, out).returncode == 0
    mapping = read_mapping(out, {"CASEQ_ADAPTER_SOURCE_URL": url})
    assert {table.table for table in mapping.tables} == {"a", "案件人员", "TABLE1", "TABLE2", "Case"}
    assert {table.row_id for table in mapping.tables} == {("AJBH",)}
    draft = out.read_text(encoding="utf-8")
    assert '#   "日期[新]": left out, for a mapping cannot name it; ask for a view' in draft
    assert '# "案件.表", 1 rows' in draft


def test_a_source_without_anything_like_a_case_number_gives_a_draft_all_the_same(tmp_path: Path) -> None:
    url, out = f"sqlite:///{tmp_path / 'odd.db'}", tmp_path / "draft.toml"
    with create_engine(url).begin() as connection:
        connection.execute(text("CREATE TABLE T_1 (F1 TEXT, F2 TEXT)"))
        connection.execute(text("INSERT INTO T_1 VALUES ('x', '2026-03-01')"))
    assert _new(url, out).returncode == 0
    assert read_mapping(out, {"CASEQ_ADAPTER_SOURCE_URL": url}).undecided
    assert 'case_number = "?"  # CHECK which column holds the number' in out.read_text(encoding="utf-8")


def test_nothing_is_overwritten_and_a_password_is_not_kept(tmp_path: Path, source: Source) -> None:
    out = tmp_path / "draft.toml"
    out.write_text("mine", encoding="utf-8")
    done = _new(source.url, out)
    assert (done.returncode, out.read_text(encoding="utf-8")) == (1, "mine")
    assert "is there already" in done.stderr
    refused = _new("postgresql://somebody:hidden@127.0.0.1:9/none", tmp_path / "other.toml")
    assert refused.returncode == 1
    assert "hidden" not in refused.stdout + refused.stderr


@pytest.mark.parametrize(
    ("heading", "texts"),
    [
        ("BZ", ["孙晓雨", "钱博文"]),
        ("经办人", ["甲", "乙"]),
        ("STATE", ["1990000", "1990001"]),
        ("STATE", ["示例县公安局刑侦大队", "其他"]),
        ("REMARK", ["zhangsan", "lisi"]),
        ("STATUS", ["已办", "未办", "钱博文"]),
    ],
)
def test_values_that_may_be_personal_are_no_codes(heading: str, texts: list[str]) -> None:
    column = Column(heading, "text", False, texts * 50)
    assert kind_of(column) != CODE or codes(column) == []


@pytest.mark.parametrize(
    "texts", [["撒贝宁", "妥学英", "喇小军"], ["小明", "丽丽", "强哥"], ["甲", "乙"], ["妥某", "是"]]
)
@pytest.mark.parametrize("heading", ["k2", "STATE", "类别"])
def test_chinese_words_are_shown_only_if_the_project_knows_them(heading: str, texts: list[str]) -> None:
    column = Column(heading, "text", False, texts * 50)
    assert set(codes(column)) <= {"是"}
    assert hidden_codes(column) == len(set(texts) - {"是"})


def test_latin_words_are_shown_only_if_they_are_codes_for_sure() -> None:
    sure = ["01", "640121", "A", "A-12", "x", "arrest", "OPEN", "yes"]
    names = ["wang", "ZHAO", "MA", "zw", "Li", "li01", "ZHAO1", "zhangwei"]
    column = Column("user_level", "text", False, [*sure, *names] * 50)
    assert (set(codes(column)), hidden_codes(column)) == (set(sure), len(names))
    assert codes(Column("LRR", "text", False, ["wang", "liu", "ZHAO"] * 50)) == []


def test_a_draft_counts_words_that_may_be_names(tmp_path: Path) -> None:
    url, out = f"sqlite:///{tmp_path / 'odd.db'}", tmp_path / "draft.toml"
    rows = [{"n": f"AJ-{n}", "a": ("撒贝宁", "妥学英")[n % 2], "b": ("刑事", "行政")[n % 2]} for n in range(40)]
    with create_engine(url).begin() as connection:
        connection.execute(text("CREATE TABLE T_AJ (AJBH TEXT, k2 TEXT, k3 TEXT)"))
        connection.execute(text("INSERT INTO T_AJ VALUES (:n, :a, :b)"), rows)
    assert _new(url, out).returncode == 0
    draft = out.read_text(encoding="utf-8")
    assert "撒贝宁" not in draft
    assert "code: 2 that may be names and are not shown" in draft
    assert 'code: "刑事", "行政"' in draft


def test_values_that_hardly_repeat_are_no_codes() -> None:
    assert codes(Column("STATE", "text", False, ["01", "02", "03"])) == []
    assert codes(Column("STATE", "text", False, ["01", "02", "03"] * 5)) == ["01", "02", "03"]


def test_phones_and_names_are_known_by_what_they_hold() -> None:
    assert kind_of(Column("F7", "text", False, ["19900000001", "不详", "19900000002"])) == PHONE
    assert kind_of(Column("F8", "text", False, list(_PEOPLE))) == NAME


def test_nothing_is_pushed_by_a_draft_before_its_guesses_are_decided(adapter: Adapter, tmp_path: Path) -> None:
    out = tmp_path / "draft.toml"
    text_of_mapping = adapter.file().read_text(encoding="utf-8")
    out.write_text(text_of_mapping.replace('state = "open"', 'state = "open"  # CHECK'), encoding="utf-8")
    number = next(n for n, line in enumerate(out.read_text("utf-8").splitlines(), 1) if "# CHECK" in line)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, **adapter.environment()}
        return subprocess.run([*COMMAND, *arguments], cwd=ROOT, env=environ, capture_output=True, text=True)

    refused = run("run", str(out), "--once")
    assert refused.returncode == 1
    assert f"draft.toml:{number}:1: draft: is a guess" in refused.stderr
    assert adapter.peer.events == []
    assert run("run", str(out), "--dry-run").returncode == 0
    assert f"in lines {number}" in run("check", str(out)).stdout
