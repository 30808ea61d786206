"""The status query costs one statement on PostgreSQL and two on SQLite, as the drivers saw them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from tests.service import Service, case, milestone, party
from tests.service import event as cloud_event

Said = Callable[[], list[str]]


@pytest.fixture
def said(service: Service, tmp_path: Path) -> Iterator[Said]:
    """What has been said to the engine since the last call, statement by statement, below SQLAlchemy."""
    engine = service.runtime.database.engine
    trace = tmp_path / "trace"
    statements: list[str] = []
    with trace.open("wb") as file, trace.open() as reader:

        def listen(driver: Any, _record: Any) -> None:
            if service.runtime.database.is_sqlite:
                driver.set_trace_callback(statements.append)
            else:
                driver.pgconn.trace(file.fileno())

        def since() -> list[str]:
            if service.runtime.database.is_sqlite:
                found = list(statements)
                statements.clear()
                return found
            messages = [line.rstrip("\n").split("\t") for line in reader]
            return ["\t".join(words) for words in messages if words[1:2] == ["F"] and words[3] in ("Query", "Execute")]

        event.listen(engine, "connect", listen)
        engine.dispose()
        yield since
        engine.dispose()


def logged_in(service: Service) -> str:
    steps = [milestone("case_filed"), milestone("case_solved")]
    service.push(cloud_event("case", case()), cloud_event("party", party()))
    service.push(*(cloud_event("milestone", step) for step in steps))
    token = service.log_in()
    assert token is not None
    return token


def test_the_trace_hears_everything(service: Service, said: Said) -> None:
    with service.runtime.database.transaction() as connection:
        connection.exec_driver_sql("SELECT 1")
    heard = " ".join(said())
    assert "BEGIN" in heard
    assert "COMMIT" in heard


def test_a_look_at_a_case_is_one_statement_or_two_on_sqlite(service: Service, said: Said, engine: str) -> None:
    token = logged_in(service)
    for _ in range(8):  # the driver prepares a statement that it meets often
        service.view(token)
    said()
    view = service.view(token)
    assert view is not None
    assert len(view["milestones"]) == 2
    statements = said()
    assert len(statements) == (1 if engine == "postgresql" else 2), statements
    words = " ".join(statements).upper()
    assert not any(word in words for word in ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "PRAGMA"))


def test_a_look_without_a_session_is_one_statement(service: Service, said: Said) -> None:
    for _ in range(8):
        service.view("no such token")
    said()
    assert service.view("no such token") is None
    assert len(said()) == 1


def test_a_push_of_many_events_takes_no_more_round_trips_than_one_of_few(service: Service, said: Said) -> None:
    """The victim is told of every one of them. SQLite repeats its INSERTs, without a round trip."""
    logged_in(service)
    counts = []
    for size in (2, 200):
        said()
        many = [milestone("case_filed", key=f"M-{size}-{n}", document_number=f"{size}/{n}") for n in range(size)]
        assert set(service.outcomes(*(cloud_event("milestone", one) for one in many))) == {"accepted"}
        counts.append(len([statement for statement in said() if not statement.startswith("INSERT")]))
    assert counts[1] <= counts[0]
