"""Who may see what: the policy as rules with their clause, and the projection of a case to a `CaseView`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from caseq.rules.case import BUREAU_TIME, COMMON_FIELDS, Kind, Role, Unit


class Scope(StrEnum):
    """Which suspects an item may concern: none (the whole case), any, or the reader's own."""

    CASE = "case"
    EVERY_SUBJECT = "every subject"
    OWN = "own"


UNIT = "unit"
RIGHTS = "rights"


@dataclass(frozen=True, slots=True)
class Rule:
    """One cell of the matrix for several roles: these roles see these fields of this item, by this clause."""

    group: int
    clause: str
    kind: Kind
    roles: tuple[Role, ...]
    online: bool
    item: str
    scope: Scope
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """What one role sees of one kind of case, ready for the projection; empty when nothing is granted."""

    unit: Rule | None
    rights: Rule | None
    milestones: Mapping[str, Rule]


NOTHING = Grant(None, None, MappingProxyType({}))


@dataclass(frozen=True)
class Policy:
    """The disclosure policy in force: no rule, nothing; and nothing of the sources that push in shadow."""

    name: str
    rules: tuple[Rule, ...]
    grants: Mapping[tuple[str, str], Grant]
    shadow: frozenset[str] = frozenset()

    @cached_property
    def common_fields(self) -> Mapping[str, frozenset[str]]:
        """For each milestone the fields that everybody sees who sees it at all."""
        common: dict[str, frozenset[str]] = {}
        for grant in self.grants.values():
            for item, rule in grant.milestones.items():
                common[item] = common.get(item, frozenset(rule.fields)) & frozenset(rule.fields)
        return common

    def grant(self, kind: str, role: str) -> Grant:
        """What `role` sees of a case of `kind` online; nothing for anything unknown."""
        return self.grants.get((kind, role), NOTHING)

    def is_online(self, kind: str, role: str) -> bool:
        """Whether this role may log in for this kind of case at all."""
        return self.grant(kind, role) is not NOTHING


def policy(name: str, rules: Iterable[Rule]) -> Policy:
    """The policy made of these rules, indexed by (kind, role); rules that are not online grant nothing online."""
    kept = tuple(rules)
    cells: dict[tuple[str, str], dict[str, Rule]] = {}
    for rule in kept:
        if rule.online:
            for role in rule.roles:
                cells.setdefault((rule.kind, role), {})[rule.item] = rule
    grants = {
        pair: Grant(
            items.get(UNIT),
            items.get(RIGHTS),
            MappingProxyType({item: rule for item, rule in items.items() if item not in (UNIT, RIGHTS)}),
        )
        for pair, items in cells.items()
    }
    return Policy(name, kept, MappingProxyType(grants))


@dataclass(frozen=True, slots=True)
class Right:
    """One right or duty of a reader, from config/rights."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class StoredMilestone:
    """A milestone as the ledger holds it, before the projection takes away what the role may not see."""

    name: str
    subject: str | None
    occurred_on: date | None
    document_number: str | None
    details: Mapping[str, object]
    hidden_until: date | None
    released_at: datetime


@dataclass(frozen=True, slots=True)
class StoredCase:
    """What the query brought for one grant: one person in one role in one case."""

    number: str
    kind: str
    role: str
    subject: str | None
    unit: Unit
    milestones: Sequence[StoredMilestone]
    as_of: datetime | None
    source_silent: bool
    source: str


@dataclass(frozen=True, slots=True)
class UnitView:
    """Whom to ask: only the fields that the policy grants are keys of `fields`."""

    fields: Mapping[str, str]
    clause: str


@dataclass(frozen=True, slots=True)
class MilestoneView:
    """One step as one role may see it; a key that is not granted or has no value is not in `fields`.

    `fields` may hold occurred_on (date), document_number (text) and, under their own names, the details.
    """

    name: str
    fields: Mapping[str, object]
    released_at: datetime
    clause: str


@dataclass(frozen=True, slots=True)
class CaseView:
    """All that one person may see of one case, newest milestone first. Only this ever reaches a person."""

    case_number: str
    kind: str
    role: str
    as_of: datetime | None
    source_silent: bool
    unit: UnitView | None
    rights: tuple[Right, ...]
    rights_clause: str | None
    milestones: tuple[MilestoneView, ...]
    policy: str


def concerns(scope: Scope, own: str | None, subject: str | None) -> bool:
    """Whether an item about `subject` (None: the whole case) is within the scope for a reader whose own is `own`."""
    if subject is None or scope is Scope.EVERY_SUBJECT:
        return True
    return scope is Scope.OWN and subject == own


def is_held(hidden_until: date | None, today: date) -> bool:
    """Whether a held milestone is still hidden on this day (the last day of the hold is hidden too)."""
    return hidden_until is not None and today <= hidden_until


def project(stored: StoredCase, policy: Policy, rights: Sequence[Right], today: date) -> CaseView:
    """What the reader may see of the stored case: the policy is applied here again, whatever the query did."""
    grant = policy.grant(stored.kind, stored.role)
    seen = [
        _milestone(milestone, rule)
        for milestone in stored.milestones
        if (rule := grant.milestones.get(milestone.name)) is not None
        and concerns(rule.scope, stored.subject, milestone.subject)
        and not is_held(milestone.hidden_until, today)
    ]
    seen.sort(key=_newest_first, reverse=True)
    return CaseView(
        case_number=stored.number,
        kind=stored.kind,
        role=stored.role,
        as_of=stored.as_of,
        source_silent=stored.source_silent,
        unit=_unit(stored.unit, grant.unit) if grant.unit else None,
        rights=tuple(rights) if grant.rights else (),
        rights_clause=grant.rights.clause if grant.rights else None,
        milestones=tuple(seen),
        policy=policy.name,
    )


def _newest_first(view: MilestoneView) -> tuple[date, datetime, str, str]:
    """What milestones are sorted by: only what the reader sees, so that the order cannot tell of anything else."""
    occurred_on = view.fields.get("occurred_on")
    day = occurred_on if isinstance(occurred_on, date) else date.min
    return (day, view.released_at, view.name, repr(sorted(view.fields.items())))


def _unit(unit: Unit, rule: Rule) -> UnitView:
    values = {field: getattr(unit, field) for field in rule.fields}
    return UnitView({field: value for field, value in values.items() if value}, rule.clause)


def _milestone(stored: StoredMilestone, rule: Rule) -> MilestoneView:
    common = {"occurred_on": stored.occurred_on, "document_number": stored.document_number}
    values = ((field, common[field] if field in COMMON_FIELDS else stored.details.get(field)) for field in rule.fields)
    fields = {field: value for field, value in values if value is not None}
    return MilestoneView(stored.name, fields, _released_at(stored), rule.clause)


def _released_at(stored: StoredMilestone) -> datetime:
    """When the milestone could first be seen as it is: when it came, or when its hold was over."""
    if stored.hidden_until is None:
        return stored.released_at
    hold_over = datetime.combine(stored.hidden_until + timedelta(days=1), time.min, BUREAU_TIME)
    return max(stored.released_at, hold_over)
