"""Which gateways carry messages to which numbers."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Route:
    """The gateways for the numbers that begin with this prefix, the first choice first."""

    prefix: str
    gateways: tuple[str, ...]


def route_of(routes: Sequence[Route], number: str) -> Route | None:
    """The route with the longest prefix of this number; None if no messages go there."""
    fitting = (route for route in routes if number.startswith(route.prefix))
    return max(fitting, key=lambda route: len(route.prefix), default=None)
