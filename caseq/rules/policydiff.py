"""What another policy would open and close: in the rules themselves, and on the page of one person."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from caseq.rules.disclosure import CaseView, Grant, MilestoneView, Policy, Rule, TransferView, UnitView, is_of_statute
from caseq.rules.explanation import SUBJECTS
from caseq.rules.release import Scope, concerns


class Way(StrEnum):
    """What a difference does to readers; `CHANGES`: they see the same, under another clause or for another reason."""

    OPENS = "opens"
    CLOSES = "closes"
    CHANGES = "changes"


class Part(StrEnum):
    """Of what a difference is: the page as a whole, an item, its fields, whom it may concern, its words, or what is
    told on paper only."""

    PAGE = "page"
    ITEM = "item"
    FIELDS = "fields"
    SUBJECTS = "subjects"
    CLAUSE = "clause"
    REASON = "reason"
    PAPER = "paper"


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One difference for one role: `words` are the fields or the subjects (keys of explanation.SUBJECTS) meant, of a
    clause or a reason the old and the new one. `clause` is that of the new rule, of what closes that of the old."""

    kind: str
    role: str
    item: str
    part: Part
    way: Way
    words: tuple[str, ...]
    clause: str


Cell = tuple[str, str, str]


def differences(old: Policy, new: Policy) -> list[Difference]:
    """All that the rules of `new` do otherwise than those of `old`, sorted by kind, role and item."""
    before, after = _cells(old), _cells(new)
    found = [*_pages(old, new)]
    for cell in before.keys() | after.keys():
        found += _of_cell(cell, before.get(cell), after.get(cell))
    return sorted(found)


def _cells(policy: Policy) -> Mapping[Cell, Rule]:
    return {(rule.kind.value, role.value, rule.item): rule for rule in policy.rules for role in rule.roles}


def _pages(old: Policy, new: Policy) -> Iterator[Difference]:
    """The roles that may look online under one of the two only."""
    for way, has, has_not in ((Way.OPENS, new, old), (Way.CLOSES, old, new)):
        for kind, role in has.grants.keys() - has_not.grants.keys():
            clauses = (rule.clause for rule in has.rules if rule.online and rule.kind == kind and role in rule.roles)
            yield Difference(str(kind), str(role), PAGE, Part.PAGE, way, (), next(clauses))


def _of_cell(cell: Cell, before: Rule | None, after: Rule | None) -> Iterator[Difference]:
    was, becomes = _online(before), _online(after)
    yield from _on_paper(cell, before, after)
    if was is None and becomes is not None:
        yield Difference(*cell, Part.ITEM, Way.OPENS, _item(becomes), becomes.clause)
    elif was is not None and becomes is None:
        yield Difference(*cell, Part.ITEM, Way.CLOSES, _item(was), was.clause)
    elif was is not None and becomes is not None:
        yield from _ways(cell, Part.FIELDS, was.fields, becomes.fields, was.clause, becomes.clause)
        subjects = (_subjects(was.scope), _subjects(becomes.scope))
        yield from _ways(cell, Part.SUBJECTS, *subjects, was.clause, becomes.clause)
        yield from _words(cell, was, becomes)


def _online(rule: Rule | None) -> Rule | None:
    return rule if rule is not None and rule.online else None


def _item(rule: Rule) -> tuple[str, ...]:
    return (*rule.fields, f"scope: {rule.scope}")


def _on_paper(cell: Cell, before: Rule | None, after: Rule | None) -> Iterator[Difference]:
    was, becomes = (rule if rule is not None and not rule.online else None for rule in (before, after))
    if was is None and becomes is not None:
        yield Difference(*cell, Part.PAPER, Way.OPENS, _item(becomes), becomes.clause)
    elif was is not None and becomes is None:
        yield Difference(*cell, Part.PAPER, Way.CLOSES, _item(was), was.clause)
    elif was is not None and becomes is not None and was != becomes:
        words = (*_item(was), was.clause, *_item(becomes), becomes.clause)
        yield Difference(*cell, Part.PAPER, Way.CHANGES, words, becomes.clause)


def _subjects(scope: Scope) -> tuple[str, ...]:
    return tuple(word for word, subject in SUBJECTS.items() if concerns(scope, SUBJECTS["own"], subject))


def _ways(
    cell: Cell, part: Part, was: Iterable[str], becomes: Iterable[str], old_clause: str, new_clause: str
) -> Iterator[Difference]:
    was, becomes = tuple(was), tuple(becomes)
    if opened := tuple(word for word in becomes if word not in was):
        yield Difference(*cell, part, Way.OPENS, opened, new_clause)
    if closed := tuple(word for word in was if word not in becomes):
        yield Difference(*cell, part, Way.CLOSES, closed, old_clause)


def _words(cell: Cell, was: Rule, becomes: Rule) -> Iterator[Difference]:
    if was.clause != becomes.clause:
        yield Difference(*cell, Part.CLAUSE, Way.CHANGES, (was.clause, becomes.clause), becomes.clause)
    if was.reason != becomes.reason:
        words = (*was.reason.values(), *becomes.reason.values())
        yield Difference(*cell, Part.REASON, Way.CHANGES, words, becomes.clause)


PAGE = Part.PAGE.value


@dataclass(frozen=True, slots=True)
class Changed:
    """How the page of one person changes: items, and fields as ``item.field``, each named once.

    ``page`` among them: the person may enter under one of the two policies only. `otherwise` are items that show the
    same fields as before, but not as often, or by another clause. With `in_view` False nothing of the case is shown
    otherwise, and `otherwise` are the items of which the page says that people in this role may see them.
    """

    opens: tuple[str, ...]
    closes: tuple[str, ...]
    otherwise: tuple[str, ...]
    in_view: bool = True


def changed(before: CaseView | None, after: CaseView | None) -> Changed | None:
    """What changes from one view of a person to another; None if nothing does but the policy's name.

    None for a view: the person may not enter.
    """
    labels = Counter(_labels(before)), Counter(_labels(after))
    opens, closes = labels[1] - labels[0], labels[0] - labels[1]
    lines = Counter(_lines(before)), Counter(_lines(after))
    items = {item for item, _ in (lines[0] - lines[1]) + (lines[1] - lines[0])}
    otherwise = items - {label.split(".")[0] for label in opens + closes}
    if not opens and not closes and not otherwise:
        return None
    return Changed(tuple(sorted(opens)), tuple(sorted(closes)), tuple(sorted(otherwise)))


def page_text(before: Grant, after: Grant) -> Changed | None:
    """What changes in the words of a page about what its reader may see, which are the same for everybody in a role
    whatever the case holds; None if nothing does."""
    was, becomes = _said(before), _said(after)
    words = [(list(said), _named_once(said.values())) for said in (was, becomes)]
    if words[0] == words[1]:
        return None
    changing = {item for item in was.keys() | becomes.keys() if was.get(item) != becomes.get(item)}
    return Changed((), (), tuple(sorted(changing or becomes.keys())), in_view=False)


def _said(grant: Grant) -> Mapping[str, str]:
    """The clause of every item that the page lists, in its order: fields and scope are no words of the page."""
    whole = {"unit": grant.unit, "rights": grant.rights}
    return {item: rule.clause for item, rule in {**whole, **grant.milestones}.items() if rule is not None}


def _named_once(clauses: Iterable[str]) -> list[str]:
    """The clauses as the page names them, those of the plan first."""
    return sorted(dict.fromkeys(clauses), key=is_of_statute)


Shown = UnitView | TransferView | MilestoneView


def _items(view: CaseView) -> Iterator[tuple[str, Shown]]:
    if view.unit is not None:
        yield "unit", view.unit
    if view.transferred_to is not None:
        yield "transferred_to", view.transferred_to
    yield from ((milestone.name, milestone) for milestone in view.milestones)


def _lines(view: CaseView | None) -> Iterator[tuple[str, str]]:
    """Each item on the page, and all it says: a word of it changed is another line."""
    if view is None:
        return
    if view.rights_clause is not None:
        yield "rights", repr((view.rights, view.rights_clause))
    for item, shown in _items(view):
        fields = {name: shown.fields[name] for name in sorted(shown.fields)}
        yield item, repr((fields, replace(shown, fields={})))


def _labels(view: CaseView | None) -> Iterator[str]:
    """Each item on the page and each of its fields, once for every time it stands there."""
    if view is None:
        return
    yield PAGE
    if view.rights_clause is not None:
        yield "rights"
    for item, shown in _items(view):
        yield item
        yield from (f"{item}.{name}" for name in shown.fields)
