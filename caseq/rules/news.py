"""Whom a change concerns: a party gets one SMS for one change to what that party may see, and none otherwise."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from caseq.rules.access import may_enter
from caseq.rules.book import Book, Change, Entry
from caseq.rules.case import Case, Milestone, Party, RecordType, bureau_date
from caseq.rules.disclosure import Policy, concerns, is_held

Shown = tuple[object, ...]


@dataclass(frozen=True)
class Editor:
    """Decides what is news at the moment `now`; information older than `within` is history, not news.

    What a source pushes in shadow is news to nobody, not even later.
    """

    policy: Policy
    now: datetime
    within: timedelta
    in_shadow: bool

    @property
    def today(self) -> date:
        return bureau_date(self.now)

    def is_recent(self, moment: datetime) -> bool:
        return moment >= self.now - self.within

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
        return (milestone.name, milestone.subject, milestone.hidden_until, *(values.get(name) for name in fields))

    def readers(self, book: Book, change: Change) -> Iterator[str]:
        """The keys of the parties who must hear of this change, given the book as it stood right after it."""
        if self.in_shadow:
            return
        if change.type is RecordType.PARTY:
            yield from self._newcomer(book, change)
            return
        if not self.is_recent(change.event.time):
            return
        case = book.cases[change.case_key].live
        for key, entry in book.parties_of(change.case_key):
            party = _reachable(entry)
            if party is None or case is None or not may_enter(self.policy, case, party, self.today):
                continue
            if self._concerns(book, change, case, party):
                yield key

    def _concerns(self, book: Book, change: Change, case: Case, party: Party) -> bool:
        if change.type is RecordType.CASE:
            return self._case_differs(book, change, case, party)
        before = change.before.live if change.before else None
        after = change.after.live
        assert not isinstance(before, (Case, Party))
        assert not isinstance(after, (Case, Party))
        if after is not None and after.tell_first:
            return False
        told = None if before is None or before.tell_first else self._shown(case, party, before)
        return told != (None if after is None else self._shown(case, party, after))

    def _case_differs(self, book: Book, change: Change, case: Case, party: Party) -> bool:
        before = change.before.live if change.before else None
        assert not isinstance(before, (Party, Milestone))
        if before is None or not may_enter(self.policy, before, party, self.today):
            return bool(self._page(book, change.case_key, case, party))
        rule = self.policy.grant(case.kind, party.role).unit
        fields = rule.fields if rule else ()
        return any(getattr(before.unit, name) != getattr(case.unit, name) for name in fields)

    def _newcomer(self, book: Book, change: Change) -> Iterator[str]:
        """The party itself, if this change lets it see milestones that it did not see before."""
        entry = book.parties[change.key]
        party = _reachable(entry)
        case = book.cases[change.case_key].live
        if party is None or case is None or not may_enter(self.policy, case, party, self.today):
            return
        before = change.before.live if change.before else None
        assert not isinstance(before, (Case, Milestone))
        entered = before is not None and may_enter(self.policy, case, before, self.today)
        seen = self._page(book, change.case_key, case, before) if before is not None and entered else {}
        new = [key for key, shown in self._page(book, change.case_key, case, party).items() if seen.get(key) != shown]
        recent = self.is_recent(change.event.time) or any(self.is_recent(book.milestones[key].formed_at) for key in new)
        if new and recent:
            yield change.key

    def _page(self, book: Book, case_key: str, case: Case, party: Party) -> Mapping[str, Shown]:
        """What the party may be told of every milestone of the case, by key."""
        page = {}
        for key, entry in book.milestones_of(case_key):
            milestone = entry.live
            shown = self._shown(case, party, milestone) if milestone and not milestone.tell_first else None
            if shown is not None:
                page[key] = shown
        return page

    def _shown(self, case: Case, party: Party, milestone: Milestone) -> Shown | None:
        """The values of a milestone that this party sees, None if it sees nothing of it."""
        rule = self.policy.grant(case.kind, party.role).milestones.get(milestone.name)
        if rule is None or not concerns(rule.scope, party.subject, milestone.subject):
            return None
        if is_held(milestone.hidden_until, self.today):
            return None
        values = milestone.values()
        return (milestone.name, *(values.get(name) for name in rule.fields))


def _reachable(entry: Entry[Party]) -> Party | None:
    """The live party if it wants SMS and has a number for them."""
    party = entry.live
    return party if party is not None and party.sms and entry.phone_hash else None
