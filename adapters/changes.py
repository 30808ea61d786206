"""What has to be pushed so that the service holds what was read: the events, and the state after them."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, TypeVar

from adapters.mapping import CASE_TABLE
from adapters.moments import local_stamp, stamp_moment
from adapters.reading import CASE, MILESTONE, PARTY, Reading, Record
from adapters.values import UnreadableError

WITHDRAWN = "withdrawn"
#: The fingerprint of a record that is to be sent again whatever the case system says: no data have it.
TRY_AGAIN = "try again"
REASON = "withdrawn at the source"
#: Parties come last: one who gains access together with new milestones is then told once, not twice.
_PUSH_ORDER = (CASE, MILESTONE, PARTY)
_WITHDRAW_ORDER = (PARTY, MILESTONE, CASE)

_COUNTED = re.compile(r"(.*)\.(\d{6})", re.ASCII | re.DOTALL)
_encoded = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode

RecordId = tuple[str, str, str]
_Typed = TypeVar("_Typed", "Known", Record)


@dataclass(frozen=True, slots=True)
class Known:
    """What the service holds of one record after everything in the spool; `fingerprint` may be WITHDRAWN."""

    source: str
    type: str
    key: str
    case_number: str
    origin: str
    fingerprint: str
    sequence: str

    @property
    def id(self) -> RecordId:
        """The source, type and key: unique in the service."""
        return (self.source, self.type, self.key)

    @property
    def is_live(self) -> bool:
        """Whether the service still holds the record."""
        return self.fingerprint != WITHDRAWN


@dataclass(frozen=True, slots=True)
class Change:
    """One event and the state it leads to; one that `waits` may leave only after the withdrawals before it."""

    event_id: str
    body: str
    known: Known
    waits: bool = False


def canonical(data: Any) -> str:
    """The one JSON text of these data: keys sorted, no spaces."""
    return _encoded(data)


def fingerprint(text: str) -> str:
    """The SHA-256 of canonical data."""
    return sha256(text.encode()).hexdigest()


def next_sequence(stamp: str, last: str | None) -> str:
    """A sequence that sorts as text after `last`, even if the source's clock stepped back or a second repeats.

    One that the service told may have any form: another program can have pushed before this one.
    """
    counted = _COUNTED.fullmatch(last or "")
    if last is None or stamp > (counted[1] if counted else last):
        return f"{stamp}.000001"
    return f"{counted[1]}.{int(counted[2]) + 1:06d}" if counted else f"{last}.000001"


def changes(reading: Reading, known: Sequence[Known], now: datetime) -> list[Change]:
    """The events that bring the service from `known` to the reading, in the order they must be sent.

    `known` holds the state of this case number and of every record key in the reading. A record whose key
    is taken is added to the reading's refusals instead.
    """
    is_new = not any(entry.case_number == reading.number for entry in known)
    state = {entry.id: entry for entry in known}
    wanted = _with_free_keys(reading, state)
    stamps = _stamps(reading, known, now)
    made: list[Change] = []
    for entry in _sorted(known, _WITHDRAW_ORDER):
        if entry.is_live and _is_gone(entry, wanted, reading.number):
            made.append(_withdrawal(entry, stamps.of(entry.origin)))
            state[entry.id] = made[-1].known
    left = {change.known.source for change in made if change.known.type == CASE}
    for record in _sorted(wanted.values(), _PUSH_ORDER):
        last, text = state.get(record.id), canonical(record.data)
        if last is None or last.fingerprint != fingerprint(text):
            stamp = stamps.of(record.origin)
            formed = record.formed if is_new else ""
            sequence = next_sequence(stamp, last.sequence if last else None)
            made.append(_push(record, text, sequence, formed or stamp, waits=bool(left - {record.source})))
    return made


def _with_free_keys(reading: Reading, state: Mapping[RecordId, Known]) -> dict[RecordId, Record]:
    """The records of the reading by id, without those whose key another row holds."""
    free: dict[RecordId, Record] = {}
    for record in reading.records:
        held = state.get(record.id)
        if (held and _is_of_another_row(held, record)) or record.id in free:
            reading.refuse(record.origin, record.type, UnreadableError("key", "is already the key of another row"))
        else:
            free[record.id] = record
    return free


def _is_of_another_row(held: Known, record: Record) -> bool:
    """Whether a row of another case holds this key; of a record adopted from the service the row is not known."""
    return held.is_live and held.case_number != record.case_number and held.origin not in ("", record.origin)


def _is_gone(entry: Known, wanted: Mapping[RecordId, Record], number: str) -> bool:
    """Whether this record left the case, or came into it from another one and is taken back there first."""
    if entry.case_number == number:
        return entry.id not in wanted
    return entry.id in wanted


def _sorted(entries: Iterable[_Typed], order: Sequence[str]) -> list[_Typed]:
    return sorted(entries, key=lambda entry: order.index(entry.type))


@dataclass(frozen=True, slots=True)
class _Stamps:
    """When what changed was changed: by the row itself, or by its case when the row is as it was."""

    changed: Mapping[str, str]
    seen: Mapping[str, str]
    case: str

    def of(self, origin: str) -> str:
        """The stamp that explains a change of a record from this row."""
        own = self.changed.get(origin, "")
        return own if own > self.seen.get(origin, "") else max(own, self.case)


def _stamps(reading: Reading, known: Iterable[Known], now: datetime) -> _Stamps:
    changed = {origin: stamp for origin, stamp in reading.changed.items() if stamp}
    seen: dict[str, str] = {}
    for entry in known:
        seen[entry.origin] = max(seen.get(entry.origin, ""), entry.sequence[:14])
    of_case = [stamp for origin, stamp in changed.items() if origin.startswith(f"{CASE_TABLE}:")]
    return _Stamps(changed, seen, max(of_case or changed.values(), default=local_stamp(now)))


def _withdrawal(entry: Known, stamp: str) -> Change:
    sequence = next_sequence(stamp, entry.sequence)
    known = Known(entry.source, entry.type, entry.key, entry.case_number, entry.origin, WITHDRAWN, sequence)
    data = {"record": entry.type, "key": entry.key, "reason": REASON}
    return _change("caseq.withdrawal.v1", known, stamp, canonical(data), waits=False)


def _push(record: Record, text: str, sequence: str, formed: str, waits: bool) -> Change:
    known = Known(
        record.source,
        record.type,
        record.key,
        record.case_number,
        record.origin,
        fingerprint(text),
        sequence,
    )
    return _change(f"caseq.{record.type}.v1", known, formed, text, waits)


def _change(event_type: str, known: Known, formed: str, text: str, waits: bool) -> Change:
    """The event with these canonical data; id and body are canonical too, and the data are written out only once."""
    identity = f"{canonical([event_type, known.key, known.sequence])[:-1]},{text}]"
    event_id = sha256(identity.encode()).hexdigest()[:32]
    attributes = {
        "specversion": "1.0",
        "id": event_id,
        "source": known.source,
        "type": event_type,
        "subject": known.case_number,
        "time": stamp_moment(formed).isoformat(),
        "sequence": known.sequence,
    }
    return Change(event_id, f'{{"data":{text},{canonical(attributes)[1:]}', known, waits)
