"""How long a source may say nothing: what is learned from minutes, nights, weekends, bursts and outages."""

import random
from collections.abc import Iterable
from datetime import timedelta

import pytest

from caseq.rules.silence import Bounds, usual

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
WEEK = Bounds(timedelta(days=7), timedelta(minutes=15), 1.5)
ONE_DAY = Bounds(timedelta(days=1), timedelta(minutes=15), 1.5)
BURST = [5.0] * 300


def after(gaps: Iterable[float], bounds: Bounds, start: float | None = None) -> float | None:
    """The usual silence after pushes that came these gaps apart."""
    for gap in gaps:
        start = usual(start, bounds, gap, gap)
    return start


def hours(learned: float | None, bounds: Bounds) -> float:
    return bounds.silent_after(learned) / timedelta(hours=1)


def test_until_something_is_learned_the_latest_counts() -> None:
    assert WEEK.silent_after(None) == timedelta(days=7)


def test_a_source_that_speaks_every_minute_is_silent_after_a_quarter_of_an_hour() -> None:
    learned = after([MINUTE] * 60 * 24 * 5, ONE_DAY)
    assert learned == pytest.approx(MINUTE, rel=0.01)
    assert ONE_DAY.silent_after(learned) == timedelta(minutes=15)


def test_a_source_that_speaks_every_night_is_silent_after_a_night_and_a_half() -> None:
    nights = [DAY, *BURST] * 60
    assert 34 < hours(after(nights, WEEK), WEEK) < 48


def test_a_source_that_rests_at_weekends_is_not_silent_on_one() -> None:
    week = [DAY] * 4 + [3 * DAY]
    learned = after(week * 30, WEEK)
    for gap in week * 4:
        assert gap < WEEK.silent_after(learned).total_seconds()
        learned = after([gap], WEEK, learned)
    assert hours(learned, WEEK) < 5 * 24


def test_what_happens_after_a_start_is_never_called_silence_before_the_weekend_is_known() -> None:
    learned: float | None = None
    for gap in ([DAY, *BURST] * 4 + [3 * DAY, *BURST]) * 30:
        assert gap < WEEK.silent_after(learned).total_seconds()
        learned = after([gap], WEEK, learned)


def test_the_first_load_teaches_next_to_nothing() -> None:
    assert after([0.5] * 1000, WEEK) == pytest.approx(7 * DAY, rel=0.001)


def test_an_outage_of_three_days_does_not_teach_that_outages_are_usual() -> None:
    before = after([MINUTE] * 60 * 24 * 5, ONE_DAY)
    after_outage = after([3 * DAY], ONE_DAY, before)
    assert ONE_DAY.silent_after(after_outage) < timedelta(minutes=40)
    assert ONE_DAY.silent_after(after([MINUTE] * 120, ONE_DAY, after_outage)) == timedelta(minutes=15)


def test_an_outage_of_ten_days_leaves_a_nightly_source_its_alarm() -> None:
    learned = after([10 * DAY], WEEK, DAY)
    assert hours(learned, WEEK) == 54
    assert hours(after([DAY] * 10, WEEK, learned), WEEK) < 40


def test_a_source_that_becomes_slower_is_believed_after_some_time() -> None:
    assert hours(after([DAY] * 14, WEEK, MINUTE), WEEK) == 36


def test_files_that_come_together_after_days_on_their_way_are_no_silence() -> None:
    """Every night the files of a day come, the newest of them two days old."""
    learned: float | None = None
    for _ in range(60):
        assert WEEK.silent_after(learned).total_seconds() > 3 * DAY
        for hour in range(24):
            learned = usual(learned, WEEK, 3 * DAY - hour * HOUR, HOUR)
    assert hours(learned, WEEK) < 5 * 24


def test_the_files_of_a_day_that_come_together_count_as_one_day() -> None:
    learned: float | None = None
    for _ in range(60):
        assert WEEK.silent_after(learned).total_seconds() > DAY
        for hour in range(24):
            learned = usual(learned, WEEK, DAY - hour * HOUR, HOUR)
    assert hours(learned, WEEK) < 48


def test_a_word_that_is_no_newer_teaches_nothing() -> None:
    assert usual(None, WEEK, 5.0, 0.0) is None
    assert usual(900.0, WEEK, 5.0, -60.0) == 900.0


def test_what_is_learned_is_always_a_silence_that_can_be() -> None:
    chance = random.Random(7)
    learned: float | None = None
    for _ in range(20_000):
        gap = 10 ** chance.uniform(-6, 7)
        before = learned if learned is not None else WEEK.latest.total_seconds()
        learned = usual(learned, WEEK, gap, gap * chance.uniform(0.001, 1))
        assert learned is not None
        assert 0 < learned <= max(before, WEEK.least.total_seconds()) * 1.5
        assert timedelta(minutes=15) <= WEEK.silent_after(learned) <= timedelta(days=7)


def test_the_latest_counts_even_where_it_is_before_the_least() -> None:
    assert Bounds(timedelta(minutes=5), timedelta(minutes=15), 1.5).silent_after(60.0) == timedelta(minutes=5)
