"""The figures about messages: what is counted, what it costs to count, and what is never in it."""

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from caseq.store import deadnumbers, spending, tasks
from caseq.store.outbox import Lane
from caseq.store.tables import attempts
from caseq.store.tasks import Kind
from tests.service import PHONE, case, event, milestone, party

LABELS = ("lane", "gateway", "outcome", "code", "kind")


def figures(service, name):
    """The samples of one metric: labels without their names, and value."""
    text = service.client.get("/metrics").get_data(as_text=True)
    families = {family.name: family for family in text_string_to_metric_families(text)}
    samples = families[name].samples
    return {tuple(one.labels[label] for label in LABELS if label in one.labels): one.value for one in samples}


@pytest.fixture
def sent(service):
    """A service that has sent news and a code, at 0.045 yuan each."""
    prices = replace(service.runtime.settings.sending, prices={"file": 0.045}, most_codes_a_day=10, most_news_a_day=20)
    service.runtime = replace(service.runtime, settings=replace(service.runtime.settings, sending=prices))
    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    service.code_for()
    return service


def test_what_was_handed_over_today_is_counted_by_lane_with_its_price_and_its_limit(sent):
    assert figures(sent, "caseq_messages_today") == {("codes", "file"): 1, ("news", "file"): 1}
    assert figures(sent, "caseq_message_limit") == {("codes",): 10, ("news",): 20}
    assert figures(sent, "caseq_spent_yuan_today") == {("file",): 0.09}
    assert figures(sent, "caseq_attempts_today") == {("file", "accepted", ""): 2}
    sent.ask()
    sent.clock.advance(minutes=11)
    sent.ask()
    assert figures(sent, "caseq_attempts_today") == {("file", "delivered", ""): 2}


def test_at_the_bureau_s_midnight_the_day_begins_again_and_the_counter_goes_on(sent):
    sent.clock.advance(hours=11, minutes=59)
    assert figures(sent, "caseq_messages_today") == {("codes", "file"): 1, ("news", "file"): 1}
    sent.clock.advance(minutes=1)
    for name in ("caseq_messages_today", "caseq_spent_yuan_today", "caseq_attempts_today"):
        assert figures(sent, name) == {}
    assert figures(sent, "caseq_messages_handed_over") == {("codes", "file"): 1, ("news", "file"): 1}


def test_tasks_dead_numbers_and_stopped_lanes_are_counted(service):
    now = service.clock()
    later = {"due_at": service.clock.now.replace(hour=9)}
    with service.runtime.database.transaction() as connection:
        tasks.make(connection, Kind.TELL, "a", "x", now, **later)
        tasks.make(connection, Kind.TELL, "b", "x", now)
        tasks.make(connection, Kind.LOOK, "c", "x", now)
        deadnumbers.note(connection, service.runtime.sealer, PHONE, "x", now)
        spending.stop(connection, Lane.NEWS, "x", "x", now)
    none = {("answer",): 0, ("supervise",): 0, ("reading",): 0}
    assert figures(service, "caseq_tasks") == {("call",): 0, ("tell",): 2, ("look",): 1, **none}
    assert set(figures(service, "caseq_tasks_late").values()) == {0}
    service.clock.advance(hours=6)
    assert figures(service, "caseq_tasks_late") == {("call",): 0, ("tell",): 1, ("look",): 0, **none}
    assert figures(service, "caseq_dead_numbers") == {(): 1}
    assert figures(service, "caseq_lane_stopped") == {("codes",): 0, ("news",): 1}


def test_what_is_no_code_of_a_provider_is_not_told_as_one(sent):
    with sent.runtime.database.transaction() as connection:
        connection.execute(update(attempts).values(outcome="rejected", code=f"no such number: {PHONE}"))
    assert figures(sent, "caseq_attempts_today") == {("file", "rejected", "other"): 2}
    with sent.runtime.database.transaction() as connection:
        connection.execute(update(attempts).values(code="isv.MOBILE_NUMBER_ILLEGAL"))
    assert figures(sent, "caseq_attempts_today") == {("file", "rejected", "isv.MOBILE_NUMBER_ILLEGAL"): 2}
