"""The milestones of one case, read from its rows."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from adapters import vocabulary
from adapters.history import Entry, Standing, following, standing_entries
from adapters.mapping import Day, Detail, Flag, HoldMapping, MilestoneMapping, Row, Turn, Value
from adapters.moments import YEARS, local_stamp, moment, stamp_moment
from adapters.reading import MILESTONE, CaseContext, OpenRow, iso, present
from adapters.values import UnreadableError, all_hold, day_of, filled, penalties, rendered, required, text_of

#: A hearing may be set for next year; what is later was mistyped.
_YEARS_AHEAD = 2


def add_milestones(context: CaseContext) -> None:
    """Adds the milestones of this case to its reading, in the mapping's order."""
    for milestone in context.mapping.milestones:
        if context.kind in milestone.kinds:
            for row in context.open_rows(milestone.table):
                for index, entry in enumerate(_entries(context, milestone, row)):
                    data = _data(milestone, entry, is_first=index == 0)
                    context.add(MILESTONE, entry.key, row, entry.occurred_stamp, data)


def _entries(context: CaseContext, milestone: MilestoneMapping, row: OpenRow) -> Sequence[Entry]:
    """What this row says now and, where a history is kept, what it said before.

    A row that cannot be read is refused, and changes nothing of what it said before.
    """
    place = (row.origin, milestone.name.always or MILESTONE)
    past = context.histories.get(place, ())
    try:
        now = _entry(context, milestone, row)
        is_half_typed = now is None and _waits_for_its_date(milestone, row.values, past, context.zone)
    except UnreadableError as fault:
        context.reading.refuse(*place, fault)
        return standing_entries(past)
    if is_half_typed:
        return standing_entries(past)
    if not milestone.history:
        return [now] if now else []
    context.reading.histories[place] = following(past, now)
    return standing_entries(context.reading.histories[place])


def _waits_for_its_date(milestone: MilestoneMapping, row: Row, past: Sequence[Entry], zone: tzinfo) -> bool:
    """Whether the row has another code already than its current entry, and no date to it yet: that is not told yet."""
    code = filled(row, milestone.history) if milestone.history else ""
    is_other = any(entry.standing is Standing.CURRENT and entry.code != code for entry in past)
    is_told = bool(code) and is_other and all_hold(milestone.only, row) and required(row, milestone.name) != ""
    return is_told and day_of(row, milestone.occurred_on, zone) is None


def _entry(context: CaseContext, milestone: MilestoneMapping, open_row: OpenRow) -> Entry | None:
    """What this row says now; None as long as its date is empty, its conditions do not hold, or it tells nothing."""
    row = open_row.values
    if not all_hold(milestone.only, row):
        return None
    name = required(row, milestone.name)
    day = day_of(row, milestone.occurred_on, context.zone) if name else None
    if day is None:
        return None
    if day.year not in YEARS or day.year > context.today.year + _YEARS_AHEAD:
        raise UnreadableError(" or ".join(milestone.occurred_on.columns), "is before 1900 or years ahead")
    occurred = moment(text_of(row, milestone.occurred_on), context.zone)
    return Entry(
        key=rendered(milestone.key, row) if milestone.key else f"{open_row.origin}:{name}",
        code=filled(row, milestone.history),
        subject=context.subject(milestone.subject, row),
        occurred_stamp=local_stamp(occurred) if occurred else "",
        document_number=text_of(row, milestone.document_number),
        details=_details(context, milestone, name, row),
        name=name,
        more=_more(context, milestone, row),
    )


def _details(context: CaseContext, milestone: MilestoneMapping, name: str, row: Row) -> dict[str, Any]:
    """The details that milestones of this name have."""
    known = vocabulary.DETAILS[name]
    return {key: _read(context, detail, row) for key, detail in milestone.details.items() if key in known}


def _read(context: CaseContext, detail: Detail, row: Row) -> Any:
    match detail:
        case Value():
            return text_of(row, detail)
        case Day(value):
            return iso(day_of(row, value, context.zone))
        case Flag(conditions):
            return all_hold(conditions, row)
        case Turn():
            return None
        case _:
            return penalties(row, detail)


def _more(context: CaseContext, milestone: MilestoneMapping, row: Row) -> Mapping[str, Any]:
    """What stands beside the details: whether the milestone is held back, or told in person first."""
    tell_first = milestone.tell_first is not None and all_hold(milestone.tell_first, row)
    return present({"hold": _hold(context, milestone.hold, row), "tell_first": tell_first})


def _hold(context: CaseContext, hold: HoldMapping | None, row: Row) -> dict[str, Any] | None:
    reason = text_of(row, hold.reason) if hold else ""
    if hold is None or not reason:
        return None
    return present({"reason": reason, "until": iso(day_of(row, hold.until, context.zone))})


def _data(milestone: MilestoneMapping, entry: Entry, is_first: bool) -> dict[str, Any]:
    turns = {
        name: detail.first if is_first else detail.later
        for name, detail in milestone.details.items()
        if isinstance(detail, Turn)
    }
    return present(
        {
            "milestone": entry.key,
            "name": entry.name or milestone.name.always,
            "subject": entry.subject,
            "occurred_on": stamp_moment(entry.occurred_stamp.ljust(14, "0")).date().isoformat(),
            "document_number": entry.document_number,
            "details": present({**entry.details, **turns}),
            **entry.more,
        }
    )
