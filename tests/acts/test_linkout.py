"""Coming by a link of a regional system: once, with a live key, and without a trace of whom or what."""

import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from caseq import housekeeping, linkout
from caseq.linkout import Arrival
from caseq.settings.jwksfile import JwksFile
from caseq.store.tables import audit, link_tokens
from tests.links import BACK, EC_JWK, REGION, claims, config_with_region, token, write_jwks
from tests.service import CASE
from tests.service import service as build_service


@pytest.fixture
def config(tmp_path):
    return config_with_region(tmp_path)


@pytest.fixture
def seconds():
    """The seconds of the machine, apart from the time of day; to be moved by hand."""
    return [1000.0]


@pytest.fixture
def service(database_url, tmp_path, clock, config, seconds):
    built = build_service(database_url, tmp_path, clock, CASEQ_CONFIG_DIR=str(config))
    region = built.runtime.settings.regions[REGION]
    file = JwksFile(region.jwks, region.algorithms, lambda: seconds[0])
    built.runtime = replace(built.runtime, link_keys={REGION: file})
    yield built
    built.runtime.database.close()


def rows(service, table):
    with service.runtime.database.autocommit() as connection:
        return connection.execute(select(table)).all()


def arrive(service, text, region=REGION):
    return linkout.arrive(service.runtime, region, text)


def test_a_good_token_brings_its_number_and_the_way_back(service):
    assert arrive(service, token(claims(return_url=BACK))) == Arrival(REGION, CASE, BACK)
    assert arrive(service, token(claims(jti="j-2", case_number=f" {CASE} "), key="ec")) == Arrival(REGION, CASE, None)


def test_a_way_back_that_is_not_listed_is_left_out(service):
    evil = token(claims(return_url="https://query.example.org@evil.example.org/progress/"))
    assert arrive(service, evil) == Arrival(REGION, CASE, None)


def test_a_token_works_once(service):
    text = token()
    assert arrive(service, text) is not None
    assert arrive(service, text) is None
    assert arrive(service, token(claims(exp=claims()["exp"] - 1))) is None, "another token of the same id"
    assert arrive(service, token(claims(jti="j-2"))) is not None


def test_of_fifty_parallel_uses_of_one_token_exactly_one_gets_through(service):
    text = token()
    with ThreadPoolExecutor(50) as pool:
        arrived = list(pool.map(lambda _: arrive(service, text), range(50)))
    assert sum(arrival is not None for arrival in arrived) == 1
    assert len(rows(service, link_tokens)) == 1
    assert len(rows(service, audit)) == 1


def test_a_refused_token_leaves_nothing_behind(service):
    for text in ("", token(key="other"), token(claims(exp=claims()["iat"] + 200))):
        assert arrive(service, text) is None
    assert arrive(service, token(), region="west") is None
    assert rows(service, link_tokens) == rows(service, audit) == []
    assert arrive(service, token()) is not None, "its id was not used up"


def test_the_database_holds_neither_token_nor_id_nor_number(service):
    text = token(claims(jti="an-id-to-be-found", return_url=BACK))
    assert arrive(service, text) is not None
    stored = repr(rows(service, link_tokens) + rows(service, audit))
    for secret in (*text.split("."), "an-id-to-be-found", CASE, BACK):
        assert secret not in stored
    assert [(row.act, row.facts) for row in rows(service, audit)] == [("arrive", {"region": REGION})]


def test_used_tokens_are_forgotten_after_some_days_and_not_before(service, clock):
    assert arrive(service, token()) is not None
    clock.advance(days=2)
    housekeeping.tidy(service.runtime)
    assert len(rows(service, link_tokens)) == 1
    clock.advance(minutes=3)
    housekeeping.tidy(service.runtime)
    assert rows(service, link_tokens) == []


def test_a_clock_set_back_a_day_revives_no_token(service, clock):
    text = token()
    assert arrive(service, text) is not None
    clock.advance(days=1)
    housekeeping.tidy(service.runtime)
    clock.now -= timedelta(days=1)
    assert arrive(service, text) is None


def test_a_token_of_a_withdrawn_key_is_refused_within_a_minute(service, config, seconds):
    assert arrive(service, token()) is not None
    write_jwks(config, EC_JWK)
    seconds[0] += 60
    assert arrive(service, token(claims(jti="j-2"))) is None
    assert arrive(service, token(claims(jti="j-2"), key="ec")) is not None


def test_with_a_broken_key_file_nothing_is_taken_and_the_log_says_so(service, config, seconds, logged):
    path = write_jwks(config, EC_JWK)
    path.write_text("{")
    seconds[0] += 60
    assert arrive(service, token(key="ec")) is None
    (line,) = [line for line in logged if line["event"] == "region_keys_unusable"]
    assert line["log_level"] == "error"
    assert (line["region"], str(path) in line["fault"]) == (REGION, True)


def test_the_log_names_the_cause_and_nothing_of_the_token(service, logged):
    refused = {"audience": token(claims(aud="x-aud-x")), "key": token(kid="x-kid-x"), "form": "x-form-x"}
    for text in refused.values():
        assert arrive(service, text) is None
    arrive(service, token())
    arrive(service, token())
    assert [line["cause"] for line in logged] == [*refused, "used"]
    assert "x-" not in repr(logged)
    assert CASE not in repr(logged)


def test_nobody_is_called_whatever_a_token_asks_for(service, monkeypatch):
    built = service.runtime.database
    with built.autocommit():
        pass  # The connection of the database is open.

    def call(*_):
        raise AssertionError("an outbound call")

    monkeypatch.setattr(socket, "getaddrinfo", call)
    monkeypatch.setattr(socket.socket, "connect", call)
    header: dict[str, Any] = {
        "jku": "https://evil.example.org/jwks",
        "x5u": "https://evil.example.org/x",
        "jwk": {"kty": "OKP"},
    }
    assert arrive(service, token(key="other", **header)) is None
    assert arrive(service, token(kid="https://evil.example.org/key")) is None
    assert arrive(service, token(None, **header)) is not None
