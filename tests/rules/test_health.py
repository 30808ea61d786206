"""How much traffic a gateway gets: less with every trouble, nothing for a while after many, slowly more again."""

from hypothesis import given
from hypothesis import strategies as st

from caseq.rules.health import (
    FIRST_PAUSE_SECONDS,
    LEAST_SHARE,
    LONGEST_PAUSE_SECONDS,
    PROBE_SECONDS,
    SLOW_SECONDS,
    TROUBLES_BEFORE_PAUSE,
    Health,
)


def paused(now=0.0, **how):
    """A gateway that was closed just now."""
    health = Health()
    for _ in range(TROUBLES_BEFORE_PAUSE):
        closed = health.had_trouble(now, **how)
        if closed:
            return health
    raise AssertionError("it did not close")


def test_one_trouble_takes_share_and_nothing_else():
    health = Health()
    assert not health.had_trouble(0.0)
    assert health.share == 0.7
    assert health.may_try(0.0)


def test_share_comes_back_slowly_and_never_above_all():
    health = Health()
    health.had_trouble(0.0)
    shares = []
    for _ in range(20):
        health.went_well(0.1)
        shares.append(health.share)
    assert shares[0] < 0.8
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_slow_answers_take_share_too():
    health = Health()
    health.went_well(SLOW_SECONDS + 1)
    assert health.share == 0.7


def test_many_troubles_in_a_row_close_it():
    health = Health()
    assert [health.had_trouble(0.0) for _ in range(TROUBLES_BEFORE_PAUSE)] == [False] * 4 + [True]
    assert not health.may_try(FIRST_PAUSE_SECONDS - 0.1)


def test_troubles_with_successes_between_them_do_not_close_it():
    health = Health()
    for _ in range(100):
        assert not health.had_trouble(0.0)
        health.went_well(0.1)
    assert health.share >= LEAST_SHARE


def test_a_problem_of_the_account_closes_it_at_once():
    assert Health().had_trouble(0.0, at_once=True)


def test_it_stays_closed_for_as_long_as_the_provider_says():
    health = Health()
    for _ in range(TROUBLES_BEFORE_PAUSE):
        health.had_trouble(0.0, wait=60.0)
    assert not health.may_try(59.0)
    assert health.may_try(60.0)


def test_after_the_pause_one_probe_goes_out_at_a_time():
    health = paused()
    assert health.may_try(FIRST_PAUSE_SECONDS)
    health.begin(FIRST_PAUSE_SECONDS)
    assert not health.may_try(FIRST_PAUSE_SECONDS + 1)


def test_a_probe_that_says_nothing_is_lost_and_another_one_goes_out():
    health = paused()
    health.begin(10.0)
    assert not health.may_try(10.0 + PROBE_SECONDS - 1)
    assert health.may_try(10.0 + PROBE_SECONDS)


def test_a_probe_that_fails_closes_it_for_twice_as_long_and_never_too_long():
    health, now, pauses = paused(), 0.0, []
    for _ in range(12):
        pauses.append(health.closed_until - now)
        now = health.closed_until
        health.begin(now)
        assert health.had_trouble(now)
    assert pauses[:3] == [5.0, 10.0, 20.0]
    assert pauses[-1] == LONGEST_PAUSE_SECONDS


def test_a_probe_that_succeeds_opens_it_and_forgets_the_pauses():
    health = paused()
    health.begin(10.0)
    health.went_well(0.2)
    assert not health.is_paused
    assert health.pause_seconds == FIRST_PAUSE_SECONDS
    assert health.share < 0.3, "it has to earn its traffic again"


def test_calls_that_were_under_way_when_it_closed_do_not_lengthen_the_pause():
    health = paused()
    until = health.closed_until
    for _ in range(16):
        assert not health.had_trouble(1.0)
    assert health.closed_until == until
    assert health.pause_seconds == 2 * FIRST_PAUSE_SECONDS


@given(st.lists(st.sampled_from(["well", "slow", "trouble", "account", "begin", "wait"]), max_size=60))
def test_whatever_happens_it_is_tried_again_and_keeps_a_little_share(what):
    health, now = Health(), 0.0
    for one in what:
        now += 1.0
        if one in ("well", "slow"):
            health.went_well(0.1 if one == "well" else 9.0)
        elif one in ("trouble", "account"):
            health.had_trouble(now, at_once=one == "account")
        elif one == "begin" and health.may_try(now):
            health.begin(now)
        else:
            now += 5.0
        assert LEAST_SHARE <= health.share <= 1.0
    assert health.may_try(now + LONGEST_PAUSE_SECONDS + PROBE_SECONDS)
