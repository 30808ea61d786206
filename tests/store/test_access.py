"""Who may enter and what may be seen, in SQL and in Python: the two must never differ."""

import itertools
from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import ColumnElement, false, insert, literal_column, select, true

from caseq.rules import access as by_rule
from caseq.rules.case import Case, CaseState, Kind, MilestoneName, Party, Role, Unit
from caseq.rules.disclosure import concerns, is_held
from caseq.store import access as in_sql
from caseq.store.tables import cases, milestones, parties, sources
from tests.service import NOON

TODAY = date(2026, 11, 23)
DAY = timedelta(days=1)
DATES = (None, TODAY - DAY, TODAY, TODAY + DAY)


def case_row(id_, **more):
    plain = {"source": "criminal", "number": f"A{id_}", "number_key": f"A{id_}", "unit_name": "x", "juvenile": False}
    return {"id": id_, **plain, "sequence": "1", "formed_at": NOON, "changed_at": NOON, "withdrawn": False, **more}


def party_row(id_, case_id, **more):
    plain = {"source": "criminal", "key": f"P{id_}", "case_id": case_id, "juvenile": False, "sms": False}
    return {"id": id_, **plain, "sequence": "1", "formed_at": NOON, "changed_at": NOON, "withdrawn": False, **more}


def milestone_row(id_, case_id, **more):
    plain = {"source": "criminal", "key": f"M{id_}", "case_id": case_id, "details": {}, "tell_first": False}
    return {"id": id_, **plain, "sequence": "1", "formed_at": NOON, "released_at": NOON, "withdrawn": False, **more}


@pytest.fixture
def store(service):
    """The database and policy of a service, with one source."""
    with service.runtime.database.transaction() as connection:
        connection.execute(insert(sources), {"name": "criminal", "last_push_at": NOON})
    return SimpleNamespace(database=service.runtime.database, policy=service.runtime.settings.policy)


def test_sql_lets_in_whom_the_rule_lets_in(store):
    case_rows = [
        case_row(id_, kind=kind.value, state=state.value)
        for id_, (kind, state) in enumerate(itertools.product(Kind, (CaseState.OPEN, CaseState.WITHHELD)), start=1)
    ]
    spans = [(None, None), *((start, None) for start in DATES[1:]), *((None, end) for end in DATES[1:])]
    party_rows = [
        party_row(id_, row["id"], role=role.value, appeared_on=appeared, valid_from=start, valid_until=end)
        for id_, (row, role, appeared, (start, end)) in enumerate(
            itertools.product(case_rows, Role, DATES, spans), start=1
        )
    ]
    with store.database.transaction() as connection:
        connection.execute(insert(cases), case_rows)
        connection.execute(insert(parties), party_rows)
        entered = select(parties.c.id).join(cases).where(in_sql.may_enter(store.policy))
        found = set(connection.execute(entered, in_sql.days(store.policy, TODAY)).scalars())
    by_id = {row["id"]: row for row in case_rows}
    expected = {row["id"] for row in party_rows if may_enter(store.policy, by_id[row["case_id"]], row)}
    assert found == expected
    assert 0 < len(found) < len(party_rows)


def may_enter(policy, case, party):
    return by_rule.may_enter(
        policy,
        Case(case["number"], Kind(case["kind"]), Unit("x"), CaseState(case["state"])),
        Party(
            party["key"],
            Role(party["role"]),
            appeared_on=party["appeared_on"],
            valid_from=party["valid_from"],
            valid_until=party["valid_until"],
        ),
        TODAY,
    )


def test_sql_lets_nobody_in_by_what_was_withdrawn(store):
    right = {"kind": "criminal", "state": "open"}
    with store.database.transaction() as connection:
        connection.execute(insert(cases), [case_row(1, **right), case_row(2, **right, withdrawn=True)])
        rows = [party_row(1, 1), party_row(2, 1, withdrawn=True), party_row(3, 2)]
        connection.execute(insert(parties), [{**row, "role": "victim"} for row in rows])
        entered = select(parties.c.id).join(cases).where(in_sql.may_enter(store.policy))
        assert connection.execute(entered, in_sql.days(store.policy, TODAY)).scalars().all() == [1]


def text(word: str) -> ColumnElement[str]:
    return literal_column(f"'{word}'")


@pytest.mark.parametrize("is_narrowed", [False, True])
@pytest.mark.parametrize("own", ["S1", None])
def test_sql_reads_what_the_rule_shows(store, own, is_narrowed):
    narrowed: ColumnElement[bool] = true() if is_narrowed else false()
    rows = [
        milestone_row(id_, 1, name=name.value, subject=subject, hidden_until=hidden)
        for id_, (name, subject, hidden) in enumerate(
            itertools.product(MilestoneName, (None, "S1", "S2"), DATES), start=1
        )
    ]
    rows.append(milestone_row(10_000, 1, name="case_filed", subject=None, hidden_until=None, withdrawn=True))
    with store.database.transaction() as connection:
        connection.execute(insert(cases), case_row(1, kind="criminal", state="open"))
        connection.execute(insert(milestones), rows)
        for kind, role in itertools.product(Kind, Role):
            own_column = text(own) if own else literal_column("NULL")
            reader = in_sql.Reader(text(kind), text("open"), text(role), own_column, narrowed)
            seen = in_sql.may_see(store.policy, reader)
            found = set(
                connection.execute(select(milestones.c.id).where(seen), in_sql.days(store.policy, TODAY)).scalars()
            )
            grant = store.policy.grant(kind, role)
            expected = {
                row["id"]
                for row in rows
                if not row["withdrawn"]
                and (rule := grant.milestones.get(row["name"]))
                and concerns(rule.scope, own, row["subject"], is_narrowed)
                and not is_held(row["hidden_until"], TODAY)
            }
            assert (kind, role, found) == (kind, role, expected)
