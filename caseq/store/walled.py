"""What the wall in PostgreSQL gives of one grant: the query of store/views.py with everything taken away, already in
the database, that rules/disclosure.project would take away."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    CTE,
    JSON,
    ColumnElement,
    Date,
    Double,
    Select,
    String,
    and_,
    case,
    cast,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import distinct_on

from caseq.rules.case import COMMON_FIELDS, CaseState
from caseq.rules.disclosure import Policy, Rule, Scope
from caseq.store.access import Reader, may_see, one_of, written
from caseq.store.columns import Moment
from caseq.store.tables import milestones
from caseq.store.views import Entered, entered_by

_DAY_AFTER_HOLD = "timezone('Asia/Shanghai', (milestones.hidden_until + 1)::timestamp)"


def disclosed(policy: Policy) -> tuple[CTE, Select[Any]]:
    """The session that entered, and the statement that gives its case and milestones as this policy shows them.

    Its columns are those of the statement without the wall. A field that is not granted is NULL, details hold the
    granted keys only, whether the case is narrowed is not told, a hold that is over is only seen in `released_at`,
    and what is read of every suspect names none and is there once.
    """
    entered = entered_by(policy)
    shown = _once(_shown(policy, entered))
    masked = _unit(policy, entered) | {"narrowed": false(), "usual_seconds": cast(entered.c.usual_seconds, Double)}
    of_case = [masked.get(name, entered.c[name]).label(name) for name in Entered._fields]
    return entered, select(*of_case, *shown.c).select_from(entered.outerjoin(shown, true()))


def _shown(policy: Policy, entered: CTE) -> CTE:
    """The milestones that the reader may read, with the fields that the reader may read; `one` tells apart those that
    are never put together."""
    columns = entered.c
    reader = Reader(columns.kind, columns.state, columns.role, columns.subject, columns.narrowed)
    is_crowd = _cell(policy, columns, lambda rule: rule.scope is Scope.EVERY_SUBJECT)
    since = func.greatest(milestones.c.released_at, literal_column(_DAY_AFTER_HOLD), type_=Moment)
    values = {
        "name": milestones.c.name,
        "milestone_subject": case((is_crowd, null()), else_=milestones.c.subject),
        "occurred_on": _granted(policy, columns, "occurred_on"),
        "document_number": _granted(policy, columns, "document_number"),
        "details": _details(policy, columns),
        "hidden_until": cast(null(), Date),
        "released_at": case((is_crowd, func.coalesce(milestones.c.line_since, since)), else_=since),
        "line_since": cast(null(), Moment),
        "one": case((is_crowd, null()), else_=milestones.c.id),
    }
    of_case = (milestones.c.case_id == columns.case_id) & may_see(policy, reader)
    labelled = [value.label(name) for name, value in values.items()]
    return select(*labelled).select_from(entered.join(milestones, of_case)).cte("shown")


def _once(shown: CTE) -> CTE:
    """Of those that read alike the one that could be read first."""
    alike = [shown.c.name, shown.c.occurred_on, shown.c.document_number, cast(shown.c.details, String), shown.c.one]
    kept = [column for column in shown.c if column.name != "one"]
    return select(*kept).ext(distinct_on(*alike)).order_by(*alike, shown.c.released_at).cte("disclosed")


def _cell(policy: Policy, columns: Any, wanted: Callable[[Rule], bool]) -> ColumnElement[bool]:
    """Whether the rule for the reader's kind and role and the milestone's name is such a one."""
    items: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for (kind, role), grant in policy.grants.items():
        items[kind, role].update(item for item, rule in grant.milestones.items() if wanted(rule))
    roles: defaultdict[tuple[str, frozenset[str]], set[str]] = defaultdict(set)
    for (kind, role), names in items.items():
        if names:
            roles[kind, frozenset(names)].add(role)
    of = [
        and_(one_of(columns.kind, [kind]), one_of(columns.role, those), one_of(milestones.c.name, names))
        for (kind, names), those in roles.items()
    ]
    return or_(false(), *of)


def _granted(policy: Policy, columns: Any, field: str) -> ColumnElement[Any]:
    return case((_cell(policy, columns, lambda rule: field in rule.fields), milestones.c[field]), else_=null())


def _details(policy: Policy, columns: Any) -> ColumnElement[Any]:
    """The details with the granted keys and no other; the value of a key that is not there is null."""
    rules = [rule for grant in policy.grants.values() for rule in grant.milestones.values()]
    shapes = sorted({_keys(rule) for rule in rules} - {()})
    none = literal_column("'{}'::json", JSON)
    parts = [(_cell(policy, columns, lambda rule, keys=keys: _keys(rule) == keys), _only(keys)) for keys in shapes]  # type: ignore[misc]
    return case(*parts, else_=none) if parts else none


def _keys(rule: Rule) -> tuple[str, ...]:
    return tuple(sorted(field for field in rule.fields if field not in COMMON_FIELDS))


def _only(keys: tuple[str, ...]) -> ColumnElement[Any]:
    pairs = [part for key in keys for part in (written(key), milestones.c.details.op("->")(written(key)))]
    return func.json_build_object(*pairs, type_=JSON)


def _unit(policy: Policy, entered: CTE) -> dict[str, ColumnElement[Any]]:
    """The unit's fields while the case is handled here, and whom it went to when it is not."""
    columns = entered.c
    is_away = one_of(columns.state, [CaseState.TRANSFERRED])
    nothing: dict[str, ColumnElement[Any]] = {"unit_name": literal_column("''")}
    masked: dict[str, ColumnElement[Any]] = {
        name: case(
            (~is_away & _of_unit(policy, columns, name.removeprefix("unit_")), columns[name]),
            else_=nothing.get(name, null()),
        )
        for name in ("unit_name", "unit_address", "unit_phone")
    }
    told = [(key, _of_unit(policy, columns, key)) for key in ("name", "phone")] + [("on", _of_unit(policy, columns))]
    pairs: list[Any] = []
    for key, is_granted in told:
        pairs += [written(key), case((is_granted, columns.transferred_to.op("->")(written(key))), else_=null())]
    masked["transferred_to"] = case((is_away, func.json_build_object(*pairs, type_=JSON)), else_=null())
    return masked


def _of_unit(policy: Policy, columns: Any, field: str | None = None) -> ColumnElement[bool]:
    """Whether the reader sees this field of the unit (None: the unit at all)."""
    roles: defaultdict[str, set[str]] = defaultdict(set)
    for (kind, role), grant in policy.grants.items():
        if grant.unit and (field is None or field in grant.unit.fields):
            roles[kind].add(role)
    of = [and_(one_of(columns.kind, [kind]), one_of(columns.role, those)) for kind, those in roles.items()]
    return or_(false(), *of)
