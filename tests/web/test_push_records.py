"""The detailed checkpoint: every live record of a source, a page at a time, in an order that both ends sort alike."""

import re

import pytest
from sqlalchemy import event as listening
from sqlalchemy import text

from caseq.intake import taking
from tests.service import CASE, case, event, milestone, party, signed

#: In the order of their bytes, which is neither that of a dictionary nor that of upper and lower case.
KEYS = ["10", "9", "B", "Z-1", "_", "a", "é", "中", "｡", "𠀀"]


def get(service, source="criminal", headers=None, **query):
    now = service.clock.now.timestamp()
    headers = signed(source, b"", now) if headers is None else headers
    return service.client.get(f"/push/v1/{source}/checkpoint/records", query_string=query, headers=headers)


def pages(service, type_, source="criminal"):
    """Every page of the records of this type."""
    after, found = "", []
    while after is not None:
        answer = get(service, source, type=type_, after=after).get_json()
        found.append(answer["records"])
        after = answer["next"]
    return found


@pytest.fixture
def two_a_page(monkeypatch):
    monkeypatch.setattr(taking, "MOST_RECORDS", 2)


def test_each_record_says_its_key_its_case_and_its_sequence(service):
    service.push(event("case", case(), sequence="7"), event("party", party(), sequence="8"))
    service.push(event("milestone", milestone(), sequence="9"))
    assert get(service, type="case").get_json() == {
        "records": [{"key": CASE, "case_number": CASE, "sequence": "7"}],
        "next": None,
    }
    assert pages(service, "party") == [[{"key": "P-victim", "case_number": CASE, "sequence": "8"}]]
    assert pages(service, "milestone") == [[{"key": "M-case_filed", "case_number": CASE, "sequence": "9"}]]


def records_with_keys(type_):
    if type_ == "case":
        return [event("case", case(), case=key) for key in KEYS]
    data = [party(key=key) if type_ == "party" else milestone(key=key) for key in KEYS]
    return [event("case", case()), *(event(type_, each) for each in data)]


@pytest.mark.parametrize("type_", ["case", "party", "milestone"])
def test_pages_follow_each_other_in_the_order_of_bytes(service, two_a_page, type_):
    service.push(*reversed(records_with_keys(type_)))
    found = pages(service, type_)
    keys = [record["key"] for page in found for record in page]
    assert keys == KEYS == sorted(KEYS, key=str.encode)
    assert {len(page) for page in found} == {2}


def test_a_last_page_that_is_full_has_no_next(service, two_a_page):
    service.push(event("case", case()), *(event("party", party(key=key)) for key in "ab"))
    assert get(service, type="party").get_json()["next"] is None
    assert get(service, type="party", after="b").get_json() == {"records": [], "next": None}


def test_the_number_of_a_case_is_as_the_source_gave_it(service):
    service.push(event("case", case(), case="示公（刑）立字 〔2026〕 012 号"))
    assert pages(service, "case")[0][0]["key"] == "示公（刑）立字 〔2026〕 012 号"


def test_only_live_records_of_the_source_itself_are_told(service):
    service.push(event("case", case()), event("party", party(key="gone")), event("party", party(key="here")))
    service.push(event("withdrawal", {"record": "party", "key": "gone"}, sequence="2"))
    service.push(
        event("case", case("trade"), source="trade", case="T1"),
        event("party", party("trade_member", key="theirs"), source="trade", case="T1"),
        source="trade",
    )
    assert [record["key"] for record in pages(service, "party")[0]] == ["here"]
    assert [record["key"] for record in pages(service, "party", "trade")[0]] == ["theirs"]
    assert pages(service, "case", "petition") == [[]]


def test_what_is_not_signed_gets_401(service):
    now = service.clock.now.timestamp()
    wrong = {**signed("criminal", b"", now), "webhook-id": "another"}
    for headers in ({}, wrong, signed("criminal", b"[]", now), signed("criminal", b"", now - 360)):
        assert get(service, headers=headers, type="case").status_code == 401


NO_PAGES = [{}, {"type": ""}, {"type": "withdrawal"}, {"type": "CASE"}, {"type": "case", "after": "\0"}]


@pytest.mark.parametrize("query", NO_PAGES)
def test_a_page_that_there_cannot_be_gets_400(service, query):
    answer = get(service, **query)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


def test_the_pages_are_limited_as_pushes_are(service_with):
    service = service_with(limits={"push": "2 per minute"})
    assert [get(service, type="case").status_code for _ in range(3)] == [200, 200, 429]


INDEXES = {"case": "cases_live_source_number", "party": "parties_live_source_key"}
INDEXES |= {"milestone": "milestones_live_source_key"}


@pytest.mark.parametrize(("type_", "index"), INDEXES.items())
def test_a_page_is_one_statement_that_walks_one_index_and_another_for_what_waits_for_release(service, type_, index):
    statements = []
    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    engine = service.runtime.database.engine

    def note(_connection, _cursor, statement, parameters, _context, _many):
        statements.append((statement, parameters))

    listening.listen(engine, "before_cursor_execute", note)
    get(service, type=type_, after="0")
    listening.remove(engine, "before_cursor_execute", note)
    (statement, parameters), *waiting = statements
    assert ["releases" in one for one, _ in waiting] == [True] * (type_ == "milestone")
    plan = planned(engine, statement, parameters)
    assert f"ix_{index}" in plan
    assert not re.search(r"TEMP B-TREE|Sort|Seq Scan", plan)


def planned(engine, statement, parameters):
    """How the engine would answer this statement; PostgreSQL is told that tables are not as small as here."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            rows = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)
            return "\n".join(row[3] for row in rows)
        connection.execute(text("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off"))
        connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        return "\n".join(row[0] for row in connection.exec_driver_sql("EXPLAIN " + statement, parameters))
