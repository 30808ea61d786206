"""What the parties of a B_ASJ case system may see, worked out from its rows and the matrix alone.

Written from the description of the columns and the matrix, without the project's own mapping, policy or intake.
"""

import json
import re
import sqlite3
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import matrix

KINDS = {"刑事": "criminal", "行政": "administrative"}
MEASURES = {
    "01": "summons_by_force",
    "02": "bail_pending_trial",
    "03": "residential_surveillance",
    "04": "criminal_detention",
    "05": "arrest",
}
DATES = {
    "criminal": {
        "LASJ": "case_filed",
        "PASJ": "case_solved",
        "YSSJ": "transferred_for_prosecution_review",
        "XA_XASJ": "case_withdrawn",
    },
    "administrative": {"SL_LRSJ": "case_accepted"},
}


@dataclass
class Milestone:
    name: str
    subject: str | None
    values: dict[str, Any]


@dataclass
class Party:
    """One party: how it logs in, and what it must see; `view` is None for those who get in nowhere."""

    role: str
    phone: str | None
    subject: str | None
    enters: bool
    view: dict[str, Any] | None = None
    shown: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Case:
    number: str
    kind: str
    unit: dict[str, str]
    milestones: dict[str, Milestone]
    parties: dict[str, Party]


def read(path: Path, earlier: dict[str, Case] | None = None) -> dict[str, Case]:
    """The open cases of the system by number; `earlier` is the state before, for measures that came before others."""
    database = sqlite3.connect(path)
    database.row_factory = sqlite3.Row
    units = {row["DWDM"]: row for row in database.execute("SELECT * FROM B_ASJ_ZZJG")}
    suspects = grouped(database.execute("SELECT * FROM B_ASJ_XYRDJ"))
    victims = grouped(database.execute("SELECT * FROM B_ASJ_SHRDJ"))
    cases = {}
    for row in database.execute("SELECT * FROM B_ASJ_AJ"):
        if row["DELETEFLAG"] == "1" or row["SECURITYGRADE"] not in (None, "", "0"):
            continue
        number = row["AJBH"]
        before = (earlier or {}).get(number)
        cases[number] = one_case(row, units[row["ZBDW"]], suspects.get(number, []), victims.get(number, []), before)
    database.close()
    return cases


def grouped(rows: Any) -> dict[str, list[sqlite3.Row]]:
    groups: dict[str, list[sqlite3.Row]] = {}
    for row in rows:
        if row["DELETEFLAG"] != "1":
            groups.setdefault(row["AJBH"], []).append(row)
    return groups


def one_case(row: Any, unit: Any, suspects: list[Any], victims: list[Any], before: Case | None) -> Case:
    kind = KINDS[row["AJLX"]]
    case = Case(row["AJBH"], kind, {"name": unit["DWMC"], "address": unit["DWDZ"], "phone": unit["LXDH"]}, {}, {})
    for column, name in DATES[kind].items():
        if row[column]:
            number = {"document_number": row["AJWH"]} if name == "case_accepted" else {}
            case.milestones[name] = Milestone(name, None, {"occurred_on": day(row[column]), **number})
    if kind == "administrative" and row["JA_JASJ"] and row["RESERVATION08"]:
        values = {"occurred_on": day(row["JA_JASJ"]), "penalties": penalties(row["RESERVATION08"])}
        case.milestones["penalty_decision"] = Milestone("penalty_decision", None, values)
    for suspect in suspects:
        if suspect["SECURITYGRADE"] in (None, "", "0"):
            add_suspect(case, suspect, before)
    for victim in victims:
        role = {"1": "victim", "2": "complainant"}.get(victim["RYJS"])
        if role:
            case.parties[f"{victim['SYSTEMID']} {role}"] = Party(role, mobile(victim["LXDH"]), None, True)
        if role == "victim":
            add_contact(case, victim, "victim_family", None, True)
    for party in case.parties.values():
        fill(case, party)
    return case


def add_suspect(case: Case, row: Any, before: Case | None) -> None:
    subject = row["RYBH"]
    if case.kind == "criminal" and row["CS"] and row["CSZXRQ"]:
        add_measures(case, subject, row, before)
    enters = row["ASJ_XYRZT"] == "2"
    case.parties[f"{row['SYSTEMID']} suspect"] = Party("suspect", mobile(row["LXDH"]), subject, enters)
    add_contact(case, row, "suspect_family", subject, enters)


def add_measures(case: Case, subject: str, row: Any, before: Case | None) -> None:
    """The measures that the suspect had before, and the one in force: a new code is one more."""
    past = [m for m in (before.milestones.values() if before else ()) if m.subject == subject]
    measure, occurred_on = MEASURES[row["CS"]], day(row["CSZXRQ"])
    if past and past[-1].values["measure"] == measure:
        past[-1] = Milestone("compulsory_measure", subject, {**past[-1].values, "occurred_on": occurred_on})
    else:
        action = "changed" if past else "imposed"
        values = {"occurred_on": occurred_on, "measure": measure, "action": action}
        past.append(Milestone("compulsory_measure", subject, values))
    case.milestones.update({f"{subject} {index}": milestone for index, milestone in enumerate(past)})


def add_contact(case: Case, row: Any, role: str, subject: str | None, enters: bool) -> None:
    if row["LXRXM"] or row["LXRDH"]:
        case.parties[f"{row['SYSTEMID']} {role}"] = Party(role, mobile(row["LXRDH"]), subject, enters)


def fill(case: Case, party: Party) -> None:
    """Work out what the party sees, by the matrix."""
    if not party.enters or (case.kind, party.role) not in matrix.ONLINE:
        party.enters = False
        return
    for key, milestone in case.milestones.items():
        cell = matrix.may_see(case.kind, party.role, milestone.name, party.subject, milestone.subject)
        if cell is not None:
            seen = {name: milestone.values[name] for name in cell.fields if name in milestone.values}
            outer = {name: value for name, value in seen.items() if name in ("occurred_on", "document_number")}
            inner = {name: value for name, value in seen.items() if name not in outer}
            shown = {"name": milestone.name, "clause": cell.clause, **outer}
            party.shown[key] = {**shown, "details": inner} if inner else shown
    clause = matrix.CELLS[case.kind, party.role, "unit"].clause
    party.view = {
        "case_number": case.number,
        "kind": case.kind,
        "role": party.role,
        "unit": {**case.unit, "clause": clause},
        "milestones": sorted(party.shown.values(), key=as_text),
    }


def expected_messages(before: dict[str, Case], after: dict[str, Case]) -> dict[str, int]:
    """How many SMS each party must get for the step from one state to the other, by party key."""
    counts = {}
    for number, case in after.items():
        was = before.get(number)
        for key, party in case.parties.items():
            earlier = was.parties.get(key) if was else None
            count = changes(was, case, earlier, party)
            if count and party.phone:
                counts[key] = count
    return counts


def changes(was: Case | None, case: Case, earlier: Party | None, party: Party) -> int:
    if not party.enters:
        return 0
    if was is None or earlier is None or not earlier.enters:
        return 1 if party.shown else 0
    if earlier.phone is None:
        return 0  # What changes before a number is there is told to nobody, though the number be typed in right after.
    keys = earlier.shown.keys() | party.shown.keys()
    return sum(earlier.shown.get(key) != party.shown.get(key) for key in keys) + (was.unit != case.unit)


def day(stamp: str) -> str:
    return f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}"


def mobile(text: str | None) -> str | None:
    """The 11 digits of a number as clerks type it; None if they are not a mobile number."""
    digits = re.sub(r"\D", "", unicodedata.normalize("NFKC", text or ""))
    digits = digits.removeprefix("86") if len(digits) > 11 else digits
    return digits if re.fullmatch(r"1[3-9]\d{9}", digits) else None


def penalties(words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for part in words.split("并"):
        if part == "警告":
            found.append({"kind": "warning"})
        elif match := re.fullmatch(r"罚款(\d+)元", part):
            found.append({"kind": "fine", "amount": int(match[1])})
        elif match := re.fullmatch(r"行政拘留(\d+)日", part):
            found.append({"kind": "administrative_detention", "days": int(match[1])})
        else:
            raise AssertionError(words)
    return found


def as_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
