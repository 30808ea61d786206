"""What must be agreed to is nowhere before the last signature, and then exactly what was previewed."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from caseq import watching
from caseq.intake import placing, releasing
from caseq.intake.releasing import Done
from caseq.rules.approval import Line, State, Step
from caseq.rules.case import Role
from caseq.rules.duties import Staff, StaffRole
from caseq.store import delegations, releases, staffing
from caseq.store.tables import audit, history, milestones
from tests.dumps import raw_bytes, shown
from tests.service import CASE, NOON, PHONE, Service, case, event, milestone, party

FAMILY = "19911112222"
CHAIN = (Step.UNIT_LEADER, Step.FIRST_REVIEW, Step.BUREAU_LEADER)
MEASURE = milestone("compulsory_measure", subject="S1", details={"measure": "criminal_detention", "action": "imposed"})


@pytest.fixture
def service(service: Service) -> Service:
    """A service in which three have to agree to everything."""
    approval = replace(service.runtime.settings.approval, lines=(Line(None, None, CHAIN),))
    service.runtime = replace(service.runtime, settings=replace(service.runtime.settings, approval=approval))
    service.push(event("case", case()), event("party", party()), event("party", party("suspect_family", phone=FAMILY)))
    return service


@pytest.fixture
def people(service: Service) -> dict[str, Staff]:
    """One of the bureau for each step, and others."""
    unit = "640121510000"
    roles = {
        "unit leader": (StaffRole.LEADER, unit),
        "other leader": (StaffRole.LEADER, "640121520000"),
        "unit": (StaffRole.UNIT, unit),
        "reviewer": (StaffRole.REVIEWER, None),
        "secrecy": (StaffRole.SECRECY_REVIEWER, None),
        "leader": (StaffRole.LEADER, None),
        "auditor": (StaffRole.AUDITOR, None),
    }
    found = {}
    with service.runtime.database.transaction() as connection:
        for n, (name, (role, of)) in enumerate(roles.items()):
            made = staffing.add(connection, Staff(0, f"9000{n}", name, role, of), "-", service.clock())
            assert made is not None
            found[name] = made
    return found


def waiting(service: Service) -> list[releases.Release]:
    with service.runtime.database.autocommit() as connection:
        return list(releases.undecided(connection, service.clock().date()))


def preview(service: Service, release: releases.Release) -> placing.Preview:
    source = service.runtime.settings.sources["criminal"]
    found = placing.preview(service.runtime, release, source, service.clock())
    assert found is not None
    return found


def sign(service: Service, who: Staff) -> Done:
    (release,) = waiting(service)
    mark = preview(service, release).mark
    return releasing.agree(service.runtime, who, release.id, release.step, mark)


def release_all(service: Service, people: dict[str, Staff]) -> int:
    (release,) = waiting(service)
    signed = [sign(service, people[name]) for name in ("unit leader", "reviewer", "leader")]
    assert signed == [Done.SIGNED, Done.SIGNED, Done.RELEASED]
    return release.id


def seen(service: Service, phone: str = PHONE) -> list[dict[str, Any]]:
    """The milestones on the page of whoever has this number; a new code is asked for only where a session is over."""
    tokens = vars(service).setdefault("tokens", {})
    view = service.view(tokens.get(phone))
    if view is None:
        tokens[phone] = service.log_in(phone)
        view = service.view(tokens[phone])
    assert view is not None
    return list(view["milestones"])


def names_seen(service: Service, phone: str = PHONE) -> list[str]:
    return [one["name"] for one in seen(service, phone)]


def test_what_waits_shows_nowhere_and_after_the_last_signature_as_it_was_previewed(
    service: Service, people: dict[str, Staff]
) -> None:
    assert names_seen(service) == []
    assert service.outcomes(event("milestone", MEASURE)) == ["accepted"]
    service.work()
    assert names_seen(service) == []
    assert service.told() == {}
    with service.runtime.database.autocommit() as connection:
        assert connection.execute(select(milestones)).all() == []
        assert connection.execute(select(history.c.id).where(history.c.record == "milestone")).all() == []
    previewed = {one.role: one for one in preview(service, waiting(service)[0]).readers}
    assert previewed[Role.VICTIM].people == 1
    release_all(service, people)
    assert waiting(service) == []
    for role, phone in ((Role.VICTIM, PHONE), (Role.SUSPECT_FAMILY, FAMILY)):
        shown = previewed[role]
        assert shown.after is not None
        assert shown.before is not None
        assert shown.before.milestones == ()
        assert [
            (one["name"], one.get("occurred_on"), one["details"], one["clause"]) for one in seen(service, phone)
        ] == [
            (one.name, str(one.fields["occurred_on"]), _details(one.fields), one.clause)
            for one in shown.after.milestones
        ]


def _details(fields: Any) -> dict[str, object]:
    return {name: value for name, value in fields.items() if name not in ("occurred_on", "document_number")}


def test_the_sms_waits_ten_minutes_and_the_audit_names_everyone(service: Service, people: dict[str, Staff]) -> None:
    service.push(event("milestone", MEASURE))
    release_all(service, people)
    service.clock.advance(minutes=9, seconds=59)
    service.work()
    assert service.told() == {}
    service.clock.advance(seconds=1)
    service.work()
    assert service.told() == {f"+86{PHONE}": 1, f"+86{FAMILY}": 1}
    with service.runtime.database.autocommit() as connection:
        acts = connection.execute(
            select(audit.c.staff_id).where(audit.c.act == "release_agreed").order_by(audit.c.id)
        ).scalars()
        assert list(acts) == [people[name].id for name in ("unit leader", "reviewer", "leader")]


def test_a_release_is_undone_before_any_sms_and_can_be_released_again(
    service: Service, people: dict[str, Staff]
) -> None:
    service.push(event("milestone", MEASURE))
    id_ = release_all(service, people)
    assert names_seen(service) == ["compulsory_measure"]
    service.clock.advance(minutes=9)
    assert releasing.undo(service.runtime, people["leader"], id_, "写错了人") is Done.UNDONE
    assert names_seen(service) == []
    service.clock.advance(minutes=30)
    service.work()
    assert service.told() == {}
    assert waiting(service)[0].state is State.RETURNED
    assert releasing.send_again(service.runtime, people["unit"], id_, "核对无误") is Done.SENT_AGAIN
    release_all(service, people)
    assert names_seen(service) == ["compulsory_measure"]
    service.clock.advance(minutes=10)
    service.work()
    assert service.told()[f"+86{PHONE}"] == 1


def test_after_ten_minutes_nothing_is_undone(service: Service, people: dict[str, Staff]) -> None:
    service.push(event("milestone", MEASURE))
    id_ = release_all(service, people)
    service.clock.advance(minutes=10)
    assert releasing.undo(service.runtime, people["leader"], id_, "晚了") is Done.TOO_LATE
    assert names_seen(service) == ["compulsory_measure"]


def test_an_undone_correction_gives_back_what_stood_there_before(service: Service, people: dict[str, Staff]) -> None:
    service.push(event("milestone", MEASURE))
    release_all(service, people)
    arrest = {**MEASURE, "details": {"measure": "arrest", "action": "changed"}}
    service.push(event("milestone", arrest, sequence="2"))
    assert seen(service)[0]["details"] == {"measure": "criminal_detention"}
    assert waiting(service)[0].urgent
    id_ = release_all(service, people)
    assert seen(service)[0]["details"] == {"measure": "arrest"}
    assert releasing.undo(service.runtime, people["reviewer"], id_, "不对") is Done.UNDONE
    assert seen(service)[0]["details"] == {"measure": "criminal_detention"}


def test_only_the_person_whose_turn_it_is_signs_and_nobody_twice(service: Service, people: dict[str, Staff]) -> None:
    service.push(event("milestone", MEASURE))
    for name in ("other leader", "unit", "reviewer", "secrecy", "leader", "auditor"):
        assert sign(service, people[name]) is Done.NOT_YOURS, name
    assert sign(service, people["unit leader"]) is Done.SIGNED
    until = service.clock() + timedelta(days=3)
    with service.runtime.database.transaction() as connection:
        delegations.add(
            connection, people["reviewer"], people["unit leader"], service.clock(), until, "出差", service.clock()
        )
        delegations.add(
            connection, people["reviewer"], people["secrecy"], service.clock(), until, "出差", service.clock()
        )
    assert sign(service, people["unit leader"]) is Done.SIGNED_ALREADY
    assert sign(service, people["secrecy"]) is Done.SIGNED
    with service.runtime.database.autocommit() as connection:
        assert [one.for_name for one in releases.decided(connection, 1)] == [None, "reviewer"]


def test_a_double_submit_signs_once(service: Service, people: dict[str, Staff]) -> None:
    service.push(event("milestone", MEASURE))
    (release,) = waiting(service)
    mark = preview(service, release).mark

    def agree(who: str) -> Done:
        return releasing.agree(service.runtime, people[who], release.id, 0, mark)

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(agree, ["unit leader"] * 4))
    assert sorted(done) == sorted([Done.SIGNED] + [Done.OVERTAKEN] * 3)
    assert waiting(service)[0].step == 1


def test_last_signatures_at_once_release_once(service: Service, people: dict[str, Staff]) -> None:
    service.push(event("milestone", MEASURE))
    sign(service, people["unit leader"])
    sign(service, people["reviewer"])
    (release,) = waiting(service)
    mark = preview(service, release).mark
    with ThreadPoolExecutor(4) as pool:
        done = list(
            pool.map(lambda _: releasing.agree(service.runtime, people["leader"], release.id, 2, mark), range(4))
        )
    assert done.count(Done.RELEASED) == 1
    service.clock.advance(minutes=10)
    service.work()
    assert service.told() == {f"+86{PHONE}": 1, f"+86{FAMILY}": 1}


def test_what_would_look_otherwise_than_previewed_is_not_signed(service: Service, people: dict[str, Staff]) -> None:
    service.push(event("milestone", MEASURE))
    (release,) = waiting(service)
    mark = preview(service, release).mark
    service.push(event("party", party("complainant", phone="19933334444")))
    assert releasing.agree(service.runtime, people["unit leader"], release.id, 0, mark) is Done.LOOKS_OTHERWISE


def test_a_later_state_takes_the_place_of_what_waits_and_an_earlier_one_is_stale(
    service: Service, people: dict[str, Staff]
) -> None:
    service.push(event("milestone", MEASURE, sequence="2"))
    sign(service, people["unit leader"])
    assert service.outcomes(event("milestone", MEASURE, sequence="1")) == ["stale"]
    later = {**MEASURE, "details": {"measure": "arrest", "action": "imposed"}}
    assert service.outcomes(event("milestone", later, sequence="3")) == ["accepted"]
    (release,) = waiting(service)
    assert (release.sequence, release.step) == ("3", 0)
    assert service.outcomes(event("withdrawal", {"record": "milestone", "key": release.key}, sequence="4")) == [
        "accepted"
    ]
    assert waiting(service) == []


def test_what_is_held_or_of_another_suspect_now_is_covered_at_once(service: Service, people: dict[str, Staff]) -> None:
    service.push(event("milestone", MEASURE))
    release_all(service, people)
    assert names_seen(service, FAMILY) == ["compulsory_measure"]
    service.push(event("milestone", {**MEASURE, "subject": "S2"}, sequence="2", id="e" * 200))
    assert names_seen(service, FAMILY) == []
    assert names_seen(service) == []
    release_all(service, people)
    assert names_seen(service, FAMILY) == []
    assert names_seen(service) == ["compulsory_measure"]


def test_what_is_returned_waits_for_its_unit_and_what_is_withheld_comes_back_when_its_time_is_over(
    service: Service, people: dict[str, Staff]
) -> None:
    service.push(event("milestone", MEASURE))
    (release,) = waiting(service)
    runtime = service.runtime
    assert releasing.give_back(runtime, people["unit leader"], release.id, 0, " ") is Done.UNFIT
    assert releasing.give_back(runtime, people["unit leader"], release.id, 0, "日期不对") is Done.RETURNED
    assert sign(service, people["unit leader"]) is Done.OVERTAKEN
    assert releasing.send_again(runtime, people["unit"], release.id, "已核对") is Done.SENT_AGAIN
    until = date(2026, 11, 30)
    assert releasing.withhold(runtime, people["unit leader"], release.id, 0, "whim", until, "x") is Done.UNFIT
    assert releasing.withhold(runtime, people["unit leader"], release.id, 0, "safety", until, "保护") is Done.WITHHELD
    assert waiting(service) == []
    service.clock.now = NOON + timedelta(days=8)
    release_all(service, people)
    service.clock.advance(minutes=10)
    service.work()
    assert service.told()[f"+86{PHONE}"] == 1


def test_the_checkpoint_counts_what_waits(service: Service) -> None:
    from caseq import intake
    from caseq.rules.case import RecordType

    source = service.runtime.settings.sources["criminal"]
    service.push(event("milestone", MEASURE, sequence="7"))
    found = intake.checkpoint(service.runtime, source)
    assert (found["records"]["milestone"], found["newest_sequence"]) == (1, "7")
    page, _ = intake.held_records(service.runtime, source, RecordType.MILESTONE, "")
    assert [(one.key, one.case_number, one.sequence) for one in page] == [(MEASURE["milestone"], CASE, "7")]


def test_what_waits_is_in_no_dump_of_the_database_and_on_no_page(service: Service, database_url: str) -> None:
    marked = {**MEASURE, "document_number": "标记文号77", "details": {"measure": "arrest", "action": "imposed"}}
    service.push(event("milestone", marked))
    assert shown(["标记文号77"], raw_bytes(service, database_url)) == []
    token = service.log_in(FAMILY)
    client = service.client
    client.set_cookie("caseq", token or "")
    for path in ("/case", "/case/notices", "/preferences"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "强制措施：逮捕" not in answer.get_data(as_text=True)
        assert "标记文号77" not in answer.get_data(as_text=True)
    service.clock.advance(days=10)
    service.work()
    assert service.told() == {}


def test_a_release_names_its_due_date_by_the_shortest_limit(service: Service) -> None:
    service.push(event("milestone", MEASURE))
    (release,) = waiting(service)
    assert release.due_at is not None
    # A detention is told to the family within 24 hours (Criminal Procedure Law, article 85).
    assert release.due_at - release.formed_at == timedelta(hours=24)
    found = watching.state(service.runtime)
    assert (found.releases, found.releases_late) == (1, 0)
    service.clock.advance(hours=24)
    assert watching.state(service.runtime).releases_late == 1
