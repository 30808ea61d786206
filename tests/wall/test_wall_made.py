"""Making the wall: before which roles it is not made, what leaves it standing, and how one sees that it is another."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from caseq.cli import main
from caseq.errors import ConfigurationError, WallRefused
from caseq.settings import load
from caseq.store import wall
from tests.service import CASE, case, environment, event, party
from tests.wall.walling import Walled, apply

#: What makes a role too mighty, how it is undone, and what the refusal says.
MIGHT = {
    "a superuser": ("ALTER ROLE @ SUPERUSER", "ALTER ROLE @ NOSUPERUSER", "too mighty"),
    "one that row-level security does not bind": ("ALTER ROLE @ BYPASSRLS", "ALTER ROLE @ NOBYPASSRLS", "too mighty"),
    "one that makes roles": ("ALTER ROLE @ CREATEROLE", "ALTER ROLE @ NOCREATEROLE", "too mighty"),
    "a member of others": ("GRANT pg_read_all_data TO @", "REVOKE pg_read_all_data FROM @", "member of pg_read_all"),
    "an owner": (
        "CREATE SCHEMA wall_thief AUTHORIZATION @",
        "DROP SCHEMA wall_thief",
        "owns something",
    ),
    "one with a table elsewhere": (
        "CREATE SCHEMA wall_thief; CREATE TABLE wall_thief.t (x int); GRANT SELECT (x) ON wall_thief.t TO PUBLIC",
        "DROP SCHEMA wall_thief CASCADE",
        "has rights, its own or those of PUBLIC, on wall_thief.t",
    ),
    "one that makes objects elsewhere": (
        "CREATE SCHEMA wall_thief; GRANT CREATE ON SCHEMA wall_thief TO PUBLIC",
        "DROP SCHEMA wall_thief CASCADE",
        "may make objects in wall_thief",
    ),
    "one that runs functions elsewhere": (
        """CREATE SCHEMA wall_thief; GRANT USAGE ON SCHEMA wall_thief TO PUBLIC;
           CREATE FUNCTION wall_thief.f() RETURNS int LANGUAGE sql AS 'SELECT 1'""",
        "DROP SCHEMA wall_thief CASCADE",
        "may run wall_thief.f",
    ),
}


@pytest.mark.parametrize("who", MIGHT)
def test_the_wall_is_not_made_before_a_role_that_is(walled: Walled, who: str) -> None:
    give, take, reason = MIGHT[who]
    walled.do(give.replace("@", walled.role), url=walled.urls.admin)
    try:
        with pytest.raises(WallRefused, match=reason):
            apply(walled.service.runtime)
    finally:
        walled.do(take.replace("@", walled.role), url=walled.urls.admin)
    apply(walled.service.runtime)
    settings = walled.service.runtime.settings
    behind = walled.service.runtime.behind_wall
    assert behind is not None
    assert wall.state(behind, settings.policy, settings.login.session_idle) == "ok"


def state(walled: Walled, **changes: object) -> str:
    """What is said of the standing wall by a service with another policy."""
    settings = walled.service.runtime.settings
    behind = walled.service.runtime.behind_wall
    assert behind is not None
    return wall.state(behind, replace(settings.policy, **changes), settings.login.session_idle)  # type: ignore[arg-type]


def test_a_wall_of_another_policy_is_noticed(walled: Walled) -> None:
    settings = walled.service.runtime.settings
    other = "is of another policy: run caseq policy sql --apply"
    assert state(walled) == "ok"
    assert state(walled, shadow=frozenset({"criminal"})) == other
    assert state(walled, closing={**settings.policy.closing, "criminal": 1}) == other
    fewer = dict(list(settings.policy.grants.items())[1:])
    assert state(walled, grants=fewer) == other
    behind = walled.service.runtime.behind_wall
    assert behind is not None
    assert wall.state(behind, settings.policy, timedelta(minutes=1)) == other
    assert walled.service.client.get("/readyz").get_json()["wall"] == "ok"
    walled.do("COMMENT ON SCHEMA caseq_wall IS 'caseq wall 0'")
    assert walled.service.client.get("/readyz").get_json()["wall"] == other
    walled.do("DROP SCHEMA caseq_wall CASCADE")
    assert state(walled) == "there is none: run caseq policy sql --apply"


def test_a_role_that_may_not_log_in_is_noticed(walled: Walled) -> None:
    behind = walled.service.runtime.behind_wall
    assert behind is not None
    behind.engine.dispose()
    walled.do(f"ALTER ROLE {walled.role} NOLOGIN", url=walled.urls.admin)
    try:
        assert state(walled) == "the role of CASEQ_QUERY_DATABASE_URL cannot connect"
    finally:
        walled.do(f"ALTER ROLE {walled.role} LOGIN", url=walled.urls.admin)
    assert state(walled) == "ok"


def test_the_command_prints_what_it_applies_and_check_tells_of_it(walled: Walled, tmp_path: Path) -> None:
    environ = environment(walled.urls.owner, tmp_path, CASEQ_QUERY_DATABASE_URL=walled.urls.reader)
    walled.do("DROP SCHEMA caseq_wall CASCADE")
    run = CliRunner().invoke
    checked = run(main, ["check"], env=environ)
    assert checked.exit_code == 1
    assert "wall: there is none: run caseq policy sql --apply" in checked.output
    assert run(main, ["policy", "sql", "--apply"], env=environ).exit_code == 0
    checked = run(main, ["check"], env=environ)
    assert "wall: ok" in checked.output
    printed = run(main, ["policy", "sql"], env=environ).output
    settings = walled.service.runtime.settings
    assert printed == f"BEGIN;\n{wall.sql(settings.policy, settings.login.session_idle, walled.role)}COMMIT;\n"
    walled.do("DROP SCHEMA caseq_wall CASCADE")
    walled.do(printed)
    assert state(walled) == "ok"


def test_sqlite_has_no_wall(sqlite_template: Path, tmp_path: Path) -> None:
    environ = environment(f"sqlite:///{sqlite_template}", tmp_path)
    done = CliRunner().invoke(main, ["policy", "sql", "--apply"], env=environ)
    assert done.exit_code == 1
    assert "SQLite has no roles" in done.output
    assert 'CREATE ROLE "caseq_query" NOLOGIN' in CliRunner().invoke(main, ["policy", "sql"], env=environ).output
    unnamed = CliRunner().invoke(main, ["policy", "sql", "--role", ""], env=environ)
    assert (unnamed.exit_code, "letters, digits" in unnamed.output) == (1, True)


@pytest.mark.parametrize("role", ["", "a b", 'a"b', "a'b", "a$caseq$", "1a", "a" * 64, "职"])
def test_no_role_is_called_so(role: str, tmp_path: Path) -> None:
    settings = load(environment("sqlite:///x.db", tmp_path))
    with pytest.raises(WallRefused, match="letters, digits"):
        wall.sql(settings.policy, settings.login.session_idle, role)


POSTGRES = "postgresql://owner@127.0.0.1/caseq"
REFUSED = {
    "a file": ("sqlite:///x.db", POSTGRES, "must be postgresql://ROLE@HOST"),
    "without a role": ("postgresql://127.0.0.1/caseq", POSTGRES, "must be postgresql://ROLE@HOST"),
    "an odd role": ("postgresql://a%22b@127.0.0.1/caseq", POSTGRES, "must be postgresql://ROLE@HOST"),
    "another engine": ("mysql://caseq_query@127.0.0.1/caseq", POSTGRES, "must be postgresql://ROLE@HOST"),
    "no address": ("postgresql://caseq_query@127.0.0.1:port/caseq", POSTGRES, "must be postgresql://ROLE@HOST"),
    "the service on SQLite": ("postgresql://caseq_query@127.0.0.1/caseq", "sqlite:///x.db", "needs PostgreSQL"),
    "the user of the service": (POSTGRES, POSTGRES, "must not be the user of CASEQ_DATABASE_URL"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_address_behind_the_wall_must_not_be(what: str, tmp_path: Path) -> None:
    url, service, reason = REFUSED[what]
    with pytest.raises(ConfigurationError) as refused:
        load(environment(service, tmp_path, CASEQ_QUERY_DATABASE_URL=url))
    assert [fault.key for fault in refused.value.faults] == ["CASEQ_QUERY_DATABASE_URL"]
    assert reason in str(refused.value)
    assert url not in str(refused.value)


def test_an_address_with_its_own_role_is_taken(tmp_path: Path) -> None:
    given = load(environment(POSTGRES, tmp_path, CASEQ_QUERY_DATABASE_URL="postgres://caseq_query:x@127.0.0.1/caseq"))
    assert given.query_database_url == "postgresql+psycopg://caseq_query:x@127.0.0.1/caseq"
    assert load(environment(POSTGRES, tmp_path)).query_database_url is None


def test_an_explanation_warns_of_a_wall_that_is_of_another_policy(walled: Walled, tmp_path: Path) -> None:
    service = walled.service
    service.push(event("case", case()), event("party", party()))
    environ = environment(walled.urls.owner, tmp_path, CASEQ_QUERY_DATABASE_URL=walled.urls.reader)
    asked = ["policy", "explain", "--case", CASE, "--party", party()["party"], "--by", "T", "--reason", "R"]
    explained = CliRunner().invoke(main, asked, env=environ)
    assert explained.exit_code == 0
    assert "attention" not in explained.output
    walled.do("COMMENT ON SCHEMA caseq_wall IS 'caseq wall 0'")
    explained = CliRunner().invoke(main, asked, env=environ)
    assert explained.exit_code == 0
    assert "the second wall in PostgreSQL is of another policy: run caseq policy sql --apply" in explained.output
    assert "enters" in explained.output
