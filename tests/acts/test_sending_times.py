"""News go out when they should, and only then: by day, before the legal end, and once for what is other in the end."""

import os
import time
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import update

from caseq.errors import TryLater
from caseq.rules.case import MilestoneName
from caseq.rules.telling import Line as TellingLine
from caseq.store import outcomes, tellings
from caseq.store.tables import outbox, preferences
from tests.acts.waiting import FIRST, NIGHT, OLD, at, change, here, many, now_of, sent, sent_by, told_as, whom
from tests.provider import Line
from tests.service import Service, event, milestone, party
from tests.service import case as case_data

GONE = {"record": "milestone", "key": "M-case_filed"}


@pytest.fixture
def line(service: Service) -> Line:
    """A case with a victim, known for long; news wait ten minutes and not into the night."""
    made = told_as(service)
    made.service.push(event("case", case_data(), **OLD), event("party", party(), **OLD))
    return made


@pytest.fixture
def first(service: Service) -> Line:
    """The same, where staff tell first that a case was filed."""
    made = told_as(service, TellingLine(frozenset({MilestoneName.CASE_FILED}), None, FIRST))
    made.service.push(event("case", case_data(), **OLD), event("party", party(), **OLD))
    return made


@pytest.mark.parametrize(
    ("pushed", "earliest", "latest"),
    [
        ("2026-11-23T20:49:59", "2026-11-23T20:49:59", "2026-11-23T20:59:59"),
        ("2026-11-23T20:50:00", "2026-11-24T08:00:00", "2026-11-24T08:46:00"),
        ("2026-11-24T07:49:59", "2026-11-24T08:00:00", "2026-11-24T08:46:00"),
        ("2026-11-24T07:50:00", "2026-11-24T08:00:00", "2026-11-24T08:01:00"),
    ],
)
def test_news_go_out_by_day_only(line: Line, pushed: str, earliest: str, latest: str) -> None:
    at(line, pushed)
    change(line)
    if pushed.endswith("20:49:59"):
        line.service.clock.advance(minutes=10)
        assert line.service.clock.now == here("2026-11-23T20:59:59")
        assert sent(line) == 1
        return
    went = sent_by(line, "2026-11-24T09:00:00")
    assert went is not None
    assert here(earliest) <= went <= here(latest)


def test_who_wishes_so_gets_news_by_night(line: Line) -> None:
    at(line, "2026-11-23T22:00:00")
    token = line.service.log_in
    del token
    with line.service.runtime.database.transaction() as connection:
        row = {"party_id": whom(line).id, "sms": True, "language": "zh", "quiet": False, "shared_phone": False}
        row["changed_at"] = line.service.clock()
        connection.execute(preferences.insert(), row)
    change(line)
    line.service.clock.advance(minutes=10)
    assert sent(line) == 1


def test_the_morning_is_spread(line: Line) -> None:
    at(line, "2026-11-23T22:00:00")
    many(line, 30)
    line.service.clock.advance(minutes=10)
    assert sent(line) == 0
    moments = []
    at(line, "2026-11-24T08:00:00")
    while len(line.provider.taken) < 30:
        moments.append(sent(line))
        line.service.clock.advance(minutes=5)
        assert line.service.clock.now < here("2026-11-24T09:00:00")
    assert max(later - earlier for earlier, later in pairwise(moments)) <= 10


@pytest.mark.parametrize(
    ("then", "reason"),
    [
        (event("withdrawal", GONE, sequence="9", **OLD), "nothing new to see"),
        (event("party", party(sms=False), sequence="9", **OLD), "not wanted"),
        (event("withdrawal", {"record": "party", "key": "P-victim"}, sequence="9", **OLD), "may not enter"),
        (event("milestone", milestone(hold={"reason": "有碍侦查"}), sequence="9", **OLD), "nothing new to see"),
    ],
)
def test_in_the_morning_it_is_looked_at_again_whether_there_is_anything_to_tell(
    line: Line, then: dict[str, object], reason: str
) -> None:
    at(line, "2026-11-23T22:00:00")
    change(line)
    line.service.clock.advance(minutes=10)
    assert sent(line) == 0
    line.service.push(then)
    at(line, "2026-11-24T10:00:00")
    assert sent(line) == 0
    assert [(row.state, row.reason) for row in line.messages()] == [("dropped", reason)]


def test_a_mistake_that_is_taken_back_within_the_delay_makes_no_sms(line: Line) -> None:
    change(line)
    line.service.clock.advance(minutes=4)
    line.service.push(event("withdrawal", GONE, sequence="3", **now_of(line)))
    assert sent_by(line, "2026-11-23T16:00:00") is None


@pytest.mark.parametrize(
    ("days", "expected"), [("21 20", 0), ("21 20 21", 1), ("21", 1), ("21 22", 1), ("21 22 20", 0)]
)
def test_only_what_is_other_in_the_end_is_told_and_once(line: Line, days: str, expected: int) -> None:
    change(line, sequence="1", occurred_on="2026-11-20")
    line.service.clock.advance(minutes=30)
    assert sent(line) == 1
    for n, day in enumerate(days.split()):
        change(line, sequence=f"{n + 2}", occurred_on=f"2026-11-{day}")
        line.service.clock.advance(minutes=3)
    line.service.clock.advance(hours=1)
    assert sent(line) == 1 + expected
    line.service.clock.advance(hours=1)
    assert sent(line) == 1 + expected


def test_three_changes_within_the_longest_delay_make_one_sms_and_not_later(line: Line) -> None:
    began = line.service.clock.now
    for name in ("case_filed", "case_solved", "transferred_for_prosecution_review"):
        change(line, name)
        for _ in range(9):
            assert sent(line) == 0
            line.service.clock.advance(minutes=1)
    went = sent_by(line, "2026-11-23T15:00:00")
    assert went is not None
    assert went <= began + timedelta(minutes=31)
    line.service.clock.advance(hours=2)
    assert sent(line) == 1
    assert sorted(line.states()) == ["merged", "merged", "sent"]


def test_changes_that_never_end_are_told_after_the_longest_delay(line: Line) -> None:
    began, n = line.service.clock.now, 1
    while not line.provider.taken:
        n += 1
        change(line, sequence=f"{n:03}", occurred_on=f"2026-11-{1 + n % 20:02}")
        for _ in range(5):
            sent(line)
            line.service.clock.advance(minutes=1)
        assert line.service.clock.now < began + timedelta(hours=1)
    assert line.service.clock.now <= began + timedelta(minutes=36)


def test_what_was_merged_is_told_even_if_the_first_change_is_taken_back_meanwhile(line: Line) -> None:
    """The provider refuses for a while; by the time it takes the SMS, there is only the second change to tell of."""
    change(line, "case_filed")
    change(line, "case_solved")
    line.service.clock.advance(minutes=11)
    line.provider.faults.append(TryLater("20429"))
    assert sent(line) == 0
    line.service.push(event("withdrawal", GONE, sequence="3", **now_of(line)))
    line.service.clock.advance(minutes=20)
    assert sent(line) == 1
    line.service.clock.advance(hours=1)
    assert sent(line) == 1
    assert sorted(line.states()) in (["dropped", "dropped", "sent"], ["dropped", "merged", "sent"])


def legal_end(line: Line) -> datetime:
    row = line.messages()[-1]
    assert row.legal_end_at is not None
    return row.legal_end_at


def test_what_staff_tell_first_waits_until_shortly_before_the_legal_end(first: Line) -> None:
    change(first)
    end = legal_end(first)
    assert not NIGHT.covers(first.messages()[0].due_at)
    went = sent_by(first, "2026-12-05T00:00:00")
    assert went is not None
    assert end - timedelta(hours=14) <= went < end
    assert went <= first.messages()[0].due_at


def test_it_does_not_go_out_when_staff_told_it(first: Line) -> None:
    change(first)
    row = first.messages()[0]
    with first.service.runtime.database.transaction() as connection:
        told = tellings.Telling(row.party_id, row.key, tellings.By.TELEPHONE, None, first.service.clock(), "1")
        tellings.add(connection, told, first.service.clock())
        assert outcomes.told_in_person(connection, row.party_id, row.key, first.service.clock()) == [row.id]
    assert sent_by(first, "2026-12-05T00:00:00") is None


def of_legal_end(line: Line, ends: str, due: str) -> None:
    with line.service.runtime.database.transaction() as connection:
        changed = update(outbox).where(outbox.c.purpose == "news")
        connection.execute(changed.values(legal_end_at=here(ends), due_at=here(due), state="held"))


def test_a_night_does_not_carry_it_past_the_legal_end(first: Line) -> None:
    """The worker comes a moment after the last second of the day; waiting for the morning would be too late."""
    change(first)
    of_legal_end(first, ends="2026-11-26T00:00:00", due="2026-11-25T20:59:59")
    at(first, "2026-11-25T21:00:01")
    assert sent(first) == 1


def test_after_the_legal_end_it_waits_for_the_morning_like_everything(first: Line) -> None:
    change(first)
    of_legal_end(first, ends="2026-11-25T18:00:00", due="2026-11-25T21:30:00")
    at(first, "2026-11-25T21:30:00")
    assert sent(first) == 0
    at(first, "2026-11-26T09:00:00")
    assert sent(first) == 1


def test_a_legal_end_that_was_over_when_it_was_pushed_makes_it_go_out_at_once(first: Line) -> None:
    long_ago = {"time": (first.service.clock() - timedelta(days=20)).isoformat()}
    first.service.push(event("milestone", milestone(), sequence="2", **long_ago))
    assert legal_end(first) < first.service.clock()
    first.service.clock.advance(minutes=10)
    assert sent(first) == 1


def test_a_provisional_legal_end_at_the_turn_of_the_year_is_kept(first: Line) -> None:
    at(first, "2027-12-30T15:00:00")
    change(first)
    row = first.messages()[0]
    assert row.legal_end_provisional
    went = sent_by(first, "2028-01-20T00:00:00")
    assert went is not None
    assert went < row.legal_end_at
    assert not NIGHT.covers(row.due_at)
    assert row.due_at <= went <= row.due_at


def test_news_held_over_the_turn_of_the_year_go_out_in_the_morning(line: Line) -> None:
    at(line, "2026-12-31T22:30:00")
    change(line)
    went = sent_by(line, "2027-01-01T10:00:00")
    assert went is not None
    assert here("2027-01-01T08:00:00") <= went <= here("2027-01-01T08:46:00")


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Shanghai", "UTC"])
def test_the_time_zone_of_the_machine_changes_nothing(line: Line, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    """In the night in which summer time ends in New York."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        at(line, "2026-11-01T13:00:00")  # 01:00 in New York, an hour before the clocks go back
        change(line)
        assert sent_by(line, "2026-11-01T15:00:00") == here("2026-11-01T13:10:00")
        at(line, "2026-11-01T20:55:00")
        change(line, "case_solved")
        went = sent_by(line, "2026-11-02T10:00:00")
        assert went is not None
        assert here("2026-11-02T08:00:00") <= went <= here("2026-11-02T08:46:00")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert os.environ.get("TZ") != "America/New_York"
