"""What is forgotten of messages, and when: requests and codes after 90 days, news never."""

from sqlalchemy import func, select, update

from caseq import housekeeping
from caseq.store import outcomes, tasks
from caseq.store.tables import attempts, outbox
from caseq.store.tables import tasks as task_rows
from caseq.store.tasks import Kind
from tests.service import Service, case, event, milestone, party


def rows(service: Service) -> list[tuple[str, int]]:
    """The purposes of the messages that are there, each with how often a provider was called."""
    calls = select(func.count()).where(attempts.c.message_id == outbox.c.id).scalar_subquery()
    with service.runtime.database.autocommit() as connection:
        return [tuple(row) for row in connection.execute(select(outbox.c.purpose, calls).order_by(outbox.c.id))]


def a_code_and_news(service: Service) -> None:
    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    service.code_for()
    assert sorted(rows(service)) == [("code", 1), ("news", 1), ("resolve", 0)]


def test_requests_and_codes_are_forgotten_after_90_days_and_news_are_not(service):
    a_code_and_news(service)
    service.clock.advance(days=90)
    housekeeping.tidy(service.runtime)
    assert len(rows(service)) == 3
    service.clock.advance(seconds=1)
    service.push(event("milestone", milestone("case_solved"), time="2027-02-21T09:00:00+08:00"))
    housekeeping.tidy(service.runtime)
    assert rows(service) == [("news", 1), ("news", 0)]


def test_a_code_that_is_under_way_stays_and_a_task_stays_without_its_code(service):
    a_code_and_news(service)
    with service.runtime.database.transaction() as connection:
        ((code,),) = connection.execute(select(outbox.c.id).where(outbox.c.purpose == "code")).all()
        tasks.make(connection, Kind.LOOK, "x", "x", service.clock(), message_id=code)
        connection.execute(update(outbox).where(outbox.c.id == code).values(state="unknown"))
    service.clock.advance(days=91)
    housekeeping.tidy(service.runtime)
    assert sorted(rows(service)) == [("code", 1), ("news", 1)]
    with service.runtime.database.transaction() as connection:
        connection.execute(update(outbox).where(outbox.c.id == code).values(state="needs_human"))
    housekeeping.tidy(service.runtime)
    assert rows(service) == [("news", 1)]
    with service.runtime.database.autocommit() as connection:
        assert connection.execute(select(task_rows.c.message_id, task_rows.c.done_at)).all() == [(None, None)]


def test_no_more_are_deleted_at_a_time_than_asked_for(service):
    a_code_and_news(service)
    service.clock.advance(days=91)
    with service.runtime.database.transaction() as connection:
        assert outcomes.forget_old(connection, service.clock(), 1) == 1
        assert outcomes.forget_old(connection, service.clock(), 10) == 1
        assert outcomes.forget_old(connection, service.clock(), 10) == 0
