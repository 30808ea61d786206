"""What the ledger holds of a milestone while a change of it waits for release, or after one was taken back."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, cast

from caseq.rules.book import Change, Entry
from caseq.rules.case import LONGEST_EVENT_ID, Event, Hold, Milestone, RecordType, Withdrawal

#: Sorts before every sequence, so that what was taken back can be released again.
BEFORE_ALL = ""
_WAITS = "a correction waits for release"


def cover(change: Change, today: date) -> Change | None:
    """The change that hides at once what is shown now, where the waiting one says that it should not be shown as it is.

    That is so where the new state is held, or of another suspect or another name: nobody may go on reading what the
    source has taken back until somebody agrees to what comes in its place. None: what is shown may stay until then.
    """
    before, after = change.before, change.event.record
    was = before.live if before else None
    if not isinstance(was, Milestone) or not isinstance(after, Milestone):
        return None
    before = cast("Entry[Milestone]", before)
    is_held = after.hidden_until is not None and today <= after.hidden_until
    if not is_held and (was.subject, was.name) == (after.subject, after.name):
        return None
    hidden = replace(was, hold=Hold(_WAITS))
    event = replace(
        change.event,
        id=f"cover:{change.event.id}"[:LONGEST_EVENT_ID],
        sequence=before.sequence,
        time=before.formed_at,
        record=hidden,
        raw=raw(hidden),
    )
    return replace(change, event=event, after=replace(before, record=hidden), narrows=False)


def taken_back(release: Event, case_key: str, shown: Entry[Milestone], previous: Event | None, number: int) -> Change:
    """The change that undoes a release: the milestone is what `previous` said, or is not there if there was nothing.

    `number` is that of the release, `shown` what the ledger holds of it now.
    """
    record: Milestone | Withdrawal
    if previous is not None and isinstance(previous.record, Milestone):
        record, sequence, time, said = previous.record, previous.sequence, previous.time, dict(previous.raw)
    else:
        assert isinstance(release.record, Milestone)
        key = release.record.key
        record = Withdrawal(RecordType.MILESTONE, key, "the release was taken back")
        sequence, time = BEFORE_ALL, release.time
        said = {"data": {"record": "milestone", "key": key, "reason": record.reason}}
    id_ = f"undo:{number}:{shown.released_at}"
    event = replace(release, id=id_, sequence=sequence, time=time, record=record, raw=said)
    is_gone = isinstance(record, Withdrawal)
    held = record if isinstance(record, Milestone) else shown.record
    after = replace(shown, record=held, sequence=sequence, formed_at=time, withdrawn=is_gone)
    key = record.key
    return Change(event, RecordType.MILESTONE, key, case_key, shown, after)


def raw(milestone: Milestone) -> Mapping[str, Any]:
    """An event's JSON, as far as it tells the state of this milestone: what the history keeps."""
    hold = milestone.hold
    data = {
        "milestone": milestone.key,
        "name": milestone.name.value,
        "subject": milestone.subject,
        "occurred_on": milestone.occurred_on.isoformat() if milestone.occurred_on else None,
        "document_number": milestone.document_number,
        "details": dict(milestone.details or {}),
        "hold": {"reason": hold.reason, "until": hold.until.isoformat() if hold.until else None} if hold else None,
        "tell_first": milestone.tell_first,
    }
    return {"data": data}
