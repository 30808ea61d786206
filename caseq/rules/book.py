"""Placing pushed events into the ledger: the part of it that a batch touches, in memory and without I/O."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from caseq.rules.case import ROLES_IN, SUSPECT_SIDE, Case, Event, Kind, Milestone, Party, RecordType, Withdrawal, ended
from caseq.rules.events import Outcome
from caseq.rules.numbers import lookup_key

Errors = dict[str, list[str]]
#: The errors of an event whose case is still live under another source: once that lets go, it can be taken.
ELSEWHERE = {"subject": ["this case belongs to another source"]}
R = TypeVar("R", Case, Party, Milestone)


@dataclass(frozen=True, slots=True)
class Entry(Generic[R]):
    """The newest state of one record; `record` is None when only its withdrawal is known.

    Two moments belong to milestones: `released_at`, since when what every reader of it sees is as it is now, and
    `line_since`, as in StoredMilestone.
    """

    record: R | None
    case_key: str
    sequence: str
    formed_at: datetime
    withdrawn: bool = False
    phone_hash: str | None = None
    id: int | None = None
    released_at: datetime | None = None
    line_since: datetime | None = None

    @property
    def live(self) -> R | None:
        return None if self.withdrawn else self.record


@dataclass(frozen=True, slots=True)
class Change:
    """One accepted event: what the record was and what it is now; `narrows`: its case is read narrowly from now on."""

    event: Event
    type: RecordType
    key: str
    case_key: str
    before: Entry[Case] | Entry[Party] | Entry[Milestone] | None
    after: Entry[Case] | Entry[Party] | Entry[Milestone]
    narrows: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of one event, with the errors by field if it was refused."""

    outcome: Outcome
    errors: Errors = field(default_factory=dict)


@dataclass
class Book:
    """The cases, parties and milestones that a batch of one source touches.

    `items` are by kind what the policy shows anybody, `elsewhere` the keys of live cases of other sources,
    `narrowed` those of cases that have or had a minor on the suspect's side; `left` are the live parties and milestones
    of a case, complete where an event writes its number another way; `fingerprint` gives the keyed hash of a usable
    telephone number, None for any other text.
    """

    source: str
    kinds: frozenset[Kind]
    items: Mapping[str, frozenset[str]]
    fingerprint: Callable[[str | None], str | None]
    elsewhere: frozenset[str] = frozenset()
    cases: dict[str, Entry[Case]] = field(default_factory=dict)
    parties: dict[str, Entry[Party]] = field(default_factory=dict)
    milestones: dict[str, Entry[Milestone]] = field(default_factory=dict)
    narrowed: set[str] = field(default_factory=set)
    left: dict[str, set[tuple[RecordType, str]]] = field(default_factory=lambda: defaultdict(set))
    _keys_of: dict[tuple[RecordType, str], dict[str, None]] = field(default_factory=lambda: defaultdict(dict))

    def know(self, type_: RecordType, key: str, entry: Entry[Case] | Entry[Party] | Entry[Milestone]) -> None:
        """Enter a record as the ledger has it, or as it has just become."""
        self._shelf(type_)[key] = entry
        self._keys_of[type_, entry.case_key][key] = None

    def place(self, event: Event) -> Placed | Change:
        """Take one event in: the change it made, or why it made none. The newest `sequence` of a record wins."""
        placed = self.consider(event)
        if isinstance(placed, Change):
            self.enter(placed)
        return placed

    def enter(self, change: Change) -> None:
        """Have the record be what the change made of it."""
        self.know(change.type, change.key, change.after)
        if change.type is not RecordType.CASE:
            left = self.left[change.case_key]
            (left.discard if change.after.withdrawn else left.add)((change.type, change.key))
        if change.narrows:
            self.narrowed.add(change.case_key)

    def consider(self, event: Event) -> Placed | Change:
        """What `place` would give, and nothing is changed."""
        case_key = event.case_key
        if case_key in self.elsewhere:
            return Placed(Outcome.REFUSED, ELSEWHERE)
        if isinstance(event.record, Case):
            return self._place_case(event, event.record, case_key)
        if case_key not in self.cases or (self.cases[case_key].withdrawn and self._another(event, case_key)):
            return Placed(Outcome.PARKED)
        if isinstance(event.record, Withdrawal):
            return self._withdraw(event, event.record, case_key)
        case = self.cases[case_key].record
        if refused := self.unfit(event.record, case.kind if case else None):
            return refused
        type_ = RecordType.PARTY if isinstance(event.record, Party) else RecordType.MILESTONE
        return self._put(type_, event, event.record.key, case_key)

    def unfit(self, record: Party | Milestone, kind: Kind | None) -> Placed | None:
        """Why a case of this kind (None: not known yet) cannot have this record, or may not hold it; None if it may."""
        if isinstance(record, Party):
            if kind is None or record.role in ROLES_IN[kind]:
                return None
            return _refused("data.role", f"no case of kind {kind} has a party who is {record.role}")
        if any(record.name in self.items[one] for one in ([kind] if kind else Kind)):
            return None
        of_kind = f" in a case of kind {kind}" if kind else ""
        return _refused("data.name", f"the policy in force shows nobody a {record.name}{of_kind}: do not push it")

    def _place_case(self, event: Event, case: Case, case_key: str) -> Placed | Change:
        if case.kind not in self.kinds:
            return _refused("data.kind", f"this source may push {', '.join(sorted(self.kinds))} only")
        if another := self._another(event, case_key):
            return _reads_like(another)
        return self._put(RecordType.CASE, event, case_key, case_key)

    def _another(self, event: Event, case_key: str) -> str:
        """The number of the case that this event's number reads like and is not; '' if it is the case's own.

        People type a number in any way, so two numbers of one key would let the parties of one case into the other. A
        case may be written anew once it and all its records are withdrawn, or if it names its former number.
        """
        held = self.cases.get(case_key)
        if held is None or held.record is None or held.record.number == event.case_number:
            return ""
        if isinstance(event.record, Case):
            is_free = held.withdrawn and not self.left[case_key]
            if is_free or held.record.number in event.record.aliases:
                return ""
        return held.record.number

    def _withdraw(self, event: Event, withdrawal: Withdrawal, case_key: str) -> Placed | Change:
        if withdrawal.record is RecordType.CASE:
            if lookup_key(withdrawal.key) != case_key:
                return _refused("data.key", "the key of a case is its number, the same as subject")
            return self._put(RecordType.CASE, event, case_key, case_key)
        return self._put(withdrawal.record, event, withdrawal.key, case_key)

    def _put(self, type_: RecordType, event: Event, key: str, case_key: str) -> Placed | Change:
        before = self._entry(type_, key)
        if before is not None:
            if before.case_key != case_key and not before.withdrawn:
                return _refused("data", "its key is recorded under another case; withdraw it there first")
            if event.sequence <= before.sequence:
                return Placed(Outcome.STALE)
        if another := self._another(event, case_key):
            return _reads_like(another)
        after = self._after(event, before, case_key)
        return Change(event, type_, key, case_key, before, after, self.narrows(event, before))

    def narrows(self, event: Event, before: Entry[Any] | None) -> bool:
        """Whether the event tells of a minor on the suspect's side, or moves a suspect's record out of a narrowed case.

        Nothing that a source pushes widens a case again, because what is known of a minor stays sealed (CPL 286): only
        staff do.
        """
        record = event.record
        if isinstance(record, Withdrawal):
            return False
        if not isinstance(record, Milestone) and is_minor(record):
            return True
        return before is not None and before.case_key in self.narrowed and _is_of_a_suspect(record)

    def known(self, event: Event) -> Entry[Any] | None:
        """The party or milestone that the event states as the book has it, None for anything else."""
        if isinstance(event.record, Party):
            return self.parties.get(event.record.key)
        return self.milestones.get(event.record.key) if isinstance(event.record, Milestone) else None

    def _entry(self, type_: RecordType, key: str) -> Entry[Any] | None:
        found: Entry[Any] | None = self._shelf(type_).get(key)
        return found

    def _shelf(self, type_: RecordType) -> dict[str, Any]:
        if type_ is RecordType.CASE:
            return self.cases
        return self.parties if type_ is RecordType.PARTY else self.milestones

    def _after(self, event: Event, before: Entry[Any] | None, case_key: str) -> Entry[Any]:
        record = event.record
        if isinstance(record, Withdrawal):
            if before is None:
                return Entry(None, case_key, event.sequence, event.time, withdrawn=True)
            return replace(before, sequence=event.sequence, formed_at=event.time, withdrawn=True)
        if isinstance(record, Case):
            record = replace(record, ended_on=ended(record, event.time, before.record if before else None))
        phone_hash = self.fingerprint(record.phone) if isinstance(record, Party) else None
        known_id = before.id if before else None
        return Entry(record, case_key, event.sequence, event.time, phone_hash=phone_hash, id=known_id)

    def parties_of(self, case_key: str) -> Iterator[tuple[str, Entry[Party]]]:
        """The live parties of a case, by key."""
        keys = self._keys_of[RecordType.PARTY, case_key]
        return ((key, entry) for key in keys if _is_live_in(case_key, entry := self.parties[key]))

    def milestones_of(self, case_key: str) -> Iterator[tuple[str, Entry[Milestone]]]:
        """The live milestones of a case, by key: all where case or party records change, else those that may read like
        one that changes."""
        keys = self._keys_of[RecordType.MILESTONE, case_key]
        return ((key, entry) for key in keys if _is_live_in(case_key, entry := self.milestones[key]))


def is_minor(record: Case | Party) -> bool:
    """Whether this record says that somebody on the suspect's side is or may be a minor."""
    return record.juvenile and (isinstance(record, Case) or record.role in SUSPECT_SIDE)


def _is_of_a_suspect(record: Case | Party | Milestone) -> bool:
    if isinstance(record, Milestone):
        return record.subject is not None
    return isinstance(record, Party) and record.role in SUSPECT_SIDE


def _is_live_in(case_key: str, entry: Entry[Any]) -> bool:
    """Whether the record is live and still one of this case: a withdrawn one may come back under another."""
    return entry.live is not None and entry.case_key == case_key


def _reads_like(number: str) -> Placed:
    return _refused("subject", f"reads like {number}, which is another case")


def _refused(name: str, reason: str) -> Placed:
    return Placed(Outcome.REFUSED, {name: [reason]})
