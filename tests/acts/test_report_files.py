"""The files of a yearly report: all of them or none, the same numbers in each, no names, charts that can be read."""

from dataclasses import replace

import pypdfium2
import pytest

from caseq import printing, reporting
from caseq.errors import CannotPrint
from caseq.rules.proof import cell
from caseq.web.reportpage import as_csv
from tests.acts.test_reporting import YEAR, filled, run, tables_of

__all__ = ["filled", "run"]

if printing.state() != "ok":
    pytest.skip(f"sheets cannot be printed: {printing.state()}", allow_module_level=True)


@pytest.fixture
def engine() -> str:
    """What stands in the tables is compared on both engines elsewhere."""
    return "sqlite"


def test_the_report_is_whole_or_not_there(filled, run, tmp_path, monkeypatch):
    out = tmp_path / "reports" / "2025"

    def broken(_sheet):
        raise CannotPrint("no paper")

    with monkeypatch.context() as patched:
        patched.setattr(printing, "report_sheet", broken)
        assert run("--out", out).exit_code == 1
    assert list(out.parent.iterdir()) == []
    assert run("--out", out).exit_code == 0
    assert {path.name for path in out.iterdir()} == {"report.html", "report.pdf", "tables", "charts"}
    before = (out / "report.html").read_bytes()
    refused = run("--out", out)
    assert (refused.exit_code, "is there already" in refused.output) == (1, True)
    assert (out / "report.html").read_bytes() == before
    assert [path.name for path in out.parent.iterdir()] == ["2025"]


def test_page_and_pdf_say_the_same_totals_and_definitions_and_name_nobody(filled, run, tmp_path):
    out = tmp_path / "report"
    run("--out", out)
    page = (out / "report.html").read_text(encoding="utf-8")
    pdf = pypdfium2.PdfDocument(out / "report.pdf")
    printed = "".join(sheet.get_textpage().get_text_range() for sheet in pdf)
    solid = "".join(printed.split())
    for table in tables_of(filled):
        assert f'<h2 id="{table.name}">{table.title}</h2>' in page
        assert table.definition in page
        assert "".join(table.definition.split()) in solid.replace("‐", "-"), table.name
        assert table.definition
        for row in table.rows:
            assert str(row[0]) in page
    total = f"{reporting.annual(filled.runtime, YEAR).figures['views'].total():,}"
    assert total in page
    assert total in printed
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    for text in (page, solid):
        assert "测试人" not in text
        assert f"Y{YEAR}0" not in text


def test_a_chart_has_a_title_a_description_and_every_value_as_text(filled, run, tmp_path):
    out = tmp_path / "report"
    run("--out", out)
    drawn = {table.name: table for table in tables_of(filled) if table.drawn}
    assert {path.stem for path in (out / "charts").iterdir()} == set(drawn)
    for name, table in drawn.items():
        svg = (out / "charts" / f"{name}.svg").read_text(encoding="utf-8")
        assert f">{table.title}</title>" in svg
        texts = svg.split("</desc>")[1]
        for row in table.rows:
            for column in table.drawn:
                value = f"{row[table.columns.index(column)]:,}"
                assert value in texts
                assert value in svg.split("<desc")[1].split("</desc>")[0]
        fills = {part.split('"')[0] for part in svg.split('class="part ')[1:]}
        assert len(fills) >= len(table.drawn), "parts differ by their pattern"


def test_no_cell_of_a_table_is_taken_for_a_formula(filled):
    table = replace(tables_of(filled)[0], rows=[("=HYPERLINK(1)", 2), ("@x", 3)])
    assert as_csv(table).decode("utf-8-sig").splitlines()[1:] == [f"{cell('=HYPERLINK(1)')},2", f"{cell('@x')},3"]
    assert cell("=x") == "'=x"
