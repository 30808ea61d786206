"""What is explained is what is shown: every state, role, scope, hold and relation, against the projection itself."""

import itertools
from dataclasses import replace
from datetime import date, timedelta

import pytest

from caseq.rules.access import Closed, Standing, grounds, may_enter, standing_grounds
from caseq.rules.case import DETAIL_FIELDS, SUSPECT_SIDE, Case, CaseState, Kind, MilestoneName, Party, Role, Unit
from caseq.rules.disclosure import StoredCase, StoredMilestone, project
from caseq.rules.explanation import ITEMS, SUBJECTS, of_case, of_item, of_milestones
from caseq.rules.release import Hidden
from caseq.settings import load
from caseq.store.access import RECHECK, REVOKED
from tests import matrix
from tests.service import NOON, environment

TODAY = date(2026, 11, 23)
DAY = timedelta(days=1)
HOLDS = (None, TODAY - DAY, TODAY, date.max)
ABOUT = {"whole": None, "own": "S1", "other": "S2"}
READERS = list(itertools.product(Kind, Role))


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    return load(environment("sqlite:///unused.db", tmp_path_factory.mktemp("explain"))).policy


def stored(kind, role, state, narrowed, milestones, subject="S1"):
    unit = Unit("所", None, "路", None)
    to = {"name": "乙局"}
    return StoredCase("A1", kind, state, role, subject, narrowed, unit, to, milestones, NOON, False, "criminal")


def everything():
    """Every milestone about everybody under every hold, each released at a moment of its own; (relation, milestone)."""
    minutes = itertools.count()
    return [
        (
            relation,
            StoredMilestone(
                name,
                subject,
                TODAY - timedelta(days=next(minutes)),
                None,
                dict.fromkeys(DETAIL_FIELDS[name], "x"),
                hidden_until,
                NOON + timedelta(minutes=next(minutes)),
            ),
        )
        for name, (relation, subject), hidden_until in itertools.product(MilestoneName, ABOUT.items(), HOLDS)
    ]


def expected(kind, role, state, narrowed, relation, milestone):
    """The ground by the matrix alone, None if it is shown."""
    cell = matrix.CELLS.get((kind.value, role.value, milestone.name))
    if state is CaseState.TRANSFERRED:
        return Hidden.TRANSFERRED
    if cell is None:
        return Hidden.NO_RULE
    if not cell.online:
        return Hidden.NEVER_ONLINE
    if relation != "whole":
        if cell.scope == "case":
            return Hidden.WHOLE_CASE_ONLY
        if cell.scope == "own" and relation == "other":
            return Hidden.ANOTHER_SUSPECT
        if cell.scope == "every subject" and narrowed:
            return Hidden.NARROWED
    return Hidden.HELD if milestone.hidden_until in (TODAY, date.max) else None


@pytest.mark.parametrize("narrowed", [False, True])
@pytest.mark.parametrize("state", list(CaseState))
def test_a_milestone_is_explained_as_shown_exactly_when_it_is(shipped, state, narrowed):
    pairs = everything()
    milestones = [milestone for _, milestone in pairs]
    for kind, role in READERS:
        case = stored(kind, role, state, narrowed, milestones)
        lines = of_milestones(case, shipped, TODAY)
        seen = {(view.name, view.released_at): view for view in project(case, shipped, (), TODAY).milestones}
        shown = {
            (line.item, milestone.released_at)
            for line, milestone in zip(lines, milestones, strict=True)
            if line.ground is None
        }
        assert shown == set(seen)
        assert len(shown) == len([line for line in lines if line.ground is None])
        for line, (relation, milestone) in zip(lines, pairs, strict=True):
            assert line.ground is expected(kind, role, state, narrowed, relation, milestone), (kind, role, milestone)
            assert line.subject == relation
            if line.ground is None:
                view = seen[line.item, milestone.released_at]
                assert set(line.shown) == set(view.fields)
                values = {"occurred_on", *milestone.details}
                named = set(matrix.CELLS[kind.value, role.value, line.item].fields)
                assert (set(line.shown), set(line.closed)) == (values & named, values - named)
                assert set(line.empty) <= {"document_number"}
                assert line.rule is not None
                assert line.rule.clause == view.clause


@pytest.mark.parametrize("state", list(CaseState))
def test_unit_and_rights_are_explained_as_shown_exactly_when_they_are(shipped, state):
    for kind, role in READERS:
        case = stored(kind, role, state, False, ())
        view = project(case, shipped, (), TODAY)
        lines = of_case(case, shipped, TODAY)
        assert (lines["unit"].ground is None) is (view.unit is not None)
        assert (lines["rights"].ground is None) is (view.rights_clause is not None)
        for item, line in lines.items():
            cell = matrix.CELLS.get((kind.value, role.value, item))
            assert (line.rule is None) is (cell is None)
            is_open = cell is not None and cell.online and state is not CaseState.TRANSFERRED
            assert (line.ground is None) is is_open
            if line.ground is Hidden.NEVER_ONLINE:
                assert cell is not None
                assert not cell.online
            elif line.ground is Hidden.TRANSFERRED:
                assert state is CaseState.TRANSFERRED
        if view.unit is not None:
            assert lines["unit"].shown == ("name", "address")
            assert lines["unit"].empty == ("phone",)


def test_what_a_role_is_told_in_general_is_what_the_matrix_says(shipped):
    for (kind, role), item, subject in itertools.product(READERS, ITEMS, SUBJECTS):
        line = of_item(shipped, kind, role, item, subject)
        seen = matrix.may_see(kind.value, role.value, item, "own", SUBJECTS[subject])
        if item in ("unit", "rights"):
            cell = matrix.CELLS.get((kind.value, role.value, item))
            seen = cell if cell is not None and cell.online else None
        assert (line.ground is None) is (seen is not None), (kind, role, item, subject)
        if seen is not None:
            assert set(line.shown) == set(seen.fields)
            assert line.rule is not None
            assert line.rule.clause == seen.clause


def test_of_two_that_read_alike_the_one_released_first_is_shown(shipped):
    measure = StoredMilestone("compulsory_measure", "S1", TODAY, "1", {"measure": "arrest"}, None, NOON)
    later = replace(measure, subject="S2", released_at=NOON + DAY)
    earlier = replace(measure, subject="S3", released_at=NOON - DAY)
    for order in itertools.permutations([measure, later, earlier]):
        case = stored(Kind.CRIMINAL, Role.VICTIM, CaseState.OPEN, False, order, None)
        grounds_found = {
            milestone.subject: line.ground
            for milestone, line in zip(order, of_milestones(case, shipped, TODAY), strict=True)
        }
        assert grounds_found == {"S1": Hidden.ALIKE, "S2": Hidden.ALIKE, "S3": None}
        assert [view.released_at for view in project(case, shipped, (), TODAY).milestones] == [NOON - DAY]


def test_what_is_read_of_one_s_own_suspect_is_shown_as_often_as_it_happened(shipped):
    measure = StoredMilestone("compulsory_measure", "S1", TODAY, "1", {"measure": "arrest"}, None, NOON)
    case = stored(Kind.CRIMINAL, Role.SUSPECT, CaseState.OPEN, False, [measure, measure])
    assert [line.ground for line in of_milestones(case, shipped, TODAY)] == [None, None]
    assert len(project(case, shipped, (), TODAY).milestones) == 2


def test_who_may_not_enter_has_a_ground_and_who_may_has_none(shipped):
    spans = [(None, None), (TODAY + DAY, None), (None, TODAY - DAY), (TODAY, TODAY)]
    appearances = (None, TODAY + DAY, TODAY)
    days_ago = (None, 0, 10, 11)
    closing = replace(shipped, closing=dict.fromkeys(Kind, 10))
    for (kind, role), state, appeared, (start, end), minor, ended in itertools.product(
        READERS, CaseState, appearances, spans, (False, True), days_ago
    ):
        ended_on = None if ended is None else TODAY - timedelta(days=ended)
        case = Case("A1", kind, Unit("x"), state, ended_on=ended_on)
        party = Party("P", role, appeared_on=appeared, juvenile=minor, valid_from=start, valid_until=end)
        wanted = {
            Closed.WITHHELD: state is CaseState.WITHHELD,
            Closed.NOT_ONLINE: (kind.value, role.value) not in matrix.ONLINE,
            Closed.MINOR: minor,
            Closed.ENDED: ended == 11,
            Closed.NOT_APPEARED: role in SUSPECT_SIDE and appeared != TODAY,
            Closed.NOT_YET: start == TODAY + DAY,
            Closed.OVER: end == TODAY - DAY,
        }
        found = list(grounds(closing, case, party, TODAY))
        assert found == [ground for ground, holds in wanted.items() if holds]
        assert may_enter(closing, case, party, TODAY) is (not found)


def test_what_the_ledger_knows_beside_closes_too(shipped):
    dark = replace(shipped, shadow=frozenset({"dark"}))
    assert list(standing_grounds(dark, Standing("criminal", False, False, None))) == []
    assert list(standing_grounds(dark, Standing("dark", True, True, RECHECK))) == [
        Closed.SHADOW,
        Closed.CASE_WITHDRAWN,
        Closed.PARTY_WITHDRAWN,
        Closed.RECHECK,
    ]
    assert list(standing_grounds(dark, Standing("criminal", False, False, REVOKED))) == [Closed.REVOKED]
