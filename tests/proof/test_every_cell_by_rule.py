"""Every kind x role x milestone x relation x state, through the rules alone: may_enter and the projection."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import pytest

from caseq.rules import case as records
from caseq.rules import disclosure, events
from caseq.rules.access import may_enter
from caseq.rules.case import Case, Party, Unit
from caseq.rules.disclosure import StoredCase, StoredMilestone
from caseq.settings import load
from caseq.web.api import as_json
from tests.proof import law, worlds
from tests.service import environment

TODAY = date(2026, 11, 23)
NOON = datetime.combine(TODAY, time(12), law.BUREAU)
MILESTONES = worlds.milestones(TODAY)
#: What the rules are not asked about: the ledger and its SQL know what is withdrawn, barred or in shadow.
NOT_OF_THE_RULES = ("withdrawn", "in shadow", *worlds.BARRED)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load(environment("sqlite:///unused.db", tmp_path_factory.mktemp("rules")))


def built(case: law.Record) -> Case:
    """The case as the service makes it of a push at noon."""
    made = events.BUILDERS["caseq.case.v1"](case["number"], case["data"])
    assert isinstance(made, Case)
    return replace(made, ended_on=records.ended(made, NOON, None))


def stored(case: law.Record, party: law.Record, narrowed: bool, items: Iterable[law.Record]) -> StoredCase:
    """All these milestones but withdrawn ones, whatever the query would have brought."""
    head, who = built(case), party["data"]
    unit = head.unit
    return StoredCase(
        number=case["number"],
        kind=head.kind,
        state=head.state,
        role=who["role"],
        subject=who["subject"],
        narrowed=narrowed,
        unit=Unit(unit.name, unit.code, unit.address, unit.phone),
        transferred_to=head.transferred_to,
        milestones=[stored_milestone(one) for one in items if not one["withdrawn"]],
        as_of=NOON,
        source_silent=False,
        source="criminal",
    )


def stored_milestone(one: law.Record) -> StoredMilestone:
    data = one["data"]
    return StoredMilestone(
        data["name"],
        data["subject"],
        law.day(data["occurred_on"]),
        data["document_number"],
        data["details"],
        law.hidden_until(one),
        one["released_at"],
        one["line_since"],
    )


@pytest.mark.parametrize("state", [state for state in worlds.CASE_STATES if state not in NOT_OF_THE_RULES])
def test_the_rules_show_exactly_what_the_matrix_says(settings: Any, state: str) -> None:
    wrong, looked = [], 0
    for kind, role, party_state in worlds.grants():
        if party_state in NOT_OF_THE_RULES:
            continue
        case = worlds.a_case("A1", kind, state, TODAY)
        party = worlds.a_party("P1", role, party_state, TODAY)
        others = [worlds.a_party("P2", *worlds.OTHERS[state][:1], "a minor", TODAY)] if state in worlds.OTHERS else []
        for other in others:
            other["withdrawn"] = worlds.OTHERS[state][1]
        narrowed = law.is_narrowed(case, [party, *others])
        expected = law.comparable(law.view(case, party, MILESTONES, narrowed, TODAY))
        if seen(settings, case, party, narrowed) != expected:
            wrong.append((kind, role, party_state))
        looked += expected is not None
    assert wrong == []
    assert looked or "past" in state or state == "withheld"


def seen(
    settings: Any, case: law.Record, party: law.Record, narrowed: bool, items: Iterable[law.Record] = MILESTONES
) -> law.View | None:
    """What the rules show of this case to this party today, None if they do not let it in."""
    policy = settings.policy
    asking = events.BUILDERS["caseq.party.v1"](case["number"], party["data"])
    assert isinstance(asking, Party)
    if not may_enter(policy, built(case), asking, TODAY):
        return None
    rights = settings.rights.get((case["data"]["kind"], party["data"]["role"], "zh"), ())
    body = as_json(disclosure.project(stored(case, party, narrowed, items), policy, rights, TODAY))
    assert law.is_newest_first(body)
    return law.comparable(body)
