"""What has to be pushed so that the service holds what was read: the events, and the state after them."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from json.encoder import encode_basestring as _quoted
from typing import Any, NamedTuple

import orjson

from adapters.mapping import CASE_TABLE
from adapters.moments import local_stamp, stamp_time
from adapters.reading import CASE, MILESTONE, PARTY, Reading, Record
from adapters.values import UnreadableError

WITHDRAWN = "withdrawn"
#: The fingerprint of a record that is to be sent again whatever the case system says: no data have it.
TRY_AGAIN = "try again"
#: In place of fingerprints too: the full read under way has missed the record; its withdrawal is held; it was released.
MISSING, HELD, RELEASED = "missing", "held", "released"
REASON = "withdrawn at the source"
#: Parties come last: one who gains access together with new milestones is then told once, not twice.
_PUSH_ORDER = {CASE: 0, MILESTONE: 1, PARTY: 2}

_COUNTED = re.compile(r"(.*)\.(\d{6})", re.ASCII | re.DOTALL)

RecordId = tuple[str, str, str]


class Known(NamedTuple):
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
        return self[:3]

    @property
    def is_live(self) -> bool:
        """Whether the service still holds the record."""
        return self.fingerprint != WITHDRAWN

    @property
    def is_missing(self) -> bool:
        """Whether the case system had the record no longer when it was last read."""
        return self.fingerprint in (MISSING, HELD, RELEASED)


class Change(NamedTuple):
    """One event and the state it leads to; it leaves once those before it of the sources in `after` have arrived."""

    event_id: str
    body: bytes
    known: Known
    after: tuple[str, ...] = ()


def canonical(data: Any) -> bytes:
    """The one JSON text of these data in UTF-8: keys sorted, no spaces."""
    try:
        return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a number beyond 64 bits: the service refuses its event, and nothing else stops for it
        return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def fingerprint(data: bytes) -> str:
    """The SHA-256 of canonical data in UTF-8."""
    return sha256(data).hexdigest()


def next_sequence(stamp: str, last: str | None) -> str:
    """A sequence that sorts as text after `last`, even if the source's clock stepped back or a second repeats.

    One that the service told may have any form: another program can have pushed before this one.
    """
    if last is None:
        return f"{stamp}.000001"
    counted = _COUNTED.fullmatch(last)
    if stamp > (counted[1] if counted else last):
        return f"{stamp}.000001"
    return f"{counted[1]}.{int(counted[2]) + 1:06d}" if counted else f"{last}.000001"


def changes(reading: Reading, known: Sequence[Known], now: datetime) -> list[Change]:
    """The events that bring the service from `known` to the reading, in the order they must be sent.

    `known` holds the state of this case number, of every record key in the reading, and of the cases whose number reads
    alike, which are one case to the service. A record whose key is taken is added to the reading's refusals instead.
    """
    is_new = not any(entry.case_number == reading.number for entry in known)
    state = {entry.id: entry for entry in known}
    wanted = _with_free_keys(reading, state)
    stamps = _stamps(reading, known, now)
    made: list[Change] = []
    for entry in sorted(known, key=lambda entry: -_PUSH_ORDER[entry.type]):
        if entry.is_live and _is_gone(entry, wanted, reading.number):
            made.append(_withdrawal(entry, stamps.of(entry.origin)))
            state[entry.id] = made[-1].known
    alike = [entry for entry in known if entry.type == CASE and entry.case_number != reading.number]
    left = {change.known.source for change in made if change.known.type == CASE} | {entry.source for entry in alike}
    if not any(entry.is_live for entry in known if entry.type == CASE and entry.id in wanted):
        left |= {entry.source for entry in known if entry.type == CASE}
    for record_id, record in sorted(wanted.items(), key=lambda item: _PUSH_ORDER[item[1].type]):
        last, data = state.get(record_id), canonical(record.data)
        digest = fingerprint(data)
        if last is None or last.fingerprint != digest:
            stamp = stamps.of(record.origin)
            sequence = next_sequence(stamp, _last_sequence(record_id, last, alike))
            then = Known(*record_id, record.case_number, record.origin, digest, sequence)
            formed = (record.formed if is_new else "") or stamp
            after = tuple(sorted(left - {record.source}))
            made.append(_change(f"caseq.{record.type}.v1", then, formed, data, after))
    return made


def _last_sequence(record_id: RecordId, last: Known | None, alike: Iterable[Known]) -> str | None:
    """The newest sequence that the service may hold of this record: of a case, also under another spelling."""
    source, record_type, _ = record_id
    found = [entry.sequence for entry in alike if record_type == CASE and entry.source == source]
    return max([*found, last.sequence] if last else found, default=None)


def _with_free_keys(reading: Reading, state: Mapping[RecordId, Known]) -> dict[RecordId, Record]:
    """The records of the reading by id, without those whose key another row holds."""
    free: dict[RecordId, Record] = {}
    for record in reading.records:
        record_id = record.id
        held = state.get(record_id)
        if (held and _is_of_another_row(held, record)) or record_id in free:
            reading.refuse(record.origin, record.type, UnreadableError("key", "is already the key of another row"))
        else:
            free[record_id] = record
    return free


def _is_of_another_row(held: Known, record: Record) -> bool:
    """Whether a row of another case holds this key; of a record adopted from the service the row is not known."""
    is_there = held.is_live and not held.is_missing
    return is_there and held.case_number != record.case_number and held.origin not in ("", record.origin)


def _is_gone(entry: Known, wanted: Mapping[RecordId, Record], number: str) -> bool:
    """Whether this record left the case, or came into it from another one and is taken back there first."""
    if entry.case_number == number:
        return entry.id not in wanted
    return entry.id in wanted


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
    changed, root = reading.changed, f"{CASE_TABLE}:"
    seen: dict[str, str] = {}
    for entry in known:
        seen[entry.origin] = max(seen.get(entry.origin, ""), entry.sequence[:14])
    of_case = max((stamp for origin, stamp in changed.items() if origin.startswith(root)), default="")
    return _Stamps(changed, seen, of_case or max(changed.values(), default="") or local_stamp(now))


def _withdrawal(entry: Known, stamp: str) -> Change:
    sequence = next_sequence(stamp, entry.sequence)
    known = Known(entry.source, entry.type, entry.key, entry.case_number, entry.origin, WITHDRAWN, sequence)
    data = {"record": entry.type, "key": entry.key, "reason": REASON}
    return _change("caseq.withdrawal.v1", known, stamp, canonical(data), after=())


def _change(event_type: str, known: Known, formed: str, data: bytes, after: tuple[str, ...]) -> Change:
    """The event with these canonical data; id and body are canonical too, and only the data are walked through."""
    source, _, key, number, _, _, sequence = known
    sequence = _quoted(sequence)
    identity = b'["%b",%b,%b,%b]' % (event_type.encode(), _quoted(key).encode(), sequence.encode(), data)
    event_id = sha256(identity).hexdigest()[:32]
    attributes = (
        f'"id":"{event_id}","sequence":{sequence},"source":{_quoted(source)},"specversion":"1.0",'
        f'"subject":{_quoted(number)},"time":"{stamp_time(formed)}","type":"{event_type}"'
    )
    return Change(event_id, b'{"data":%b,%b}' % (data, attributes.encode()), known, after)
