"""Edges of the queries; each was found by a break of the code that nothing else noticed."""

from datetime import date

import pytest
from sqlalchemy import func, insert, select

from caseq.rules.case import Kind, Role
from caseq.rules.disclosure import Policy, Rule, Scope, policy
from caseq.store.access import Reader, days, may_enter, may_see, written
from caseq.store.tables import cases, milestones, parties, sources
from tests.service import NOON, PHONE, Service, case, event, party
from tests.store.test_access import case_row, milestone_row, party_row

TODAY = date(2026, 11, 23)
UNIT = Rule(1, "clause", Kind.CRIMINAL, (Role.VICTIM,), True, "unit", Scope.CASE, ("name",))


def counts(service: Service, in_force: Policy) -> tuple[int, int]:
    """How many parties enter and how many milestones are read, of one of each."""
    reader = Reader(cases.c.kind, cases.c.state, parties.c.role, parties.c.subject, cases.c.narrowed)
    read = select(func.count()).select_from(milestones.join(cases).join(parties)).where(may_see(in_force, reader))
    entered = select(func.count()).select_from(parties.join(cases)).where(may_enter(in_force))
    with service.runtime.database.transaction() as connection:
        found = [connection.execute(one, days(in_force, TODAY)).scalar_one() for one in (entered, read)]
    return found[0], found[1]


def test_without_a_rule_nobody_enters_and_nothing_is_read(service: Service) -> None:
    with service.runtime.database.transaction() as connection:
        connection.execute(insert(sources), {"name": "criminal", "last_push_at": NOON})
        connection.execute(insert(cases), case_row(1, kind="criminal", state="open"))
        connection.execute(insert(parties), party_row(1, 1, role="victim"))
        connection.execute(insert(milestones), milestone_row(1, 1, name="case_filed"))
    assert counts(service, service.runtime.settings.policy) == (1, 1)
    assert counts(service, policy("empty", [])) == (0, 0)
    assert counts(service, policy("a unit only", [UNIT])) == (1, 0)


def test_a_word_in_a_statement_ends_where_it_ends(service: Service) -> None:
    with service.runtime.database.transaction() as connection:
        assert connection.execute(select(written("it's 'so'"))).scalar_one() == "it's 'so'"


def test_a_code_that_went_to_a_number_which_is_the_party_s_no_more_opens_nothing(service: Service) -> None:
    service.push(event("case", case()), event("party", party()))
    challenge, code = service.code_for(PHONE)
    service.push(event("party", party(phone="19911110009"), sequence="2"))
    answer = service.client.post("/api/v1/sessions", json={"challenge": challenge, "code": code})
    assert answer.status_code != 201
    service.push(event("party", party(), sequence="3"))
    answer = service.client.post("/api/v1/sessions", json={"challenge": challenge, "code": code})
    assert answer.status_code == 201


@pytest.mark.parametrize("change", [{"subject": "S2"}, {"subject": None}, {"role": "suspect_family"}])
def test_a_session_is_of_one_role_and_one_suspect_and_ends_when_either_changes(
    service: Service, change: dict[str, str | None]
) -> None:
    service.push(event("case", case()), event("party", party("suspect")))
    token = service.log_in()
    assert service.view(token) is not None
    service.push(event("party", {**party("suspect"), **change}, sequence="2"))
    assert service.view(token) is None
