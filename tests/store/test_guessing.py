"""The guess ledger: exactly as many guesses get through as there is room for, on both engines, however many at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import BigInteger, Integer, bindparam, literal, select

from caseq.rules.guesses import HOURS
from caseq.store import guessing
from caseq.store.guessing import Stake
from caseq.store.tables import guesses

HOUR = 490_000
ONE = Stake(
    select(bindparam("party", type_=BigInteger).label("party_id"), bindparam("cost", type_=Integer).label("cost"))
)
TWO = Stake(
    select(literal(1, BigInteger).label("party_id"), literal(10, Integer).label("cost")).union_all(
        select(literal(2, BigInteger), literal(20, Integer))
    )
)


def spend(service, hour=HOUR, cost=10, limit=50, party=1, share="strangers", **more):
    with service.runtime.database.transaction() as connection:
        values = {"party": party, "cost": cost}
        return ONE.spend(connection, values, share, limit, hour, **more) == {party}


def test_there_is_room_up_to_the_limit_and_no_further(service):
    assert [spend(service) for _ in range(7)] == [True] * 5 + [False] * 2


def test_parties_and_shares_are_counted_apart(service):
    assert [spend(service, party=party, share=share) for party in (1, 2) for share in "ab" for _ in range(6)] == (
        [True] * 5 + [False]
    ) * 4


def test_what_costs_more_than_there_is_room_for_is_refused_also_the_first_time(service):
    assert not spend(service, cost=51)
    assert spend(service, cost=50)
    assert not spend(service, cost=1)


def test_each_party_of_a_guess_pays_its_own_cost(service):
    def both():
        with service.runtime.database.transaction() as connection:
            return TWO.spend(connection, {}, "strangers", 50, HOUR)

    assert [both() for _ in range(6)] == [{1, 2}, {1, 2}, {1}, {1}, {1}, set()]


@pytest.mark.parametrize("later", range(1, 2 * HOURS + 2))
def test_no_guess_counts_less_than_a_day_and_none_counts_longer_than_an_hour_more(service, later):
    """Wherever in its hour the first guess was, the last one that is free again is more than 24 hours later."""
    assert [spend(service) for _ in range(5)] == [True] * 5
    assert spend(service, hour=HOUR + later) is (later >= HOURS)


def test_hours_fall_out_one_by_one(service):
    assert all(spend(service, hour=HOUR + n) for n in range(5))
    got = [spend(service, hour=HOUR + n) for n in range(5, HOURS + 5)]
    assert got == [False] * (HOURS - 5) + [True] * 5


@pytest.mark.parametrize("back", [1, 3, 24, 100, 1000])
def test_a_clock_that_steps_back_gives_no_second_day(service, back):
    assert [spend(service) for _ in range(5)] == [True] * 5
    assert [spend(service, hour=HOUR - back) for _ in range(2)] == [False] * 2
    assert not spend(service, hour=HOUR + 1)


def test_after_many_wrong_guesses_in_a_row_there_are_few_a_day_and_then_few_more(service):
    assert [spend(service, limit=10_000, few=(5, 3), hour=HOUR - 30) for _ in range(5)] == [True] * 5
    assert [spend(service, limit=10_000, few=(5, 3)) for _ in range(5)] == [True] * 3 + [False] * 2
    assert [spend(service, limit=10_000, few=(5, 3), hour=HOUR + HOURS) for _ in range(4)] == [True] * 3 + [False]
    with service.runtime.database.transaction() as connection:
        guessing.forgive(connection, 1)
    assert [spend(service, limit=10_000, few=(5, 3), hour=HOUR + 2 * HOURS) for _ in range(5)] == [True] * 5


def test_of_60_guesses_at_once_exactly_as_many_get_through_as_there_is_room_for(service):
    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(lambda _: spend(service), range(60))) == 5


def test_rows_of_yesterday_are_forgotten_but_not_how_often_strangers_were_wrong_in_a_row(service):
    old = HOUR - HOURS - 1
    for party, share in ((1, "known"), (1, "network x"), (2, "strangers"), (-5, "strangers"), (3, "strangers")):
        spend(service, hour=old, party=party, share=share)
    spend(service, party=4)
    with service.runtime.database.transaction() as connection:
        guessing.forgive(connection, 3)
        guessing.forget_old(connection, HOUR)
        assert sorted(connection.execute(select(guesses.c.party_id)).scalars()) == [2, 4]
