"""What the parties of a B_ASJ case system may see, worked out from its rows and the matrix alone.

Written from the description of the columns and the matrix, without the project's own mapping, policy or intake.
"""

import json
import re
import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from tests import matrix

LOCAL_TIME = timezone(timedelta(hours=8))
NEWS_WITHIN = timedelta(days=30)
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
    """What happened; `formed` is the stamp of when that was formed or last changed, in the case system's time."""

    name: str
    subject: str | None
    values: dict[str, Any]
    formed: str


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
    has_a_minor_suspect: bool = False


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
            values = {"occurred_on": day(row[column]), **number}
            put(case, name, Milestone(name, None, values, row[column]), row, before)
    if kind == "administrative" and row["JA_JASJ"] and row["RESERVATION08"]:
        values = {"occurred_on": day(row["JA_JASJ"]), "penalties": penalties(row["RESERVATION08"])}
        put(case, "penalty_decision", Milestone("penalty_decision", None, values, row["JA_JASJ"]), row, before)
    for suspect in suspects:
        if suspect["SECURITYGRADE"] in (None, "", "0"):
            add_suspect(case, suspect, before)
    for victim in victims:
        role = {"1": "victim", "2": "complainant"}.get(victim["RYJS"])
        if role:
            enters = not is_minor(victim)
            case.parties[f"{victim['SYSTEMID']} {role}"] = Party(role, mobile(victim["LXDH"]), None, enters)
        if role == "victim":
            add_contact(case, victim, "victim_family", None, True)
    for party in case.parties.values():
        fill(case, party)
    return case


def put(case: Case, key: str, milestone: Milestone, row: Any, before: Case | None) -> None:
    """Enter the milestone as formed when its row changed; on the first reading of a case on its own day."""
    known = before.milestones.get(key) if before else None
    if known and known.values == milestone.values:
        milestone.formed = known.formed
    elif before:
        milestone.formed = row["LASTUPDATEDTIME"]
    case.milestones[key] = milestone


def add_suspect(case: Case, row: Any, before: Case | None) -> None:
    subject = row["RYBH"]
    if case.kind == "criminal" and row["CS"] and row["CSZXRQ"]:
        add_measures(case, subject, row, before)
    enters = row["ASJ_XYRZT"] == "2"
    case.has_a_minor_suspect |= is_minor(row)
    own = Party("suspect", mobile(row["LXDH"]), subject, enters and not is_minor(row))
    case.parties[f"{row['SYSTEMID']} suspect"] = own
    add_contact(case, row, "suspect_family", subject, enters)


def add_measures(case: Case, subject: str, row: Any, before: Case | None) -> None:
    """The measures that the suspect had before, and the one in force: a new code is one more."""
    past = [m for m in (before.milestones.values() if before else ()) if m.subject == subject]
    measure, occurred_on = MEASURES[row["CS"]], day(row["CSZXRQ"])
    is_same = bool(past) and past[-1].values["measure"] == measure
    values = past.pop().values if is_same else {"measure": measure, "action": "changed" if past else "imposed"}
    newest = Milestone("compulsory_measure", subject, {**values, "occurred_on": occurred_on}, row["CSZXRQ"])
    for index, milestone in enumerate((*past, newest)):
        put(case, f"{subject} {index}", milestone, row, before)


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
        of_others = milestone.subject is not None and milestone.subject != party.subject
        if cell is not None and not (case.has_a_minor_suspect and of_others):
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
        "milestones": [json.loads(text) for text in sorted(set(map(as_text, party.shown.values())))],
    }


@dataclass(frozen=True)
class Step:
    """From one state of the case system to the next, which the service took in at this aware moment."""

    before: dict[str, Case]
    after: dict[str, Case]
    now: datetime

    def messages(self) -> Counter[str]:
        """How many SMS each party must get, by party key."""
        return +Counter({key: count for _, key, party, count in self._changes() if party.phone})

    def dropped(self) -> Counter[tuple[str, str]]:
        """How many SMS must end without being sent, by case number and role: their parties lost the number."""
        lost: Counter[tuple[str, str]] = Counter()
        for number, _, party, count in self._changes():
            if not party.phone:
                lost[number, party.role] += count
        return +lost

    def _changes(self) -> Iterator[tuple[str, str, Party, int]]:
        """The case number, the key, the party and how often something changed for it."""
        for number, case in self.after.items():
            was = self.before.get(number)
            for key, party in case.parties.items():
                earlier = was.parties.get(key) if was else None
                if party.enters:
                    yield number, key, party, self._count(was, case, earlier, party)

    def _count(self, was: Case | None, case: Case, earlier: Party | None, party: Party) -> int:
        if was is None or earlier is None or not earlier.enters:
            return 1 if party.shown and party.phone else 0
        if earlier.phone is None:
            oldest_news = stamped(self.now - NEWS_WITHIN)
            is_news = any(case.milestones[key].formed >= oldest_news for key in party.shown)
            return 1 if is_news and party.phone else 0
        return changed_lines(earlier.shown, party.shown) + (was.unit != case.unit)


def changed_lines(before: dict[str, Any], after: dict[str, Any]) -> int:
    """How often the page changed on the way, one milestone after the other: what reads like another is no line."""
    page, count = {key: as_text(line) for key, line in before.items()}, 0
    for key in sorted(before.keys() | after.keys()):
        lines = set(page.values())
        page.pop(key, None)
        if key in after:
            page[key] = as_text(after[key])
        count += lines != set(page.values())
    return count


def is_minor(row: Any) -> bool:
    """Whether the person is under 18 today."""
    born = row["CSRQ"] or "19000101"
    return f"{int(born[:4]) + 18}{born[4:]}" > f"{datetime.now(LOCAL_TIME):%Y%m%d}"


def stamped(moment: datetime) -> str:
    """The aware moment as the case system writes it."""
    return f"{moment.astimezone(LOCAL_TIME):%Y%m%d%H%M%S}"


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
