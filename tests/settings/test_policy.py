"""The shipped policy against the matrix, cell by cell; the matrix is read without the project's own code."""

import csv
import re

import pytest

from caseq.rules.disclosure import RIGHTS, UNIT
from caseq.settings import load
from caseq.settings.policyfile import read_policy
from tests import matrix
from tests.service import ROOT, SHARED, environment
from tests.web.test_pages_language import AVOIDED, HAN


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    return load(environment("sqlite:///unused.db", tmp_path_factory.mktemp("settings"))).policy


def as_cells(policy):
    return [
        matrix.Cell(rule.kind, role, rule.item, rule.online, rule.clause, rule.scope, rule.fields)
        for rule in policy.rules
        for role in rule.roles
    ]


def test_the_policy_has_every_cell_of_the_matrix_and_no_other(policy):
    assert set(as_cells(policy)) == set(matrix.cells())


def test_no_cell_is_written_twice(policy):
    cells = as_cells(policy)
    assert len(cells) == len({(cell.kind, cell.role, cell.item) for cell in cells}) == len(matrix.cells())


def test_the_groups_are_those_of_the_matrix(policy):
    groups = {(rule.kind, role, rule.item): str(rule.group) for rule in policy.rules for role in rule.roles}
    with matrix.MATRIX.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert groups == {(row["kind"], role, row["item"]): row["group"] for row in rows for role in row["roles"].split()}


def test_what_is_granted_online_is_what_the_matrix_says(policy):
    granted: dict[tuple[str, str, str], tuple[str, tuple[str, ...]]] = {}
    for (kind, role), grant in policy.grants.items():
        items = {**grant.milestones, UNIT: grant.unit, RIGHTS: grant.rights}
        granted |= {(kind, role, item): (rule.clause, rule.fields) for item, rule in items.items() if rule}
    assert granted == {key: (cell.clause, cell.fields) for key, cell in matrix.CELLS.items() if cell.online}


@pytest.mark.parametrize("kind", matrix.KINDS)
@pytest.mark.parametrize("role", matrix.ROLES)
def test_only_the_roles_of_online_groups_may_log_in(policy, kind, role):
    assert policy.is_online(kind, role) is ((kind, role) in matrix.ONLINE)


@pytest.mark.skipif(not (SHARED / "matrix.csv").exists(), reason="the matrix that was handed over is not here")
def test_our_copy_of_the_matrix_is_the_one_that_was_handed_over():
    assert matrix.MATRIX.read_bytes() == (SHARED / "matrix.csv").read_bytes()


TEXTS = sorted((ROOT / "config" / "disclosure").glob("*.toml"))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_every_rule_says_why_in_one_short_sentence_in_both_languages(path):
    for rule in read_policy(path).rules:
        chinese, english = rule.reason["zh"], rule.reason["en"]
        assert re.fullmatch(rf"[{HAN}\d，、：]{{8,27}}。", chinese), chinese
        assert re.fullmatch(r"[A-Z][\x20-\x7e]{20,99}\.", english), english
        assert not any(word in chinese for word in AVOIDED), chinese


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_no_reason_speaks_of_guilt(path):
    for rule in read_policy(path).rules:
        assert not re.search("罪|犯|凶手|guilty|criminal|offender", " ".join(rule.reason.values())), rule.reason
