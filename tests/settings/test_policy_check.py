"""`caseq policy check` and `caseq policy show`: the legal office's two commands; neither needs a secret."""

import csv
import io
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from caseq.cli import main
from tests.service import ROOT, environment
from tests.settings.test_overlays import adopt

OVERLAY, POLICY = "disclosure/statute-2018.toml", "disclosure/yongning-2017.toml"


@pytest.fixture
def config(tmp_path):
    """A copy of the shipped config/, to be changed."""
    return shutil.copytree(ROOT / "config", tmp_path / "config")


@pytest.fixture
def run(config, monkeypatch):
    for name in ("CASEQ_SECRET_KEY", "CASEQ_DATABASE_URL", "CASEQ_SMS_FILE"):
        monkeypatch.delenv(name, raising=False)

    def ran(*arguments: str, **environ: str):
        return CliRunner().invoke(main, arguments, env={"CASEQ_CONFIG_DIR": str(config), **environ})

    return ran


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_the_shipped_policy_and_overlay_have_no_fault(run):
    checked = run("policy", "check")
    assert (checked.exit_code, checked.output) == (0, "No fault found.\n")


#: name: (file, what is replaced, by what, the line that is complained about holds, what the reason says)
WRONG = {
    "an unknown item": (
        OVERLAY,
        '"case_not_filed"',
        '"verdict"',
        '"verdict"',
        "no item is called 'verdict': write one",
    ),
    "an unknown role": (OVERLAY, '["complainant"]', '["witness"]', '["witness"]', "Must be one of"),
    "an unknown key": (OVERLAY, "group = 1", "group = 1\nuntil = 1", "until = 1", "is no key of a rule"),
    "an unknown field": (OVERLAY, '"ground"]', '"story"]', '"story"]', "nobody can push story of case_not_filed"),
    "an empty clause": (OVERLAY, "《公安机关办理刑事案件程序规定》第178条", " ", 'clause = " "', "write the clause"),
    "an empty reason": (OVERLAY, "不立案要告诉您理由，不同意可以申请复议。", "", 'zh = ""', "write in Chinese"),
    "no English reason": (OVERLAY, "reason.en", "reason.fr", "reason.fr", "write zh and en"),
    "a long reason": (OVERLAY, "不立案要告诉您理由", "不立案" * 14, "不立案不立案", "one short sentence"),
    "no reason at all": (
        POLICY,
        'reason.zh = "您可以知道案件由谁办、找谁问。"\nreason.en = ',
        "# ",
        "[[rule]]",
        "write reason.zh and reason.en",
    ),
    "a role that the kind has not": (POLICY, '"victim_family"]', '"petitioner"]', '"petitioner"]', "no case of kind"),
    "an item of another kind": (
        POLICY,
        '"case_solved"',
        '"trade_penalty"',
        '"trade_penalty"',
        "never happens in a case",
    ),
    "a suspect's unit": (POLICY, 'scope = "case"', 'scope = "own"', 'scope = "own"', "concerns the whole case"),
    "nothing of the unit": (POLICY, '["name", "address", "phone"]', "[]", "fields = []", "shows nothing of the unit"),
    "a role twice": (
        POLICY,
        '"complainant", "victim"',
        '"victim", "victim"',
        '"victim", "victim"',
        "names victim twice",
    ),
    "a group that is none": (
        POLICY,
        "group = 1",
        "group = 9",
        "group = 9",
        "no group 9 of kind criminal: write 1 or 3",
    ),
    "a group of another kind": (POLICY, "group = 1", "group = 4", "group = 4", "no group 4 of kind criminal"),
    "an invisible character": (POLICY, "四(二)1(1)", "四(二)\u200b1(1)", "\u200b", "an invisible character"),
    "a blank that is none": (POLICY, "四(二)1(1)", "\u200b", "\u200b", "an invisible character"),
    "an invisible character in a reason": (OVERLAY, "不立案要", "不立案\u200d要", "\u200d", "an invisible character"),
    "no clause": (POLICY, "四(二)1(1)", "按规定", "按规定", "is no clause: write 四(二)1(1)"),
    "wide brackets": (POLICY, "四(二)1(1)", "四（二）1（1）", "四（二）1（1）", "is no clause"),
    "a statute without its marks": (
        OVERLAY,
        "《公安机关办理刑事案件程序规定》第178条",
        "刑事诉讼法第112条",
        "刑事诉讼法",
        "is no clause",
    ),
    "a field twice": (POLICY, '"name", "address"', '"name", "name"', '"name", "name"', "names name twice"),
    "a double rule": (POLICY, 'item = "case_solved"', 'item = "case_filed"', None, "already (yongning-2017, line"),
    "a cell of the policy": (OVERLAY, '"case_withdrawn"', '"compulsory_measure"', '"compulsory_measure"', "already"),
    "no TOML": (OVERLAY, "overlay = true", "overlay = ", "overlay = ", "Invalid value"),
}


@pytest.mark.parametrize(("file", "old", "new", "at", "said"), WRONG.values(), ids=WRONG.keys())
def test_every_fault_is_told_with_file_line_and_what_to_do(run, config, file, old, new, at, said):
    path = config / file
    change(path, old, new)
    checked = run("policy", "check")
    assert checked.exit_code == 1
    told = [line for line in checked.output.splitlines() if said in line]
    assert told, checked.output
    where = re.match(rf"{re.escape(str(path))}:(\d+): rule\.|{re.escape(str(path))}:(\d+): syntax", told[0])
    assert where
    if at is not None:
        assert at in path.read_text(encoding="utf-8").splitlines()[int(where.group(1) or where.group(2)) - 1]


def test_a_draft_is_checked_beside_what_is_in_force(run, config, tmp_path):
    draft = shutil.copy(config / OVERLAY, tmp_path / "draft.toml")
    change(draft, 'name = "statute-2018"', 'name = "draft"')
    assert run("policy", "check", str(draft)).output == "No fault found.\n"
    adopt(config)
    policy = shutil.copy(config / POLICY, tmp_path / "next.toml")
    change(policy, 'name = "yongning-2017"', 'name = "next"')
    assert run("policy", "check", str(policy)).output == "No fault found.\n"
    withdrawn = '\nonline = true\nitem = "case_withdrawn"'
    change(policy, f'"agent", "third_party"]{withdrawn}', f'"agent", "victim"]{withdrawn}')
    checked = run("policy", "check", str(policy)).output
    assert re.search(r"statute-2018.toml:\d+: rule.1.item: victim has a rule .* already \(next, line \d+\)", checked)


def test_a_file_that_is_not_there_is_told(run, tmp_path):
    checked = run("policy", "check", str(tmp_path / "none.toml"))
    assert (checked.exit_code, "cannot be read: there is no such file" in checked.output) == (1, True)
    assert "it is a folder" in run("policy", "check", str(tmp_path)).output
    (tmp_path / "gbk.toml").write_bytes("案".encode("gbk"))
    assert "it is not UTF-8" in run("policy", "check", str(tmp_path / "gbk.toml")).output


def test_the_rules_of_a_file_are_shown_by_its_name_too(run):
    shown = run("policy", "show", "statute-2018")
    assert (shown.exit_code, "case_not_filed" in shown.output) == (0, True)
    missing = run("policy", "show", "statute-2019")
    assert (missing.exit_code, "disclosure/ has statute-2018, yongning-2017" in missing.output) == (1, True)


def test_a_milestone_without_fields_is_no_fault_and_shows_only_that_it_happened(run, config):
    change(config / OVERLAY, 'fields = ["occurred_on", "document_number", "ground"]', "fields = []")
    assert run("policy", "check").output == "No fault found.\n"


def test_a_wrong_overlay_that_is_not_adopted_stops_the_check_and_not_the_start(run, config, tmp_path):
    change(config / OVERLAY, '"case_not_filed"', '"verdict"')
    whole = environment(f"sqlite:///{tmp_path / 'caseq.db'}", tmp_path)
    assert run("upgrade", **whole).exit_code == 0
    checked = run("check", **whole)
    assert (checked.exit_code, "no item is called 'verdict'" in checked.output) == (1, True)


@pytest.mark.parametrize(("language", "reason"), [("zh", "您可以知道案件由谁办"), ("en", "You may know who handles")])
def test_the_policy_is_shown_as_a_table_in_either_language(run, language, reason):
    shown = run("policy", "show", "--language", language)
    assert (shown.exit_code, shown.output.count(" online "), reason in shown.output) == (0, 1, True)
    assert "四(二)3(1)" in shown.output


def test_markdown_has_a_row_for_every_cell(run):
    shown = run("policy", "show", "--format", "markdown", "--language", "en").output
    rows = list(csv.reader(io.StringIO(shown), delimiter="|"))
    items = [row[1].strip() for row in rows if len(row) == 6 and row[1].strip() not in ("What", "---")]
    assert len(items) == 44  # the rules of the plan, each for roles that see all the same
    assert "## State compensation: Applicant\n\nTold on paper only" in shown


def test_who_adopted_what_is_shown_to_the_office(run, config):
    adopt(config)
    for form in ("table", "markdown"):
        shown = run("policy", "show", "--format", form).output
        assert "法制大队" in shown
        assert "局务会决定" in shown
        assert "第178条" in shown


def test_one_file_is_shown_by_itself(run, config):
    shown = run("policy", "show", str(config / OVERLAY), "--format", "markdown").output
    assert shown.startswith("# 谁能看到什么 - statute-2018\n")
    assert "四（二）" not in shown


def test_what_cannot_be_read_is_not_shown(run, config):
    change(config / POLICY, 'item = "case_solved"', 'item = "verdict"')
    shown = run("policy", "show")
    assert (shown.exit_code, "yongning-2017.toml:" in shown.output) == (1, True)
