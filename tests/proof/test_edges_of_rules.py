"""Edges that no cell of the matrix reaches; each was found by a mutant of the rules that nothing else noticed."""

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest

from caseq.rules.access import may_enter
from caseq.rules.case import Case, CaseState, Kind, Party, Role, Unit
from caseq.rules.disclosure import Rule, Scope, StoredCase, StoredMilestone, concerns, policy, project

TODAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def rule(item: str = "unit", fields: tuple[str, ...] = (), scope: Scope = Scope.CASE) -> Rule:
    return Rule(1, "clause", Kind.CRIMINAL, (Role.VICTIM,), True, item, scope, fields)


@pytest.mark.parametrize(("own", "subject"), list(itertools.product(("S1", "S2", None), repeat=2)))
def test_in_a_narrowed_case_nobody_reads_of_another_subject(own: str | None, subject: str | None) -> None:
    assert concerns(Scope.EVERY_SUBJECT, own, subject, narrowed=True) is (subject is None)
    assert concerns(Scope.EVERY_SUBJECT, own, subject, narrowed=False)
    for narrowed in (True, False):
        assert concerns(Scope.OWN, own, subject, narrowed) is (subject in (None, own))
        assert concerns(Scope.CASE, own, subject, narrowed) is (subject is None)


def test_a_kind_whose_window_nobody_named_closes_with_the_day_of_its_end() -> None:
    in_force = policy("test", [rule()])
    for ended_on, entered in ((TODAY, True), (TODAY - DAY, False)):
        case = Case("A1", Kind.CRIMINAL, Unit("x"), CaseState.CONCLUDED, ended_on=ended_on)
        assert may_enter(in_force, case, Party("P1", Role.VICTIM), TODAY) is entered


def test_a_view_names_its_policy_and_says_how_old_its_data_are() -> None:
    view = seen([])
    assert (view.policy, view.as_of, view.source_silent) == ("test", NOON, False)


def test_the_order_of_what_happened_at_once_does_not_tell_the_order_in_which_it_came() -> None:
    same = [stored(place) for place in ("一楼", "二楼", "三楼")]
    orders = [[view.fields["place"] for view in seen(list(some)).milestones] for some in itertools.permutations(same)]
    assert all(order == orders[0] for order in orders)


def stored(place: str) -> StoredMilestone:
    return StoredMilestone("hearing", None, TODAY, None, {"place": place}, None, NOON)


def seen(milestones: list[StoredMilestone]):
    rules = [rule(), rule("hearing", ("occurred_on", "place"))]
    case = StoredCase("A1", "criminal", "open", "victim", None, False, Unit("x"), None, milestones, NOON, False, "x")
    return project(case, policy("test", rules), (), TODAY)
