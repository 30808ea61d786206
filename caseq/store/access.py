"""The disclosure policy as SQL conditions; the twins of rules/access.py and rules/disclosure.py."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Date, and_, bindparam, false, literal_column, or_

from caseq.rules.case import SUSPECT_SIDE, CaseState
from caseq.rules.disclosure import Policy, Rule, Scope
from caseq.store.tables import cases, milestones, parties

TODAY = bindparam("today", type_=Date)
#: Why a party is barred: it grew up and must show who it is, or staff took its access away.
RECHECK, REVOKED = "recheck", "revoked"


def days(policy: Policy, today: date) -> dict[str, date]:
    """The values of all day parameters in these conditions."""
    kinds = {kind for kind, _ in policy.grants}
    return {"today": today, **{_open_since(kind): policy.open_since(kind, today) for kind in kinds}}


def _open_since(kind: str) -> str:
    return f"{kind}_open_since"


def one_of(column: ColumnElement[Any], words: Iterable[str]) -> ColumnElement[bool]:
    """`column IN (…)` with the words written into the statement, so that it is compiled once; no words of users."""
    return column.in_([written(word) for word in sorted(words)])


def written(word: str) -> ColumnElement[str]:
    """The word as it stands in a statement, quoted."""
    return literal_column("'" + word.replace("'", "''") + "'")


def may_enter(policy: Policy) -> ColumnElement[bool]:
    """Whether the joined party may enter the joined case online; its parameters are those of `days`."""
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    for kind, role in policy.grants:
        kinds[kind].add(role)
    online = [
        and_(
            one_of(cases.c.kind, [kind]),
            one_of(parties.c.role, roles),
            or_(cases.c.ended_on.is_(None), cases.c.ended_on >= bindparam(_open_since(kind), type_=Date)),
        )
        for kind, roles in kinds.items()
    ]
    shadow = [~one_of(cases.c.source, policy.shadow)] if policy.shadow else []
    return and_(
        *shadow,
        cases.c.withdrawn.is_(False),
        parties.c.withdrawn.is_(False),
        parties.c.juvenile.is_(False),
        parties.c.barred.is_(None),
        ~one_of(cases.c.state, [CaseState.WITHHELD]),
        or_(false(), *online),
        or_(~one_of(parties.c.role, SUSPECT_SIDE), parties.c.appeared_on <= TODAY),
        or_(parties.c.valid_from.is_(None), parties.c.valid_from <= TODAY),
        or_(parties.c.valid_until.is_(None), parties.c.valid_until >= TODAY),
    )


class Reader(NamedTuple):
    """The columns that say who reads which case."""

    kind: ColumnElement[str]
    state: ColumnElement[str]
    role: ColumnElement[str]
    subject: ColumnElement[str]
    narrowed: ColumnElement[bool]


def may_see(policy: Policy, reader: Reader) -> ColumnElement[bool]:
    """Whether a milestone row may be read by this reader."""
    groups: defaultdict[tuple[str, tuple[str, ...], Scope], set[str]] = defaultdict(set)
    for grant_rule in _milestone_rules(policy):
        groups[grant_rule.kind, grant_rule.roles, grant_rule.scope].add(grant_rule.item)
    granted = [
        and_(
            one_of(reader.kind, [of_kind]),
            one_of(reader.role, roles),
            one_of(milestones.c.name, items),
            _within(scope, reader),
        )
        for (of_kind, roles, scope), items in groups.items()
    ]
    return and_(
        milestones.c.withdrawn.is_(False),
        ~one_of(reader.state, [CaseState.TRANSFERRED]),
        or_(milestones.c.hidden_until.is_(None), milestones.c.hidden_until < TODAY),
        or_(false(), *granted),
    )


def _milestone_rules(policy: Policy) -> list[Rule]:
    rules = {id(rule): rule for grant in policy.grants.values() for rule in grant.milestones.values()}
    return list(rules.values())


def _within(scope: Scope, reader: Reader) -> ColumnElement[bool]:
    whole = milestones.c.subject.is_(None)
    if scope is Scope.EVERY_SUBJECT:
        return or_(whole, ~reader.narrowed)
    return or_(whole, milestones.c.subject == reader.subject) if scope is Scope.OWN else whole
