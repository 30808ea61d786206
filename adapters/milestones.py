"""The milestones of one case, read from its rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from adapters.history import Entry, following, standing_entries
from adapters.mapping import Coded, Detail, MilestoneMapping, Phrases, Row, Turn
from adapters.reading import MILESTONE, CaseContext, OpenRow, iso, present
from adapters.values import UnreadableError, day, decoded, filled, penalties, rendered


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
    place = (row.origin, milestone.name)
    past = context.histories.get(place, ())
    try:
        now = _entry(milestone, row.values)
    except UnreadableError as fault:
        context.reading.refuse(row.origin, milestone.name, fault)
        return standing_entries(past)
    if not milestone.history:
        return [now] if now else []
    context.reading.histories[place] = following(past, now)
    return standing_entries(context.reading.histories[place])


def _entry(milestone: MilestoneMapping, row: Row) -> Entry | None:
    """What this row says now; None as long as its date or a column of its details is empty."""
    columns = [detail.column for detail in milestone.details.values() if not isinstance(detail, Turn)]
    if not all(filled(row, column) for column in (milestone.occurred_on, *columns)):
        return None
    day(row, milestone.occurred_on)
    return Entry(
        key=rendered(milestone.key, row),
        code=filled(row, milestone.history),
        subject=rendered(milestone.subject, row),
        occurred_stamp=filled(row, milestone.occurred_on),
        document_number=filled(row, milestone.document_number),
        details=_read_details(milestone.details, row),
    )


def _read_details(details: Mapping[str, Detail], row: Row) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name, detail in details.items():
        if isinstance(detail, Coded):
            read[name] = decoded(row, detail)
        elif isinstance(detail, Phrases):
            read[name] = penalties(row, detail)
    return read


def _data(milestone: MilestoneMapping, entry: Entry, is_first: bool) -> dict[str, Any]:
    turns = {
        name: detail.first if is_first else detail.later
        for name, detail in milestone.details.items()
        if isinstance(detail, Turn)
    }
    return present(
        {
            "milestone": entry.key,
            "name": milestone.name,
            "subject": entry.subject,
            "occurred_on": iso(day({"occurred_on": entry.occurred_stamp}, "occurred_on")),
            "document_number": entry.document_number,
            "details": present({**entry.details, **turns}),
        }
    )
