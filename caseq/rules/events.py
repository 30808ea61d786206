"""Pushed CloudEvents as values: from validated JSON to an `Event`."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from caseq.rules.case import (
    Case,
    CaseState,
    Event,
    Hold,
    Kind,
    Milestone,
    MilestoneName,
    Party,
    RecordType,
    Role,
    Unit,
    Withdrawal,
)
from caseq.rules.numbers import lookup_key


class Outcome(StrEnum):
    """What became of one pushed event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    STALE = "stale"
    PARKED = "parked"
    REFUSED = "refused"


class Told(NamedTuple):
    """The record that an event is about, and the event's sequence."""

    type: RecordType
    key: str
    sequence: str


def event(raw: Mapping[str, Any]) -> Event:
    """The event of a CloudEvent whose attributes and data have been validated; missing keys are null or empty."""
    return Event(
        id=raw["id"],
        case_number=raw["subject"],
        case_key=lookup_key(raw["subject"]),
        sequence=raw["sequence"],
        time=datetime.fromisoformat(raw["time"].upper()).astimezone(UTC),
        record=BUILDERS[raw["type"]](raw["subject"], raw["data"]),
        raw=raw,
    )


def told(raw: Any) -> Told | None:
    """Which record a raw event that was refused is about, and its sequence; None if it does not say so."""
    try:
        type_, data = raw["type"], raw["data"]
        record = data["record"] if type_ == "caseq.withdrawal.v1" else type_.removeprefix("caseq.").removesuffix(".v1")
        key = data["key"] if "record" in data else raw["subject"] if record == RecordType.CASE else data[record]
        return Told(RecordType(record), str(key), str(raw["sequence"]))
    except (AttributeError, LookupError, TypeError, ValueError):
        return None


def _day(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None


def _present(value: Any) -> Any:
    """The value without keys that are null, false or empty: they say the same as keys that are left out."""
    if isinstance(value, Mapping):
        present = {key: _present(inner) for key, inner in value.items()}
        return {key: inner for key, inner in present.items() if inner not in (None, False, "", [], {}) or inner == 0}
    return [_present(item) for item in value] if isinstance(value, list) else value


def _case(number: str, data: Mapping[str, Any]) -> Case:
    unit = data["unit"]
    return Case(
        number=number,
        kind=Kind(data["kind"]),
        unit=Unit(unit["name"], *(unit.get(name) or None for name in ("code", "address", "phone"))),
        state=CaseState(data.get("state") or CaseState.OPEN),
        opened_on=_day(data.get("opened_on")),
        concluded_on=_day(data.get("concluded_on")),
        aliases=tuple(data.get("aliases") or ()),
        merged_into=data.get("merged_into") or None,
        transferred_to=data.get("transferred_to"),
        juvenile=bool(data.get("juvenile")),
        trade=data.get("trade"),
    )


def _party(_number: str, data: Mapping[str, Any]) -> Party:
    return Party(
        key=data["party"],
        role=Role(data["role"]),
        name=data.get("name"),
        phone=data.get("phone"),
        subject=data.get("subject") or None,
        appeared_on=_day(data.get("appeared_on")),
        juvenile=bool(data.get("juvenile")),
        valid_from=_day(data.get("valid_from")),
        valid_until=_day(data.get("valid_until")),
        sms=bool(data.get("sms")),
    )


def _milestone(_number: str, data: Mapping[str, Any]) -> Milestone:
    hold = data.get("hold")
    return Milestone(
        key=data["milestone"],
        name=MilestoneName(data["name"]),
        subject=data.get("subject") or None,
        occurred_on=_day(data.get("occurred_on")),
        document_number=data.get("document_number") or None,
        details=_present(data.get("details") or {}),
        hold=Hold(hold.get("reason") or "", _day(hold.get("until"))) if hold else None,
        tell_first=bool(data.get("tell_first")),
    )


def _withdrawal(_number: str, data: Mapping[str, Any]) -> Withdrawal:
    return Withdrawal(RecordType(data["record"]), data["key"], data.get("reason"))


BUILDERS: Mapping[str, Callable[[str, Mapping[str, Any]], Case | Party | Milestone | Withdrawal]] = {
    "caseq.case.v1": _case,
    "caseq.party.v1": _party,
    "caseq.milestone.v1": _milestone,
    "caseq.withdrawal.v1": _withdrawal,
}
