"""config/release.toml: faults with file, line and key; whose signatures a change needs."""

import shutil
from datetime import UTC, date, datetime
from itertools import product

import pytest

from caseq.rules.approval import Step
from caseq.rules.case import MILESTONES_IN, Kind, MilestoneName
from caseq.settings import load
from tests.service import ROOT, environment
from tests.settings.test_settings import change, faults

NOW = datetime(2026, 11, 28, 4, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    """release.toml in a copy of the shipped config/, to be changed."""
    return shutil.copytree(ROOT / "config", tmp_path / "config") / "release.toml"


@pytest.fixture
def environ(path, tmp_path):
    return environment(f"sqlite:///{tmp_path / 'unused.db'}", tmp_path, CASEQ_CONFIG_DIR=str(path.parent))


def test_as_shipped_measures_and_decisions_need_four_signatures_and_what_nobody_reads_online_none(environ):
    approval = load(environ).approval
    assert approval.chain(Kind.CRIMINAL, MilestoneName.COMPULSORY_MEASURE, NOW) == tuple(Step)
    assert approval.chain(Kind.ADMINISTRATIVE, MilestoneName.PENALTY_DECISION, NOW) == tuple(Step)
    assert approval.chain(Kind.TRADE, MilestoneName.INSPECTION, NOW) == (Step.UNIT_LEADER, Step.FIRST_REVIEW)
    for kind in (Kind.RECONSIDERATION, Kind.COMPENSATION, Kind.PETITION, Kind.REGULATION):
        for _, name in product([kind], MILESTONES_IN[kind]):
            assert approval.chain(kind, name, NOW) == ()


def test_what_was_formed_before_the_first_day_is_released_at_once(path, environ):
    change(path, "# at_once_before = 2026-12-01", "at_once_before = 2026-11-28")
    approval = load(environ).approval
    assert approval.at_once_before == date(2026, 11, 28)
    before = datetime(2026, 11, 27, 15, 59, tzinfo=UTC)  # 23:59 at the bureau
    assert approval.chain(Kind.CRIMINAL, MilestoneName.CASE_FILED, before) == ()
    after = datetime(2026, 11, 27, 16, 0, tzinfo=UTC)
    assert approval.chain(Kind.CRIMINAL, MilestoneName.CASE_FILED, after) != ()


@pytest.mark.parametrize(
    ("old", "new", "key", "reason"),
    [
        ("undo_minutes = 10", "undo_minutes = 0", "undo_minutes", "Must be greater"),
        ('kinds = ["criminal"]', 'kinds = ["felony"]', "line.0.kinds", "Must be one of"),
        (
            'chain = ["unit_leader", "first_review"]',
            'chain = ["first_review", "unit_leader"]',
            "line.2.chain",
            "this order",
        ),
        (
            'chain = ["unit_leader", "first_review"]',
            'chain = ["first_review", "first_review"]',
            "line.2.chain",
            "this order",
        ),
        ('kinds = ["*"]', 'kinds = ["petition"]', "line.3", "is the last line"),
        ('key = "safety"', 'key = "privacy"', "ground.3.key", "stands above already"),
        ('clause = "《公安机关执法公开规定》第六条"', 'clause = " "', "ground.0.clause", "is empty"),
    ],
)
def test_a_fault_names_its_key_and_what_to_do(path, environ, old, new, key, reason):
    change(path, old, new)
    found = {fault.key: fault for fault in faults(environ)}
    assert any(key in one for one in found), found
    assert any(reason in str(fault.reason) for fault in found.values()), found
