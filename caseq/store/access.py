"""The disclosure policy as SQL conditions; the twins of rules/access.py and rules/disclosure.py."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Date, and_, bindparam, literal_column, or_, true

from caseq.rules.case import SUSPECT_SIDE, CaseState
from caseq.rules.disclosure import Policy, Rule, Scope
from caseq.store.tables import cases, milestones, parties

TODAY = bindparam("today", type_=Date)


def one_of(column: ColumnElement[Any], words: Iterable[str]) -> ColumnElement[bool]:
    """`column IN (…)` with the words written into the statement, so that it is compiled once; no words of users."""
    return column.in_([_written(word) for word in sorted(words)])


def _written(word: str) -> ColumnElement[str]:
    return literal_column("'" + word.replace("'", "''") + "'")


def may_enter(policy: Policy) -> ColumnElement[bool]:
    """Whether the joined party may enter the joined case online on the day `today`."""
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    for kind, role in policy.grants:
        kinds[kind].add(role)
    online = [and_(one_of(cases.c.kind, [kind]), one_of(parties.c.role, roles)) for kind, roles in kinds.items()]
    shadow = [~one_of(cases.c.source, policy.shadow)] if policy.shadow else []
    return and_(
        *shadow,
        cases.c.withdrawn.is_(False),
        parties.c.withdrawn.is_(False),
        ~one_of(cases.c.state, [CaseState.WITHHELD]),
        or_(*online),
        or_(~one_of(parties.c.role, SUSPECT_SIDE), parties.c.appeared_on <= TODAY),
        or_(parties.c.valid_from.is_(None), parties.c.valid_from <= TODAY),
        or_(parties.c.valid_until.is_(None), parties.c.valid_until >= TODAY),
    )


def may_see(
    policy: Policy, kind: ColumnElement[str], role: ColumnElement[str], own: ColumnElement[str]
) -> ColumnElement[bool]:
    """Whether a milestone row may be read by a role of a kind of case whose own suspect is `own`."""
    groups: defaultdict[tuple[str, tuple[str, ...], Scope], set[str]] = defaultdict(set)
    for grant_rule in _milestone_rules(policy):
        groups[grant_rule.kind, grant_rule.roles, grant_rule.scope].add(grant_rule.item)
    granted = [
        and_(one_of(kind, [of_kind]), one_of(role, roles), one_of(milestones.c.name, items), _within(scope, own))
        for (of_kind, roles, scope), items in groups.items()
    ]
    return and_(
        milestones.c.withdrawn.is_(False),
        or_(milestones.c.hidden_until.is_(None), milestones.c.hidden_until < TODAY),
        or_(*granted),
    )


def _milestone_rules(policy: Policy) -> list[Rule]:
    rules = {id(rule): rule for grant in policy.grants.values() for rule in grant.milestones.values()}
    return list(rules.values())


def _within(scope: Scope, own: ColumnElement[str]) -> ColumnElement[bool]:
    whole = milestones.c.subject.is_(None)
    if scope is Scope.EVERY_SUBJECT:
        return true()
    return or_(whole, milestones.c.subject == own) if scope is Scope.OWN else whole
