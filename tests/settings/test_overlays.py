"""Overlays: off until the office adopts them with name, date and reason, and never in the way of the policy."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from caseq.errors import ConfigurationError
from caseq.settings import load, policy_of
from tests import matrix
from tests.service import ROOT, environment

ADOPTED = """
[[disclosure.adopted]]
overlay = "statute-2018"
by = "法制大队"
on = 2026-11-20
reason = "局务会决定"
"""
#: The cells that the overlay adds, as the duties in the statute are: (kind, role, item) to its fields and scope.
BY_STATUTE = {
    ("criminal", "complainant", "case_not_filed"): (("occurred_on", "document_number", "ground"), "case"),
    ("criminal", "victim", "case_withdrawn"): (("occurred_on", "document_number"), "case"),
    ("criminal", "victim_family", "case_withdrawn"): (("occurred_on", "document_number"), "case"),
    ("criminal", "victim", "expert_opinion"): (("occurred_on", "opinion_kind", "reappraisal_until"), "own"),
    ("criminal", "suspect", "suspect_investigation_terminated"): (("occurred_on", "document_number"), "own"),
}


@pytest.fixture
def config(tmp_path):
    """A copy of the shipped config/, to be changed."""
    return shutil.copytree(ROOT / "config", tmp_path / "config")


def adopt(config: Path, table: str = ADOPTED) -> Path:
    """Writes the table behind the policy's name, where the comment in the file shows it."""
    path = config / "caseq.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[disclosure.days_after_end]", f"{table}\n[disclosure.days_after_end]"), "utf-8")
    return path


def policy(config: Path):
    return policy_of({"CASEQ_CONFIG_DIR": str(config)})


def faults(config: Path):
    with pytest.raises(ConfigurationError) as refused:
        policy(config)
    return refused.value.faults


def cells(found):
    return {
        (rule.kind, role, rule.item): (rule.fields, rule.scope)
        for rule in found.rules
        if rule.online
        for role in rule.roles
    }


def test_nothing_of_an_overlay_is_shown_before_it_is_adopted(config):
    found = policy(config)
    assert found.name == "yongning-2017"
    assert found.adopted == ()
    assert not set(cells(found)) & set(BY_STATUTE)


def test_an_adopted_overlay_adds_its_cells_and_changes_no_other(config):
    before = cells(policy(config))
    adopt(config)
    assert cells(policy(config)) == before | BY_STATUTE
    assert not {cell.item for cell in matrix.cells()} >= {item for _, _, item in BY_STATUTE}


def test_the_policy_names_what_was_adopted_by_whom_when_and_why(config, tmp_path):
    adopt(config)
    found = load(environment("sqlite:///unused.db", tmp_path, CASEQ_CONFIG_DIR=str(config))).policy
    (one,) = found.adopted
    assert found.name == "yongning-2017+statute-2018"
    assert (one.overlay, one.by, one.on, one.reason) == (
        "statute-2018",
        "法制大队",
        date(2026, 11, 20),
        "局务会决定",
    )
    assert one.title["en"].startswith("Duties to inform")


#: name: (what is replaced in the table, by what, the key that is complained about, what the reason says)
HALF = {
    "nobody": ('by = "法制大队"\n', "", "by", "who adopted"),
    "a blank name": ("法制大队", " ", "by", "who adopted"),
    "no day": ("on = 2026-11-20\n", "", "on", "date"),
    "a day in quotes": ("2026-11-20", '"2026-11-20"', "on", "without quotes"),
    "a moment": ("2026-11-20", "2026-11-20T10:00:00", "on", "without quotes"),
    "a day that lies ahead": ("2026-11-20", "2999-01-01", "on", "lies ahead"),
    "no reason": ('reason = "局务会决定"\n', "", "reason", "why"),
    "no overlay": ('overlay = "statute-2018"\n', "", "overlay", "required"),
    "an unknown overlay": ("statute-2018", "statute-2008", "overlay", "statute-2018, yongning-2017"),
    "a policy": ("statute-2018", "yongning-2017", "overlay", "not an overlay"),
    "another key": ('by = "', 'colour = "red"\nby = "', "colour", "Unknown"),
}


@pytest.mark.parametrize(("old", "new", "key", "reason"), HALF.values(), ids=HALF.keys())
def test_half_an_adoption_is_refused_with_its_line(config, old, new, key, reason):
    table = ADOPTED.replace(old, new)
    path = adopt(config, table)
    (fault,) = faults(config)
    assert fault.key == f"disclosure.adopted.0.{key}"
    assert fault.file == str(path)
    assert reason in fault.reason
    line = path.read_text(encoding="utf-8").splitlines()[(fault.line or 0) - 1]
    assert line.startswith(key if f"\n{key} =" in table else "[[disclosure.adopted]]")


def test_an_overlay_is_adopted_once(config):
    adopt(config, ADOPTED + ADOPTED)
    (fault,) = faults(config)
    assert (fault.key, "adopted above already" in fault.reason) == ("disclosure.adopted.1.overlay", True)


def test_an_overlay_is_no_policy_by_itself(config):
    path = config / "caseq.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('"yongning-2017"', '"statute-2018"'), "utf-8")
    (fault,) = faults(config)
    assert (fault.key, "is an overlay" in fault.reason) == ("disclosure.policy", True)


def test_a_cell_of_the_policy_may_not_stand_in_an_overlay_too(config):
    adopt(config)
    path = config / "disclosure" / "statute-2018.toml"
    text = path.read_text(encoding="utf-8").replace('item = "case_withdrawn"', 'item = "compulsory_measure"', 1)
    path.write_text(text, "utf-8")
    found = faults(config)
    assert {fault.file for fault in found} == {str(path)}
    assert [fault.reason.split(" ")[0] for fault in found] == ["victim", "victim_family"]
    assert all("already (yongning-2017, line" in fault.reason for fault in found)
    assert {text.splitlines()[(fault.line or 0) - 1] for fault in found} == {'item = "compulsory_measure"'}
