"""The schema is the sum of the migrations, on both engines, and a database that lacks one says so."""

from contextlib import contextmanager

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from click.testing import CliRunner
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url

from caseq.cli import main
from caseq.store import schema
from caseq.store.database import Database
from caseq.store.sealing import Sealer
from caseq.store.tables import metadata
from tests.service import environment
from tests.service import service as build_service


@pytest.fixture
def empty_url(engine, tmp_path, request):
    """The URL of a database without tables; on PostgreSQL one that only this test sees."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server = request.getfixturevalue("postgresql_server")
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    name = f"caseq_empty_{tmp_path.name.replace('-', '_')}"[:60].lower()
    name = "".join(c if c.isalnum() else "_" for c in name)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


@pytest.fixture
def empty_database(empty_url):
    database = Database(empty_url, Sealer(["test-secret-" + "0" * 32]))
    yield database
    database.close()


@contextmanager
def alembic(database):
    """Alembic's configuration, bound to a transaction of this database."""
    with database.transaction() as connection:
        config = schema.alembic_config()
        config.attributes["connection"] = connection
        yield config


def differences(database):
    """What a new migration would have to do."""
    with database.transaction() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, metadata)


def tables(database):
    with database.engine.connect() as connection:
        return set(inspect(connection).get_table_names()) - {"alembic_version"}


def rows(database):
    with database.engine.connect() as connection:
        return connection.execute(text("SELECT name FROM sources")).scalars().all()


def test_the_tables_are_the_sum_of_the_migrations(empty_database):
    schema.upgrade(empty_database)
    assert differences(empty_database) == []
    assert tables(empty_database) == set(metadata.tables)


def test_a_column_without_a_migration_is_noticed(empty_database):
    schema.upgrade(empty_database)
    with empty_database.transaction() as connection:
        connection.execute(text("ALTER TABLE audit DROP COLUMN facts"))
    assert [change[0] for change in differences(empty_database)] == ["add_column"]


def test_the_conditions_of_the_partial_index_reach_the_database(empty_database):
    """Alembic does not compare conditions, and without its condition this index would forbid a second source."""
    schema.upgrade(empty_database)
    case = (
        "INSERT INTO cases (source, number, number_key, kind, state, unit_name, juvenile, sequence, formed_at,"
        " changed_at, withdrawn) VALUES (:source, 'A1', 'A1', 'trade', 'open', 'x', false, '1', :at, :at, :withdrawn)"
    )
    at = "2026-11-23 00:00:00+00:00"
    with empty_database.transaction() as connection:
        connection.execute(text("INSERT INTO sources (name, last_push_at) VALUES ('a', :at), ('b', :at)"), {"at": at})
        connection.execute(text(case), {"source": "a", "withdrawn": True, "at": at})
        connection.execute(text(case), {"source": "b", "withdrawn": False, "at": at})
        stored = connection.execute(text("SELECT source FROM cases WHERE number_key = 'A1' ORDER BY 1")).scalars().all()
    assert stored == ["a", "b"]


def test_going_down_removes_everything_and_up_again_brings_it_back(empty_database):
    schema.upgrade(empty_database)
    with alembic(empty_database) as config:
        command.downgrade(config, "base")
    assert tables(empty_database) == set()
    schema.upgrade(empty_database)
    assert differences(empty_database) == []


def test_a_second_upgrade_changes_nothing(empty_database):
    schema.upgrade(empty_database)
    with empty_database.transaction() as connection:
        connection.execute(
            text("INSERT INTO sources (name, last_push_at) VALUES ('criminal', '2026-11-23 00:00:00+00:00')")
        )
    schema.upgrade(empty_database)
    assert rows(empty_database) == ["criminal"]
    assert differences(empty_database) == []


def test_a_database_of_a_newer_release_is_left_alone_and_the_command_says_what_to_do(empty_url, tmp_path):
    environ = environment(empty_url, tmp_path)
    assert CliRunner().invoke(main, ["upgrade"], env=environ).exit_code == 0
    engine = create_engine(empty_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    found = CliRunner().invoke(main, ["upgrade"], env=environ)
    assert found.exit_code == 1
    assert "the schema 9999, which this release does not know" in found.output
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"
    engine.dispose()


def test_a_migration_that_fails_halfway_leaves_the_database_as_it_was(empty_database, monkeypatch):
    made = []

    def crash_at_the_fifth(self, name, *columns, **options):
        made.append(name)
        if len(made) == 5:
            raise RuntimeError("killed")
        return create_table(self, name, *columns, **options)

    create_table = Operations.create_table
    monkeypatch.setattr(Operations, "create_table", crash_at_the_fifth)
    with pytest.raises(RuntimeError):
        schema.upgrade(empty_database)
    monkeypatch.undo()
    assert len(made) == 5
    assert tables(empty_database) == set()
    schema.upgrade(empty_database)
    assert differences(empty_database) == []


def test_readyz_asks_for_an_upgrade_until_it_was_made(empty_url, tmp_path):
    service = build_service(empty_url, tmp_path)
    try:
        answer = service.client.get("/readyz")
        assert answer.status_code == 503
        assert answer.get_json() | {"worker": ""} == {
            "database": "ok",
            "migrations": "run caseq upgrade",
            "worker": "",
        }
        schema.upgrade(service.runtime.database)
        assert service.client.get("/readyz").get_json()["migrations"] == "ok"
    finally:
        service.runtime.database.close()


def test_a_case_that_was_there_before_0004_ended_on_the_day_that_its_source_named(empty_database):
    with alembic(empty_database) as config:
        command.upgrade(config, "0003")
    stored = (
        ("concluded", "2024-01-01", None),
        ("concluded", None, None),
        ("transferred", None, '{"name": "x", "on": "2024-01-02"}'),
        ("transferred", None, '{"name": "x", "on": null}'),
        ("transferred", None, None),
        ("open", "2024-01-01", '{"name": "x", "on": "2024-01-02"}'),
    )
    case = (
        "INSERT INTO cases (source, number, number_key, kind, state, unit_name, concluded_on, transferred_to, juvenile,"
        " sequence, formed_at, changed_at, withdrawn) VALUES ('a', :number, :number, 'trade', :state, 'x',"
        " :concluded_on, :transferred_to, false, '1', :at, :at, false)"
    )
    at = "2026-11-22 16:30:00+00:00"
    with empty_database.transaction() as connection:
        connection.execute(text("INSERT INTO sources (name, last_push_at) VALUES ('a', :at)"), {"at": at})
        for number, (state, concluded_on, transferred_to) in enumerate(stored):
            row = {"state": state, "concluded_on": concluded_on, "transferred_to": transferred_to}
            connection.execute(text(case), {"number": str(number), "at": at, **row})
    schema.upgrade(empty_database)
    with empty_database.autocommit() as connection:
        ended = connection.execute(text("SELECT ended_on FROM cases ORDER BY number")).scalars().all()
    assert [day and str(day) for day in ended] == [
        "2024-01-01",
        "2026-11-23",
        "2024-01-02",
        "2026-11-23",
        "2026-11-23",
        None,
    ]


def test_messages_keep_their_calls_through_0010_and_back(empty_database):
    with alembic(empty_database) as config:
        command.upgrade(config, "0009")
    values = {"n": 1, "at": "2026-11-23 04:00:00+00:00"}
    row = (
        "INSERT INTO outbox (purpose, cause, lane, state, created_at, due_at, attempts, gateway, provider_id)"
        " VALUES ('news', 'c1', 1, 'sent', :at, :at, :n, 'twilio', 'SM1')"
    )
    with empty_database.transaction() as connection:
        connection.execute(text(row), values)
        connection.execute(
            text(row.replace("'c1'", "'c2'").replace("'sent'", "'sending'").replace("'SM1'", "NULL")), values
        )
    schema.upgrade(empty_database)
    with empty_database.transaction() as connection:
        calls = connection.execute(text("SELECT message_id, gateway, outcome, provider_id FROM attempts")).all()
        states = connection.execute(text("SELECT state FROM outbox ORDER BY id")).scalars().all()
    assert [tuple(call) for call in calls] == [(1, "twilio", "accepted", "SM1")]
    assert states == ["sent", "needs_human"]
    with alembic(empty_database) as config:
        command.downgrade(config, "0009")
    with empty_database.transaction() as connection:
        back = connection.execute(text("SELECT state, gateway, provider_id FROM outbox ORDER BY id")).all()
    assert [tuple(one) for one in back] == [("sent", "twilio", "SM1"), ("needs_human", None, None)]
