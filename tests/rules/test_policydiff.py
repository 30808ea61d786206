"""What another policy opens and closes: in the rules, and on one page."""

import itertools
from dataclasses import replace
from datetime import date, timedelta

import pytest

from caseq.rules.case import Kind, Role, Unit
from caseq.rules.disclosure import Right, Rule, Scope, StoredCase, StoredMilestone, policy, project
from caseq.rules.policydiff import Changed, Difference, Part, Way, changed, differences
from tests.service import NOON

TODAY = date(2026, 11, 23)
CELL = ("criminal", "victim", "hearing")


def rule(item="hearing", fields=("occurred_on",), **more):
    plain = {"scope": Scope.CASE, "clause": "c", "online": True, "reason": {}}
    return Rule(group=1, kind=Kind.CRIMINAL, roles=(Role.VICTIM,), item=item, fields=fields, **{**plain, **more})


UNIT = rule("unit", ("name",))
PLAIN = rule()
VARIANTS = {
    "absent": None,
    "plain": PLAIN,
    "more fields": replace(PLAIN, fields=("place", "occurred_on")),
    "other fields": replace(PLAIN, fields=("place",)),
    "own": replace(PLAIN, scope=Scope.OWN),
    "every subject": replace(PLAIN, scope=Scope.EVERY_SUBJECT),
    "another clause": replace(PLAIN, clause="d"),
    "on paper": replace(PLAIN, online=False),
}


def of(*rules):
    return policy("p", [rule for rule in rules if rule is not None])


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("absent", "plain", [(Part.ITEM, Way.OPENS, ("occurred_on", "scope: case"), "c")]),
        ("another clause", "absent", [(Part.ITEM, Way.CLOSES, ("occurred_on", "scope: case"), "d")]),
        ("plain", "more fields", [(Part.FIELDS, Way.OPENS, ("place",), "c")]),
        (
            "plain",
            "other fields",
            [(Part.FIELDS, Way.CLOSES, ("occurred_on",), "c"), (Part.FIELDS, Way.OPENS, ("place",), "c")],
        ),
        ("plain", "own", [(Part.SUBJECTS, Way.OPENS, ("own",), "c")]),
        ("every subject", "own", [(Part.SUBJECTS, Way.CLOSES, ("other",), "c")]),
        ("every subject", "plain", [(Part.SUBJECTS, Way.CLOSES, ("own", "other"), "c")]),
        ("plain", "another clause", [(Part.CLAUSE, Way.CHANGES, ("c", "d"), "d")]),
        ("absent", "on paper", [(Part.PAPER, Way.OPENS, ("occurred_on", "scope: case"), "c")]),
        (
            "plain",
            "on paper",
            [
                (Part.ITEM, Way.CLOSES, ("occurred_on", "scope: case"), "c"),
                (Part.PAPER, Way.OPENS, ("occurred_on", "scope: case"), "c"),
            ],
        ),
        ("plain", "plain", []),
    ],
)
def test_each_difference_of_a_rule_is_named_with_its_clause(old, new, found):
    before, after = of(UNIT, VARIANTS[old]), of(UNIT, VARIANTS[new])
    assert differences(before, after) == [Difference(*CELL, *one) for one in found]


def test_a_reason_in_other_words_is_a_difference():
    told = rule(reason={"zh": "因为", "en": "because"})
    assert differences(of(PLAIN), of(told)) == [
        Difference(*CELL, Part.REASON, Way.CHANGES, ("因为", "because"), "c"),
    ]


def test_a_role_that_gets_in_for_the_first_time_is_named():
    other = replace(PLAIN, roles=(Role.COMPLAINANT,), clause="e")
    page = Difference("criminal", "complainant", "page", Part.PAGE, Way.OPENS, (), "e")
    assert page in differences(of(UNIT), of(UNIT, other))
    assert replace(page, way=Way.CLOSES) in differences(of(UNIT, other), of(UNIT))


def view(made, milestones, narrowed=False):
    unit = Unit("所", None, "路", "0951")
    stored = StoredCase(
        "A1", "criminal", "open", "victim", "S1", narrowed, unit, None, milestones, NOON, False, "criminal"
    )
    return project(stored, made, [Right("t", "x")], TODAY)


MILESTONES = [
    StoredMilestone(
        "hearing",
        subject,
        TODAY - timedelta(days=day) if day else None,
        None,
        {"place": place},
        None,
        NOON + timedelta(hours=n),
    )
    for n, (subject, day, place) in enumerate(
        itertools.product((None, "S1", "S2", "S3"), (None, 1), (None, "一楼", "二楼"))
    )
]


def test_a_page_changes_exactly_when_the_views_differ_in_more_than_the_policy_s_name():
    changes = 0
    for old, new in itertools.product(VARIANTS.values(), repeat=2):
        before, after = of(UNIT, old), replace(of(UNIT, new), name="q")
        for milestones in (*([one] for one in MILESTONES), MILESTONES, MILESTONES[::-1]):
            views = view(before, milestones), view(after, milestones)
            found = changed(*views)
            assert (found is None) is (views[0] == replace(views[1], policy="p"))
            if found is not None:
                changes += 1
                assert found.opens or found.closes or found.otherwise
                assert differences(before, after) != []
    assert changes > 100


def test_what_opens_and_closes_on_a_page_is_named():
    milestones = [MILESTONES[-1], MILESTONES[4]]
    before = view(of(UNIT, rule("rights", ()), VARIANTS["plain"]), milestones)
    after = view(of(rule("unit", ("phone",)), VARIANTS["more fields"]), milestones)
    assert changed(before, after) == Changed(("hearing.place", "unit.phone"), ("rights", "unit.name"), ())
    assert changed(None, after) == Changed(
        ("hearing", "hearing.occurred_on", "hearing.place", "page", "unit", "unit.phone"), (), ()
    )
    assert changed(after, None) == Changed(
        (), ("hearing", "hearing.occurred_on", "hearing.place", "page", "unit", "unit.phone"), ()
    )
    assert changed(None, None) is None


def test_another_clause_or_another_wording_of_the_rights_is_a_change_that_opens_nothing():
    before = view(of(UNIT, rule("rights", ()), PLAIN), MILESTONES[:4])
    after = view(of(UNIT, rule("rights", (), clause="d"), VARIANTS["another clause"]), MILESTONES[:4])
    assert changed(before, after) == Changed((), (), ("hearing", "rights"))
