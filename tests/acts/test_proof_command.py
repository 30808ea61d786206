"""The proof as a file and on paper: what is in it and what is not, and that `verify` finds any change."""

import csv
import json
from dataclasses import replace

import pypdfium2
import pytest
import zxingcpp
from click.testing import CliRunner

from caseq import printing
from caseq.cli import main
from caseq.commands import configured
from caseq.rules.proof import cell, grouped, typed_hash
from caseq.store.tables import audit
from tests.acts.test_proving import known_case, proof, told
from tests.service import CASE, PHONE, event, milestone

needs_the_font = pytest.mark.skipif(printing.state() != "ok", reason=f"sheets cannot be printed: {printing.state()}")
SIGNED = ["--by", "张三", "--reason", "=投诉答复"]


@pytest.fixture
def run(service, monkeypatch):
    """Runs `caseq proof …` on this service."""
    monkeypatch.setattr(configured, "runtime", lambda: service.runtime)

    def invoke(*words):
        return CliRunner().invoke(main, ["proof", *map(str, words)])

    return invoke


@pytest.fixture
def filed(service):
    known_case(service)
    service.push(event("milestone", milestone(document_number='=HYPERLINK("http://x")')))
    service.work()
    service.clock.advance(minutes=10)
    service.ask()
    told(service, service.clock.now)
    return service


def rows_of_the_audit(service):
    with service.runtime.database.autocommit() as connection:
        return [row.facts for row in connection.execute(audit.select().where(audit.c.act == "proof"))]


def test_an_exported_document_is_canonical_and_any_changed_byte_is_found(filed, run, tmp_path):
    out = tmp_path / "proof.json"
    done = run("export", CASE, "P-victim", *SIGNED, "--out", out)
    assert done.exit_code == 0, done.output
    assert out.stat().st_mode & 0o077 == 0
    document = json.loads(out.read_bytes())
    assert (document["case"], document["party"], len(document["lines"])) == (CASE, "P-victim", 1)
    assert document["lines"][0]["messages"][0]["calls"][0]["receipt"] == "delivered"
    assert document["made_at"].endswith("+08:00")
    confirmed = run("verify", out)
    assert confirmed.exit_code == 0
    assert CASE in confirmed.output
    assert "张三" in confirmed.output
    hash_ = done.output.split()[-1]
    assert run("verify", grouped(hash_).upper()).exit_code == 0
    out.write_bytes(out.read_bytes().replace(b"delivered", b"Delivered"))
    assert run("verify", out).exit_code == 1
    assert run("verify", "0" * 64).exit_code == 1
    assert run("verify", tmp_path / "none").exit_code == 1


def test_a_table_runs_no_formula_and_a_changed_byte_of_it_is_found(filed, run, tmp_path):
    out = tmp_path / "proof.csv"
    assert run("export", CASE, "P-victim", *SIGNED, "--out", out).exit_code == 0
    rows = list(csv.reader(out.read_text("utf-8-sig").splitlines()))
    assert rows[0][:2] == ["条", "事项"]
    assert rows[1][3] == '\'=HYPERLINK("http://x")'
    assert not any(text.lstrip().startswith(tuple("=+-@")) for row in rows for text in row)
    assert run("verify", out).exit_code == 0
    out.write_bytes(out.read_bytes() + b" ")
    assert run("verify", out).exit_code == 1


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "＝1", "＋1", "－1", "＠x"])
def test_a_cell_that_a_spreadsheet_would_run_is_marked_as_text(text):
    assert cell(text) == f"'{text}"
    assert cell("立案=1") == "立案=1"


def test_a_hash_is_read_as_it_is_printed_and_nothing_else_is_one():
    hash_ = "0123456789abcdef" * 4
    assert typed_hash(f" {grouped(hash_).upper()}\n") == hash_
    assert [typed_hash(text) for text in ("", hash_[1:], hash_ + "0", "g" * 64)] == [None] * 4


def test_every_file_is_in_the_audit_with_who_why_and_the_hash(filed, run, tmp_path):
    for form in ("json", "csv"):
        assert run("export", CASE, "P-victim", *SIGNED, "--out", tmp_path / f"x.{form}").exit_code == 0
    facts = rows_of_the_audit(filed)
    assert [one.get("form") for one in facts] == [None, "json", None, "csv"]
    assert {(one["by"], one["reason"]) for one in facts} == {("张三", "=投诉答复")}
    assert facts[0]["hash"] == facts[1]["hash"]


def test_a_proof_of_nobody_leaves_no_file_and_an_existing_file_stays(filed, run, tmp_path):
    assert run("export", CASE, "P-nobody", *SIGNED, "--out", tmp_path / "x.json").exit_code == 1
    assert not (tmp_path / "x.json").exists()
    (tmp_path / "x.csv").write_text("kept")
    assert run("export", CASE, "P-victim", *SIGNED, "--out", tmp_path / "x.csv").exit_code == 1
    assert (tmp_path / "x.csv").read_text() == "kept"
    assert run("export", CASE, "P-victim", *SIGNED, "--out", tmp_path / "x.txt").exit_code == 2
    assert run("export", CASE, "P-victim", "--by", " ", "--reason", "x", "--out", tmp_path / "y.csv").exit_code == 2


def test_overdue_is_a_plain_table(filed, run):
    assert run("overdue").output.count("\n") == 1
    with filed.runtime.database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM tellings")
        connection.exec_driver_sql("UPDATE attempts SET status = 'failed'")
        connection.exec_driver_sql("UPDATE outbox SET state = 'failed', reason = 'UNDELIV'")
    filed.clock.advance(days=8)
    head, row = run("overdue", "--unit", "640121510000").output.splitlines()
    assert head.split("\t")[0] == "unit"
    assert row.split("\t")[:5] == ["640121510000", CASE, "P-victim", "victim", "case_filed"]
    assert "overdue" in row
    assert run("overdue", "--unit", "x").output.count("\n") == 1


# On paper


def scanned(page):
    bitmap = page.render(scale=150 / 72, grayscale=True)
    rows = memoryview(bytes(bitmap.buffer))
    lines = b"".join(rows[n * bitmap.stride : n * bitmap.stride + bitmap.width] for n in range(bitmap.height))
    picture = memoryview(lines).cast("B", shape=[bitmap.height, bitmap.width])
    return [found.text for found in zxingcpp.read_barcodes(picture)]


@needs_the_font
def test_the_printed_proof_says_what_it_must_and_its_qr_is_the_hash(filed, run, tmp_path):
    for n in range(12):
        name = ("case_solved", "case_filed", "transferred_for_prosecution_review")[n % 3]
        filed.push(event("milestone", milestone(name, f"M{n}", occurred_on=f"2026-11-{n + 1:02}")))
    out = tmp_path / "proof.pdf"
    done = run("print", CASE, "P-victim", *SIGNED, "--out", out)
    assert done.exit_code == 0, done.output
    hash_ = done.output.split()[-1]
    document = pypdfium2.PdfDocument(out.read_bytes())
    assert [[round(side / 72 * 25.4) for side in page.get_size()] for page in document] == [[210, 297]] * len(document)
    text = "".join("".join(page.get_textpage().get_text_range() for page in document).split())
    for said in ("告知情况记录", CASE, "被害人", "张三", "不是送达", "按期告知", "李警官", "模板news第1版", "file"):
        assert said in text, said
    assert grouped(hash_).replace(" ", "") in text
    assert f"第{len(document)}页，共{len(document)}页" in text
    assert PHONE not in text
    assert "测试人" not in text
    assert scanned(document[len(document) - 1]) == [hash_]
    assert run("verify", out).exit_code == 0
    assert run("verify", hash_).exit_code == 0
    out.write_bytes(out.read_bytes() + b"\n")
    assert run("verify", out).exit_code == 1


@needs_the_font
def test_what_a_case_system_writes_is_text_on_paper_too(filed, tmp_path):
    made = proof(filed)
    lines = [
        {
            "n": 1,
            "title": "#panic()",
            "day": "*x*",
            "number": "$x$",
            "formed": "",
            "limit": "#x",
            "notes": [],
            "released": "",
            "ways": ["[x]"],
            "result": "_",
            "first": "#x",
            "is_bad": True,
        }
    ]
    sheet = printing.ProofSheet(
        filed.runtime.settings.bureau, "#c", "r", "p", "m", "b", "w", "x", lines, grouped(made.hash), made.hash
    )
    text = pypdfium2.PdfDocument(printing.proof_sheet(sheet))[0].get_textpage().get_text_range()
    assert "#panic()" in text.replace("\u200b", "")
    assert printing.proof_sheet(replace(sheet, lines=[]))
