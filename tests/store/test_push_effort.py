"""How much a push makes the database read: what it touches, however many other cases of its source there are."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event

from tests.conftest import new_database
from tests.service import CASE, Service, case, milestone, party
from tests.service import event as pushed

_READ = "SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) FROM pg_stat_xact_user_tables"
_STEPS = 10


@pytest.fixture
def database_url(engine: str, database_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """In a database that was emptied PostgreSQL may still have statistics of what others wrote, and believe them."""
    if engine == "sqlite":
        yield database_url
    else:
        with new_database(request.getfixturevalue("postgresql_server")) as url:
            yield url


def new_cases(first: int, count: int) -> list[dict[str, Any]]:
    """Cases with an alias, a victim and a milestone each."""
    events = []
    for n in range(first, first + count):
        where = {"case": f"{CASE[:-6]}{n:06}"}
        events += [
            pushed("case", case(aliases=[f"旧号{n}"]), **where),
            pushed("party", party(key=f"P{n}", phone=f"199{n:08}"), **where),
            pushed("milestone", milestone(key=f"M{n}"), **where),
        ]
    return events


@contextmanager
def effort(service: Service) -> Iterator[list[int]]:
    """What each transaction within reads: rows on PostgreSQL, steps of its virtual machine on SQLite."""
    found: list[int] = []
    database = service.runtime.database

    def begin(connection: Connection) -> None:
        if database.is_sqlite:
            found.append(0)
            driver(connection).set_progress_handler(count, _STEPS)
        else:
            # Tables of a few pages are rather read whole, which says nothing about large ones.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            found.append(-read(connection))

    def driver(connection: Connection) -> Any:
        return connection.connection.driver_connection

    def read(connection: Connection) -> int:
        # What earlier transactions of the connection read may be in it still.
        return int(connection.exec_driver_sql(_READ).scalar_one())

    def count() -> int:
        found[-1] += _STEPS
        return 0

    def commit(connection: Connection) -> None:
        if database.is_sqlite:
            driver(connection).set_progress_handler(None, 0)
        else:
            found[-1] += read(connection)

    listeners = {"begin": begin, "commit": commit}
    for name, listener in listeners.items():
        event.listen(database.engine, name, listener)
    yield found
    for name, listener in listeners.items():
        event.remove(database.engine, name, listener)


def test_new_cases_are_taken_in_at_the_same_effort_among_many_others(service: Service) -> None:
    with effort(service) as few:
        service.push(*new_cases(0, 20))
    for first in range(1000, 2500, 300):
        service.push(*new_cases(first, 300))
    with effort(service) as many:
        service.push(*new_cases(100, 20))
    assert max(few) > 0
    assert max(many) < 1.5 * max(few) + 100


def changed(first: int, count: int, sequence: str) -> list[dict[str, Any]]:
    """Another number for the victim of each of these cases, another day of the filing, and the case concluded."""
    events = []
    for n in range(first, first + count):
        where = {"case": f"{CASE[:-6]}{n:06}", "sequence": sequence}
        phone = f"19{sequence}{n:08}"
        events += [
            pushed("milestone", milestone(key=f"M{n}", occurred_on=f"2026-11-2{sequence}"), **where),
            pushed("party", party(key=f"P{n}", phone=phone), **where),
            pushed("case", case(state="concluded", concluded_on="2026-11-22"), **where),
        ]
    return events


def test_changes_are_taken_in_at_the_same_effort_among_many_others(service: Service) -> None:
    service.push(*new_cases(0, 20))
    with effort(service) as few:
        service.push(*changed(0, 20, "2"))
    for first in range(1000, 2500, 300):
        service.push(*new_cases(first, 300))
    with effort(service) as many:
        service.push(*changed(0, 20, "3"))
    assert max(few) > 0
    assert max(many) < 1.5 * max(few) + 100
