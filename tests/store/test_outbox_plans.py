"""What workers ask again and again is found by an index, however many messages were sent before."""

from datetime import timedelta

from sqlalchemy import event, text

from caseq.store import outbox, outbox_figures
from caseq.store.outbox import Lane
from tests.service import NOON


def plan(service, act) -> str:
    """How SQLite finds what the last statement of this act asks for."""
    said = []
    engine = service.runtime.database.engine

    def note(_connection, _cursor, statement, parameters, *_):
        said.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    with service.runtime.database.transaction() as connection:
        act(connection)
        event.remove(engine, "before_cursor_execute", note)
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said[-1][0]}", said[-1][1]).all()
    return "\n".join(row[-1] for row in rows)


def test_messages_that_wait_are_found_by_the_index_of_those_that_wait(service, engine):
    """With the states as parameters SQLite would sort all that waits, a whole night's news, for every claim."""
    if engine == "sqlite":
        claimed = plan(service, lambda c: outbox.claim(c, Lane.NEWS, 5, NOON, timedelta(seconds=45)))
        oldest = plan(service, lambda c: outbox_figures.oldest_due(c, NOON))
        assert "ix_outbox_waiting" in claimed
        assert "ix_outbox_waiting" in oldest
        assert "ORDER BY" not in claimed + oldest
        return
    with service.runtime.database.autocommit() as connection:
        found = "SELECT indexdef FROM pg_indexes WHERE indexname = 'ix_outbox_waiting'"
        definition = connection.execute(text(found)).scalar_one()
    assert "queued" in definition
    assert "held" in definition


def test_messages_are_counted_in_an_index_alone(service, engine):
    if engine == "sqlite":
        assert "COVERING INDEX ix_outbox_state_purpose_id" in plan(service, outbox_figures.counts)
