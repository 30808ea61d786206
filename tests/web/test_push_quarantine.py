"""Refused events: kept sealed, shown and retried on the command line; and what of it all can be read in the files."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from caseq.cli import main
from caseq.demo.promptly import copied
from caseq.quarantine import end_overtaken, waiting
from caseq.rules.approval import Line, Step
from caseq.store import pushes
from caseq.store.tables import quarantine
from tests.dumps import raw_bytes, shown
from tests.service import CASE, NOON, ROOT, case, environment, event, milestone, party

NAME, PHONE = "欧阳示例", "13912345678"


@pytest.fixture
def run(service, database_url, tmp_path):
    """Runs one `caseq quarantine …` on the database of the service, with its configuration: nothing waits."""
    config = str(copied(ROOT / "config", tmp_path / "config"))

    def invoke(*arguments):
        environ = environment(database_url, tmp_path, CASEQ_CONFIG_DIR=config)
        return CliRunner().invoke(main, ["quarantine", *arguments], env=environ, catch_exceptions=False)

    return invoke


def refused_party():
    return event("party", party(name=NAME, phone=PHONE, officer="某人"))


def state_of_source(service):
    with service.runtime.database.autocommit() as connection:
        return pushes.source_state(connection, "criminal")


def test_an_empty_quarantine_is_an_empty_list(run):
    answer = run("list")
    assert (answer.exit_code, answer.output) == (0, "")


def test_refused_events_are_listed_with_the_wrong_fields_and_without_names(service, run):
    wrong = refused_party()
    service.push(wrong, "nonsense", {**event("case", case()), "id": 5})
    lines = run("list").output.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["1", "2", "3"]
    assert lines[0].split("\t")[1:4] == ["criminal", "2026-11-23T04:00:00+00:00", wrong["id"]]
    assert "data.officer: Unknown field." in lines[0]
    assert "event: must be a JSON object" in lines[1]
    assert lines[2].split("\t")[3] == "-"
    assert NAME not in "".join(lines)
    assert PHONE not in "".join(lines)


def test_one_event_is_shown_as_it_came(service, run):
    wrong = refused_party()
    service.push(wrong)
    answer = run("show", "1")
    assert answer.exit_code == 0
    assert json.loads(answer.output) == {"errors": {"data.officer": ["Unknown field."]}, "event": wrong}


def test_a_number_that_nothing_has_is_an_error(run):
    for number in ("7", "-1", "0"):
        answer = run("show", "--", number)
        assert answer.exit_code == 1
        assert number in answer.stderr
    assert run("show", "seven").exit_code == 2


def test_a_retry_of_what_is_still_wrong_is_refused_again_and_stays(service, run):
    service.push(refused_party())
    answer = run("retry")
    assert answer.exit_code == 1
    assert answer.output.split("\t")[:2] == ["1", "refused"]
    assert len(run("list").output.splitlines()) == 1


def test_a_retry_is_not_the_source_speaking(service, run):
    """The command goes by the time of day, which is later than the clock of this service."""
    service.push(refused_party(), event("case", case()))
    before = state_of_source(service)
    assert before.last_push_at == NOON
    run("retry")
    assert state_of_source(service) == before


def test_a_retry_succeeds_once_the_cause_is_gone(service, run):
    """The number of the case belonged to another source until that one took its case back."""
    service.push(event("case", case("trade"), source="trade"), source="trade")
    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    withdrawn = event("withdrawal", {"record": "case", "key": CASE}, source="trade", sequence="2")
    service.push(withdrawn, source="trade")
    answer = run("retry")
    assert answer.exit_code == 0
    assert [line.split("\t")[:2] for line in answer.output.splitlines()] == [
        ["1", "accepted"],
        ["2", "accepted"],
        ["3", "accepted"],
    ]
    assert run("list").output == ""
    assert service.seen_by()["milestones"][0]["name"] == "case_filed"


def test_only_the_numbers_that_are_named_are_retried(service, run):
    service.push(event("case", case("trade"), source="trade"), source="trade")
    service.push(event("party", party(key="P1")), event("party", party(key="P2")))
    service.push(event("withdrawal", {"record": "case", "key": CASE}, source="trade", sequence="2"), source="trade")
    assert run("retry", "2").output.split("\t")[:2] == ["2", "parked"]
    assert [line.split("\t")[0] for line in run("list").output.splitlines()] == ["1"]


def test_an_event_that_came_again_and_was_taken_leaves_by_itself(service, run):
    right = event("case", case())
    service.push({**right, "data": case("administrative")}, {**right, "data": case("trade")})
    assert len(run("list").output.splitlines()) == 2
    service.push(right)
    assert run("list").output == ""
    assert (run("retry").exit_code, run("retry").output) == (0, "")


def test_an_event_of_another_source_with_the_same_id_stays(service, run):
    wrong = event("case", case("administrative"))
    service.push(wrong)
    service.push({**event("case", case("trade"), source="trade"), "id": wrong["id"]}, source="trade")
    assert len(run("list").output.splitlines()) == 1


def test_what_was_resolved_and_is_refused_again_waits_again(service, run):
    wrong = event("case", case("administrative"))
    service.push(wrong)
    with service.runtime.database.transaction() as connection:
        connection.execute(quarantine.update().values(resolved_at=service.clock.now))
    assert run("list").output == ""
    service.push(wrong)
    assert len(run("list").output.splitlines()) == 1


def test_events_of_a_source_that_is_gone_stay(service, run):
    service.push(refused_party())
    with service.runtime.database.transaction() as connection:
        connection.execute(quarantine.update().values(source="closed"))
    answer = run("retry")
    assert answer.exit_code == 1
    assert "closed" in answer.output
    assert len(run("list").output.splitlines()) == 1


# What is in the files


def test_names_phones_and_codes_cannot_be_read_in_the_database(service, database_url):
    other = party(key="P2", name="司马示例", phone="13712345678")
    parked = event("party", party(key="P3", name="诸葛示例", phone="13612345678"), case="A6401215100002026110099")
    service.push(event("case", case()), event("party", party(name=NAME, phone=PHONE)), event("party", other), parked)
    service.push({**refused_party(), "data": {**party(key="P4", name="上官示例", phone="13512345678"), "x": 1}})
    service.push(event("party", {**other, "phone": "0951-8011234"}, sequence="2"))
    challenge, code = service.code_for(PHONE)
    token = service.client.post("/api/v1/sessions", json={"challenge": challenge, "code": code}).get_json()["token"]
    assert service.view(token) is not None
    service.client.post("/api/v1/codes", json={"case_number": "A6401215100002026110088", "phone": "13412345678"})
    found = raw_bytes(service, database_url)
    assert CASE.encode() in found
    assert "示例县公安局城关派出所".encode() in found
    secrets = ["欧阳示例", "司马示例", "诸葛示例", "上官示例", code, f"{code[:4]} {code[4:]}", challenge, token]
    secrets += [f"13{n}12345678" for n in (9, 7, 6, 5, 4)] + ["8011234", "A6401215100002026110088"]
    assert shown(secrets, found) == []


def test_a_sealed_value_is_another_one_every_time(service):
    service.push(event("party", refused_party()["data"] | {"n": 1}), event("party", refused_party()["data"] | {"n": 2}))
    with service.runtime.database.autocommit() as connection:
        sealed = connection.execute(select(quarantine.c.event_sealed)).scalars().all()
    assert len({value[:40] for value in sealed}) == 2


def numbers_left(service):
    end_overtaken(service.runtime)
    return [item.id for item in waiting(service.runtime)]


def test_what_a_later_event_of_its_record_overtook_leaves_the_list(service):
    service.push(event("case", case()))
    refused = {**party(), "officer": "某人"}
    service.push(*(event("party", refused, sequence=sequence) for sequence in ("3", "2")))
    service.push(event("milestone", {**milestone(), "officer": "x"}, sequence="3"), {"id": "nothing told"})
    withdrawn = {"record": "milestone", "key": "M-case_filed", "reason": "x"}
    service.push(event("withdrawal", {**withdrawn, "officer": "x"}, sequence="5"))
    assert numbers_left(service) == [1, 4, 5]
    service.push(event("party", party(), sequence="1"), event("milestone", milestone(), sequence="4"))
    assert numbers_left(service) == [1, 4, 5], "an earlier state says nothing of a later one"
    service.push(event("party", party(), sequence="4"), event("withdrawal", withdrawn, sequence="6"))
    assert numbers_left(service) == [4]


def test_what_waits_for_its_release_overtakes_too(service):
    settings = service.runtime.settings
    approval = replace(settings.approval, lines=(Line(None, None, (Step.FIRST_REVIEW,)),))
    service.runtime = replace(service.runtime, settings=replace(settings, approval=approval))
    service.push(event("case", case()), event("milestone", {**milestone(), "officer": "x"}))
    assert numbers_left(service) == [1]
    service.push(event("milestone", milestone(), sequence="2"))
    assert numbers_left(service) == []


def test_what_no_key_opens_stays_and_stops_nothing(service):
    service.push(refused_party())
    with service.runtime.database.transaction() as connection:
        connection.execute(update(quarantine).values(event_sealed="broken"))
    service.push(
        event("case", case()), event("party", {**party(), "officer": "x"}), event("party", party(), sequence="2")
    )
    end_overtaken(service.runtime)
    with service.runtime.database.autocommit() as connection:
        left = connection.execute(select(quarantine.c.id).where(quarantine.c.resolved_at.is_(None))).scalars().all()
    assert left == [1]


def test_an_event_whose_sequence_is_at_fault_overtakes_nothing(service):
    service.push(event("case", case()), event("party", {**party(), "officer": "x"}, sequence="2"))
    service.push(event("party", party(), sequence="9" * 101))
    assert numbers_left(service) == [1, 2]
