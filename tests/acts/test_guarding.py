"""Unusual reading makes one task a person and an hour, and searches of the auditor find what was done."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import insert, select

from caseq import guarding, looking
from caseq.cli import main
from caseq.rules.duties import Staff, StaffRole
from caseq.store import auditing, tasks
from caseq.store.tables import audit, staff
from caseq.store.tasks import Kind
from tests.service import CASE, UNIT, Service, case, environment, event, milestone, party

OTHER = "A6401215100002026110013"


@pytest.fixture
def guarded(service: Service) -> Service:
    """A service with two cases, where more than two cases an hour are unusual."""
    service.push(event("case", case()), event("milestone", milestone()), event("party", party(sms=False)))
    service.push(event("case", case(), case=OTHER))
    settings = service.runtime.settings
    settings = replace(settings, audit=replace(settings.audit, reads_an_hour=2))
    service.runtime = replace(service.runtime, settings=settings)
    return service


def hire(service: Service, unit: str | None, badge: str = "1001") -> int:
    row = {"badge": badge, "name": "x", "role": "unit", "unit": unit, "password_hash": "x"}
    more = {"must_change": False, "totp_last_step": 0, "made_at": service.clock()}
    with service.runtime.database.transaction() as connection:
        return int(connection.execute(insert(staff).returning(staff.c.id), row | more).scalar_one())


def read(service: Service, staff_id: int, *case_ids: int, act: str = "desk") -> None:
    with service.runtime.database.transaction() as connection:
        for case_id in case_ids:
            auditing.record(connection, act, service.clock(), case_id=case_id, staff_id=staff_id)


def reasons(service: Service) -> list[str]:
    with service.runtime.database.autocommit() as connection:
        return [task.reason for task in tasks.waiting(connection, kinds=[Kind.READING])]


def test_whoever_reads_more_cases_than_the_setting_says_makes_one_task_an_hour(guarded: Service) -> None:
    clerk = hire(guarded, None)
    read(guarded, clerk, 1, 1, 1, 2, 2)
    guarding.look(guarded.runtime)
    assert reasons(guarded) == []
    read(guarded, clerk, 3)
    guarding.look(guarded.runtime)
    read(guarded, clerk, 4, 5)
    guarding.look(guarded.runtime)
    assert reasons(guarded) == [f"staff {clerk} read 3 cases within an hour"]
    guarded.clock.advance(minutes=61)
    guarding.look(guarded.runtime)
    read(guarded, clerk, 1, 2, 3)
    guarding.look(guarded.runtime)
    assert len(reasons(guarded)) == 2


def test_a_task_that_was_done_is_not_made_again_for_the_same_hour(guarded: Service) -> None:
    clerk = hire(guarded, None)
    read(guarded, clerk, 1, 2, 3)
    guarding.look(guarded.runtime)
    with guarded.runtime.database.transaction() as connection:
        (task,) = tasks.waiting(connection)
        tasks.finish(connection, task.id, "auditor", "x", guarded.clock())
    guarding.look(guarded.runtime)
    assert reasons(guarded) == []


def test_acts_that_read_no_case_are_not_counted(guarded: Service) -> None:
    clerk = hire(guarded, None)
    read(guarded, clerk, 1, 2, 3, 4, act="staff_sign_in")
    read(guarded, clerk, 1, 2, 3, 4, act=looking.SEARCH)
    guarding.look(guarded.runtime)
    assert reasons(guarded) == []


def test_a_watched_case_read_by_its_own_unit_makes_a_task_and_by_another_none(guarded: Service) -> None:
    own, other = hire(guarded, UNIT["code"]), hire(guarded, "640121520000", "1002")
    read(guarded, own, 1)
    guarded.clock.advance(minutes=1)
    assert guarding.watch(guarded.runtime, CASE, "审计", "本单位民警是当事人") is None
    assert guarding.watch(guarded.runtime, CASE, "审计", "x") is guarding.Refused.WATCHED
    assert guarding.watch(guarded.runtime, "A1", "审计", "x") is guarding.Refused.NOBODY
    guarded.clock.advance(minutes=1)
    guarding.look(guarded.runtime)
    read(guarded, other, 1)
    read(guarded, own, 2)
    guarding.look(guarded.runtime)
    assert reasons(guarded) == []
    read(guarded, own, 1)
    guarding.look(guarded.runtime)
    guarding.look(guarded.runtime)
    assert reasons(guarded) == [f"staff {own} read watched case 1 of the own unit"]
    assert guarding.unwatch(guarded.runtime, CASE, "审计", "x") is None
    assert guarding.unwatch(guarded.runtime, CASE, "审计", "x") is guarding.Refused.NOT_WATCHED
    assert guarding.watched_cases(guarded.runtime) == []


def test_such_a_task_is_not_among_those_of_any_unit(guarded: Service) -> None:
    read(guarded, hire(guarded, UNIT["code"]), 1, 2, 3)
    guarding.look(guarded.runtime)
    with guarded.runtime.database.autocommit() as connection:
        assert tasks.waiting(connection, unit=UNIT["code"]) == []
        assert tasks.waiting(connection, kinds=[Kind.CALL, Kind.TELL, Kind.LOOK]) == []


def test_the_auditor_finds_by_case_by_badge_and_by_day_and_each_search_is_noted(guarded: Service) -> None:
    clerk = hire(guarded, None)
    auditor = Staff(hire(guarded, None, "9001"), "9001", "x", StaffRole.AUDITOR, None)
    guarded.seen_by()
    read(guarded, clerk, 1, 2)
    guarded.clock.advance(days=1)
    read(guarded, clerk, 2)

    def found(**wanted: object) -> list[tuple[str, str | None, str | None]]:
        entries = looking.search(guarded.runtime, looking.Wanted(**wanted), auditor)  # type: ignore[arg-type]
        assert entries is not None
        return [(one.act, one.case_number, one.badge) for one in entries if one.act in ("desk", "view", "login")]

    of_one = ("desk", CASE, "1001")
    assert found(case_number=CASE) == [of_one, ("view", CASE, None), ("login", CASE, None)]
    assert found(badge="1001") == [("desk", OTHER, "1001"), ("desk", OTHER, "1001"), of_one]
    assert found(badge="1001", day=date(2026, 11, 24)) == [("desk", OTHER, "1001")]
    assert found(case_number=CASE, badge="1001") == [of_one]
    assert ("view", CASE, None) in found(day=date(2026, 11, 23))
    assert found(day=date(2026, 11, 24)) == [("desk", OTHER, "1001")]
    assert looking.search(guarded.runtime, looking.Wanted(badge="7"), auditor) is None
    assert looking.search(guarded.runtime, looking.Wanted(case_number="A1"), auditor) is None
    with guarded.runtime.database.autocommit() as connection:
        noted = select(audit.c.staff_id, audit.c.case_id, audit.c.facts).where(audit.c.act == looking.SEARCH)
        rows = [tuple(row) for row in connection.execute(noted.order_by(audit.c.id))]
    assert len(rows) == 8
    assert rows[0] == (auditor.id, 1, {})
    assert rows[2] == (auditor.id, None, {"of_staff": clerk, "day": "2026-11-24"})


def test_the_commands_watch_list_and_show(guarded: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = guarded.runtime.database.url.render_as_string(hide_password=False)
    for name, value in environment(url, tmp_path).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> tuple[int, str]:
        answer = CliRunner().invoke(main, ["audit", *arguments])
        return answer.exit_code, answer.output

    said = ("--by", "审计", "--reason", "检查")
    assert run("watch", CASE, *said) == (0, f"{CASE}: watched\n")
    assert run("watch", CASE, *said) == (1, "It is watched already.\n")
    assert run("watched")[1].startswith(f"{CASE}\t{UNIT['code']}\t")
    code, output = run("show", "--case", CASE, *said)
    assert code == 0
    assert "\twatch_case\t" in output
    assert run("show", *said)[0] == 2
    assert run("show", "--badge", "x", *said) == (1, "No such case, or no account with this badge.\n")
    assert run("unwatch", CASE, *said) == (0, f"{CASE}: not watched any more\n")
