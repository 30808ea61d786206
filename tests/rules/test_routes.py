"""Which gateways a number goes by."""

import pytest

from caseq.rules.routes import Route, route_of

CHINA, SICHUAN, REST = Route("+86", ("aliyun", "twilio")), Route("+8628", ("file",)), Route("+", ("twilio",))


@pytest.mark.parametrize(
    ("number", "route"), [("+8619912345678", CHINA), ("+862812345678", SICHUAN), ("+85212345678", REST), ("+1", REST)]
)
def test_the_longest_prefix_that_fits_wins_whatever_the_order(number, route):
    assert route_of((REST, CHINA, SICHUAN), number) == route_of((SICHUAN, CHINA, REST), number) == route


def test_without_a_prefix_that_fits_there_is_no_route():
    assert route_of((CHINA,), "+4915112345678") is None
    assert route_of((), "+8619912345678") is None
