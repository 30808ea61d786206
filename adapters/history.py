"""The entries a row has had one after another where it only keeps the newest, such as compulsory measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Standing(StrEnum):
    """Whether an entry is what the row says now, what it said before, or what it took back."""

    CURRENT = "current"
    PAST = "past"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a row says at one time of one milestone; in a history the key survives a corrected date."""

    key: str
    code: str
    subject: str
    occurred_stamp: str
    document_number: str
    details: Mapping[str, Any]
    standing: Standing = Standing.CURRENT
    name: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)


def following(past: Sequence[Entry], now: Entry | None) -> tuple[Entry, ...]:
    """The history after a row was read that says `now` (None: it is empty); the same reading twice changes nothing.

    An unchanged code is a correction of the current entry. A code that goes back to an earlier entry takes
    back the ones after it. Any other code is a new entry.
    """
    if now is None:
        return tuple(_moved(entry, Standing.DROPPED) for entry in past)
    place = _place(past, now)
    if place is None:
        return (*(_moved(entry, Standing.PAST) for entry in past), now)
    corrected = replace(now, key=past[place].key)
    later = (replace(entry, standing=Standing.DROPPED) for entry in past[place + 1 :])
    return (*past[:place], corrected, *later)


def standing_entries(history: Sequence[Entry]) -> list[Entry]:
    """The entries that were not taken back, oldest first."""
    return [entry for entry in history if entry.standing is not Standing.DROPPED]


def _place(past: Sequence[Entry], now: Entry) -> int | None:
    for index, entry in enumerate(past):
        if entry.standing is Standing.CURRENT and entry.code == now.code:
            return index
    return next((index for index, entry in enumerate(past) if entry.key == now.key), None)


def _moved(entry: Entry, to: Standing) -> Entry:
    return replace(entry, standing=to) if entry.standing is Standing.CURRENT else entry
