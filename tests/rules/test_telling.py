"""When somebody is told: the table, the quiet hours, what waits for staff, and how the morning is spread."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseq.rules.case import BUREAU_TIME, MilestoneName, Role
from caseq.rules.telling import BEFORE_THE_END, Channel, Line, Manner, Quiet, held_until, manner, spread

NIGHT, NOON_BREAK = Quiet(time(21), time(8)), Quiet(time(12), time(14))
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))
DELAYS = st.timedeltas(timedelta(0), timedelta(hours=3))


def here(text):
    """A moment of the bureau's day, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=BUREAU_TIME).astimezone(UTC)


def how(channel=Channel.SMS, minutes=10, quiet=NIGHT, tell_first=False):
    return Manner(channel, timedelta(minutes=minutes), quiet, tell_first)


VICTIM_OF_OPINION = Line(frozenset({MilestoneName.EXPERT_OPINION}), frozenset({Role.VICTIM}), how(tell_first=True))
SUSPECTS = Line(None, frozenset({Role.SUSPECT}), how(Channel.IN_PERSON))
HEARINGS = Line(frozenset({MilestoneName.HEARING}), None, how(Channel.NONE))
REST = Line(None, None, how())
TABLE = (VICTIM_OF_OPINION, SUSPECTS, HEARINGS, REST)


@pytest.mark.parametrize(
    ("milestone", "role", "line"),
    [
        (MilestoneName.EXPERT_OPINION, Role.VICTIM, VICTIM_OF_OPINION),
        (MilestoneName.EXPERT_OPINION, Role.VICTIM_FAMILY, REST),
        (MilestoneName.EXPERT_OPINION, Role.SUSPECT, SUSPECTS),
        (MilestoneName.HEARING, Role.SUSPECT, SUSPECTS),
        (MilestoneName.HEARING, Role.VICTIM, HEARINGS),
        (MilestoneName.CASE_FILED, Role.VICTIM, REST),
        (None, Role.SUSPECT, SUSPECTS),
        (None, Role.VICTIM, REST),
    ],
)
def test_the_first_line_that_fits_counts(milestone, role, line):
    assert manner(TABLE, milestone, role) is line.manner


def test_a_change_of_the_case_itself_is_no_milestone():
    assert not HEARINGS.fits(None, Role.VICTIM)
    assert REST.fits(None, Role.VICTIM)


@pytest.mark.parametrize(
    ("quiet", "moment", "until", "last"),
    [
        (NIGHT, "2026-11-23T20:59:59", None, "2026-11-23T20:59:59"),
        (NIGHT, "2026-11-23T21:00:00", "2026-11-24T08:00:00", "2026-11-23T20:59:59"),
        (NIGHT, "2026-11-23T23:59:59", "2026-11-24T08:00:00", "2026-11-23T20:59:59"),
        (NIGHT, "2026-11-24T00:00:00", "2026-11-24T08:00:00", "2026-11-23T20:59:59"),
        (NIGHT, "2026-11-24T07:59:59", "2026-11-24T08:00:00", "2026-11-23T20:59:59"),
        (NIGHT, "2026-11-24T08:00:00", None, "2026-11-24T08:00:00"),
        (NIGHT, "2026-12-31T22:00:00", "2027-01-01T08:00:00", "2026-12-31T20:59:59"),
        (NIGHT, "2027-01-01T02:00:00", "2027-01-01T08:00:00", "2026-12-31T20:59:59"),
        (NIGHT, "2028-02-29T23:00:00", "2028-03-01T08:00:00", "2028-02-29T20:59:59"),
        (NOON_BREAK, "2026-11-23T11:59:59", None, "2026-11-23T11:59:59"),
        (NOON_BREAK, "2026-11-23T12:00:00", "2026-11-23T14:00:00", "2026-11-23T11:59:59"),
        (NOON_BREAK, "2026-11-23T14:00:00", None, "2026-11-23T14:00:00"),
        (NOON_BREAK, "2026-11-23T23:00:00", None, "2026-11-23T23:00:00"),
    ],
)
def test_quiet_hours_begin_and_end_to_the_second(quiet, moment, until, last):
    moment = here(moment)
    assert quiet.covers(moment) is (until is not None)
    assert quiet.until(moment) == (None if until is None else here(until))
    assert quiet.last_before(moment) == here(last)


@given(MOMENTS, st.sampled_from([NIGHT, NOON_BREAK, Quiet(time(0), time(6)), Quiet(time(18), time(0))]))
def test_the_end_and_the_last_moment_before_quiet_hours_are_never_quiet(moment, quiet):
    end, last = quiet.until(moment), quiet.last_before(moment)
    assert (end is None) is not quiet.covers(moment)
    assert end is None or (moment < end <= moment + timedelta(days=1) and not quiet.covers(end))
    assert moment - timedelta(days=1) < last <= moment
    assert not quiet.covers(last)


def test_an_sms_waits_for_staff_until_shortly_before_the_legal_end():
    now, end = here("2026-11-23T10:00:00"), here("2026-11-26T17:00:00")
    assert held_until(now, end, how()) == here("2026-11-26T15:00:00")
    assert held_until(now, here("2026-11-27T00:00:00"), how()) == here("2026-11-26T20:59:59")
    assert held_until(now, here("2027-01-01T05:00:00"), how()) == here("2026-12-31T20:59:59")
    assert held_until(now, here("2026-11-27T00:00:00"), how(quiet=None)) == here("2026-11-26T22:00:00")


def test_what_becomes_known_shortly_before_its_end_goes_out_after_its_delay():
    now = here("2026-11-23T16:30:00")
    assert held_until(now, here("2026-11-23T17:00:00"), how()) == here("2026-11-23T16:40:00")


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=10)), DELAYS, st.sampled_from([None, NIGHT, NOON_BREAK]))
def test_an_sms_never_waits_past_the_legal_end(now, left, delay, quiet):
    end = now + left
    until = held_until(now, end, Manner(Channel.SMS, delay, quiet, True))
    assert until >= now + delay
    assert until <= max(now + delay, end - BEFORE_THE_END)
    assert until == now + delay or quiet is None or not quiet.covers(until)


def test_the_morning_is_spread_evenly_over_its_span():
    morning, over = here("2026-11-24T08:00:00"), timedelta(minutes=45)
    for first in (1, 40_000):
        moments = sorted(spread(morning, over, number) for number in range(first, first + 300))
        assert morning <= moments[0]
        assert moments[-1] < morning + over
        gaps = [later - earlier for earlier, later in pairwise(moments)]
        assert max(gaps) <= 4 * over / 300
    assert len({spread(morning, over, number) for number in range(2700)}) == 2700


def test_one_number_has_one_place_in_the_morning_and_without_a_span_there_is_none():
    morning = here("2026-11-24T08:00:00")
    assert spread(morning, timedelta(minutes=45), 7) == spread(morning, timedelta(minutes=45), 7)
    assert spread(morning, timedelta(0), 7) == morning
