"""`caseq policy explain` and `diff`: what they say, what they keep in the audit, and how they end."""

import csv

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from caseq import granting, previewing
from caseq.cli import main
from caseq.commands import configured
from caseq.rules.access import Closed
from caseq.store import previews
from caseq.store.tables import audit
from tests.service import CASE, PHONE, case, event, milestone, party
from tests.walks import policies

WHO = ["--by", "法制大队", "--reason", "来电询问"]
MEASURE = {"subject": "S1", "details": {"measure": "arrest", "action": "imposed"}}


@pytest.fixture
def run(service, monkeypatch):
    """Runs `caseq policy …` on the database of the service, at its time."""
    monkeypatch.setattr(configured, "runtime", lambda: service.runtime)
    monkeypatch.delenv("CASEQ_CONFIG_DIR", raising=False)
    return lambda *arguments: CliRunner().invoke(main, ["policy", *arguments])


def a_case(service):
    held = milestone("case_solved", hold={"reason": "有碍侦查", "until": "2026-12-01"})
    steps = [
        milestone(document_number="1号"),
        held,
        milestone("compulsory_measure", "M1", **MEASURE),
        milestone("compulsory_measure", "M2", **{**MEASURE, "subject": "S2"}),
        milestone("case_withdrawn", subject="S1"),
        milestone("transferred_for_prosecution_review", "M-gone"),
    ]
    people = [party(), party("suspect", phone="19912345679"), party("agent", appeared_on=None, phone="0951-8011010")]
    service.push(event("case", case()), *(event("party", one) for one in people))
    service.push(*(event("milestone", one) for one in steps))
    service.push(event("withdrawal", {"record": "milestone", "key": "M-gone"}, sequence="2"))


def audited(service, act):
    with service.runtime.database.autocommit() as connection:
        return connection.execute(select(audit).where(audit.c.act == act)).all()


def test_a_party_is_explained_item_by_item_without_names_or_numbers_and_noted(service, run):
    a_case(service)
    said = run("explain", "--case", CASE, "--party", "P-victim", *WHO)
    assert said.exit_code == 0, said.output
    lines = [line for line in said.output.splitlines() if line[0] in "+-"]
    found = {line.split(":")[0]: line for line in lines}
    assert "四(二)1(1)" in found["+ unit"]
    assert "held" in found["- case_solved M-case_solved (全案 whole case)"]
    assert "+ compulsory_measure M1 (其他嫌疑人 another suspect)" in found
    assert "reads like another" in found["- compulsory_measure M2 (其他嫌疑人 another suspect)"]
    assert "no rule" in found["- case_withdrawn M-case_withdrawn (其他嫌疑人 another suspect)"]
    assert "withdrawn by its source" in found["- transferred_for_prosecution_review M-gone (全案 whole case)"]
    assert "有碍侦查" in said.output
    assert "not name them: action" in said.output
    for secret in (PHONE, "测试人", "arrest", "1号"):
        assert secret not in said.output
    (row,) = audited(service, "explain")
    assert row.facts == {"by": "法制大队", "reason": "来电询问", "item": None}
    assert row.party_id is not None
    assert row.case_id is not None


def test_who_may_not_enter_is_told_each_ground(service, run):
    a_case(service)
    granting.do(service.runtime, granting.Deed.REVOKE, CASE, "P-agent", by="x", reason="y")
    said = run("explain", "--case", CASE, "--party", "P-agent", *WHO, "--item", "unit")
    assert said.exit_code == 0
    for words in ("does not enter", "has not appeared", "staff took the grant away", "no usable mobile number"):
        assert words in said.output
    assert "case_solved" not in said.output


@pytest.mark.parametrize(
    ("more", "grounds"),
    [
        ({"state": "withheld"}, [Closed.WITHHELD]),
        ({"state": "concluded", "concluded_on": "2020-01-01"}, [Closed.ENDED]),
    ],
)
def test_a_closed_case_is_its_ground(service, more, grounds):
    a_case(service)
    service.push(event("case", case(**more), sequence="2"))
    (one,) = previewing.explain(service.runtime, CASE, "P-victim", "x", "y")
    assert one.closed == grounds


def test_withdrawn_records_and_moved_parties_are_found_and_say_so(service):
    a_case(service)
    other = "A6401215100002026110099"
    service.push(event("withdrawal", {"record": "party", "key": "P-victim"}, sequence="2"))
    (one,) = previewing.explain(service.runtime, CASE, "P-victim", "x", "y")
    assert one.closed == [Closed.PARTY_WITHDRAWN]
    service.push(event("case", case(), case=other), event("party", party(), case=other, sequence="3"))
    (one,) = previewing.explain(service.runtime, CASE, "P-victim", "x", "y")
    assert (one.case_number, one.closed) == (other, [])
    service.push(event("withdrawal", {"record": "case", "key": other}, case=other, sequence="4"))
    (one,) = previewing.explain(service.runtime, other, "P-victim", "x", "y")
    assert Closed.CASE_WITHDRAWN in one.closed


def test_query_and_rules_that_differ_are_a_fault_and_not_an_explanation(service, monkeypatch, run):
    a_case(service)
    monkeypatch.setattr(previewing, "grounds", lambda *_: iter([Closed.MINOR]))
    said = run("explain", "--case", CASE, "--party", "P-victim", *WHO)
    assert said.exit_code == 1
    assert "differ" in said.output


def test_an_unknown_party_is_exit_1_and_half_a_question_exit_2(service, run):
    a_case(service)
    assert run("explain", "--case", CASE, "--party", "nobody", *WHO).exit_code == 1
    assert audited(service, "explain") == []
    for arguments in (
        ("--case", CASE, "--party", "P-victim"),
        ("--case", CASE, "--party", "P-victim", "--by", "x", "--reason", " "),
        ("criminal", "victim"),
        ("criminal", "victim", "unit", *WHO),
        ("criminal", "nobody", "unit"),
    ):
        assert run("explain", *arguments).exit_code == 2, arguments


def test_a_role_is_explained_without_a_database(run):
    said = run("explain", "criminal", "suspect", "compulsory_measure", "--subject", "other")
    assert said.exit_code == 0
    assert "another suspect" in said.output
    assert "四(二)3(1)" in said.output
    assert "never online" in run("explain", "petition", "petitioner", "petition_result").output
    assert "no rule" in run("explain", "criminal", "victim", "case_withdrawn").output


def test_a_preview_of_the_same_policy_changes_nothing_and_is_noted(service, run):
    a_case(service)
    said = run("diff", "current", "yongning-2017", "--list")
    assert said.exit_code == 0
    assert "no difference" in said.output
    assert "0 of 2 " in said.output
    (row,) = audited(service, "preview")
    assert row.facts == {"old": "yongning-2017", "new": "yongning-2017", "views": 0}


def test_a_preview_lists_whose_views_change(service, run, tmp_path):
    a_case(service)
    file = tmp_path / "people.csv"
    arguments = ("diff", "current", "current", "--adopt-new", "statute-2018", "--list", "--people", str(file))
    said = run(*arguments)
    assert said.exit_code == 0
    assert "0 of 2 " in said.output
    service.push(event("milestone", milestone("case_withdrawn", "M-whole")))
    said = run(*arguments)
    opened = "case_withdrawn case_withdrawn.occurred_on"
    assert f"{CASE}\tP-victim\tvictim\t{opened}\t\t\tcriminal\tcriminal\tview\n" in said.output
    assert "criminal victim: 1 " in said.output
    assert "1 of 2 " in said.output
    # The suspect's page now lists what may come, although the case has nothing of it.
    text_only = "suspect_investigation_terminated\tcriminal\tcriminal\tpage text only\n"
    assert f"{CASE}\tP-suspect\tsuspect\t\t\t{text_only}" in said.output
    assert "criminal suspect: 0 人看到的内容改变 views change, 0 gain, 0 lose; 1 人" in said.output
    with file.open(encoding="utf-8-sig", newline="") as rows:
        assert [(row["party"], row["opens"]) for row in csv.DictReader(rows)] == [
            ("P-victim", opened),
            ("P-suspect", ""),
        ]
    assert list(tmp_path.glob("*.part")) == []


def test_a_preview_goes_through_all_cases_some_at_a_time(service, monkeypatch, run):
    monkeypatch.setattr(previews, "CASES_AT_ONCE", 2)
    numbers = [f"A640121510000202611{n:04d}" for n in range(5)]
    for n, number in enumerate(numbers):
        step = milestone("case_withdrawn", f"M{n}")
        events = [event("case", case()), event("party", party(key=f"P{n}")), event("milestone", step)]
        service.push(*({**one, "subject": number} for one in events))
    said = run("diff", "current", "current", "--adopt-new", "statute-2018", "--list")
    assert [line.split("\t")[1] for line in said.output.splitlines() if "\t" in line] == [f"P{n}" for n in range(5)]


def test_faults_are_exit_1_and_wrong_usage_exit_2(run, tmp_path):
    broken = tmp_path / "broken.toml"
    broken.write_text('name = "broken"\n', encoding="utf-8")
    for arguments in (
        ("current", "nosuch"),
        ("current", str(broken)),
        ("current", "statute-2018"),
        ("current", "current", "--adopt-new", "yongning-2017"),
        ("current", "current", "--adopt-new", "statute-2018", "--adopt-new", "statute-2018"),
    ):
        said = run("diff", *arguments, "--no-people")
        assert (said.exit_code, said.stdout) == (1, ""), arguments
    assert run("diff", "current").exit_code == 2
    assert run("diff", "current", "current", "--no-people", "--list").exit_code == 2


def test_the_rules_alone_are_compared_without_a_database(run, monkeypatch):
    monkeypatch.setattr(configured, "runtime", lambda: pytest.fail("no database is needed"))
    said = run("diff", "yongning-2017", "current", "--adopt-new", "statute-2018", "--no-people")
    assert said.exit_code == 0
    assert "opens  criminal victim case_withdrawn: item occurred_on, document_number" in said.output
    assert "第189条" in said.output


def test_a_policy_that_cannot_be_put_in_force_yet_is_compared_and_says_so(run, tmp_path, monkeypatch):
    config = policies.folder(
        tmp_path / "config", "new", lambda rules: [{**one, "online": True} for one in rules], False
    )
    monkeypatch.setenv("CASEQ_CONFIG_DIR", str(config))
    assert "yet" not in run("diff", "yongning-2017", "new", "--no-people").output
    (config / "rights" / "petition-petitioner.toml").unlink()
    said = run("diff", "yongning-2017", "new", "--no-people")
    assert said.exit_code == 0
    assert "petition.petitioner: the policy opens rights to this role" in said.stderr
    assert "opens  petition petitioner page" in said.stdout
