"""Accounts on the command line: the first administrator comes in with what `caseq staff add` prints."""

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from caseq import staffing
from caseq.cli import main
from caseq.commands.staff import ROLES
from caseq.rules.duties import StaffRole
from caseq.store.tables import audit
from tests.service import environment

ADD = ("add", "640001", "--role", "administrator", "--name", "示例管理员", "--by", "科信大队")
WHY = ("--by", "科信大队", "--reason", "换了手机")


@pytest.fixture
def run(service, database_url, tmp_path):
    """Runs one `caseq staff …` on the database of the service."""

    def invoke(*arguments):
        environ = environment(database_url, tmp_path)
        return CliRunner().invoke(main, ["staff", *arguments], env=environ, catch_exceptions=False)

    return invoke


def audited(service) -> list[tuple[str, str, int | None]]:
    with service.runtime.database.autocommit() as connection:
        rows = connection.execute(select(audit.c.act, audit.c.facts, audit.c.staff_id).order_by(audit.c.id))
        return [(act, facts["by"], staff_id) for act, facts, staff_id in rows if act.startswith("staff_")]


def test_the_commands_know_every_role():
    assert set(ROLES) == set(StaffRole)


def test_what_is_printed_lets_the_first_administrator_in(service, run):
    answer = run(*ADD)
    assert answer.exit_code == 0
    begun = staffing.sign_in(service.runtime, "640001", answer.output.strip(), "", "test")
    assert isinstance(begun, staffing.Enrolling)
    assert audited(service) == [("staff_add", "科信大队", None)]
    (listed,) = [json.loads(line) for line in run("list", "--json").output.splitlines()]
    of_account = (listed["badge"], listed["role"], listed["unit"], listed["has_app"], listed["disabled"])
    assert of_account == ("640001", "administrator", None, False, None)


def test_a_badge_has_one_account_only(run):
    assert run(*ADD).exit_code == 0
    again = run(*ADD)
    assert (again.exit_code, again.stdout) == (1, "")
    assert "640001 has an account" in again.stderr


def test_a_disabled_account_lets_nobody_in_and_gets_no_new_password(service, run):
    first = run(*ADD).output.strip()
    assert run("disable", "640001", *WHY).exit_code == 0
    assert staffing.sign_in(service.runtime, "640001", first, "", "test") is staffing.Refused.WRONG
    assert [run(act, "640001", *WHY).exit_code for act in ("disable", "reset")] == [1, 1]
    assert [act for act, *_ in audited(service)] == ["staff_add", "staff_disable"]


def test_after_a_reset_only_the_new_password_works(service, run):
    first = run(*ADD).output.strip()
    second = run("reset", "640001", *WHY).output.strip()
    assert first != second
    assert staffing.sign_in(service.runtime, "640001", first, "", "test") is staffing.Refused.WRONG
    assert isinstance(staffing.sign_in(service.runtime, "640001", second, "", "test"), staffing.Enrolling)


@pytest.mark.parametrize(
    "wrong",
    [
        ("add", "6 4", "--role", "auditor", "--name", "x", "--by", "x"),
        ("add", "64", "--role", "unit", "--name", "x", "--by", "x"),
        ("add", "64", "--role", "chief", "--name", "x", "--by", "x"),
        ("add", "64", "--role", "auditor", "--name", "x"),
        ("disable", "64", "--by", "x"),
    ],
    ids=["a badge with a space", "a unit role without a unit", "no such role", "by nobody", "without a reason"],
)
def test_what_is_typed_wrong_is_a_usage_error(service, run, wrong):
    assert run(*wrong).exit_code == 2
    assert staffing.listed(service.runtime) == []
