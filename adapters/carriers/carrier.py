"""What every way to the service has in common: a parcel goes in, an answer comes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Parcel:
    """One batch as it leaves: `body` is its JSON array, `ids` are those of its events in order.

    `batch` and `stamp` (Unix seconds) are those of a file; a request has none. `last` is the spool's position of
    the last event, 0 for a heartbeat; `part` says which part of a full copy this is, 0 for none.
    """

    source: str
    message_id: str
    body: bytes
    events: int = 0
    ids: Sequence[str] = ()
    batch: int = 0
    stamp: int = 0
    last: int = 0
    part: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """The batch has arrived for good; `refused` gives the fields and reasons of refused ids."""

    refused: Mapping[str, Mapping[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Postponed:
    """Nothing is known to be stored: send it again, not before `after_seconds` if that is given."""

    reason: str
    after_seconds: float | None = None
    is_key_refused: bool = False


@dataclass(frozen=True, slots=True)
class Unacceptable:
    """The batch as a whole was refused for what it says, or for its size; sending it again unchanged is useless."""

    reason: str
    is_too_large: bool = False


Answer = Answered | Postponed | Unacceptable


class Carrier(Protocol):
    """A way to the service, and what the log calls it when it fails and when it works again."""

    down_event: str
    up_event: str

    def send(self, parcel: Parcel) -> Answer:
        """What became of this parcel."""
