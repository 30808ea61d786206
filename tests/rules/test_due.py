"""When a limit ends: working days, calendar days, hours; local midnight, changed clocks, and how it was counted."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseq.rules.case import BUREAU_TIME, bureau_date
from caseq.rules.workdays import Calendar, Due, Limit, LimitUnit, Reason, due
from tests.workcalendar import DAY_AND_NIGHT, FIVE, OFF, ON, PUBLISHED, THREE_DAYS, days, known_up_to, noon


@pytest.fixture(autouse=True)
def _known_to_2026() -> Iterator[None]:
    """Release 1.11 of the library, so that the next one, which knows 2027, changes no test."""
    with known_up_to(2026):
        yield


# Five working days

CHECKED = {
    "over the spring festival": (date(2026, 2, 13), date(2026, 2, 27)),
    "from a Saturday that is worked to another": (date(2026, 2, 14), date(2026, 2, 28)),
    "into the national holiday": (date(2026, 9, 30), date(2026, 10, 13)),
    "over the tomb-sweeping days of 2017": (date(2017, 3, 29), date(2017, 4, 6)),
    "from a day that is none": (date(2026, 10, 3), date(2026, 10, 13)),
    "from the last day of a year": (date(2025, 12, 31), date(2026, 1, 8)),
    "from New Year's Day": (date(2026, 1, 1), date(2026, 1, 8)),
    "in a week without a holiday": (date(2026, 11, 23), date(2026, 11, 30)),
    "over a leap day": (date(2024, 2, 26), date(2024, 3, 4)),
    "from a Sunday": (date(2026, 11, 22), date(2026, 11, 27)),
}


@pytest.mark.parametrize(("formed_on", "last"), CHECKED.values(), ids=CHECKED.keys())
def test_five_working_days_end_where_the_calendar_on_the_wall_says(formed_on: date, last: date) -> None:
    found = due(PUBLISHED, noon(formed_on.year, formed_on.month, formed_on.day), FIVE)
    assert (found.on, found.is_provisional) == (last, False)


@pytest.mark.parametrize("hour", ["00:00:00", "00:00:01", "12:00:00", "23:59:59.999999"])
def test_the_hour_of_formation_does_not_matter(hour: str) -> None:
    assert due(PUBLISHED, datetime.fromisoformat(f"2026-02-13T{hour}+08:00"), FIVE).on == date(2026, 2, 27)


def test_the_day_of_formation_is_that_at_the_bureau_not_that_in_utc() -> None:
    before = datetime(2026, 11, 22, 15, 59, 59, 999_999, tzinfo=UTC)
    assert due(PUBLISHED, before, FIVE).on == date(2026, 11, 27)
    assert due(PUBLISHED, before + timedelta(microseconds=1), FIVE).on == date(2026, 11, 30)


def test_a_moment_means_the_same_in_every_zone() -> None:
    moment = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
    zones = (BUREAU_TIME, timezone(timedelta(hours=-11)), ZoneInfo("America/New_York"))
    for limit in (FIVE, THREE_DAYS, DAY_AND_NIGHT):
        assert {due(PUBLISHED, moment.astimezone(zone), limit) for zone in (UTC, *zones)} == {
            due(PUBLISHED, moment, limit)
        }


def test_the_end_is_the_first_moment_after_the_last_day_in_utc() -> None:
    found = due(PUBLISHED, noon(2026, 2, 13), FIVE)
    assert found.at == datetime(2026, 2, 28, tzinfo=BUREAU_TIME)
    assert found.at.tzinfo is UTC
    assert bureau_date(found.at - timedelta.resolution) == found.on


def test_a_moment_without_a_zone_is_refused() -> None:
    for limit in (FIVE, DAY_AND_NIGHT):
        with pytest.raises(ValueError, match="no zone"):
            due(PUBLISHED, datetime(2026, 2, 13, 12), limit)


def test_what_ends_in_a_year_that_nobody_knows_is_provisional() -> None:
    found = due(PUBLISHED, noon(2026, 12, 28), FIVE)
    assert (found.on, found.is_provisional) == (date(2027, 1, 4), True)
    assert due(PUBLISHED, noon(2027, 5, 31), FIVE).is_provisional
    assert not due(PUBLISHED, noon(2026, 12, 17), FIVE).is_provisional
    assert due(PUBLISHED, noon(2026, 12, 18), FIVE).is_provisional


def test_working_days_are_provisional_as_soon_as_one_of_them_is_not_known() -> None:
    found = due(PUBLISHED, noon(2003, 12, 29), FIVE)
    assert PUBLISHED.is_known(found.on)
    assert found.is_provisional
    assert not due(PUBLISHED, noon(2003, 12, 31), FIVE).is_provisional


# Calendar days and hours


ROLLED = {
    "ends on a working day": (date(2026, 11, 23), date(2026, 11, 26)),
    "ends on a Saturday": (date(2026, 11, 25), date(2026, 11, 30)),
    "ends on a Saturday that is worked": (date(2026, 2, 25), date(2026, 2, 28)),
    "ends in the spring festival": (date(2026, 2, 13), date(2026, 2, 24)),
    "ends before a Sunday that is worked": (date(2025, 12, 31), date(2026, 1, 4)),
}


@pytest.mark.parametrize(("formed_on", "last"), ROLLED.values(), ids=ROLLED.keys())
def test_calendar_days_count_all_and_the_last_one_moves_to_a_working_day(formed_on: date, last: date) -> None:
    found = due(PUBLISHED, noon(formed_on.year, formed_on.month, formed_on.day), THREE_DAYS)
    assert (found.on, found.is_provisional) == (last, False)
    assert found.at == datetime(last.year, last.month, last.day, tzinfo=BUREAU_TIME) + timedelta(days=1)


def test_calendar_days_are_provisional_only_where_their_end_is_not_known() -> None:
    until_monday = Calendar({date(2027, 1, 4): ON})
    sunday = Limit(10, LimitUnit.CALENDAR_DAYS, "第1条")
    assert due(until_monday, noon(2026, 12, 25), sunday).on == date(2027, 1, 4)
    assert not due(until_monday, noon(2026, 12, 25), sunday).is_provisional
    assert due(PUBLISHED, noon(2026, 12, 25), sunday).is_provisional
    assert due(until_monday, noon(2026, 12, 24), sunday).is_provisional


def test_hours_run_on_over_holidays() -> None:
    found = due(PUBLISHED, noon(2026, 10, 1), DAY_AND_NIGHT)
    assert found == Due(noon(2026, 10, 2).astimezone(UTC), date(2026, 10, 2), False, ())


def test_hours_are_never_provisional() -> None:
    assert not due(PUBLISHED, noon(2027, 1, 1), DAY_AND_NIGHT).is_provisional


def test_hours_that_end_at_midnight_end_with_the_day_before_it() -> None:
    found = due(PUBLISHED, datetime(2026, 11, 23, tzinfo=BUREAU_TIME), DAY_AND_NIGHT)
    assert found.at == datetime(2026, 11, 24, tzinfo=BUREAU_TIME)
    assert found.on == date(2026, 11, 23)


@pytest.mark.parametrize(("month", "day"), [(3, 7), (10, 31)], ids=["forward", "back"])
def test_hours_are_not_longer_or_shorter_where_clocks_are_changed(month: int, day: int) -> None:
    formed = datetime(2026, month, day, 12, tzinfo=ZoneInfo("America/New_York"))
    assert due(PUBLISHED, formed, DAY_AND_NIGHT).at - formed.astimezone(UTC) == timedelta(hours=24)


def test_the_hour_that_a_clock_shows_twice_is_told_apart() -> None:
    first = datetime(2026, 11, 1, 1, 30, tzinfo=ZoneInfo("America/New_York"))
    later = due(PUBLISHED, first.replace(fold=1), DAY_AND_NIGHT).at
    assert later - due(PUBLISHED, first, DAY_AND_NIGHT).at == timedelta(hours=1)


# How it was counted


def test_the_steps_tell_of_every_day_whether_it_counted_and_why() -> None:
    steps = due(PUBLISHED, noon(2026, 2, 12), Limit(2, LimitUnit.WORKING_DAYS, "第1条")).steps
    assert [(step.day.on.day, step.number, step.day.reason) for step in steps] == [
        (12, 0, Reason.WEEKDAY),
        (13, 1, Reason.WEEKDAY),
        (14, 2, Reason.MAKE_UP_DAY),
    ]
    steps = due(Calendar({date(2026, 2, 25): OFF}), noon(2026, 2, 14), Limit(2, LimitUnit.WORKING_DAYS, "第1条")).steps
    assert [(step.day.on, step.number, step.day.reason) for step in steps] == [
        (date(2026, 2, 14), 0, Reason.MAKE_UP_DAY),
        *((day, None, Reason.PUBLIC_HOLIDAY) for day in days(date(2026, 2, 15), date(2026, 2, 23))),
        (date(2026, 2, 24), 1, Reason.WEEKDAY),
        (date(2026, 2, 25), None, Reason.LOCAL_CORRECTION),
        (date(2026, 2, 26), 2, Reason.WEEKDAY),
    ]


def test_the_steps_of_calendar_days_show_how_the_last_one_moved() -> None:
    steps = due(PUBLISHED, noon(2026, 11, 25), THREE_DAYS).steps
    assert [(step.day.on.day, step.number, step.day.works) for step in steps] == [
        (25, 0, True),
        (26, 1, True),
        (27, 2, True),
        (28, 3, False),
        (29, None, False),
        (30, None, True),
    ]


# Which limit is shorter


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Limit(0, LimitUnit.WORKING_DAYS, "第1条")


def test_two_working_days_and_three_days_are_not_within_each_other() -> None:
    two = Limit(2, LimitUnit.WORKING_DAYS, "第1条")
    assert not two.is_within(THREE_DAYS)
    assert not THREE_DAYS.is_within(two)
    monday, friday = noon(2026, 11, 23), noon(2026, 11, 27)
    assert due(PUBLISHED, monday, two).at < due(PUBLISHED, monday, THREE_DAYS).at
    assert due(PUBLISHED, friday, two).at > due(PUBLISHED, friday, THREE_DAYS).at


def test_a_day_of_hours_is_within_a_day_and_an_hour_more_is_not() -> None:
    one_day = Limit(1, LimitUnit.CALENDAR_DAYS, "第1条")
    assert DAY_AND_NIGHT.is_within(one_day)
    assert not Limit(25, LimitUnit.HOURS, "第1条").is_within(one_day)


# Whatever the day

moments = st.datetimes(datetime(2003, 1, 1), datetime(2029, 12, 31), timezones=st.sampled_from([UTC, BUREAU_TIME]))
some_days = st.dates(date(2026, 1, 1), date(2027, 12, 31))
corrections = st.dictionaries(some_days, st.sampled_from([ON, OFF]), max_size=40)
calendars = st.builds(Calendar, corrections, st.sampled_from([frozenset(), frozenset({2027})]))
limits = st.builds(Limit, st.integers(1, 15), st.sampled_from(LimitUnit), st.just("第1条"))
counted = st.builds(Limit, st.integers(1, 15), st.just(LimitUnit.WORKING_DAYS), st.just("第1条"))


@given(calendars, moments, counted)
def test_exactly_so_many_working_days_lie_after_formation_up_to_the_last(
    calendar: Calendar, formed_at: datetime, limit: Limit
) -> None:
    found = due(calendar, formed_at, limit)
    passed = days(bureau_date(formed_at) + timedelta(days=1), found.on)
    assert sum(calendar.is_workday(day) for day in passed) == limit.amount
    assert [step.day.on for step in found.steps] == [bureau_date(formed_at), *passed]
    assert [step.number for step in found.steps if step.number] == list(range(1, limit.amount + 1))
    assert found.is_provisional is not all(calendar.is_known(day) for day in passed)


@given(calendars, moments, limits)
def test_days_never_end_on_a_day_that_is_not_worked(calendar: Calendar, formed_at: datetime, limit: Limit) -> None:
    found = due(calendar, formed_at, limit)
    assert found.at > formed_at
    assert bureau_date(found.at - timedelta.resolution) == found.on
    assert limit.unit is LimitUnit.HOURS or calendar.is_workday(found.on)


@given(calendars, moments, moments, limits)
def test_what_is_formed_later_is_never_due_earlier(
    calendar: Calendar, one: datetime, other: datetime, limit: Limit
) -> None:
    first, second = sorted([one, other])
    assert due(calendar, first, limit).at <= due(calendar, second, limit).at


@given(calendars, moments, limits, limits)
def test_a_limit_within_another_never_ends_later(
    calendar: Calendar, formed_at: datetime, one: Limit, other: Limit
) -> None:
    if one.is_within(other):
        assert due(calendar, formed_at, one).at <= due(calendar, formed_at, other).at
