"""Which days are worked: published years, corrections, years that nobody knows yet."""

from collections.abc import Iterator
from datetime import date

import chinese_calendar
import holidays
import pytest

from caseq.rules import workdays
from caseq.rules.workdays import Calendar, Reason, due, first_unknown
from tests.workcalendar import FIVE, OFF, ON, PUBLISHED, days, known_up_to, noon


@pytest.fixture(autouse=True)
def _known_to_2026() -> Iterator[None]:
    """Release 1.11 of the library, so that the next one, which knows 2027, changes no test."""
    with known_up_to(2026):
        yield


def of_year(year: int) -> list[date]:
    return days(date(year, 1, 1), date(year, 12, 31))


def written(year: int, *spans: str) -> set[date]:
    """The days of spans such as "2/15-23" and "1/4"."""
    found = set()
    for span in spans:
        month, _, rest = span.partition("/")
        first, _, last = rest.partition("-")
        found |= set(days(date(year, int(month), int(first)), date(year, int(month), int(last or first))))
    return found


#: The State Council's notices: what is off, and the weekend days that are worked.
NOTICES = {
    2025: (
        written(2025, "1/1", "1/28-31", "2/1-4", "4/4-6", "5/1-5", "5/31", "6/1-2", "10/1-8"),
        written(2025, "1/26", "2/8", "4/27", "9/28", "10/11"),
    ),
    2026: (
        written(2026, "1/1-3", "2/15-23", "4/4-6", "5/1-5", "6/19-21", "9/25-27", "10/1-7"),
        written(2026, "1/4", "2/14", "2/28", "5/9", "9/20", "10/10"),
    ),
}


# The calendar


@pytest.mark.parametrize("year", NOTICES)
def test_every_day_of_a_published_year_is_as_its_notice_says(year: int) -> None:
    off, made_up = NOTICES[year]
    for day in of_year(year):
        assert PUBLISHED.is_workday(day) is (day in made_up or (day.weekday() < 5 and day not in off)), day


@pytest.mark.parametrize("year", NOTICES)
def test_every_day_of_a_published_year_has_its_reason(year: int) -> None:
    off, made_up = NOTICES[year]
    reasons = {day: PUBLISHED.day(day).reason for day in of_year(year)}
    assert {day for day, reason in reasons.items() if reason is Reason.PUBLIC_HOLIDAY} == off
    assert {day for day, reason in reasons.items() if reason is Reason.MAKE_UP_DAY} == made_up
    assert all(day.weekday() > 4 for day, reason in reasons.items() if reason is Reason.WEEKEND)


def test_a_public_holiday_and_what_makes_up_for_it_have_its_name() -> None:
    spring = {"zh": "春节", "en": "Spring Festival"}
    assert PUBLISHED.day(date(2026, 2, 17)).holiday == spring
    assert PUBLISHED.day(date(2026, 2, 28)).holiday == spring
    assert PUBLISHED.day(date(2026, 2, 25)).holiday is None
    assert PUBLISHED.day(date(2026, 3, 7)).holiday is None


def test_an_unpublished_year_is_assumed_to_be_worked_from_monday_to_friday() -> None:
    for day in of_year(2027):
        assert PUBLISHED.is_workday(day) is (day.weekday() < 5), day
        assert not PUBLISHED.is_known(day)


def test_what_is_long_past_or_far_ahead_is_not_known_and_no_error() -> None:
    for day in (date.min, date(2003, 12, 31), date(2028, 2, 29), date.max):
        assert not PUBLISHED.is_known(day)
        assert PUBLISHED.is_workday(day) is (day.weekday() < 5)


def test_the_last_week_of_a_year_is_not_known_before_the_notice_for_the_next() -> None:
    assert PUBLISHED.is_known(date(2026, 12, 24))
    assert [day for day in of_year(2026) if not PUBLISHED.is_known(day)] == days(date(2026, 12, 25), date(2026, 12, 31))
    assert all(PUBLISHED.is_known(day) for day in of_year(2025))


def test_no_notice_so_far_moved_days_before_the_last_week_of_the_year_before() -> None:
    moved = [day for day in (*chinese_calendar.holidays, *chinese_calendar.workdays) if day.month == 12]
    assert moved
    assert min(day.day for day in moved) >= workdays._MOVED_FROM


def test_the_calendar_says_up_to_which_year_it_knows() -> None:
    assert PUBLISHED.known_up_to == 2026
    assert Calendar(complete_years=frozenset({2027, 2028})).known_up_to == 2028
    assert Calendar(complete_years=frozenset({2028})).known_up_to == 2026


def test_two_libraries_agree_on_every_day_that_both_know() -> None:
    other = holidays.country_holidays("CN", years=range(2010, 2027))
    span = days(date(2010, 1, 1), date(2026, 12, 31))
    assert [day for day in span if other.is_working_day(day) is not PUBLISHED.is_workday(day)] == []


# Local corrections


def test_a_correction_overrides_the_calendar_both_ways() -> None:
    corrected = Calendar(
        {date(2026, 3, 20): OFF, date(2026, 3, 21): ON, date(2026, 10, 1): ON, date(2026, 10, 10): OFF}
    )
    works = {day: corrected.is_workday(day) for day in corrected.corrections}
    assert works == {
        date(2026, 3, 20): False,
        date(2026, 3, 21): True,
        date(2026, 10, 1): True,
        date(2026, 10, 10): False,
    }
    assert all(PUBLISHED.is_workday(day) is not works[day] for day in works)


def test_a_correction_moves_the_end_of_a_limit_both_ways() -> None:
    assert due(PUBLISHED, noon(2026, 3, 16), FIVE).on == date(2026, 3, 23)
    assert due(Calendar({date(2026, 3, 20): OFF}), noon(2026, 3, 16), FIVE).on == date(2026, 3, 24)
    assert due(Calendar({date(2026, 3, 21): ON}), noon(2026, 3, 16), FIVE).on == date(2026, 3, 21)


def test_a_corrected_day_tells_its_notice_and_is_known() -> None:
    day = Calendar({date(2027, 3, 10): OFF}).day(date(2027, 3, 10))
    assert (day.works, day.reason, day.is_known, day.notice) == (False, Reason.LOCAL_CORRECTION, True, OFF.notice)


def test_a_correction_makes_its_own_day_known_and_no_other() -> None:
    corrected = Calendar({date(2027, 1, 4): ON})
    assert corrected.is_known(date(2027, 1, 4))
    assert not corrected.is_known(date(2027, 1, 5))


def test_a_year_that_is_written_out_is_known_and_so_is_the_week_before_it() -> None:
    by_hand = Calendar({date(2027, 1, 1): OFF}, frozenset({2027}))
    known = [day for day in (*of_year(2026), *of_year(2027)) if not by_hand.is_known(day)]
    assert known == days(date(2027, 12, 25), date(2027, 12, 31))
    assert not by_hand.is_workday(date(2027, 1, 1))
    assert due(by_hand, noon(2026, 12, 28), FIVE).on == date(2027, 1, 5)
    assert not due(by_hand, noon(2026, 12, 28), FIVE).is_provisional


def test_the_first_unknown_day_is_looked_for_so_many_working_days_ahead() -> None:
    assert first_unknown(PUBLISHED, date(2026, 12, 10), 10) is None
    assert first_unknown(PUBLISHED, date(2026, 12, 11), 10) == date(2026, 12, 25)
    assert first_unknown(PUBLISHED, date(2027, 5, 1), 10) == date(2027, 5, 2)
    assert first_unknown(Calendar({date(2027, 1, 1): OFF}, frozenset({2027})), date(2026, 12, 28), 10) is None
