"""A row as no code of ours writes it goes to a human, and nothing that was claimed with it."""

import pytest
from sqlalchemy import text

from caseq.store import tasks
from tests.service import Service, case, event, milestone, party

OTHER, OTHER_CASE = "19911110002", "A6401215100002026110013"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE parties SET role = 'uncle' WHERE key = 'P-victim'", "cannot be understood: see the log"),
        ("UPDATE outbox SET record = 'rumour' WHERE party_id = 1", "cannot be understood: see the log"),
    ],
)
def test_a_row_that_nobody_can_read_goes_to_a_human_and_the_others_go_out(
    service: Service, change: str, reason: str
) -> None:
    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    of_other = {"case": OTHER_CASE}
    service.push(
        event("case", case(), **of_other),
        event("party", party(key="P-other", phone=OTHER), **of_other),
        event("milestone", milestone(key="M-other"), **of_other),
    )
    with service.runtime.database.transaction() as connection:
        connection.execute(text(change))
    service.work()
    assert len(service.messages(OTHER)) == 1
    with service.runtime.database.autocommit() as connection:
        rows = connection.execute(text("SELECT reason FROM outbox WHERE state = 'needs_human'")).scalars().all()
        assert rows == [reason]
        assert [task.kind for task in tasks.waiting(connection)] == [tasks.Kind.CALL]
