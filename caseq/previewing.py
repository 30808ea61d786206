"""Why one person sees or does not see an item, and whose views another policy would change."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from caseq.errors import CaseqError
from caseq.rules.access import Closed, grounds, standing_grounds
from caseq.rules.case import bureau_date
from caseq.rules.disclosure import CaseView, Policy, StoredCase, project
from caseq.rules.explanation import Line, of_case, of_milestones
from caseq.rules.numbers import lookup_key
from caseq.rules.policydiff import Changed, changed, page_text
from caseq.rules.release import Hidden
from caseq.runtime import Runtime
from caseq.store import auditing, previews
from caseq.store.previews import Found, Grantee, HeldMilestone


@dataclass(frozen=True, slots=True)
class Step:
    """A line of explanation about one stored milestone: its key at the source, and its hold."""

    line: Line
    key: str
    hidden_until: date | None
    hold_reason: str | None


@dataclass(frozen=True, slots=True)
class Explained:
    """Why one party sees what it sees today: no names, no telephones, no values.

    `closed` are the grounds on which it may not enter (none: it may), `has_number` says whether a code can reach it;
    `whole` are the lines of unit and rights, `steps` those of the milestones, as if it had entered.
    """

    source: str
    case_number: str
    kind: str
    role: str
    subject: str | None
    closed: Sequence[Closed]
    has_number: bool
    whole: Sequence[Line]
    steps: Sequence[Step]


class RulesDiffer(CaseqError):
    """The query and the rules do not agree on who may enter: nothing can be explained, and caseq has a fault."""


def explain(
    runtime: Runtime, case_number: str, party: str, by: str, reason: str, item: str | None = None
) -> list[Explained]:
    """Why the party with this key sees or does not see its case, noted in the audit; empty if there is no such party.

    `case_number` may be any number that the case has or had. One result for each source that uses the key.
    """
    now = runtime.clock()
    policy, today = runtime.settings.policy, bureau_date(now)
    with runtime.database.transaction() as connection:
        found = previews.find(connection, policy, lookup_key(case_number), party, today)
        for one in found:
            facts = {"by": by, "reason": reason, "item": item}
            auditing.record(connection, "explain", now, party_id=one.party_id, case_id=one.case_id, facts=facts)
    return [_explained(policy, one, item, today) for one in found]


def _explained(policy: Policy, found: Found, item: str | None, today: date) -> Explained:
    closed = [*grounds(policy, found.case, found.party, today), *standing_grounds(policy, found.standing)]
    if found.may_enter == bool(closed):
        raise RulesDiffer(f"query and rules differ on whether party {found.party.key} may enter: please report this")
    whole = of_case(found.stored, policy, today).values()
    return Explained(
        source=found.standing.source,
        case_number=found.case.number,
        kind=found.case.kind,
        role=found.party.role,
        subject=found.party.subject,
        closed=closed,
        has_number=found.has_number,
        whole=[line for line in whole if item in (None, line.item)],
        steps=[step for step in _steps(policy, found, today) if item in (None, step.line.item)],
    )


def _steps(policy: Policy, found: Found, today: date) -> Iterator[Step]:
    lines = iter(of_milestones(found.stored, policy, today))
    for milestone in found.milestones:
        line = _taken_back(policy, found, milestone, today) if milestone.withdrawn else next(lines)
        yield Step(line, milestone.key, milestone.stored.hidden_until, milestone.hold_reason)


def _taken_back(policy: Policy, found: Found, milestone: HeldMilestone, today: date) -> Line:
    alone = replace(found.stored, milestones=[milestone.stored])
    line = of_milestones(alone, policy, today)[0]
    return Line(line.item, line.subject, line.rule, Hidden.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Person:
    """One party whose view or the text of whose page would change: where, as whom, and how."""

    source: str
    case_number: str
    party: str
    kind: str
    role: str
    changed: Changed


@dataclass
class Tally:
    """What a preview has found so far: cases gone through and to go through, and by (kind, role) the changing views.

    `text_only` are the pages that show the same of the case, but say otherwise what people in the role may see.
    `without_number` are parties whose view would change, but whom no code can reach: they have no view now.
    """

    cases: int
    done: int = 0
    views: int = 0
    changing: Counter[tuple[str, str]] = field(default_factory=Counter)
    gaining: Counter[tuple[str, str]] = field(default_factory=Counter)
    losing: Counter[tuple[str, str]] = field(default_factory=Counter)
    text_only: Counter[tuple[str, str]] = field(default_factory=Counter)
    without_number: int = 0

    def count(self, person: Person) -> None:
        pair = (person.kind, person.role)
        if not person.changed.in_view:
            self.text_only[pair] += 1
            return
        self.changing[pair] += 1
        self.gaining[pair] += bool(person.changed.opens)
        self.losing[pair] += bool(person.changed.closes)


def preview(runtime: Runtime, old: Policy, new: Policy) -> Iterator[tuple[Tally, Sequence[Person]]]:
    """Go through every live case under both policies; after some cases each the tally, and whose views would change.

    The windows of closed cases and the sources in shadow are those in force for both; only the rules differ. Nothing
    is kept but the tally. A row in the audit says at the end that this was looked at.
    """
    now = runtime.clock()
    in_force, today = runtime.settings.policy, bureau_date(now)
    old, new = (replace(one, shadow=in_force.shadow, closing=in_force.closing) for one in (old, new))
    with runtime.database.autocommit() as connection:
        tally = Tally(previews.count_cases(connection))
        for cases, grantees in previews.grantees(connection, old, new, today):
            tally.done += cases
            yield tally, list(_changing(runtime, old, new, grantees, tally, today))
    facts = {"old": old.name, "new": new.name, "views": tally.changing.total()}
    with runtime.database.transaction() as connection:
        auditing.record(connection, "preview", now, facts=facts)


def _changing(
    runtime: Runtime, old: Policy, new: Policy, grantees: Sequence[Grantee], tally: Tally, today: date
) -> Iterator[Person]:
    for one in grantees:
        before = _view(runtime, one.stored, old, today) if one.enters_old else None
        after = _view(runtime, one.stored, new, today) if one.enters_new else None
        change = changed(before, after) or _text(one.stored, before, old, new)
        tally.views += one.has_number
        if change is None:
            continue
        if not one.has_number:
            tally.without_number += 1
            continue
        stored = one.stored
        person = Person(stored.source, stored.number, one.party, stored.kind, stored.role, change)
        tally.count(person)
        yield person


def _text(stored: StoredCase, before: CaseView | None, old: Policy, new: Policy) -> Changed | None:
    """What changes in the words of the page of somebody whose view stays as it is.

    The page of a transferred case says nothing that depends on the policy but what is in the view.
    """
    if before is None or before.transferred_to is not None:
        return None
    pair = (stored.kind, stored.role)
    return page_text(old.grant(*pair), new.grant(*pair))


def _view(runtime: Runtime, stored: StoredCase, policy: Policy, today: date) -> CaseView:
    rights = runtime.settings.rights.get((stored.kind, stored.role, "zh"), ())
    return project(stored, policy, rights, today)


def by_role(tally: Tally) -> Mapping[tuple[str, str], tuple[int, int, int, int]]:
    """For each (kind, role) with changing pages: how many views change, how many of them gain something, how many lose,
    and how many pages change in their text only."""
    pairs = sorted(tally.changing.keys() | tally.text_only.keys())
    counted = (tally.changing, tally.gaining, tally.losing, tally.text_only)
    return {pair: (counted[0][pair], counted[1][pair], counted[2][pair], counted[3][pair]) for pair in pairs}
