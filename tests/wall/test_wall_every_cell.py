"""Every kind x role x milestone x relation x state behind the wall: the same as without it, no leak and no omission."""

from datetime import UTC, datetime

import pytest

from caseq.rules.case import bureau_date
from caseq.rules.disclosure import project
from caseq.web.api import as_json
from tests.proof import law, worlds
from tests.proof.filled import Grant, fill
from tests.wall.walling import Walled

#: A source in shadow is another policy, and so another wall.
STATES = [state for state in worlds.CASE_STATES if state != "in shadow"]


@pytest.mark.parametrize("state", STATES)
def test_everybody_reads_behind_the_wall_exactly_what_the_matrix_says(walled: Walled, state: str) -> None:
    grants = fill(walled.service, state)
    today = bureau_date(walled.service.clock())
    wrong = [grant.name for grant in grants if behind(walled, grant) != expected(grant, today)]
    if today != bureau_date(datetime.now(UTC)):
        pytest.skip("it became midnight while this ran, and the database has a clock of its own")
    assert wrong == []


def behind(walled: Walled, grant: Grant) -> law.View | None:
    """What comes through the wall, as JSON; the projection has nothing left to take away of it."""
    stored = walled.stored(grant.token)
    if stored is None:
        return None
    settings = walled.service.runtime.settings
    rights = settings.rights.get((stored.kind, stored.role, "zh"), ())
    body = as_json(project(stored, settings.policy, rights, bureau_date(walled.service.clock())))
    assert len(stored.milestones) == len(body["milestones"])
    return law.comparable(body)


def expected(grant: Grant, today) -> law.View | None:
    return law.comparable(law.view(grant.case, grant.party, grant.items, grant.narrowed, today))
