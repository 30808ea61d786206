"""Every kind x role x milestone x relation x state, through the real store: no leak and no omission, anywhere."""

from collections import Counter
from dataclasses import replace
from datetime import date

import pytest

from caseq.rules.case import bureau_date
from caseq.rules.disclosure import Policy, StoredCase, project
from caseq.store.views import CaseQuery
from caseq.web.api import as_json
from tests.proof import law, worlds
from tests.proof.filled import Grant, fill
from tests.service import Service


@pytest.mark.parametrize("state", worlds.CASE_STATES)
def test_everybody_reads_exactly_what_the_matrix_says(service: Service, state: str) -> None:
    grants = fill(service, state)
    policy = in_force(service, state)
    query = CaseQuery(policy, {name: source.silence for name, source in service.runtime.settings.sources.items()})
    idle, today, read = service.runtime.settings.login.session_idle, bureau_date(service.clock()), 0
    wrong: list[tuple[str, Grant]] = []
    for grant in grants:
        stored = query.load(service.runtime.database, grant.token, service.clock(), idle)
        expected = law.view(grant.case, grant.party, grant.items, grant.narrowed, today)
        read += expected is not None
        if stored is not None and brought(stored) != may_be_brought(grant, today):
            wrong.append(("the query", grant))
        if shown(service, policy, stored, today) != law.comparable(expected):
            wrong.append(("the view", grant))
    assert [(where, grant.name) for where, grant in wrong] == []
    assert read or "past" in state or state in ("withheld", "withdrawn", "in shadow")


def in_force(service: Service, state: str) -> Policy:
    shadow = frozenset(service.runtime.settings.sources) if state == "in shadow" else frozenset[str]()
    return replace(service.runtime.settings.policy, shadow=shadow)


def shown(service: Service, policy: Policy, stored: StoredCase | None, today: date) -> law.View | None:
    """The JSON view of what the query brought."""
    if stored is None:
        return None
    rights = service.runtime.settings.rights.get((stored.kind, stored.role, "zh"), ())
    body = as_json(project(stored, policy, rights, today))
    assert law.is_newest_first(body)
    return law.comparable(body)


def brought(stored: StoredCase) -> Counter[tuple[str, str | None, str | None]]:
    """The milestones that left the database."""
    return Counter((one.name, one.subject, one.document_number) for one in stored.milestones)


def may_be_brought(grant: Grant, today: date) -> Counter[tuple[str, str | None, str | None]]:
    """The milestones that the reader may read something of."""
    asked = (grant.case, grant.party)
    data = (one["data"] for one in grant.items if law.is_read(*asked, one, grant.narrowed, today))
    return Counter((one["name"], one["subject"], one["document_number"]) for one in data)
