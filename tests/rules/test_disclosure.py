"""The projection: no rule, nothing; and no key that betrays what is hidden."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from caseq.rules.case import Kind, Role, Unit
from caseq.rules.disclosure import NOTHING, Right, Rule, Scope, StoredCase, StoredMilestone, concerns, policy, project

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def rule(item, fields=(), scope=Scope.CASE, online=True, roles=(Role.VICTIM,)):
    return Rule(1, "clause", Kind.CRIMINAL, roles, online, item, scope, fields)


def milestone(name="case_filed", **more):
    values: dict[str, Any] = {
        "subject": None,
        "occurred_on": TODAY,
        "document_number": "1号",
        "details": {},
        "hidden_until": None,
    }
    return StoredMilestone(name, **{**values, "released_at": NOW, **more})


def view(rules, milestones=(), subject=None, role=Role.VICTIM, kind=Kind.CRIMINAL):
    unit = Unit("所", "640121", "路", "0951")
    stored = StoredCase("A1", kind, "open", role, subject, False, unit, None, milestones, NOW, False, "criminal")
    return project(stored, policy("test", rules), [Right("t", "x")], TODAY)


def test_without_a_rule_there_is_nothing_to_see():
    seen = view([], [milestone()])
    assert (seen.unit, seen.rights, seen.rights_clause, seen.milestones) == (None, (), None, ())
    assert policy("test", []).grant("criminal", "victim") is NOTHING


def test_a_rule_opens_its_item_its_kind_and_its_roles_only():
    rules = [rule("case_filed", ("occurred_on",))]
    both = [milestone(), milestone("case_solved")]
    assert [m.name for m in view(rules, both).milestones] == ["case_filed"]
    assert view(rules, both, role=Role.COMPLAINANT).milestones == ()
    assert view(rules, both, kind=Kind.ADMINISTRATIVE).milestones == ()
    assert view(rules, both).unit is None


def test_a_rule_that_is_not_online_opens_nothing_online():
    closed = policy("test", [rule("case_filed", ("occurred_on",), online=False)])
    assert not closed.is_online("criminal", "victim")
    assert len(closed.rules) == 1


def test_only_granted_fields_with_a_value_are_keys():
    rules = [rule("hearing", ("occurred_on", "phase", "place")), rule("unit", ("name", "phone"))]
    seen = view(rules, [milestone("hearing", details={"place": "二楼", "ground": "secret"})])
    assert seen.milestones[0].fields == {"occurred_on": TODAY, "place": "二楼"}
    assert seen.unit.fields == {"name": "所", "phone": "0951"}
    assert seen.milestones[0].clause == "clause"


def test_false_and_zero_are_values():
    seen = view(
        [rule("mediation_agreement", ("performed",))], [milestone("mediation_agreement", details={"performed": False})]
    )
    assert seen.milestones[0].fields == {"performed": False}


@pytest.mark.parametrize(
    ("scope", "own", "about", "seen"),
    [
        (Scope.CASE, "S1", None, True),
        (Scope.CASE, "S1", "S1", False),
        (Scope.OWN, "S1", None, True),
        (Scope.OWN, "S1", "S1", True),
        (Scope.OWN, "S1", "S2", False),
        (Scope.OWN, None, "S1", False),
        (Scope.OWN, None, None, True),
        (Scope.EVERY_SUBJECT, None, "S1", True),
        (Scope.EVERY_SUBJECT, "S1", "S2", True),
    ],
)
def test_a_scope_says_which_suspects_are_meant(scope, own, about, seen):
    assert concerns(scope, own, about) is seen
    rules = [rule("case_filed", ("occurred_on",), scope)]
    assert bool(view(rules, [milestone(subject=about)], own).milestones) is seen


@pytest.mark.parametrize(
    ("hidden_until", "seen"), [(None, True), (TODAY - DAY, True), (TODAY, False), (date.max, False)]
)
def test_a_held_milestone_is_hidden_to_the_end_of_its_last_day(hidden_until, seen):
    assert bool(view([rule("case_filed")], [milestone(hidden_until=hidden_until)]).milestones) is seen


def test_the_newest_milestone_comes_first_and_one_without_a_date_last():
    dated = [milestone(occurred_on=TODAY - n * DAY, document_number=str(n)) for n in (2, 0, 1)]
    rules = [rule("case_filed", ("occurred_on", "document_number"))]
    seen = view(rules, [*dated, milestone(occurred_on=None, document_number="?")]).milestones
    assert [m.fields["document_number"] for m in seen] == ["0", "1", "2", "?"]


def test_milestones_whose_date_is_hidden_are_not_ordered_by_it():
    """Their order would tell the dates."""
    rules = [rule("case_filed", ("document_number",))]
    dated = [
        milestone(occurred_on=TODAY - n * DAY, document_number=str(n), released_at=NOW + n * DAY) for n in (1, 0, 2)
    ]
    assert [m.fields["document_number"] for m in view(rules, dated).milestones] == ["2", "1", "0"]


def test_rights_come_only_with_their_rule():
    assert view([rule("rights")]).rights == (Right("t", "x"),)
    assert view([rule("unit", ("name",))]).rights == ()
