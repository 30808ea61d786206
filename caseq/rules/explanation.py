"""Why an item is shown or not: the verdicts of the projection in words that can be told, one line for each item."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from caseq.rules.case import COMMON_FIELDS, DETAIL_FIELDS, UNIT_FIELDS, CaseState, Kind, MilestoneName, Role, Unit
from caseq.rules.disclosure import (
    RIGHTS,
    UNIT,
    CaseView,
    Grant,
    Policy,
    Rule,
    StoredCase,
    StoredMilestone,
    project,
    verdicts,
)
from caseq.rules.release import Hidden

ITEMS = (UNIT, RIGHTS, *MilestoneName)
#: Whom an item can concern, seen from a reader whose own suspect is "own".
SUBJECTS = {"whole": None, "own": "own", "other": "other"}
_SOME_DAY = date(2000, 1, 1)


@dataclass(frozen=True, slots=True)
class Line:
    """One item before one reader. `ground` None: it is shown, with the fields `shown`.

    `rule` is the one that opens it, or that is told on paper only; `empty` are fields that the rule opens and that
    have no value, `closed` are those that have one and that the rule does not name.
    """

    item: str
    subject: str
    rule: Rule | None
    ground: Hidden | None
    shown: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()


def fields_of(item: str) -> frozenset[str]:
    """All fields that may be shown of an item to anybody."""
    if item == UNIT:
        return UNIT_FIELDS
    return frozenset() if item == RIGHTS else COMMON_FIELDS | DETAIL_FIELDS[MilestoneName(item)]


def of_item(policy: Policy, kind: Kind, role: Role, item: str, subject: str, narrowed: bool = False) -> Line:
    """What a reader in this role would be shown of an item about `subject` (a key of SUBJECTS) with every field filled.

    The case is open and the reader has entered it; `narrowed` as in `StoredCase`.
    """
    stored = _example(kind, role, narrowed)
    if item not in set(MilestoneName):
        return of_case(stored, policy, _SOME_DAY)[item]
    values = dict.fromkeys(DETAIL_FIELDS[MilestoneName(item)], "x")
    released_at = datetime.combine(_SOME_DAY, datetime.min.time(), UTC)
    milestone = StoredMilestone(item, SUBJECTS[subject], _SOME_DAY, "x", values, None, released_at)
    return of_milestones(replace(stored, milestones=[milestone]), policy, _SOME_DAY)[0]


def _example(kind: Kind, role: Role, narrowed: bool) -> StoredCase:
    return StoredCase(
        number="x",
        kind=kind,
        state=CaseState.OPEN,
        role=role,
        subject=SUBJECTS["own"],
        narrowed=narrowed,
        unit=Unit("x", "x", "x", "x"),
        transferred_to=None,
        milestones=(),
        as_of=None,
        source_silent=False,
        source="x",
    )


def of_case(stored: StoredCase, policy: Policy, today: date) -> dict[str, Line]:
    """The lines of the unit and of the rights of one reader, by item."""
    view = project(stored, policy, (), today)
    grant = policy.grant(stored.kind, stored.role)
    return {UNIT: _unit(stored, policy, grant, view), RIGHTS: _rights(stored, policy, grant, view)}


def _unit(stored: StoredCase, policy: Policy, grant: Grant, view: CaseView) -> Line:
    if view.unit is None:
        return _not_shown(stored, policy, UNIT, grant.unit)
    values = {name for name in UNIT_FIELDS if getattr(stored.unit, name)}
    return _shown(UNIT, "whole", grant.unit, view.unit.fields, values)


def _rights(stored: StoredCase, policy: Policy, grant: Grant, view: CaseView) -> Line:
    if view.rights_clause is None:
        return _not_shown(stored, policy, RIGHTS, grant.rights)
    return Line(RIGHTS, "whole", grant.rights, None)


def _not_shown(stored: StoredCase, policy: Policy, item: str, rule: Rule | None) -> Line:
    if rule is not None:
        return Line(item, "whole", rule, Hidden.TRANSFERRED)
    on_paper = _on_paper(policy, stored, item)
    return Line(item, "whole", on_paper, Hidden.NEVER_ONLINE if on_paper else Hidden.NO_RULE)


def of_milestones(stored: StoredCase, policy: Policy, today: date) -> list[Line]:
    """One line for each milestone of the case, in its order, for one reader."""
    grant = policy.grant(stored.kind, stored.role)
    lines = []
    for milestone, view, ground in verdicts(stored, grant, today):
        rule = grant.milestones.get(milestone.name)
        subject = _relation(milestone.subject, stored.subject)
        if view is not None:
            lines.append(_shown(milestone.name, subject, rule, view.fields, _values(milestone)))
            continue
        on_paper = _on_paper(policy, stored, milestone.name) if ground is Hidden.NO_RULE else None
        lines.append(Line(milestone.name, subject, on_paper or rule, Hidden.NEVER_ONLINE if on_paper else ground))
    return lines


def _relation(subject: str | None, own: str | None) -> str:
    if subject is None:
        return "whole"
    return "own" if subject == own else "other"


def _values(milestone: StoredMilestone) -> set[str]:
    """The fields that have a value."""
    values = {"occurred_on": milestone.occurred_on, "document_number": milestone.document_number, **milestone.details}
    return {name for name, value in values.items() if value is not None}


def _shown(item: str, subject: str, rule: Rule | None, fields: object, values: set[str]) -> Line:
    assert rule is not None
    assert isinstance(fields, dict)
    empty = tuple(name for name in rule.fields if name not in fields)
    return Line(item, subject, rule, None, tuple(fields), empty, tuple(sorted(values - set(rule.fields))))


def _on_paper(policy: Policy, stored: StoredCase, item: str) -> Rule | None:
    """The rule that tells this role of the item, though not online."""
    told: Sequence[Rule] = [rule for rule in policy.rules if not rule.online]
    found = (rule for rule in told if (rule.kind, rule.item) == (stored.kind, item) and stored.role in rule.roles)
    return next(found, None)
