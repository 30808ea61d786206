"""The proof sees every change of the policy: a rule less, a field more, another scope or role turns it red."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from caseq.rules.case import Role
from caseq.rules.disclosure import Policy, Rule, Scope, policy
from caseq.settings import load
from tests import matrix
from tests.proof import law, worlds
from tests.proof.test_every_cell_by_rule import MILESTONES, TODAY, seen
from tests.service import environment


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load(environment("sqlite:///unused.db", tmp_path_factory.mktemp("rules")))


def changed(rule: Rule) -> Iterator[tuple[str, Rule | None]]:
    """This rule in every way in which somebody could get one thing of it wrong; None: it is left out."""
    if not rule.online:
        yield "online", replace(rule, online=True)  # all else of it is seen by nobody
        return
    yield "left out", None
    for field in rule.fields:
        yield f"without {field}", replace(rule, fields=tuple(name for name in rule.fields if name != field))
    if rule.item not in ("unit", "rights"):
        yield "with an inner note", replace(rule, fields=(*rule.fields, "internal_note"))
        yield from ((f"of {scope}", replace(rule, scope=scope)) for scope in Scope if scope is not rule.scope)
    for role in rule.roles:
        yield f"without {role}", replace(rule, roles=tuple(one for one in rule.roles if one is not role))
    # A role that has this item by another rule would have it twice, which the settings refuse.
    others = [role for role in Role if (rule.kind.value, role.value, rule.item) not in matrix.CELLS]
    yield from ((f"with {role}", replace(rule, roles=(*rule.roles, role))) for role in others)
    yield "not online", replace(rule, online=False)
    if rule.item != "rights":  # the JSON view gives rights without their clause
        yield "by another clause", replace(rule, clause="别的")


def test_every_change_of_every_rule_is_noticed(settings: Any) -> None:
    in_force: Policy = settings.policy
    missed, tried = [], 0
    for n, rule in enumerate(in_force.rules):
        for what, other in changed(rule):
            rules = (*in_force.rules[:n], *([other] if other else []), *in_force.rules[n + 1 :])
            tried += 1
            wrong = replace(policy(in_force.name, rules), closing=in_force.closing)
            if not is_noticed(settings, wrong, rule):
                missed.append((rule.kind.value, rule.item, rule.roles[0].value, what))
    assert missed == []
    assert tried > 300
    assert len(in_force.rules) >= 30


def is_noticed(settings: Any, wrong: Policy, rule: Rule) -> bool:
    """Whether some role of this kind of case sees something else than the law says, in an open case."""
    case = worlds.a_case("A1", rule.kind, "open", TODAY)
    tried = replace(settings, policy=wrong)
    for role in Role:
        party = worlds.a_party("P1", role, "as it must be", TODAY)
        expected = law.comparable(law.view(case, party, ITEMS[rule.item], False, TODAY))
        if seen(tried, case, party, False, ITEMS[rule.item]) != expected:
            return True
    return False


ITEMS = {
    item: [one for one in MILESTONES if one["data"]["name"] == item and not one["withdrawn"]]
    for item in ("unit", "rights", *{one["data"]["name"] for one in MILESTONES})
}
