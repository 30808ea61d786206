"""Providers that are away for a day, clocks that jump, caps of a day: once, not twice, and nothing left behind."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from caseq.errors import OutcomeUnknown, TryLater
from caseq.rules.delivery import Failure, Status
from caseq.store import outbox as messages
from caseq.store.outbox import Lane, Purpose
from caseq.store.tables import outbox
from caseq.texting import sending
from tests.acts.waiting import OLD, at, change, many, now_of, phone_of, sent, tasks_of, told_as, whom
from tests.provider import Line
from tests.service import CASE, PHONE, Service, event, party
from tests.service import case as case_data


@pytest.fixture
def line(service: Service) -> Line:
    """A case with a victim, known for long; news wait ten minutes and not into the night."""
    made = told_as(service)
    made.service.push(event("case", case_data(), **OLD), event("party", party(), **OLD))
    return made


def test_after_a_day_without_provider_what_is_still_true_goes_out_once(line: Line) -> None:
    many(line, 12)
    line.provider.faults = [TryLater("no connection")] * 100_000
    asked = {"case_number": f"{CASE[:-2]}23", "phone": phone_of(3)}
    line.service.client.post("/api/v1/codes", json=asked)
    line.service.work()
    for n in range(48):
        line.service.clock.advance(minutes=30)
        line.service.work()
        if n == 20:
            gone = {"record": "milestone", "key": "M7"}
            line.service.push(event("withdrawal", gone, case=f"{CASE[:-2]}27", sequence="3", **now_of(line)))
    assert line.provider.taken == []
    line.provider.faults = []
    line.rounds(12, minutes=60)
    numbers = [sms.to for sms in line.provider.taken]
    assert sorted(numbers) == sorted(f"+86{phone_of(n)}" for n in range(12) if n != 7)
    ended = {(row.purpose, row.state, row.reason) for row in line.messages()}
    assert ("code", "dropped", "expired") in ended
    assert not {state for _, state, _ in ended} & {"needs_human", "queued", "held", "claimed", "unknown"}
    assert not tasks_of(line)


def test_refusals_do_not_count_as_messages_of_unknown_end(line: Line) -> None:
    """Refused for hours, then one call whose end nobody knows, and that was not taken: no case for a human."""
    change(line)
    line.service.clock.advance(minutes=10)
    for _ in range(6):
        line.provider.faults.append(TryLater("20429"))
        line.rounds(1, minutes=20)
    line.provider.faults.append(OutcomeUnknown("500"))
    line.rounds(3, minutes=20)
    assert line.states() == ["sent"]
    assert len(line.provider.taken) == 1


def test_a_device_notice_older_than_a_day_is_dropped(line: Line) -> None:
    victim = whom(line)
    with line.service.runtime.database.transaction() as connection:
        now = line.service.clock()
        messages.add_notice(connection, Purpose.DEVICE, victim.id, victim.phone_hash, "1", now)
    line.provider.faults = [TryLater("no connection")] * 1000
    line.rounds(26, minutes=60)
    line.provider.faults = []
    line.rounds(3)
    assert line.provider.taken == []
    assert [(row.state, row.reason) for row in line.messages()] == [("dropped", "too late")]


def test_a_message_that_the_provider_cannot_be_asked_about_ends_with_a_human(line: Line) -> None:
    change(line)
    line.service.clock.advance(minutes=10)
    line.provider.faults.append(OutcomeUnknown("reset"))
    assert sent(line) == 0

    def unanswered(*_: object) -> None:
        raise OutcomeUnknown("list")

    line.provider.find = unanswered  # type: ignore[method-assign,assignment]
    line.rounds(60, minutes=60)
    assert line.states() == ["unknown"]
    line.rounds(20, minutes=60)
    assert line.states() == ["needs_human"]
    assert tasks_of(line) == ["call"]


def test_a_notice_to_the_former_number_is_sent_again_to_that_number_only(line: Line) -> None:
    line.service.push(event("party", party(phone="19911119999"), sequence="2", **now_of(line)))
    ready = line.claim()
    line.send(ready)()
    assert ready.sms.to == f"+86{PHONE}"
    line.hear(ready.sms.key, Status.FAILED, Failure.LATER, "30003")
    line.rounds(4, minutes=30)
    assert [sms.to for sms in line.provider.taken] == [f"+86{PHONE}"] * 2
    assert len({sms.text for sms in line.provider.taken}) == 1


# Clocks that jump


@pytest.mark.parametrize("jump", [timedelta(hours=3), timedelta(days=-1)])
@pytest.mark.parametrize("moment", ["claimed", "under way", "unknown"])
def test_a_clock_that_jumps_sends_nothing_twice_and_leaves_nothing_behind(
    line: Line, jump: timedelta, moment: str
) -> None:
    change(line)
    line.service.clock.advance(minutes=11)
    ready = line.claim()
    record = None
    if moment == "under way":
        record = line.send(ready)
    if moment == "unknown":
        line.provider.is_lost = True
        line.send(ready)()
        line.provider.is_lost = False
    line.service.clock.now += jump
    for _ in range(4):  # others look at once; who claimed it has 20 s to begin its call, and may still be calling
        line.service.work()
        line.service.ask()
        line.service.work()
        line.service.clock.advance(seconds=6)
    if moment == "claimed":
        line.send(ready)()
    if record:
        record()
    line.rounds(6, minutes=10)
    assert len(line.provider.taken) == 1
    assert line.states() in (["sent"], ["delivered"])


@pytest.mark.parametrize(("before", "jump"), [(11, -1440), (11, -60), (1, -1440), (1, 180)])
def test_no_code_comes_to_life_by_a_clock_that_jumps(line: Line, before: float, jump: float) -> None:
    service = line.service
    body = {"case_number": CASE, "phone": PHONE}
    challenge = service.client.post("/api/v1/codes", json=body).get_json()["challenge"]
    service.work()
    (sms,) = line.provider.taken
    code = "".join(c for c in sms.text.split("，")[0] if c.isdigit())
    service.clock.advance(minutes=before)
    service.clock.advance(minutes=jump)
    answer = service.client.post("/api/v1/sessions", json={"challenge": challenge, "code": code})
    assert answer.status_code != 201


@pytest.mark.parametrize("resolved", [False, True])
def test_a_code_that_waits_is_not_sent_a_day_later_because_the_clock_was_set_back(line: Line, resolved: bool) -> None:
    service = line.service
    line.provider.faults = [TryLater("20429")] * (1 if resolved else 0)
    service.client.post("/api/v1/codes", json={"case_number": CASE, "phone": PHONE})
    if resolved:
        service.work()
    service.clock.advance(days=-1)
    service.work()
    service.clock.advance(hours=23, minutes=50)
    for _ in range(8):
        service.clock.advance(minutes=5)
        service.work()
    assert line.provider.taken == []


def codes_at_most(line: Line, most: int) -> Line:
    settings = line.service.runtime.settings
    capped = replace(settings, sending=replace(settings.sending, most_news_a_day=most))
    service = replace(line.service, runtime=replace(line.service.runtime, settings=capped))
    return Line(service, line.provider)


def test_what_is_over_the_days_cap_waits_for_the_next_day_of_the_bureau(
    line: Line, capsys: pytest.CaptureFixture[str]
) -> None:
    line = codes_at_most(line, 20)
    many(line, 21)
    line.service.clock.advance(minutes=10)
    capsys.readouterr()
    for _ in range(7):
        ready = sending.claim(line.service.runtime, line.service.router, {Lane.NEWS: 3})
        sending.record(line.service.runtime, line.service.router, [sending.send(line.service.router, r) for r in ready])
    alarms = [row for row in capsys.readouterr().out.splitlines() if "spending" in row]
    assert [f"percent={percent}" in row for percent, row in zip((50, 80, 100), alarms, strict=True)] == [True] * 3
    assert len(line.provider.taken) == 20
    at(line, "2026-11-23T23:59:00")
    assert sent(line) == 20
    at(line, "2026-11-24T09:00:00")
    assert sent(line) == 21


@pytest.mark.parametrize("jump", [timedelta(days=-1), timedelta(hours=-11)])
def test_a_clock_that_is_set_back_gives_no_second_cap(line: Line, jump: timedelta) -> None:
    line = codes_at_most(line, 20)
    many(line, 25)
    line.service.clock.advance(minutes=10)
    assert sent(line) == 20
    line.service.clock.now += jump
    with line.service.runtime.database.transaction() as connection:
        connection.execute(update(outbox).where(outbox.c.state == "held").values(due_at=line.service.clock()))
    assert sent(line) == 20
