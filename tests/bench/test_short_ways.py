"""The short ways past SQLAlchemy and marshmallow give what the long ways give."""

from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import fields
from sqlalchemy import DateTime, select, text
from sqlalchemy.dialects import sqlite

from caseq.errors import DatabaseUnavailable
from caseq.rules.case import MilestoneName, bureau_date
from caseq.store import bulk
from caseq.store.access import days
from caseq.store.columns import Moment
from caseq.store.database import Database
from caseq.store.prepared import Prepared, driver_connection
from caseq.store.sealing import token_hash
from caseq.store.tables import milestones, quarantine, received, sources
from caseq.store.views import Entered
from caseq.web import schemas, shortcut
from tests.service import NOON, Service, case, milestone, party
from tests.service import event as cloud_event

ODD: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        1,
        1.0,
        -1,
        2.5,
        "",
        " ",
        "x",
        "x" * 101,
        "\x07",
        "丁",
        "true",
        "open",
        "criminal",
        "victim",
    ),
    *(
        "2026-11-23",
        "2026-02-30",
        "20261123",
        "2026-11-23T09:00:00+08:00",
        "2026-11-23T09:00:00",
        "2026-11-23t09:00:00z",
    ),
    *(
        [],
        ["a"],
        [None],
        [[]],
        {},
        {"a": 1},
        {"kind": "fine"},
        {"kind": "fine", "amount": 1},
        {"kind": "fine", "days": "2"},
    ),
    *(
        {"reason": "r"},
        {"reason": "r", "until": "2026-12-01"},
        {"reason": None},
        {"name": "n"},
        {"name": "n", "code": 1},
    ),
    *(
        {"measure": "arrest"},
        {"measure": "arrest", "action": "lifted"},
        {"penalties": [{"kind": "other"}]},
        {"place": "p"},
    ),
]
odd = st.sampled_from(ODD)


def whole(data: dict[str, Any], type_: str) -> dict[str, Any]:
    return cloud_event(type_, data)


RIGHT = [
    whole(case(), "case"),
    whole(party(), "party"),
    *(whole(milestone(name.value), "milestone") for name in MilestoneName),
    whole({"record": "milestone", "key": "M1"}, "withdrawal"),
]


@pytest.mark.parametrize("raw", RIGHT, ids=lambda raw: f"{raw['type']} {raw['data'].get('name', '')}")
def test_what_is_right_takes_the_short_way(raw: dict[str, Any]) -> None:
    assert schemas._is_plainly_right(raw, "criminal")
    assert schemas.errors_of(raw, "criminal") == {}


@settings(max_examples=1000, deadline=None)
@given(st.data())
def test_the_short_way_never_takes_what_the_schema_refuses(data: st.DataObject) -> None:
    raw = dict(data.draw(st.sampled_from(RIGHT)))
    raw["data"] = dict(raw["data"])
    types: Any = schemas.DATA[raw["type"]]
    for _ in range(data.draw(st.integers(1, 3))):
        target = data.draw(st.sampled_from([raw, raw["data"]]))
        names = sorted({*target, *(types.fields if target is raw["data"] else ("datacontenttype",)), "unknown"})
        name = data.draw(st.sampled_from(names))
        if data.draw(st.booleans()):
            target[name] = deepcopy(data.draw(odd))
        else:
            target.pop(name, None)
        if not isinstance(raw.get("data"), dict):
            break
    if schemas._is_plainly_right(raw, "criminal"):
        assert schemas._EVENT.validate(raw) == {}
        assert raw["source"] == "criminal"
        assert schemas.DATA[raw["type"]].validate(raw["data"]) == {}


def test_a_field_that_the_short_way_does_not_know_goes_the_long_way() -> None:
    class Unusual(schemas._Strict):
        day = fields.Date()

    assert not shortcut.of(Unusual())({"day": "2026-11-23"})
    assert shortcut.of(Unusual())({})


def test_the_driver_gives_what_sqlalchemy_gives(service: Service) -> None:
    hold = {"reason": "r", "until": "2030-01-01"}
    service.push(whole(case(), "case"), whole(party(), "party"))
    service.push(
        whole(milestone(), "milestone"), whole(milestone("case_solved", hold=hold, occurred_on=None), "milestone")
    )
    token = service.log_in()
    assert token is not None
    database, query, now = service.runtime.database, service.runtime.case_query, service.clock.now
    statement = query._select
    idle = now - timedelta(minutes=15)
    of_policy = days(service.runtime.settings.policy, bureau_date(now))
    asked = {"token_hash": token_hash(token), "now": now, "idle_since": idle, **of_policy}
    with database.autocommit() as connection:
        expected = [tuple(row) for row in connection.execute(statement, asked)]
    prepared = Prepared(statement, database.engine.dialect)
    with driver_connection(database) as driver:
        rows = prepared.run(driver, asked).fetchall()
    found = [tuple(prepared.load(row, 0, len(row))) for row in rows]
    assert found == expected
    assert [list(map(type, row)) for row in found] == [list(map(type, row)) for row in expected]
    assert tuple(column.name for column in statement.selected_columns)[: len(Entered._fields)] == Entered._fields


def _cut_connections(database: Database) -> None:
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as admin:
        others = "pid <> pg_backend_pid() AND datname = current_database()"
        admin.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")


def test_a_connection_that_breaks_while_rows_are_copied_takes_the_idle_ones_with_it(
    service: Service, engine: str
) -> None:
    if engine == "sqlite":
        pytest.skip("SQLite has no connection that could break")
    database = service.runtime.database
    with database.autocommit(), database.autocommit():
        pass  # from now on the pool holds two

    def copy_while_cut() -> None:
        with database.transaction() as connection:
            connection.execute(select(1))
            _cut_connections(database)
            bulk.put(connection, sources, [{"name": "criminal", "last_push_at": NOON}])

    with pytest.raises(DatabaseUnavailable):
        copy_while_cut()
    with database.autocommit() as connection:
        assert connection.execute(select(sources)).all() == []


def test_a_broken_connection_is_a_503_and_the_next_look_works(service: Service, engine: str) -> None:
    if engine == "sqlite":
        pytest.skip("SQLite has no connection that could break")
    service.push(whole(case(), "case"), whole(party(), "party"))
    token = service.log_in()
    assert service.view(token) is not None
    ask = {"Authorization": f"Bearer {token}"}
    _cut_connections(service.runtime.database)
    assert service.client.get("/api/v1/case", headers=ask).status_code == 503
    assert service.client.get("/api/v1/case", headers=ask).status_code == 200


def test_a_transaction_after_a_look_is_a_transaction(service: Service) -> None:
    service.view("no such token")
    database = service.runtime.database

    def fail_after_writing() -> None:
        with database.transaction() as connection:
            bulk.put(connection, sources, [{"name": "criminal", "last_push_at": NOON}])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_after_writing()
    with database.autocommit() as connection:
        assert connection.execute(select(sources)).all() == []


def test_rows_are_put_replaced_or_left(service: Service) -> None:
    service.push(whole(case(), "case"))
    row = {
        "source": "criminal",
        "case_id": 1,
        "name": "case_filed",
        "subject": 'S"1\\',
        "occurred_on": date(2026, 1, 2),
        "document_number": "示〔2026〕'1'号",
        "details": {"a": ["b", None, 1]},
        "hidden_until": date.max,
        "hold_reason": None,
        "tell_first": False,
        "sequence": "1",
        "formed_at": NOON,
        "released_at": NOON,
        "line_since": None,
        "published_at": NOON,
        "due_at": None,
        "due_provisional": None,
        "withdrawn": False,
    }
    rows = [{**row, "key": f"M{n}"} for n in range(3)]
    key = ("source", "key")
    with service.runtime.database.transaction() as connection:
        bulk.put(connection, milestones, rows, key=key, replace=True)
        bulk.put(connection, milestones, [{**rows[0], "subject": None}], key=key)
        bulk.put(connection, milestones, [{**rows[1], "subject": None}], key=key, replace=True)
        bulk.put(connection, milestones, [], key=key)
        found = connection.execute(select(milestones).order_by(milestones.c.id)).mappings().all()
    wanted = [rows[0], {**rows[1], "subject": None}, rows[2]]
    assert [{name: value for name, value in each.items() if name != "id"} for each in found] == wanted
    assert [each["key"] for each in found] == ["M0", "M1", "M2"]
    assert found[0]["formed_at"].tzinfo is UTC


@pytest.mark.parametrize("count", [0, 1, 3000])
def test_a_value_is_found_among_any_number(service: Service, count: int) -> None:
    ids = [f"id {n} '\"\\ 丁" for n in range(count)]
    with service.runtime.database.transaction() as connection:
        bulk.put(
            connection, received, [{"source": "x", "event_id": id_, "received_at": NOON} for id_ in [*ids, "else"]]
        )
        found = connection.execute(
            select(received.c.event_id).where(bulk.among(connection, received.c.event_id, ids))
        ).scalars()
        assert sorted(found) == sorted(ids)


@pytest.mark.parametrize("count", [0, 1, 3000])
def test_every_key_is_looked_up_by_itself(service: Service, engine: str, count: int) -> None:
    """As during a first load, PostgreSQL has no statistics of the table, and many of its rows are of the one source."""
    ids = [f"id {n} '\"\\ 丁" for n in range(count)]
    rows = [
        {"source": "x", "event_id": id_, "received_at": NOON} for id_ in (*ids, *(f"else {n}" for n in range(3000)))
    ]
    with service.runtime.database.transaction() as connection:
        bulk.put(connection, received, [*rows, {"source": "y", "event_id": "only here", "received_at": NOON}])
        of_source = select(received.c.event_id).where(received.c.source == "x")
        wanted = bulk.each(engine, of_source, received.c.event_id, "keys")
        asked = {"keys": bulk.given([*ids, "only here", "nowhere"])}
        assert sorted(connection.execute(wanted, asked).scalars()) == sorted(ids)
        if engine == "postgresql":
            compiled = wanted.params(asked).compile(connection, compile_kwargs={"literal_binds": True})
            plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {compiled}".replace("%", "%%")).scalars())
            assert "pk_received" in plan
            assert "event_id = given.value" in plan.split("Index Cond")[1], plan


def test_whole_numbers_are_found_among_others(service: Service) -> None:
    refused = [{**whole(case(kind="x"), "case"), "id": f"e{n}"} for n in range(3)]
    service.push(*refused)
    with service.runtime.database.autocommit() as connection:
        ids = list(connection.execute(select(quarantine.c.id)).scalars())
        wanted = select(quarantine.c.id).where(bulk.among(connection, quarantine.c.id, ids[:2]))
        assert sorted(connection.execute(wanted).scalars()) == sorted(ids[:2])


def test_moments_are_stored_alike_by_both_ways(service: Service) -> None:
    moment = datetime(2026, 11, 23, 9, 0, 0, 123456, tzinfo=UTC)
    with service.runtime.database.transaction() as connection:
        bulk.put(connection, received, [{"source": "x", "event_id": "bulk", "received_at": moment}])
        connection.execute(received.insert(), {"source": "x", "event_id": "core", "received_at": moment})
        rows = connection.execute(text("SELECT received_at FROM received")).scalars().all()
    assert rows[0] == rows[1]


@pytest.mark.parametrize("microsecond", [0, 1, 123456])
def test_sqlite_is_given_the_text_that_sqlalchemy_makes_of_a_moment(microsecond: int) -> None:
    moment = datetime(987, 1, 2, 3, 4, 5, microsecond, tzinfo=UTC)
    dialect = sqlite.dialect()
    written, long_way = Moment().bind_processor(dialect), DateTime().dialect_impl(dialect).bind_processor(dialect)
    assert written is not None
    assert long_way is not None
    assert written(moment) == long_way(moment)
    assert written(None) is None
