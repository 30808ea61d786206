"""What one party could see of its case, and from when to when: its history played again before the policy in force.

Nothing is decided here that the page does not decide: at every moment `disclosure.verdicts` says what stands on it.
Role, subject and whether the case is narrowed are those of today: what is protected now is not told afterwards.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import groupby

from caseq.rules.access import grounds
from caseq.rules.case import BUREAU_TIME, Case, Kind, Milestone, Party, RecordType, Role, Unit, bureau_date, ended
from caseq.rules.disclosure import MilestoneView, Policy, Scope, StoredCase, StoredMilestone, verdicts
from caseq.rules.numbers import mobile

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reader:
    """The party as it is today: what decides how much it sees."""

    kind: Kind
    role: Role
    subject: str | None
    narrowed: bool
    source: str


@dataclass(frozen=True, slots=True)
class Past:
    """One accepted state of a record, when it came here (`at`) and when it was formed; None: it was taken back."""

    at: datetime
    record: RecordType
    key: str
    formed_at: datetime
    state: Case | Party | Milestone | None


@dataclass(frozen=True, slots=True)
class Bar:
    """From this moment on staff barred the party, or let it in again."""

    at: datetime
    is_barred: bool


class Opening(StrEnum):
    """What let the party see it from then on: that it came, that the party or its case changed, or a day that began
    (a hold was over, a suspect appeared, an authority began)."""

    INFORMATION = "information"
    PARTY = "party"
    CASE = "case"
    DAY = "day"


class Reach(StrEnum):
    """Whether an SMS could reach the party at that moment, as its case system said."""

    SMS = "sms"
    NO_NUMBER = "no number"
    NOT_WANTED = "not wanted"


@dataclass(frozen=True, slots=True)
class Showing:
    """What a party could see of one milestone without a change: from `since` until `until` (None: still).

    `key` is the milestone's at its source and `details` are all that it has, neither for anybody's eyes; `fields` is
    what the party could see. The limit to tell it runs from `begins_at`. `replaces` is the place of the showing that
    this one corrects.
    """

    key: str
    name: str
    fields: Mapping[str, object]
    details: Mapping[str, object]
    formed_at: datetime
    begins_at: datetime
    opened_by: Opening
    since: datetime
    reach: Reach
    until: datetime | None = None
    replaces: int | None = None

    @property
    def words(self) -> str:
        """What the party could read, the same text for the same words."""
        return words_of(self.name, self.fields)


def words_of(name: str, fields: Mapping[str, object]) -> str:
    """The milestone as its reader sees it, as one text."""
    return json.dumps([name, fields], sort_keys=True, ensure_ascii=False, default=str)


_Seen = Mapping[tuple[str, str], tuple[str, MilestoneView]]


@dataclass
class _World:
    """The case as it stood at one moment."""

    policy: Policy
    reader: Reader
    case: Case | None = None
    party: Party | None = None
    barred: bool = False
    milestones: dict[str, tuple[Milestone, Past]] = field(default_factory=dict)

    def take(self, past: Past) -> None:
        """Let one state come."""
        if past.record is RecordType.CASE:
            assert past.state is None or isinstance(past.state, Case)
            day = None if past.state is None else ended(past.state, past.formed_at, self.case)
            self.case = None if past.state is None else replace(past.state, ended_on=day, kind=self.reader.kind)
        elif past.record is RecordType.PARTY:
            assert past.state is None or isinstance(past.state, Party)
            self._take_party(past.state)
        elif isinstance(past.state, Milestone):
            self.milestones[past.key] = past.state, past
        else:
            self.milestones.pop(past.key, None)

    def _take_party(self, party: Party | None) -> None:
        grew_up = self.party is not None and party is not None and self.party.juvenile and not party.juvenile
        self.barred = self.barred or grew_up
        mine = (self.reader.role, self.reader.subject)
        self.party = None if party is None else replace(party, role=mine[0], subject=mine[1])

    def seen(self, today: date) -> _Seen:
        """What stands on the page of the party on this day: by whose it is and its words, the key and the view.

        What is read of every suspect is nobody's: a line stays as long as any milestone makes it.
        """
        if self.case is None or self.party is None or self.barred or self.reader.source in self.policy.shadow:
            return {}
        if next(grounds(self.policy, self.case, self.party, today), None) is not None:
            return {}
        grant = self.policy.grant(self.reader.kind, self.reader.role)
        found: dict[tuple[str, str], tuple[str, MilestoneView]] = {}
        judged = verdicts(self._stored(self.case), grant, today)
        for key, (_, view, _) in zip(self.milestones, judged, strict=True):
            if view is not None:
                is_crowd = grant.milestones[view.name].scope is Scope.EVERY_SUBJECT
                found["" if is_crowd else key, words_of(view.name, view.fields)] = key, view
        return found

    def _stored(self, case: Case) -> StoredCase:
        reader = self.reader
        stored = [_stored(milestone, past.at) for milestone, past in self.milestones.values()]
        return StoredCase(
            number=case.number,
            kind=reader.kind,
            state=case.state,
            role=reader.role,
            subject=reader.subject,
            narrowed=reader.narrowed,
            unit=Unit(""),
            transferred_to=None,
            milestones=stored,
            as_of=None,
            source_silent=False,
            source=reader.source,
        )

    def reach(self) -> Reach:
        """Whether an SMS can reach the party."""
        if self.party is None or mobile(self.party.phone) is None:
            return Reach.NO_NUMBER
        return Reach.SMS if self.party.sms else Reach.NOT_WANTED


def _stored(milestone: Milestone, at: datetime) -> StoredMilestone:
    values = (milestone.occurred_on, milestone.document_number, milestone.details or {}, milestone.hidden_until)
    return StoredMilestone(milestone.name, milestone.subject, *values, at)


def showings(
    policy: Policy, reader: Reader, pasts: Sequence[Past], bars: Sequence[Bar], now: datetime
) -> list[Showing]:
    """Everything that this party may see of its case or could see once, in the order in which it opened."""
    world = _World(policy, reader)
    found: list[Showing] = []
    open_: dict[tuple[str, str], int] = {}
    for at, came in _moments(policy, reader.kind, pasts, bars, now):
        for one in came:
            if isinstance(one, Bar):
                world.barred = one.is_barred
            else:
                world.take(one)
        seen = world.seen(bureau_date(at))
        ended_ = {of: open_.pop(of) for of in [*open_] if of not in seen}
        for place in ended_.values():
            found[place] = replace(found[place], until=at)
        for of in [of for of in seen if of not in open_]:
            key, view = seen[of]
            before = [place for (whose, _), place in ended_.items() if whose and whose == of[0]]
            open_[of] = len(found)
            found.append(_opened(world, key, view, at, came, before[-1] if before else None))
    return found


def _opened(
    world: _World, key: str, view: MilestoneView, at: datetime, came: Sequence[Past | Bar], replaces: int | None
) -> Showing:
    milestone, past = world.milestones[key]
    opened_by, begins_at = _why(past, came, at)
    return Showing(
        key=key,
        name=view.name,
        fields=view.fields,
        details=milestone.details or {},
        formed_at=past.formed_at,
        begins_at=begins_at,
        opened_by=opened_by,
        since=at,
        reach=world.reach(),
        replaces=replaces,
    )


def _why(past: Past, came: Sequence[Past | Bar], at: datetime) -> tuple[Opening, datetime]:
    """What opened it, and since when there was a duty to tell it: never before the party could be told."""
    if past in came:
        return Opening.INFORMATION, past.formed_at
    for one in came:
        if isinstance(one, Bar):
            return Opening.PARTY, at
        if one.record is not RecordType.MILESTONE:
            opening = Opening.PARTY if one.record is RecordType.PARTY else Opening.CASE
            return opening, max(past.formed_at, one.formed_at)
    return Opening.DAY, at


def _moments(
    policy: Policy, kind: Kind, pasts: Sequence[Past], bars: Sequence[Bar], now: datetime
) -> Iterator[tuple[datetime, Sequence[Past | Bar]]]:
    """Every moment at which the page may have changed, with what came then; of one request all came at once."""
    came: list[Past | Bar] = sorted([*pasts, *bars], key=lambda one: one.at)
    grouped = {at: list(group) for at, group in groupby(came, key=lambda one: one.at)}
    days = {day for past in pasts for day in _days(policy, kind, past)}
    begin = {datetime.combine(day, time(), BUREAU_TIME).astimezone(UTC) for day in days}
    for at in sorted({*grouped, *begin}):
        if at <= now:
            yield at, grouped.get(at, ())


def _days(policy: Policy, kind: Kind, past: Past) -> Iterator[date]:
    """The days with whose beginning this state opens or closes something by itself."""
    state = past.state
    if isinstance(state, Milestone):
        yield from _after(state.hidden_until)
    elif isinstance(state, Party):
        yield from (day for day in (state.appeared_on, state.valid_from) if day is not None)
        yield from _after(state.valid_until)
    elif isinstance(state, Case) and (on := ended(state, past.formed_at, None)) is not None:
        yield from _after(on + timedelta(days=policy.closing.get(kind, 0)))


def _after(day: date | None) -> Iterator[date]:
    if day is not None and day != date.max:
        yield day + _ONE_DAY
