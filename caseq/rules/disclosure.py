"""Who may see what: the policy as rules with their clause, and the projection of a case to a `CaseView`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from types import MappingProxyType

from caseq.rules.adoption import Adoption
from caseq.rules.case import BUREAU_TIME, COMMON_FIELDS, CaseState, Kind, Role, Unit
from caseq.rules.release import Hidden, out_of_scope
from caseq.rules.release import Scope as Scope
from caseq.rules.release import concerns as concerns
from caseq.rules.release import is_held as is_held

UNIT = "unit"
RIGHTS = "rights"


@dataclass(frozen=True, slots=True)
class Rule:
    """One cell of the matrix for several roles: they see these fields of this item, by this clause, for this reason."""

    group: int
    clause: str
    kind: Kind
    roles: tuple[Role, ...]
    online: bool
    item: str
    scope: Scope
    fields: tuple[str, ...]
    reason: Mapping[str, str] = field(default_factory=dict, hash=False)


def is_of_statute(clause: str) -> bool:
    """Whether the clause names its own document in 《》; all others are numbers of the plan."""
    return clause.startswith("《")


@dataclass(frozen=True, slots=True)
class Grant:
    """What one role sees of one kind of case, ready for the projection; empty when nothing is granted."""

    unit: Rule | None
    rights: Rule | None
    milestones: Mapping[str, Rule]


NOTHING = Grant(None, None, MappingProxyType({}))


@dataclass(frozen=True)
class Policy:
    """The disclosure policy in force: no rule, nothing; and nothing of the sources that push in shadow.

    The rules of the overlays in `adopted` are among `rules`.
    `closing` says for each kind how many days a case stays open to its parties after it ended here; a kind that it
    does not name closes with the day of its end.
    """

    name: str
    rules: tuple[Rule, ...]
    grants: Mapping[tuple[str, str], Grant]
    shadow: frozenset[str] = frozenset()
    closing: Mapping[str, int] = field(default_factory=dict)
    title: Mapping[str, str] = field(default_factory=dict)
    adopted: tuple[Adoption, ...] = ()

    @cached_property
    def items(self) -> Mapping[str, frozenset[str]]:
        """By kind everything that some rule shows somebody, online or not; nothing else may be pushed."""
        return {kind: frozenset(rule.item for rule in self.rules if rule.kind == kind) for kind in Kind}

    @cached_property
    def of_every_subject(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """By kind and role the milestones read of every suspect, which may read alike for two of them."""
        read = {
            pair: frozenset(item for item, rule in grant.milestones.items() if rule.scope is Scope.EVERY_SUBJECT)
            for pair, grant in self.grants.items()
        }
        return {pair: items for pair, items in read.items() if items}

    @cached_property
    def line_fields(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """By kind and item the fields that everybody sees who reads it of every suspect: alike in them is one line."""
        common: dict[tuple[str, str], frozenset[str]] = {}
        for (kind, role), items in self.of_every_subject.items():
            for item in items:
                fields = frozenset(self.grants[kind, role].milestones[item].fields)
                common[kind, item] = common.get((kind, item), fields) & fields
        return common

    def open_since(self, kind: str, today: date) -> date:
        """Cases of this kind that ended before this day are closed to everybody."""
        return today - timedelta(days=self.closing.get(kind, 0))

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
        pair: Grant(items.pop(UNIT, None), items.pop(RIGHTS, None), MappingProxyType(items))
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
    #: Since when those who read of every suspect read its words, by whichever milestone; None: since it came itself.
    line_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredCase:
    """What the query brought for one grant: one person in one role in one case.

    `narrowed`: somebody on the suspect's side is a minor, and others may read of the whole case only.
    """

    number: str
    kind: str
    state: str
    role: str
    subject: str | None
    narrowed: bool
    unit: Unit
    transferred_to: Mapping[str, str] | None
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
class TransferView:
    """Who handles the case now, in place of all else: `fields` may hold name, phone and on (ISO date)."""

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
    transferred_to: TransferView | None = None


def project(stored: StoredCase, policy: Policy, rights: Sequence[Right], today: date) -> CaseView:
    """What the reader may see of the stored case: the policy is applied here again, whatever the query did.

    Of a case that another organ handles now, it is that organ and nothing else.
    """
    grant = policy.grant(stored.kind, stored.role)
    is_elsewhere = stored.state == CaseState.TRANSFERRED
    unit, rights_rule = (None, None) if is_elsewhere else (grant.unit, grant.rights)
    seen = [view for _, view, _ in verdicts(stored, grant, today) if view is not None]
    return CaseView(
        case_number=stored.number,
        kind=stored.kind,
        role=stored.role,
        as_of=stored.as_of,
        source_silent=stored.source_silent,
        unit=_unit(stored.unit, unit) if unit else None,
        rights=tuple(rights) if rights_rule else (),
        rights_clause=rights_rule.clause if rights_rule else None,
        milestones=tuple(sorted(seen, key=_newest_first, reverse=True)),
        policy=policy.name,
        transferred_to=_transfer(stored.transferred_to or {}, grant.unit) if is_elsewhere else None,
    )


#: One stored milestone before one reader: what is shown of it, or the ground on which nothing is.
Verdict = tuple[StoredMilestone, MilestoneView | None, Hidden | None]


def verdicts(stored: StoredCase, grant: Grant, today: date) -> list[Verdict]:
    """The verdict on each milestone of the case, in its order.

    What is read of every suspect and reads the same is shown once, since when it could first be read: how often it
    happened would tell how many suspects there are.
    """
    found = [_verdict(stored, milestone, grant, today) for milestone in stored.milestones]
    crowd: dict[str, tuple[int, MilestoneView]] = {}
    for n, (milestone, view, _) in enumerate(found):
        if view is not None and grant.milestones[milestone.name].scope is Scope.EVERY_SUBJECT:
            words = repr((view.name, sorted(view.fields.items())))
            known = crowd.setdefault(words, (n, view))
            if known[0] != n:
                crowd[words], later = (known, n) if known[1].released_at <= view.released_at else ((n, view), known[0])
                found[later] = (found[later][0], None, Hidden.ALIKE)
    return found


def _verdict(stored: StoredCase, milestone: StoredMilestone, grant: Grant, today: date) -> Verdict:
    rule = grant.milestones.get(milestone.name)
    if stored.state == CaseState.TRANSFERRED:
        return (milestone, None, Hidden.TRANSFERRED)
    if rule is None:
        return (milestone, None, Hidden.NO_RULE)
    ground = out_of_scope(rule.scope, stored.subject, milestone.subject, stored.narrowed)
    if ground is None and is_held(milestone.hidden_until, today):
        ground = Hidden.HELD
    return (milestone, None if ground else _milestone(milestone, rule), ground)


def _newest_first(view: MilestoneView) -> tuple[date, datetime, str, str]:
    """What milestones are sorted by: only what the reader sees, so that the order cannot tell of anything else."""
    occurred_on = view.fields.get("occurred_on")
    day = occurred_on if isinstance(occurred_on, date) else date.min
    return (day, view.released_at, view.name, repr(sorted(view.fields.items())))


def _unit(unit: Unit, rule: Rule) -> UnitView:
    values = {field: getattr(unit, field) for field in rule.fields}
    return UnitView({field: value for field, value in values.items() if value}, rule.clause)


def _transfer(to: Mapping[str, str], rule: Rule | None) -> TransferView | None:
    if rule is None:
        return None
    shown = (*(field for field in ("name", "phone") if field in rule.fields), "on")
    return TransferView({field: to[field] for field in shown if to.get(field)}, rule.clause)


def _milestone(stored: StoredMilestone, rule: Rule) -> MilestoneView:
    common = {"occurred_on": stored.occurred_on, "document_number": stored.document_number}
    values = ((field, common[field] if field in COMMON_FIELDS else stored.details.get(field)) for field in rule.fields)
    fields = {field: value for field, value in values if value is not None}
    of_line = stored.line_since if rule.scope is Scope.EVERY_SUBJECT else None
    since = of_line or seen_since(stored.released_at, stored.hidden_until)
    return MilestoneView(stored.name, fields, since, rule.clause)


def seen_since(released_at: datetime, hidden_until: date | None) -> datetime:
    """When a milestone could first be seen as it is: when it came, or when its hold was over."""
    if hidden_until is None or hidden_until == date.max:
        return released_at
    hold_over = datetime.combine(hidden_until + timedelta(days=1), time.min, BUREAU_TIME)
    return max(released_at, hold_over)
