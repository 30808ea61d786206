"""`caseq messages` and `caseq tasks`: what they print, how they end, and what is never in it."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, update

from caseq.cli import main
from caseq.commands import configured
from caseq.commands import messages as message_commands
from caseq.commands import persons as person_commands
from caseq.rules.case import Role
from caseq.rules.delivery import Failure, Receipt, Status
from caseq.rules.telling import Channel, Line, Manner
from caseq.store import attempts
from caseq.store.outbox import Purpose, State
from caseq.store.tables import audit, outbox
from caseq.store.tellings import By
from caseq.texting import tracing
from tests.acts.test_overseeing import telling_first, with_manner
from tests.service import CASE, PHONE, Service, case, environment, event, milestone, party

SIGNED = ("--by", "窗口民警", "--reason", "当事人来电")
NAME, DOCUMENT, SAFE = "欧阳标记", "标记文号7号", "标记联系方式"


@pytest.fixture
def run(service, monkeypatch):
    """Runs a command on the service, at the time of its clock."""
    monkeypatch.setattr(configured, "runtime", lambda: service.runtime)

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(main, list(arguments))

    return command


def a_case(service: Service) -> None:
    filed = milestone("case_filed", document_number=DOCUMENT)
    service.push(event("case", case()), event("party", party(name=NAME)), event("milestone", filed))


def change(service: Service, **values: Any) -> None:
    with service.runtime.database.transaction() as connection:
        connection.execute(update(outbox).values(**values))


def test_the_words_of_the_options_are_those_of_the_outbox():
    assert set(message_commands.STATES) | {"resolved"} == set(State)
    assert set(message_commands.PURPOSES) == set(Purpose)
    assert set(person_commands.CHANNELS) == set(By)


@pytest.mark.parametrize(
    "words", ["list", "show", "retry", "hold", "release", "code", "told", "dead", "works"], ids=lambda word: word
)
def test_every_command_explains_itself_without_a_database(words):
    shown = CliRunner().invoke(main, ["messages", *words.split(), "--help"], env={"CASEQ_SECRET_KEY": ""})
    assert shown.exit_code == 0
    assert len(shown.output.splitlines()) > 5


def test_the_commands_take_settings_and_database_from_the_environment(service, database_url, tmp_path):
    a_case(service)
    for group in ("messages", "tasks"):
        assert CliRunner().invoke(main, [group, "list"], env=environment(database_url, tmp_path)).exit_code == 0
    lost = environment("postgresql://127.0.0.1:1/none", tmp_path)
    assert CliRunner().invoke(main, ["messages", "list"], env=lost).exit_code == 1


def test_the_list_has_a_line_a_message(service, run):
    a_case(service)
    change(service, state="needs_human", reason="refused too long: E1")
    listed = run("messages", "list")
    line = ["1", "news", "needs_human", "refused too long: E1", "2026-11-23T12:00:00+08:00"]
    assert (listed.exit_code, listed.output.split("\t")[:5]) == (0, line)
    assert listed.output.rstrip("\n").split("\t")[6:] == ["0", CASE, "P-victim", "-"]
    as_json = json.loads(run("messages", "list", "--json").output)
    assert (as_json["id"], as_json["party"], as_json["gateway"]) == (1, "P-victim", None)
    change(service, state="delivered")
    assert run("messages", "list").output == ""
    assert run("messages", "list", "--state", "delivered", "--purpose", "news").output.startswith("1\t")
    assert run("messages", "list", "--all", "--older-than", "2h").output == ""
    service.clock.advance(hours=2)
    assert run("messages", "list", "--all", "--older-than", "2h", "--reason", "refused").output.startswith("1\t")


def test_a_long_list_is_cut_where_it_was_asked_to_be(service, run):
    a_case(service)
    service.push(*(event("milestone", milestone("case_solved", f"M{n}")) for n in range(5)))
    listed = run("messages", "list", "--all", "--limit", "3")
    assert [line.split("\t")[0] for line in listed.output.splitlines()] == ["1", "2", "3"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "--older-than", "soon"),
        ("list", "--state", "lost"),
        ("list", "--all", "--state", "held"),
        ("list", "--limit", "0"),
        ("retry", *SIGNED),
        ("retry", "0", *SIGNED),
        ("retry", str(2**63), *SIGNED),
        ("retry", "1", "--by", "x"),
        ("retry", "1", "--by", " ", "--reason", "x"),
        ("retry", "1", "--by", "x" * 101, "--reason", "x"),
        ("retry", "1", "--by", "x", "--reason", "x" * 201),
        ("retry", "1", "--by", "x", "--reason", "x\ny"),
        ("hold", *SIGNED),
        ("hold", "1", "--all-news", *SIGNED),
        ("release", *SIGNED),
        ("told", CASE, "P-victim", "M", "--channel", "smoke", "--at", "2026-11-23T12:00", "--by", "x"),
        ("told", CASE, "P-victim", "M", "--channel", "paper", "--at", "noon", "--by", "x"),
    ],
)
def test_a_command_that_is_typed_wrongly_ends_with_2(run, arguments):
    assert run("messages", *arguments).exit_code == 2


def test_refused_acts_say_why_in_one_line_and_end_with_1(service, run):
    a_case(service)
    change(service, state="sent")
    for arguments in (
        ("messages", "show", "9"),
        ("messages", "retry", "1", *SIGNED),
        ("messages", "hold", "1", *SIGNED),
        ("messages", "release", "1", *SIGNED),
        ("messages", "release", "--all-news", *SIGNED),
        ("messages", "code", CASE, "nobody", *SIGNED),
        ("messages", "dead", CASE, "nobody", *SIGNED),
        ("messages", "works", CASE, "P-victim", *SIGNED),
        ("messages", "told", CASE, "P-victim", "x", "--channel", "paper", "--at", "2026-11-23T12:00", "--by", "x"),
        ("tasks", "done", "9", "--by", "x", "--note", "x"),
    ):
        refused = run(*arguments)
        assert (refused.exit_code, refused.stdout, refused.stderr.count("\n")) == (1, "", 1), arguments


def test_of_several_messages_each_is_tried_by_itself(service, run):
    a_case(service)
    change(service, state="failed")
    done = run("messages", "retry", "9", "1", *SIGNED)
    assert (done.exit_code, done.stdout) == (1, "1: queued\n")
    change(service, state="failed")
    assert run("messages", "retry", "1", *SIGNED).exit_code == 0


def test_news_are_held_and_released_all_together_and_one_by_one(service, run):
    a_case(service)
    for what in ("1", "--all-news"):
        for command in ("hold", "release"):
            done = run("messages", command, what, *SIGNED)
            assert (done.exit_code, done.output.count("\n")) == (0, 1)


def test_whether_a_code_was_delivered_is_said_in_plain_words(service, run):
    a_case(service)
    assert run("messages", "code", CASE, "P-victim", *SIGNED).output.startswith("Nothing was asked for")
    service.client.post("/api/v1/codes", json={"case_number": CASE, "phone": PHONE})
    assert "waits for a worker" in run("messages", "code", CASE, "P-victim", *SIGNED).output
    service.clock.advance(seconds=2)
    service.work()
    sent = run("messages", "code", CASE, "P-victim", *SIGNED).output.splitlines()
    assert re.fullmatch(r"2026-11-23T12:00:00\+08:00\tcode \d+\twas sent; the provider has not said .*", sent[0])
    assert sent[1] == "\tfile\tit took the message, 2026-11-23T12:00:02+08:00"
    service.clock.advance(minutes=11)
    service.ask()
    said = run("messages", "code", CASE, "P-victim", *SIGNED).output
    assert "ARRIVED" in said
    assert "it arrived, said 2026-11-23T12:11:02+08:00" in said


def test_a_code_that_did_not_arrive_and_a_request_without_one_are_told_apart(service, run):
    a_case(service)
    for _ in range(6):
        service.code_for()
        service.clock.advance(minutes=6)
    with service.runtime.database.autocommit() as connection:
        newest = connection.execute(_newest_code()).scalar_one()
        call = attempts.of_messages(connection, [newest])[newest][-1]
    assert call is not None
    receipt = Receipt(call.provider_id or "", Status.FAILED, "30003", Failure.NUMBER)
    tracing.hear(service.runtime, "file", attempts.key_of(call.id), receipt)
    said = run("messages", "code", CASE, "P-victim", *SIGNED).output
    assert "DID NOT ARRIVE (30003)" in said
    assert "it did not arrive (code 30003)" in said
    assert said.count("no code was made: a limit") == 1
    assert "limit hour" in said
    assert "The number is dead" in said
    assert "party=1" in said


def _newest_code() -> Any:
    return select(outbox.c.id).where(outbox.c.purpose == "code").order_by(outbox.c.id.desc()).limit(1)


def test_tasks_are_listed_and_done(service, run):
    telling = telling_first(service)
    a_case(telling)
    line = run("tasks", "list").output.rstrip("\n").split("\t")
    assert line[:2] == ["640121510000", "示例县公安局城关派出所"]
    assert line[3] == "tell"
    assert line[7:] == [CASE, "P-victim", "victim", "M-case_filed", "-"]
    as_json = json.loads(run("tasks", "list", "--json", "--unit", "640121510000").output)
    assert (as_json["kind"], as_json["milestone"]) == ("tell", "M-case_filed")
    assert run("tasks", "list", "--unit", "0").output == ""
    done = run("tasks", "done", line[2], "--by", "窗口民警", "--note", "没人接")
    assert (done.exit_code, done.stdout) == (0, f"{line[2]}: done\n")
    assert "caseq messages told" in done.stderr
    assert run("tasks", "list").output == ""


def test_a_moment_without_a_zone_is_the_bureau_s(service, run):
    telling = telling_first(service)
    a_case(telling)
    told = ("messages", "told", CASE, "P-victim", "case_filed", "--channel", "in person", "--by", "x", "--at")
    assert run(*told, "2026-11-23T12:06").exit_code == 1
    done = run(*told, "2026-11-23T12:00")
    assert (done.exit_code, done.output) == (0, "told: M-case_filed; messages that ended: 1; the task is done\n")
    with telling.runtime.database.autocommit() as connection:
        (facts,) = connection.execute(select(audit.c.facts).where(audit.c.act == "told")).scalars()
    assert datetime.fromisoformat(facts["at"]).utcoffset() == timedelta(hours=8)


def test_no_output_no_log_line_and_no_audit_row_holds_a_number_a_name_a_text_or_a_code(service, run, logged):
    """Everything that may never be seen is a marker; every command is run in every state that a message has."""
    victim_told_first = Line(
        None, frozenset({Role.VICTIM}), Manner(Channel.SMS, timedelta(minutes=10), None, tell_first=True)
    )
    a_case(service)
    token = service.log_in()
    wishes = {"language": "zh", "safe_contact": SAFE}
    service.client.patch("/api/v1/preferences", json=wishes, headers={"Authorization": f"Bearer {token}"})
    service.clock.advance(minutes=3)
    _, code = service.code_for()
    service.push(event("party", party(phone="19987654321", name=NAME), sequence="2"))
    telling = with_manner(service, victim_told_first.manner)
    telling.push(event("milestone", milestone("case_solved", document_number=DOCUMENT)))
    service.work()
    with service.runtime.database.autocommit() as connection:
        ids = list(connection.execute(select(outbox.c.id)).scalars())
    said = []
    for state in (None, *State):
        if state is not None:
            change(service, state=state.value)
        commands: list[tuple[str, ...]] = [
            ("messages", "list"),
            ("messages", "list", "--all", "--json"),
            ("tasks", "list"),
        ]
        commands += [("messages", "show", str(id_)) for id_ in ids]
        commands += [("messages", act, str(id_), *SIGNED) for id_ in ids for act in ("hold", "release", "retry")]
        commands += [("messages", act, CASE, "P-victim", *SIGNED) for act in ("code", "dead", "code", "works")]
        said += [run(*command) for command in commands]
    told = ("told", CASE, "P-victim", "case_filed", "--channel", "paper", "--at", "2026-11-23T12:00", "--by", "x")
    said += [run("messages", *told), run("tasks", "list", "--json")]
    said += [run("tasks", "done", str(n), "--by", "x", "--note", "x") for n in range(1, 4)]
    output = "".join(one.output for one in said)
    assert {one.exit_code for one in said} == {0, 1}
    assert output.count("P-victim") > 20
    with service.runtime.database.autocommit() as connection:
        rows = connection.execute(select(audit)).all()
    assert {"message_held", "code_looked_up", "number_dead", "told"} <= {row.act for row in rows}
    texts = [line["text"] for line in service.gateway.messages()]
    assert len(texts) > 3
    heap = output + json.dumps([list(row) for row in rows] + logged, default=str, ensure_ascii=False)
    for secret in (PHONE, "19987654321", "5678", "4321", NAME, DOCUMENT, SAFE, code, f"{code[:4]} {code[4:]}", *texts):
        assert secret not in heap, secret
    assert not re.search(r"1[3-9]\d{9}(?!\d)", heap.replace(CASE, ""))
