"""What staff do to a grant."""

from threading import Thread

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from caseq import granting
from caseq.cli import main
from caseq.granting import Deed
from caseq.store import sessions
from caseq.store.tables import audit
from tests.service import CASE, PHONE, case, environment, event, milestone, party

WHO = {"by": "窗口民警", "reason": "手机丢失"}

SIGNED = ("--by", "法制大队", "--reason", "登记错误")


def a_case(service):
    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))


def test_a_revoked_grant_ends_sessions_codes_and_messages_and_a_confirmed_one_opens_again(service):
    a_case(service)
    token = service.log_in()
    service.clock.advance(seconds=61)
    challenge, code = service.code_for()
    before = granting.do(service.runtime, Deed.REVOKE, CASE, "P-victim", **WHO)
    assert before is not None
    assert before.may_enter
    assert service.view(token) is None
    answer = service.client.post("/api/v1/sessions", json={"challenge": challenge, "code": code})
    assert answer.status_code == 401
    told = len(service.messages())
    service.push(event("milestone", milestone("case_solved")), event("party", party(name="改名"), sequence="2"))
    service.clock.advance(seconds=61)
    assert service.log_in() is None
    assert len(service.messages()) == told
    before = granting.do(service.runtime, Deed.CONFIRM, CASE, "P-victim", **WHO)
    assert before is not None
    assert before.barred == "revoked"
    service.clock.advance(seconds=61)
    assert service.seen_by()["role"] == "victim"


def test_every_deed_stands_in_the_audit_with_who_and_why(service):
    a_case(service)
    for deed in Deed:
        granting.do(service.runtime, deed, CASE, "P-victim", **WHO)
    with service.runtime.database.autocommit() as connection:
        rows = connection.execute(select(audit).where(audit.c.act.in_(list(Deed))).order_by(audit.c.id)).all()
    assert [(row.act, row.facts["by"], row.facts["reason"], row.facts["was"]) for row in rows] == [
        ("revoke", "窗口民警", "手机丢失", None),
        ("confirm", "窗口民警", "手机丢失", "revoked"),
    ]


def test_an_unknown_party_or_case_changes_nothing(service):
    a_case(service)
    assert granting.do(service.runtime, Deed.REVOKE, CASE, "P-nobody", **WHO) is None
    assert granting.do(service.runtime, Deed.REVOKE, CASE + "9", "P-victim", **WHO) is None
    assert service.seen_by() is not None


def test_the_commands_name_grants_without_names_or_telephones(service, database_url, tmp_path):
    a_case(service)
    environ = environment(database_url, tmp_path)

    def run(*arguments):
        return CliRunner().invoke(main, ["access", *arguments], env=environ)

    listed = run("list", CASE)
    assert (listed.exit_code, listed.output) == (0, f"{CASE}\tcriminal\tP-victim\tvictim\t-\tenters\n")
    assert PHONE not in listed.output
    assert run("revoke", CASE, "P-victim", "--by", "x", "--reason", " ").exit_code == 2
    assert run("revoke", CASE, "P-victim", "--by", "窗口", "--reason", "丢失").exit_code == 0
    assert run("list", CASE).output.endswith("\trevoked\n")
    assert run("confirm", CASE, "P-victim", "--by", "窗口", "--reason", "找回").exit_code == 0
    assert run("list", CASE).output == listed.output
    assert run("revoke", CASE, "nobody", "--by", "窗口", "--reason", "丢失").exit_code == 1
    assert run("list", "A0").exit_code == 1


def test_the_command_widens_a_case_once_its_minor_was_a_mistake_and_says_in_the_audit_who_and_why(
    service, database_url, tmp_path
):
    a_case(service)
    environ = environment(database_url, tmp_path)

    def run(*more):
        return CliRunner().invoke(main, ["access", "widen", *more], env=environ)

    assert run(CASE, *SIGNED).exit_code == 1
    service.push(event("case", case(juvenile=True), sequence="2"))
    assert "still tells of a minor" in run(CASE, *SIGNED).output
    service.push(event("case", case(), sequence="3"))
    assert run(CASE, "--by", " ", "--reason", "x").exit_code == 2
    assert run("A0", *SIGNED).exit_code == 1
    assert run(CASE, *SIGNED).exit_code == 0
    with service.runtime.database.autocommit() as connection:
        (row,) = connection.execute(select(audit).where(audit.c.act == "widen")).all()
    assert row.facts == {"by": "法制大队", "reason": "登记错误"}
    assert row.case_id is not None


def test_left_behind_names_who_is_still_in_a_merged_case(service, database_url, tmp_path):
    a_case(service)
    environ = environment(database_url, tmp_path)
    assert CliRunner().invoke(main, ["access", "left-behind"], env=environ).exit_code == 0
    service.push(event("case", case(merged_into="A6401215100002026110099"), sequence="2"))
    left = CliRunner().invoke(main, ["access", "left-behind"], env=environ)
    assert (left.exit_code, left.output.split("\t")[2]) == (1, "P-victim")
    assert "caseq_left_behind 1.0" in service.client.get("/metrics").get_data(as_text=True)


def test_a_session_ends_when_the_number_it_was_opened_with_is_corrected(service):
    a_case(service)
    token = service.log_in()
    service.push(event("party", party(name="改名"), sequence="2"))
    assert service.view(token) is not None
    service.push(event("party", party(phone="19987654321"), sequence="3"))
    assert service.view(token) is None
    token = service.log_in("19987654321")
    without_number = {name: value for name, value in party().items() if name != "phone"}
    service.push(event("party", without_number, sequence="4"))
    assert service.view(token) is None


def test_a_revoked_minor_who_grows_up_stays_revoked(service):
    service.push(event("case", case()), event("party", party(juvenile=True)))
    granting.do(service.runtime, Deed.REVOKE, CASE, "P-victim", **WHO)
    service.push(event("party", party(), sequence="2"))
    assert [row.barred for row in granting.of_case(service.runtime, CASE)] == ["revoked"]


def test_neither_a_session_nor_a_code_from_before_a_revocation_lives_again_when_the_grant_is_confirmed(service):
    a_case(service)
    token = service.log_in()
    service.clock.advance(seconds=61)
    challenge, code = service.code_for()
    for deed in Deed:
        granting.do(service.runtime, deed, CASE, "P-victim", **WHO)
    assert service.view(token) is None
    answer = service.client.post("/api/v1/sessions", json={"challenge": challenge, "code": code})
    assert answer.status_code == 401
    service.clock.advance(minutes=2)
    assert service.seen_by() is not None


def test_a_key_that_two_sources_use_means_the_party_in_the_case_of_that_number(service):
    other = {"case": "A6401215100002026110014", "source": "administrative"}
    a_case(service)
    called_so_too = event("case", case("administrative", aliases=[CASE]), **other)
    service.push(called_so_too, event("party", party(), **other), source="administrative")
    assert granting.do(service.runtime, Deed.REVOKE, CASE, "P-victim", **WHO) is not None
    rows = granting.of_case(service.runtime, CASE)
    assert {row.source: row.barred for row in rows} == {"criminal": "revoked", "administrative": None}


@pytest.mark.parametrize("ending", ["another number", "revoked"])
def test_a_session_that_opens_while_its_grant_is_taken_away_does_not_outlive_that(service, monkeypatch, ending):
    a_case(service)
    challenge, code = service.code_for()
    open_session = sessions.open_session

    def end():
        if ending == "revoked":
            granting.do(service.runtime, Deed.REVOKE, CASE, "P-victim", **WHO)
            granting.do(service.runtime, Deed.CONFIRM, CASE, "P-victim", **WHO)
        else:
            service.push(event("party", party(phone="19987654321"), sequence="2"))

    other = Thread(target=end)

    def meanwhile(*arguments):
        other.start()
        other.join(0.5)
        return open_session(*arguments)

    monkeypatch.setattr(sessions, "open_session", meanwhile)
    answer = service.client.post("/api/v1/sessions", json={"challenge": challenge, "code": code})
    other.join()
    assert answer.status_code == 201
    assert service.view(answer.get_json()["token"]) is None
