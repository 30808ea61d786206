"""Whom a change concerns: a party gets one SMS for one change to what that party may see, and none otherwise."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import cast

from caseq.rules.access import may_enter
from caseq.rules.book import Book, Change, Entry
from caseq.rules.case import Case, CaseState, Milestone, Party, RecordType, bureau_date
from caseq.rules.disclosure import Policy, Scope, concerns, is_held, seen_since

Shown = tuple[object, ...]


@dataclass(frozen=True)
class Editor:
    """Decides what is news at the moment `now`; information older than `within` is history, not news.

    What a source pushes in shadow makes no SMS, not even later.
    """

    policy: Policy
    now: datetime
    within: timedelta
    in_shadow: bool

    @cached_property
    def today(self) -> date:
        return bureau_date(self.now)

    @cached_property
    def _recent_since(self) -> datetime:
        return self.now - self.within

    def is_recent(self, moment: datetime) -> bool:
        return moment >= self._recent_since

    def released_at(self, change: Change) -> datetime:
        """Since when what all readers of this milestone see is as it is now.

        A field that only some of them see must not move the date: it would tell the others that there is one.
        """
        before, after = change.before, change.after
        known = before.live if before else None
        assert not isinstance(known, (Case, Party))
        assert not isinstance(after.record, (Case, Party))
        if before is None or before.released_at is None or known is None or after.record is None:
            return self.now
        return before.released_at if self._common(known) == self._common(after.record) else self.now

    def _common(self, milestone: Milestone) -> Shown:
        values = milestone.values()
        fields = sorted(self.policy.common_fields.get(milestone.name, ()))
        about = (milestone.name, milestone.subject, milestone.hidden_until)
        return (*about, *(values.get(name) for name in fields))

    def dated(self, book: Book, change: Change) -> Iterator[tuple[str, Entry[Milestone]]]:
        """The changed milestone, and others of its case and name, with the moments since when each and its line are
        shown.

        What reads alike for several suspects is one line, and its day must not tell that there are several: a line
        keeps its day for as long as any milestone makes it. The book is that right after the change.
        """
        was, becomes = cast("Entry[Milestone] | None", change.before), cast("Entry[Milestone]", change.after)
        before = was if was is not None and was.case_key == change.case_key else None
        after = replace(becomes, released_at=self.released_at(change), line_since=None)
        if not any(self._is_of_a_line(book, change.case_key, entry) for entry in (before, after)):
            yield change.key, after
            return
        names = {entry.record.name for entry in (before, after) if entry and entry.record}
        others = {
            key: entry
            for key, entry in book.milestones_of(change.case_key)
            if key != change.key and entry.record is not None and entry.record.name in names
        }
        stood: dict[Shown, datetime] = {}
        for entry in (*others.values(), *([before] if before else [])):
            line = self._line(book, change.case_key, entry)
            if line is not None:
                stood[line] = min(_since(entry), stood.get(line, _since(entry)))
        for key, entry in (*others.items(), (change.key, after)):
            line = self._line(book, change.case_key, entry)
            since = stood.get(line) if line is not None else None
            if key == change.key or since not in (None, _since(entry)):
                yield key, replace(entry, line_since=since)

    def _is_of_a_line(self, book: Book, case_key: str, entry: Entry[Milestone] | None) -> bool:
        case = book.cases[case_key].record
        record = entry.record if entry else None
        return case is not None and record is not None and (case.kind, record.name) in self.policy.line_fields

    def _line(self, book: Book, case_key: str, entry: Entry[Milestone]) -> Shown | None:
        """What a milestone says today to those who read of every suspect, None if nothing."""
        case, milestone = book.cases[case_key].record, entry.live
        fields = self.policy.line_fields.get((case.kind, milestone.name)) if case and milestone else None
        if fields is None or milestone is None or is_held(milestone.hidden_until, self.today):
            return None
        if not concerns(Scope.EVERY_SUBJECT, None, milestone.subject, case_key in book.narrowed):
            return None
        values = milestone.values()
        return (milestone.name, *(_plain(values.get(name)) for name in sorted(fields)))

    def readers(self, book: Book, change: Change) -> Iterator[tuple[str, Shown | None]]:
        """The keys of the parties who must hear of this change, given the book as it stood right after it, each with
        what it saw of the record before: None for nothing."""
        if self.in_shadow:
            return
        if change.type is RecordType.PARTY:
            yield from ((key, None) for key in self._newcomer(book, change))
            return
        if not self.is_recent(change.event.time):
            return
        case = book.cases[change.case_key].live
        for key, entry in book.parties_of(change.case_key):
            party = _reachable(entry)
            if party is None or case is None or not may_enter(self.policy, case, party, self.today):
                continue
            told, tells = self._sides(book, change, case, party)
            if told != tells:
                yield key, told

    def tells_former(self, book: Book, change: Change) -> bool:
        """Whether the number that a party had until now is told that it is another one: its owner may have lost it."""
        before, case = change.before, book.cases[change.case_key].live
        if self.in_shadow or case is None or before is None or not isinstance(before.live, Party):
            return False
        is_other = before.phone_hash is not None and before.phone_hash != change.after.phone_hash
        return is_other and before.live.sms and may_enter(self.policy, case, before.live, self.today)

    def seen_now(self, book: Book, case_key: str, party: Party, type_: RecordType, key: str) -> Shown | None:
        """What the party sees of a record today, in the form of what `readers` gives; None for nothing.

        Of its own record a party sees whether there is anything to see at all.
        """
        case = book.cases[case_key].live
        if case is None:
            return None
        if type_ is RecordType.CASE:
            return self._case_shown(case, party)
        if type_ is RecordType.PARTY:
            return ("page",) if self._page(book, case_key, case, party) else None
        entry = book.milestones.get(key)
        if entry is None or entry.live is None or entry.case_key != case_key:
            return None
        shown = self._shown(case, party, entry.live, case_key in book.narrowed)
        return None if shown in self._others(book, case_key, key, case, party, [entry.live]) else shown

    def _sides(self, book: Book, change: Change, case: Case, party: Party) -> tuple[Shown | None, Shown | None]:
        """What the party was told of the record before this change, and what it would be told now."""
        before, after = change.before.live if change.before else None, change.after.live
        if change.type is RecordType.CASE:
            return self._sides_of_case(book, change, case, party)
        assert not isinstance(before, (Case, Party))
        assert not isinstance(after, (Case, Party))
        narrowed = change.case_key in book.narrowed
        told = None if before is None or before.tell_first else self._shown(case, party, before, narrowed)
        tells = None if after is None else self._shown(case, party, after, narrowed)
        if told == tells:
            return told, tells
        records = [entry.record for entry in (change.before, change.after) if entry is not None]
        others = self._others(book, change.case_key, change.key, case, party, records)
        return (None if told in others else told), (None if tells in others else tells)

    def _others(
        self, book: Book, case_key: str, key: str, case: Case, party: Party, records: Iterable[object]
    ) -> list[Shown]:
        """What the party reads of other milestones of the same name of every suspect: project() shows what reads alike
        once."""
        crowd = self.policy.of_every_subject.get((case.kind, party.role), frozenset())
        names = {record.name for record in records if isinstance(record, Milestone)} & crowd
        if not names:
            return []
        live = (entry.live for other, entry in book.milestones_of(case_key) if other != key)
        narrowed = case_key in book.narrowed
        read = (self._shown(case, party, one, narrowed) for one in live if one is not None and one.name in names)
        return [shown for shown in read if shown is not None]

    def _sides_of_case(self, book: Book, change: Change, case: Case, party: Party) -> tuple[Shown | None, Shown | None]:
        before = change.before.live if change.before else None
        assert not isinstance(before, (Party, Milestone))
        if before is None or not may_enter(self.policy, before, party, self.today):
            return None, self._case_shown(case, party) if self._page(book, change.case_key, case, party) else None
        return self._case_shown(before, party), self._case_shown(case, party)

    def _case_shown(self, case: Case, party: Party) -> Shown:
        """What the party sees of the case itself: where it is, or that it is somewhere else now."""
        if case.state is CaseState.TRANSFERRED:
            return (case.state.value,)
        rule = self.policy.grant(case.kind, party.role).unit
        return tuple(getattr(case.unit, name) for name in (rule.fields if rule else ()))

    def _newcomer(self, book: Book, change: Change) -> Iterator[str]:
        """The party itself, if this change lets it see milestones that it did not see, or be told of recent ones.

        Whoever had no number was told of nothing; who now has one hears once of all that is still news.
        """
        since = self._recent_since
        formed = [key for key, entry in book.milestones_of(change.case_key) if entry.formed_at >= since]
        if not formed and change.event.time < since:
            return
        entry = book.parties[change.key]
        party = _reachable(entry)
        case = book.cases[change.case_key].live
        if party is None or case is None or not may_enter(self.policy, case, party, self.today):
            return
        before = change.before.live if change.before else None
        assert not isinstance(before, (Case, Milestone))
        entered = before is not None and may_enter(self.policy, case, before, self.today)
        seen = self._page(book, change.case_key, case, before) if before is not None and entered else {}
        page = self._page(book, change.case_key, case, party)
        opened = {key for key, shown in page.items() if seen.get(key) != shown}
        untold = opened if change.before and change.before.phone_hash else page.keys()
        if not untold.isdisjoint(formed) or (opened and self.is_recent(change.event.time)):
            yield change.key

    def _page(self, book: Book, case_key: str, case: Case, party: Party) -> Mapping[str, Shown]:
        """What the party may be told of every milestone of the case, by key."""
        read = self._read(book, case_key, case, party)
        in_person = {key for key, entry in book.milestones_of(case_key) if entry.record and entry.record.tell_first}
        return {key: shown for key, shown in read.items() if key not in in_person}

    def _read(self, book: Book, case_key: str, case: Case, party: Party) -> Mapping[str, Shown]:
        """What the party reads of every milestone of the case, by key."""
        read = {}
        for key, entry in book.milestones_of(case_key):
            assert entry.live is not None
            shown = self._shown(case, party, entry.live, case_key in book.narrowed)
            if shown is not None:
                read[key] = shown
        return read

    def _shown(self, case: Case, party: Party, milestone: Milestone, narrowed: bool) -> Shown | None:
        """The values of a milestone that this party sees, None if it sees nothing of it."""
        rule = self.policy.grant(case.kind, party.role).milestones.get(milestone.name)
        if rule is None or not concerns(rule.scope, party.subject, milestone.subject, narrowed):
            return None
        if is_held(milestone.hidden_until, self.today) or case.state is CaseState.TRANSFERRED:
            return None
        values = milestone.values()
        return (milestone.name, *(values.get(name) for name in rule.fields))


def _since(entry: Entry[Milestone]) -> datetime:
    assert entry.released_at is not None
    held = entry.live.hidden_until if entry.live else None
    return entry.line_since or seen_since(entry.released_at, held)


def _plain(value: object) -> object:
    """A value that can be looked up."""
    return repr(value) if isinstance(value, (list, dict)) else value


def _reachable(entry: Entry[Party]) -> Party | None:
    """The live party if it wants SMS and has a number for them."""
    party = entry.live
    return party if party is not None and party.sms and entry.phone_hash else None
