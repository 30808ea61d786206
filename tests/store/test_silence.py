"""What a push teaches about silence, in SQL and in Python: the two must never differ."""

import random
from datetime import timedelta

import pytest

from caseq.rules import silence as by_rule
from caseq.store import pushes
from tests.service import NOON, Service

BOUNDS = by_rule.Bounds(timedelta(days=1), timedelta(minutes=15), 1.5)


def spoken(
    service: Service, spoke: float, heard: float, source: str = "criminal", bounds: by_rule.Bounds = BOUNDS
) -> float | None:
    """What is known of the source after a word written and heard at these seconds after noon."""
    spoke_at, heard_at = (NOON + timedelta(seconds=seconds) for seconds in (spoke, heard))
    with service.runtime.database.transaction() as connection:
        return pushes.lock_source(connection, source, spoke_at, heard_at, bounds).usual_seconds


def test_sql_learns_what_the_rule_learns(service: Service) -> None:
    chance = random.Random(3)
    assert spoken(service, 0, 0) is None
    last = heard = 0.0
    expected: float | None = None
    branches = set()
    for _ in range(200):
        heard += round(10 ** chance.uniform(-2, 6), 3)
        spoke = round(heard - chance.choice([0, 0, 0, 10 ** chance.uniform(0, 6)]), 3)
        before, expected = expected, by_rule.usual(expected, BOUNDS, heard - last, spoke - last)
        branches.add("same" if expected == before else "shorter" if (expected or 0) < (before or 86_400) else "longer")
        last = max(last, spoke)
        assert spoken(service, spoke, heard) == (expected if expected is None else pytest.approx(expected, rel=1e-4))
    assert branches == {"same", "shorter", "longer"}


def test_both_grow_from_the_least_and_not_from_less(service: Service) -> None:
    quick = by_rule.Bounds(timedelta(minutes=1), timedelta(minutes=15), 1.5)
    spoken(service, 0, 0, bounds=quick)
    assert spoken(service, 3600, 3600, bounds=quick) == by_rule.usual(None, quick, 3600, 3600) == 1350


def test_each_source_has_its_own_silence(service: Service) -> None:
    spoken(service, 0, 0)
    spoken(service, 0, 0, "trade")
    assert spoken(service, 60, 60) is not None
    with service.runtime.database.autocommit() as connection:
        known = {state.name: state.usual_seconds for state in pushes.source_states(connection)}
    assert known["trade"] is None
    assert known["criminal"] is not None


def test_a_word_that_is_older_than_the_last_one_moves_nothing_back(service: Service) -> None:
    spoken(service, 0, 0)
    spoken(service, 600, 600)
    with service.runtime.database.transaction() as connection:
        state = pushes.lock_source(connection, "criminal", NOON, NOON + timedelta(hours=1), BOUNDS)
    assert state.last_push_at == NOON + timedelta(seconds=600)
