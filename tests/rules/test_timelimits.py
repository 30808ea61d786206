"""Within which limit each role is told: the shipped limits cell by cell, and which of several is the shortest."""

from itertools import product

import pytest

from caseq.rules.case import MILESTONES_IN, ROLES_IN, Kind, MilestoneName, Role
from caseq.rules.measures import Measure, MeasureAction
from caseq.rules.timelimits import Shorter, TimeLimits, limit_for, undecided
from caseq.rules.workdays import Limit, LimitUnit
from caseq.settings.workdaysfile import read_workdays
from tests.service import ROOT
from tests.workcalendar import DAY_AND_NIGHT, FIVE, THREE_DAYS

CRIMINAL, ADMINISTRATIVE = Kind.CRIMINAL, Kind.ADMINISTRATIVE
MEASURE = MilestoneName.COMPULSORY_MEASURE
TWO = Limit(2, LimitUnit.WORKING_DAYS, "《公安机关办理行政案件程序规定》第172条")
SHIPPED: TimeLimits = read_workdays(ROOT / "config")["time_limits"]

#: Everything shorter than five working days, as the statutes have it.
LAW = {
    (CRIMINAL, MilestoneName.CASE_NOT_FILED, Role.COMPLAINANT): "3 calendar_days 178",
    (CRIMINAL, MilestoneName.CASE_WITHDRAWN, Role.SUSPECT): "3 calendar_days 189",
    (CRIMINAL, MilestoneName.CASE_WITHDRAWN, Role.VICTIM): "3 calendar_days 189",
    (CRIMINAL, MilestoneName.CASE_WITHDRAWN, Role.VICTIM_FAMILY): "3 calendar_days 189",
    (CRIMINAL, MilestoneName.SUSPECT_INVESTIGATION_TERMINATED, Role.SUSPECT): "3 calendar_days 189",
    (ADMINISTRATIVE, MilestoneName.PENALTY_DECISION, Role.SUSPECT): "2 working_days 36",
    (ADMINISTRATIVE, MilestoneName.PENALTY_DECISION, Role.VICTIM): "2 working_days 172",
    (ADMINISTRATIVE, MilestoneName.NO_PENALTY_DECISION, Role.VICTIM): "2 working_days 172",
}
ARTICLES = {Measure.CRIMINAL_DETENTION: 127, Measure.ARREST: 145, Measure.RESIDENTIAL_SURVEILLANCE: 113}


def short(limit: Limit) -> str:
    return f"{limit.amount} {limit.unit} {''.join(filter(str.isdigit, limit.clause))}".strip()


CELLS = [(kind, milestone, role) for kind in Kind for milestone, role in product(MILESTONES_IN[kind], ROLES_IN[kind])]


def test_every_cell_has_the_limit_of_the_law() -> None:
    found = {cell: short(limit_for(SHIPPED, *cell, {})) for cell in CELLS if cell[1] is not MEASURE}
    assert {cell: limit for cell, limit in found.items() if limit != "5 working_days"} == LAW


@pytest.mark.parametrize("role", sorted(ROLES_IN[CRIMINAL]))
@pytest.mark.parametrize("action", MeasureAction)
@pytest.mark.parametrize("measure", Measure)
def test_the_family_alone_is_told_of_detention_within_a_day(
    measure: Measure, action: MeasureAction, role: Role
) -> None:
    limit = limit_for(SHIPPED, CRIMINAL, MEASURE, role, {"measure": str(measure), "action": str(action)})
    begins = action in (MeasureAction.IMPOSED, MeasureAction.CHANGED)
    if role is Role.SUSPECT_FAMILY and begins and measure in ARTICLES:
        assert short(limit) == f"24 hours {ARTICLES[measure]}"
    else:
        assert short(limit) == "5 working_days"


@pytest.mark.parametrize("details", [None, {}, {"measure": None}, {"action": "imposed"}, {"measure": "arrest"}])
def test_what_a_measure_does_not_say_is_taken_for_the_strictest(details: dict[str, object] | None) -> None:
    assert limit_for(SHIPPED, CRIMINAL, MEASURE, Role.SUSPECT_FAMILY, details).unit is LimitUnit.HOURS


@pytest.mark.parametrize(
    ("one", "other"), [(FIVE, TWO), (FIVE, THREE_DAYS), (FIVE, DAY_AND_NIGHT), (THREE_DAYS, DAY_AND_NIGHT)]
)
def test_the_shorter_of_two_wins_whatever_their_order(one: Limit, other: Limit) -> None:
    covering = [covering_all(limit) for limit in (one, other)]
    for order in (covering, covering[::-1]):
        assert limit_for(TimeLimits(FIVE, order), CRIMINAL, MEASURE, Role.VICTIM, {}) is other


def test_a_longer_one_never_wins_over_the_general_limit() -> None:
    ten = Limit(10, LimitUnit.WORKING_DAYS, "第1条")
    assert limit_for(TimeLimits(FIVE, [covering_all(ten)]), CRIMINAL, MEASURE, Role.VICTIM, {}) is FIVE


def test_a_limit_holds_for_its_kind_of_case_only() -> None:
    inspection = MilestoneName.INSPECTION
    of_trade = Shorter(Kind.TRADE, frozenset({inspection}), frozenset(Role), THREE_DAYS)
    limits = TimeLimits(FIVE, [of_trade])
    assert limit_for(limits, Kind.TRADE, inspection, Role.TRADE_MEMBER, {}) is THREE_DAYS
    assert limit_for(limits, Kind.REGULATION, inspection, Role.REGULATED_PARTY, {}) is FIVE


def covering_all(limit: Limit, kind: Kind = CRIMINAL, measure: Measure | None = None) -> Shorter:
    measures = frozenset({measure} if measure else ())
    return Shorter(kind, frozenset(MILESTONES_IN[kind]), frozenset(ROLES_IN[kind]), limit, measures)


def test_two_limits_of_which_either_may_end_first_are_found_where_they_meet() -> None:
    two, three = covering_all(TWO), covering_all(THREE_DAYS)
    assert list(undecided([covering_all(DAY_AND_NIGHT), two, three])) == [(1, 2)]
    assert list(undecided([two, covering_all(DAY_AND_NIGHT)])) == []
    assert list(undecided([two, covering_all(THREE_DAYS, ADMINISTRATIVE)])) == []
    assert list(undecided([covering_all(TWO, measure=Measure.ARREST), three])) == [(0, 1)]
    bail = covering_all(THREE_DAYS, measure=Measure.BAIL_PENDING_TRIAL)
    assert list(undecided([covering_all(TWO, measure=Measure.ARREST), bail])) == []
