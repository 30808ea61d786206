"""Transactions: all or nothing, one writer at a time, and errors that name no value."""

import threading

import pytest
from sqlalchemy import insert, select, text

from caseq.errors import DatabaseUnavailable
from caseq.store.database import is_answering
from caseq.store.heartbeats import beat, newest
from caseq.store.tables import received, sources
from tests.service import NOON
from tests.service import service as build_service

ROW = {"name": "criminal", "last_push_at": NOON}


@pytest.fixture
def database(service):
    return service.runtime.database


def names(database):
    with database.autocommit() as connection:
        return connection.execute(select(sources.c.name)).scalars().all()


def insert_and_fail(begin):
    with begin() as connection:
        connection.execute(insert(sources), ROW)
        raise ZeroDivisionError


def test_a_transaction_is_stored_at_its_end(database):
    with database.transaction() as connection:
        connection.execute(insert(sources), ROW)
        assert names(database) == []
    assert names(database) == ["criminal"]


def test_a_transaction_that_fails_stores_nothing(database):
    with pytest.raises(ZeroDivisionError):
        insert_and_fail(database.transaction)
    assert names(database) == []


def test_autocommit_stores_every_statement_by_itself(database):
    with pytest.raises(ZeroDivisionError):
        insert_and_fail(database.autocommit)
    assert names(database) == ["criminal"]


def test_a_row_that_is_there_already_is_unavailable_and_not_repeated_in_the_error(database):
    with database.transaction() as connection:
        connection.execute(insert(sources), ROW)
    with pytest.raises(DatabaseUnavailable) as caught, database.transaction() as connection:
        connection.execute(insert(sources), ROW)
    assert str(caught.value) == "IntegrityError"


def test_foreign_keys_are_kept(database):
    with pytest.raises(DatabaseUnavailable), database.transaction() as connection:
        connection.execute(text("INSERT INTO case_aliases (case_id, alias_key) VALUES (99, 'x')"))


def test_moments_come_back_aware_and_in_utc(database):
    with database.transaction() as connection:
        connection.execute(insert(sources), ROW)
    with database.autocommit() as connection:
        moment = connection.execute(select(sources.c.last_push_at)).scalar_one()
    assert moment == NOON
    assert moment.utcoffset().total_seconds() == 0


def test_writers_take_turns(database):
    """Each reads a number and writes one more: without turns some of the sixty would read the same."""
    with database.transaction() as connection:
        connection.execute(insert(sources), {**ROW, "last_batch": 0})

    def add():
        for _ in range(10):
            with database.transaction() as connection:
                found = connection.execute(select(sources.c.last_batch).with_for_update()).scalar_one()
                connection.execute(sources.update().values(last_batch=found + 1))

    threads = [threading.Thread(target=add) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.autocommit() as connection:
        assert connection.execute(select(sources.c.last_batch)).scalar_one() == 60


@pytest.mark.parametrize("engine", ["sqlite"])
def test_sqlite_writes_through_to_the_disk_and_lets_readers_read(database):
    with database.autocommit() as connection:
        found = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize("engine", ["postgresql"])
def test_postgresql_waits_neither_for_ever_nor_in_local_time(database):
    with database.autocommit() as connection:
        found = {name: connection.execute(text(f"SHOW {name}")).scalar() for name in ("statement_timeout", "timezone")}
    assert found == {"statement_timeout": "30s", "timezone": "UTC"}


def test_a_database_that_is_not_there_does_not_answer(tmp_path):
    lost = build_service("postgresql://127.0.0.1:1/none", tmp_path).runtime.database
    assert not is_answering(lost)
    with pytest.raises(DatabaseUnavailable), lost.transaction():
        pass


def test_a_sqlite_file_in_a_folder_that_is_not_there_yet_gets_its_folder(tmp_path):
    made = build_service(f"sqlite:///{tmp_path}/new/folder/caseq.db", tmp_path).runtime.database
    assert is_answering(made)
    made.close()


def test_the_newest_sign_of_life_counts_and_others_names_do_not(database):
    with database.transaction() as connection:
        beat(connection, "worker a 1", NOON)
        beat(connection, "worker_b", NOON.replace(hour=5))
        beat(connection, "worker a 1", NOON.replace(hour=3))
        assert newest(connection, "worker ") == NOON.replace(hour=3)
        assert newest(connection, "nobody") is None


def test_the_longest_id_fits(database):
    with database.transaction() as connection:
        connection.execute(insert(received), {"source": "s" * 50, "event_id": "漢" * 200, "received_at": NOON})
