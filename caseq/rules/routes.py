"""Which gateways a message to a number goes by, and in which order: the longest prefix that fits."""

from collections.abc import Sequence
from dataclasses import dataclass

#: Every gateway there is, as config/messages.toml names them; a message to the file costs nothing.
GATEWAYS = ("twilio", "aliyun", "file")
FREE = frozenset({"file"})


@dataclass(frozen=True, slots=True)
class Route:
    """The gateways for numbers that begin with `prefix` ("+" for all): the first one sends, the next if it cannot."""

    prefix: str
    gateways: tuple[str, ...]


def route_of(routes: Sequence[Route], number: str) -> Route | None:
    """The route of an international number (+86…), None if none fits."""
    fitting = (route for route in routes if number.startswith(route.prefix))
    return max(fitting, key=lambda route: len(route.prefix), default=None)
