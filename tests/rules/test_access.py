"""Whether a party may enter a case on a day; that SQL says the same is in store/test_access.py."""

from datetime import date, timedelta

import pytest

from caseq.rules.access import may_enter
from caseq.rules.case import SUSPECT_SIDE, Case, CaseState, Kind, Party, Role, Unit
from caseq.rules.disclosure import Scope, policy
from caseq.settings import load
from tests import matrix
from tests.service import environment

TODAY = date(2026, 11, 23)
DAY = timedelta(days=1)
CASE = Case("A1", Kind.CRIMINAL, Unit("x"))


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    return load(environment("sqlite:///unused.db", tmp_path_factory.mktemp("access"))).policy


def party(role=Role.VICTIM, **more):
    appeared = {"appeared_on": TODAY} if role in SUSPECT_SIDE else {}
    return Party("P1", role, **{**appeared, **more})


def test_every_role_enters_the_kinds_of_the_matrix_and_no_other(shipped):
    entered = {
        (kind.value, role.value)
        for kind in Kind
        for role in Role
        if may_enter(shipped, Case("A1", kind, Unit("x")), party(role), TODAY)
    }
    assert entered == set(matrix.ONLINE)


def test_a_withheld_case_is_closed_to_everybody_and_every_other_state_is_not(shipped):
    for state in CaseState:
        case = Case("A1", Kind.CRIMINAL, Unit("x"), state=state)
        assert may_enter(shipped, case, party(), TODAY) is (state is not CaseState.WITHHELD)


@pytest.mark.parametrize("role", sorted(SUSPECT_SIDE))
def test_the_suspect_s_side_enters_from_the_day_of_appearance(shipped, role):
    for appeared_on, entered in ((None, False), (TODAY + DAY, False), (TODAY, True), (TODAY - DAY, True)):
        assert may_enter(shipped, CASE, party(role, appeared_on=appeared_on), TODAY) is entered


def test_nobody_else_has_to_appear(shipped):
    assert may_enter(shipped, CASE, party(appeared_on=TODAY + DAY), TODAY)


def test_an_authority_runs_from_its_first_to_its_last_day(shipped):
    for start, end, entered in (
        (TODAY, TODAY, True),
        (TODAY + DAY, None, False),
        (None, TODAY - DAY, False),
        (TODAY - DAY, TODAY + DAY, True),
        (None, None, True),
    ):
        assert may_enter(shipped, CASE, party(valid_from=start, valid_until=end), TODAY) is entered


def test_without_a_rule_nobody_enters():
    assert not may_enter(policy("empty", []), CASE, party(), TODAY)


def test_the_scopes_are_the_words_of_the_matrix():
    assert {scope.value for scope in Scope} >= {cell.scope for cell in matrix.cells()}
