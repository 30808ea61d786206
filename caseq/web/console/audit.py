"""The auditor's desk: who did what, by case, badge or day; the state of the chain; what reading was unusual.

Each look at it is itself in the audit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, request

from caseq import chaining, guarding, looking
from caseq.rules.approval import Decision
from caseq.rules.duties import StaffRole
from caseq.rules.numbers import LONGEST_NUMBER
from caseq.store.looks import Entry
from caseq.web.console import gate
from caseq.web.console.auditwords import ACTS, FACTS, said
from caseq.web.console.forms import day_of, plain
from caseq.web.console.people import ROLES
from caseq.web.current import runtime

blueprint = Blueprint("audit", __name__, url_prefix=f"{gate.PREFIX}/audit")

_NOTHING = "请至少填一项：案件编号、警号或者日期"
_NO_DAY = "日期写成 2026-11-23 这样"
_UNKNOWN = "没有这个案件，或者没有这个警号"
#: What stands in the facts of a row as who and why.
_WHO, _WHY = "by", "reason"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the audit on the page."""

    at: datetime
    act: str
    who: str
    badge: str
    case_number: str
    party: str
    why: str
    facts: str


@blueprint.get("")
def audit() -> Response:
    """The form, the state of the chain and unusual reading; with something typed, the rows that were found."""
    typed = {name: plain(request.args.get(name, ""))[:LONGEST_NUMBER] for name in ("case_number", "badge", "day")}
    fault, lines = _found(typed) if request.args else (None, None)
    return gate.show(
        "audit",
        422 if fault else 200,
        typed=typed,
        fault=fault,
        lines=lines,
        is_cut=lines is not None and len(lines) == looking.MOST_FOUND,
        chain=chaining.state(runtime()),
        readings=guarding.readings(runtime()),
        watched=guarding.watched_cases(runtime()),
    )


def _found(typed: Mapping[str, str]) -> tuple[str | None, list[Line] | None]:
    """What is wrong with what was typed, or the rows."""
    if not any(typed.values()):
        return _NOTHING, None
    day = day_of(typed["day"])
    if typed["day"] and day is None:
        return _NO_DAY, None
    wanted = looking.Wanted(typed["case_number"], typed["badge"], day)
    found = looking.search(runtime(), wanted, gate.me())
    return (_UNKNOWN, None) if found is None else (None, [_line(one) for one in found])


def _line(entry: Entry) -> Line:
    facts = dict(entry.facts or {})
    who, why = facts.pop(_WHO, None), facts.pop(_WHY, None)
    function = ROLES[StaffRole(entry.role)] if entry.role else ""
    return Line(
        at=entry.at,
        act=ACTS.get(entry.act, entry.act),
        who=function or said(who or entry.source),
        badge=entry.badge or "",
        case_number=entry.case_number or "",
        party=entry.party or "",
        why=_why(entry.act, str(why or "")),
        facts="；".join(f"{FACTS.get(name, name)} {text}" for name, value in facts.items() if (text := said(value))),
    )


def _why(act: str, why: str) -> str:
    """The reason; that of a decision to withhold begins with the key of its ground."""
    key, _, rest = why.partition(": ")
    ground = runtime().settings.approval.ground(key) if act == f"release_{Decision.WITHHELD}" else None
    return f"{ground.text}：{rest}" if ground else why
