"""What is wrong in one rule, although each of its words is one that a rule may use."""

from collections.abc import Iterator, Sequence

from caseq.rules.case import (
    COMMON_FIELDS,
    DETAIL_FIELDS,
    GROUPS_IN,
    MILESTONES_IN,
    ROLES_IN,
    UNIT_FIELDS,
    MilestoneName,
)
from caseq.rules.disclosure import RIGHTS, UNIT, Rule, Scope

#: (the keys below the rule, what is wrong there and what to do)
Wrong = tuple[tuple[str | int, ...], str]


def wrong_in(rule: Rule) -> Iterator[Wrong]:
    """Unknown items and fields, what can never apply, and what is named twice."""
    known = _fields(rule.item)
    if known is None:
        names = ", ".join([UNIT, RIGHTS, *sorted(MilestoneName)])
        yield ("item",), f"no item is called {rule.item!r}: write one of {names}"
    else:
        yield from _wrong_fields(rule, known)
        yield from _never_applies(rule)
    if rule.group not in GROUPS_IN[rule.kind]:
        groups = " or ".join(map(str, sorted(GROUPS_IN[rule.kind])))
        yield ("group",), f"the plan has no group {rule.group} of kind {rule.kind}: write {groups}"
    yield from _twice("roles", rule.roles)
    yield from _twice("fields", rule.fields)


def _fields(item: str) -> frozenset[str] | None:
    """The fields that a case system can push of this item; None if there is no such item."""
    if item == UNIT:
        return UNIT_FIELDS
    if item == RIGHTS:
        return frozenset()
    return COMMON_FIELDS | DETAIL_FIELDS[MilestoneName(item)] if item in set(MilestoneName) else None


def _wrong_fields(rule: Rule, known: frozenset[str]) -> Iterator[Wrong]:
    has = ", ".join(sorted(known)) or "no field"
    if unknown := [field for field in rule.fields if field not in known]:
        reason = f"nobody can push {', '.join(unknown)} of {rule.item}: take it out; {rule.item} has {has}"
        yield ("fields",), reason
    if rule.item == UNIT and not rule.fields:
        yield ("fields",), f"shows nothing of the unit: name what is shown ({has}), or delete the rule"


def _never_applies(rule: Rule) -> Iterator[Wrong]:
    """Roles and items that no case of this kind has; scopes of suspects where nothing concerns one."""
    for position, role in enumerate(rule.roles):
        if role not in ROLES_IN[rule.kind]:
            yield ("roles", position), f"no case of kind {rule.kind} has a party who is {role}: take it out"
    if rule.item in (UNIT, RIGHTS):
        if rule.scope is not Scope.CASE:
            yield ("scope",), f'{rule.item} concerns the whole case, never a suspect: write scope = "{Scope.CASE}"'
    elif rule.item not in MILESTONES_IN[rule.kind]:
        names = ", ".join(sorted(MILESTONES_IN[rule.kind]))
        yield ("item",), f"never happens in a case of kind {rule.kind}: delete the rule, or choose one of {names}"


def _twice(key: str, names: Sequence[str]) -> Iterator[Wrong]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield (key,), f"names {name} twice: delete one of the two"
