"""What leaves next for a push source, and what is noted once it has arrived: as requests, or as numbered files."""

import random
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from adapters import copies, numbering, spool
from adapters.carriers.carrier import Carrier, Parcel
from adapters.carriers.files import FileCarrier
from adapters.mapping import ServiceSettings
from adapters.statefile import transaction

Reasons = Mapping[str, Mapping[str, Sequence[str]]]


class Departures(Protocol):
    """The parcels of one state file."""

    most_events: int

    def next(self, source: str, most: int) -> Parcel | None:
        """The next parcel of this source, of at most this many events; None if there is nothing to send."""

    def behind(self, parcel: Parcel, most: int) -> Parcel | None:
        """What may leave as soon as this parcel has arrived, before that is noted; None if nothing may."""

    def heartbeat(self, source: str) -> Parcel:
        """An empty parcel."""

    def settle(self, parcel: Parcel, refused: Reasons) -> Mapping[str, str]:
        """Notes that the parcel has arrived; the types of the refused events by id."""

    def has_more(self, source: str) -> bool:
        """Whether there is anything to send."""


class RequestDepartures:
    """Batches for the network: their ids follow from what they hold."""

    most_events = spool.MOST_EVENTS

    def __init__(self, state: sqlite3.Connection) -> None:
        self.state = state

    def next(self, source: str, most: int) -> Parcel | None:
        """The next batch of the spool."""
        return spool.next_batch(self.state, source, most)

    def behind(self, parcel: Parcel, most: int) -> Parcel | None:
        """The batch behind this one once it is full; none while the service wants smaller ones, for then parts of
        packs may leave."""
        if most < self.most_events:
            return None
        least = most - spool.PACK_EVENTS
        return spool.next_batch(self.state, parcel.source, most, behind=parcel.last, least=least)

    def heartbeat(self, source: str) -> Parcel:
        """An empty batch under an id of its own."""
        return Parcel(source, f"heartbeat-{source}-{random.getrandbits(64):016x}", b"[]")

    def settle(self, parcel: Parcel, refused: Reasons) -> Mapping[str, str]:
        """Takes the batch out of the spool."""
        if not parcel.last:
            return {}
        with transaction(self.state):
            return spool.settle(self.state, parcel, refused)

    def has_more(self, source: str) -> bool:
        """Whether events wait."""
        return spool.is_waiting(self.state, source)


class FileDepartures:
    """Batches for a folder: each has its number, kept with its bytes, before it is written."""

    most_events = copies.MOST_EVENTS

    def __init__(
        self,
        state: sqlite3.Connection,
        carrier: FileCarrier,
        settings: ServiceSettings,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.state = state
        self.carrier = carrier
        self.first_batch = settings.first_batch
        self.full_copy_hours = settings.full_copy_hours
        self.clock = clock

    def next(self, source: str, most: int) -> Parcel | None:
        """What has its number already; else the next part of a copy under way; else the next batch of the spool."""
        parcel = numbering.allotted(self.state, source)
        if parcel is not None:
            return parcel
        if copies.is_under_way(self.state, source):
            return self._part(source)
        batch = spool.next_batch(self.state, source, most)
        if batch is not None:
            return self._allot(source, batch.body, batch.events, last=batch.last)
        if self._is_copy_due(source):
            copies.begin(self.state, source, self.clock())
            return self._part(source)
        return None

    def behind(self, parcel: Parcel, most: int) -> None:
        """Nothing: a file has its number when the one before it stands in the folder."""

    def _is_copy_due(self, source: str) -> bool:
        # Once the spool is empty, so that no copy overtakes a withdrawal another source has still to send.
        is_free = not spool.is_waiting(self.state, source)
        return is_free and copies.is_due(self.state, source, self.clock(), self.full_copy_hours)

    def _part(self, source: str) -> Parcel:
        part = copies.next_part(self.state, source)
        name = f"full-{part.copy}-{part.number}of{part.parts}"
        return self._allot(source, part.body, part.events, name=name, part=part.number)

    def heartbeat(self, source: str) -> Parcel:
        """An empty batch with a number of its own, so that a lost last file comes to light."""
        return numbering.allotted(self.state, source) or self._allot(source, b"[]", 0)

    def _allot(self, source: str, body: bytes, events: int, name: str = "file", last: int = 0, part: int = 0) -> Parcel:
        with transaction(self.state):
            batch = self._next_number(source)
            message_id = f"{name}-{source}-{batch}"
            stamp = int(self.clock().timestamp())
            parcel = Parcel(source, message_id, body, events, batch=batch, stamp=stamp, last=last, part=part)
            numbering.allot(self.state, parcel)
        return parcel

    def _next_number(self, source: str) -> int:
        """One more than the last; a state without any goes on behind the files that are still in the folder."""
        last = numbering.last_number(self.state, source)
        return max(self.first_batch, (self.carrier.newest(source) if last is None else last) + 1)

    def settle(self, parcel: Parcel, refused: Reasons) -> Mapping[str, str]:  # noqa: ARG002 - nobody refuses a file
        """Notes that the file stands in the folder."""
        with transaction(self.state):
            numbering.settle(self.state, parcel)
            if parcel.last:
                spool.settle(self.state, parcel, {})
            if parcel.part:
                copies.part_is_written(self.state, parcel.source, parcel.part)
        return {}

    def has_more(self, source: str) -> bool:
        """Whether a file has only its number yet, events wait, or a copy is under way or due."""
        return (
            numbering.allotted(self.state, source) is not None
            or spool.is_waiting(self.state, source)
            or copies.is_under_way(self.state, source)
            or self._is_copy_due(source)
        )


def open_departures(state: sqlite3.Connection, carrier: Carrier, settings: ServiceSettings) -> Departures:
    """The departures that fit this carrier."""
    if isinstance(carrier, FileCarrier):
        return FileDepartures(state, carrier, settings)
    return RequestDepartures(state)
