"""Who may see what, written down a second time: from the matrix and the rules of time, on plain records.

A record is what a source pushed ("data") and what became of it since. Nothing here uses the project's policy code.
"""

import json
import tomllib
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from tests import matrix
from tests.service import ROOT

Record = dict[str, Any]
View = dict[str, Any]

BUREAU = timezone(timedelta(hours=8))
SUSPECT_SIDE = ("suspect", "suspect_family", "agent", "third_party")
ALL = "every subject"
OUTER = ("occurred_on", "document_number")
with (ROOT / "config" / "caseq.toml").open("rb") as _file:
    #: For how many days a case of each kind stays open to its parties after its end.
    WINDOW: dict[str, int] = tomllib.load(_file)["disclosure"]["days_after_end"]


def record(data: Record, **more: Any) -> Record:
    """A live record with this data."""
    return {"data": data, "withdrawn": False, **more}


def day(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None


def end_of(case: Record, formed_at: datetime, before: Record | None) -> date | None:
    """The day on which a case ends that is pushed with an event of `formed_at`; `before` is its record until then."""
    data = case["data"]
    state = data.get("state", "open")
    if state not in ("concluded", "transferred"):
        return None
    named = data.get("concluded_on") if state == "concluded" else (data.get("transferred_to") or {}).get("on")
    if named:
        return day(named)
    if before is not None and before["data"].get("state", "open") == state and before["ended_on"]:
        return before["ended_on"]
    return formed_at.astimezone(BUREAU).date()


def is_online(case: Record, party: Record) -> bool:
    return (case["data"]["kind"], party["data"]["role"]) in matrix.ONLINE


def enters(case: Record, party: Record, today: date) -> bool:
    """Whether this party gets into this case today."""
    head, who = case["data"], party["data"]
    gone = case["withdrawn"] or party["withdrawn"] or party.get("barred") or case.get("in_shadow")
    if gone or head.get("state") == "withheld" or who.get("juvenile") or not is_online(case, party):
        return False
    if case.get("ended_on") and (today - case["ended_on"]).days > WINDOW[head["kind"]]:
        return False
    appeared = day(who.get("appeared_on"))
    if who["role"] in SUSPECT_SIDE and (appeared is None or appeared > today):
        return False
    begins, ends = day(who.get("valid_from")) or today, day(who.get("valid_until")) or today
    return begins <= today <= ends


def tells_of_a_minor(what: str, data: Record) -> bool:
    """Whether a pushed record says that somebody on the suspect's side is a minor."""
    is_side = what == "case" or (what == "party" and data["role"] in SUSPECT_SIDE)
    return is_side and bool(data.get("juvenile"))


def is_of_a_suspect(what: str, data: Record) -> bool:
    """Whether a record takes a minor suspect's matter along when it moves to another case."""
    return data["role"] in SUSPECT_SIDE if what == "party" else what == "milestone" and data.get("subject") is not None


def is_narrowed(case: Record, parties: Iterable[Record]) -> bool:
    """Whether a case into which these parties were pushed is narrowed: one that was taken back narrows it for good."""
    people = (("party", one["data"]) for one in parties)
    return any(tells_of_a_minor(*one) for one in (("case", case["data"]), *people))


def may_be_widened(case: Record, parties: Iterable[Record]) -> bool:
    """Whether staff may say that the minor was a mistake: no source says otherwise any more."""
    return not is_narrowed(case, (one for one in parties if not one["withdrawn"]))


def hidden_until(milestone: Record) -> date | None:
    hold = milestone["data"].get("hold")
    return (day(hold.get("until")) or date.max) if hold else None


def cell(case: Record, party: Record, milestone: Record, narrowed: bool) -> matrix.Cell | None:
    """The cell of the matrix that opens a milestone to a party, whatever the day; None if nothing does."""
    name, about = milestone["data"]["name"], milestone["data"].get("subject")
    if case["data"].get("state") == "transferred" or milestone["withdrawn"]:
        return None
    found = matrix.may_see(case["data"]["kind"], party["data"]["role"], name, party["data"].get("subject"), about)
    of_another = found is not None and about is not None and found.scope != "own"
    return None if of_another and narrowed else found


def is_read(case: Record, party: Record, milestone: Record, narrowed: bool, today: date) -> bool:
    hidden = hidden_until(milestone)
    return cell(case, party, milestone, narrowed) is not None and (hidden is None or hidden < today)


def words(milestone: Record, fields: Iterable[str]) -> Record:
    """These fields of a milestone as the JSON view has them; what has no value is not there."""
    data = milestone["data"]
    values = {**(data.get("details") or {}), **{name: data.get(name) for name in OUTER}}
    there = {name: values[name] for name in fields if values.get(name) is not None}
    shown: Record = {name: value for name, value in there.items() if name in OUTER}
    inner = {name: value for name, value in there.items() if name not in OUTER}
    return {"name": data["name"], **shown, **({"details": inner} if inner else {})}


def read(case: Record, party: Record, milestones: Iterable[Record], narrowed: bool, today: date) -> list[View]:
    """The milestones of the JSON view; alike ones of every suspect are there once, since the first of them."""
    alone: list[View] = []
    crowd: dict[str, View] = {}
    for milestone in milestones:
        found = cell(case, party, milestone, narrowed)
        if found is None or not is_read(case, party, milestone, narrowed, today):
            continue
        said = words(milestone, found.fields)
        moment = since(milestone) if found.scope != ALL else line_since(milestone)
        view = {**said, "clause": found.clause, "released_at": moment.isoformat(timespec="seconds")}
        if found.scope != ALL:
            alone.append(view)
            continue
        alike = crowd.setdefault(canonical(said), view)
        alike["released_at"] = min(alike["released_at"], view["released_at"])
    return [*alone, *crowd.values()]


def since(milestone: Record) -> datetime:
    """Since when a milestone can be seen as it is."""
    released = milestone["released_at"].astimezone(BUREAU)
    hidden = hidden_until(milestone)
    if hidden is None:
        return released
    return max(released, datetime.combine(hidden + timedelta(days=1), time(), BUREAU))


def line_since(milestone: Record) -> datetime:
    """Since when those who read of every suspect read these words, whosever milestone they were at first."""
    known = milestone.get("line_since")
    return known.astimezone(BUREAU) if known else since(milestone)


def line(kind: str, milestone: Record, narrowed: bool, today: date) -> str | None:
    """The words of a milestone that all share who read of every suspect in this kind of case; None: it is not read."""
    data = milestone["data"]
    crowd = [c for c in matrix.cells() if (c.kind, c.item, c.scope, c.online) == (kind, data["name"], ALL, True)]
    hidden = hidden_until(milestone)
    if not crowd or milestone["withdrawn"] or (hidden is not None and today <= hidden):
        return None
    if data.get("subject") is not None and narrowed:
        return None
    return canonical(words(milestone, sorted(set.intersection(*(set(cell.fields) for cell in crowd)))))


def view(case: Record, party: Record, milestones: Iterable[Record], narrowed: bool, today: date) -> View | None:
    """What the JSON view of this party must be; of the rights, whether they are there."""
    if not enters(case, party, today):
        return None
    head, role = case["data"], party["data"]["role"]
    seen: View = {"case_number": case["number"], "kind": head["kind"], "role": role}
    unit = matrix.CELLS.get((head["kind"], role, "unit"))
    if head.get("state") == "transferred":
        to = head.get("transferred_to") or {}
        if unit:
            known = [name for name in unit.fields if name != "address" and to.get(name)]
            seen["transferred_to"] = {
                **{name: to[name] for name in known},
                **({"on": to["on"]} if to.get("on") else {}),
                "clause": unit.clause,
            }
        return {**seen, "milestones": [], "rights": False}
    if unit:
        fields = {name: head["unit"][name] for name in unit.fields if head["unit"].get(name)}
        seen["unit"] = {**fields, "clause": unit.clause}
    shown = read(case, party, milestones, narrowed, today)
    if rights := matrix.CELLS.get((head["kind"], role, "rights")):
        seen["rights_clause"] = rights.clause
    return {**seen, "milestones": shown, "rights": rights is not None}


def canonical(value: object) -> str:
    """A text that is the same for what is the same."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def comparable(body: View | None) -> View | None:
    """A JSON view, the project's or the law's, in the form in which the two are compared."""
    if body is None:
        return None
    kept = {name: value for name, value in body.items() if name not in ("as_of", "source_silent", "policy")}
    return {
        **kept,
        "milestones": sorted(map(canonical, body["milestones"])),
        "rights": bool(kept.get("rights")),
    }


def is_newest_first(body: View) -> bool:
    """Whether the milestones come by their day, the newest first, those without one last; then by their release."""
    order = [(item.get("occurred_on", ""), item["released_at"]) for item in body["milestones"]]
    return order == sorted(order, reverse=True)
