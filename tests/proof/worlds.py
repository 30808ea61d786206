"""Every kind, role, milestone, relation to a suspect and state, as records: what the exhaustive tests go through."""

import itertools
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from caseq.rules.case import MilestoneName
from tests import matrix
from tests.proof.law import SUSPECT_SIDE, WINDOW, Record, record
from tests.service import UNIT

DAY = timedelta(days=1)
Changes = Mapping[str, Any]

#: Whom an item concerns, seen by a reader who is or stands by S1; the last two are one decision for two suspects.
RELATIONS = {"the whole case": None, "own": "S1", "another's": "S2", "a third one's": "S3"}
ALIKE = ("another's", "a third one's")


def days(today: date) -> dict[str, str]:
    return {"yesterday": (today - DAY).isoformat(), "today": today.isoformat(), "tomorrow": (today + DAY).isoformat()}


def case_states(kind: str, today: date) -> dict[str, Changes]:
    """What is pushed of the case in each of its states, beside what is always pushed."""
    last = today - timedelta(days=WINDOW[kind])
    to = {"name": "示例市公安局", "phone": "0951-8022000"}
    return {
        "open": {"state": "open"},
        "concluded in its window": {"state": "concluded", "concluded_on": last.isoformat()},
        "concluded past its window": {"state": "concluded", "concluded_on": (last - DAY).isoformat()},
        "transferred in its window": {"state": "transferred", "transferred_to": {**to, "on": last.isoformat()}},
        "transferred past its window": {"state": "transferred", "transferred_to": {**to, "on": str(last - DAY)}},
        "transferred without a word where to": {"state": "transferred"},
        "withheld": {"state": "withheld"},
        "withdrawn": {},
        "in shadow": {},
        "a juvenile case": {"juvenile": True},
        "with a minor on the suspect's side": {},
        "with a minor on the other side": {},
        "with a minor taken back": {},
    }


CASE_STATES = tuple(case_states("criminal", date.min + 999 * DAY))
#: Who else is in a case of that state, by role, and whether taken back.
OTHERS = {
    "with a minor on the suspect's side": ("suspect_family", False),
    "with a minor on the other side": ("victim", False),
    "with a minor taken back": ("suspect", True),
}


def party_states(today: date) -> dict[str, Changes]:
    """What is pushed of the party in each of its states; an authority runs from its first to its last day."""
    when = days(today)
    return {
        "as it must be": {},
        "whose authority runs today only": {"valid_from": when["today"], "valid_until": when["today"]},
        "who stands by nobody": {"subject": None},
        "who stands by another": {"subject": "S2"},
        "who has not appeared": {"appeared_on": None},
        "who appears tomorrow": {"appeared_on": when["tomorrow"]},
        "whose authority begins tomorrow": {"valid_from": when["tomorrow"]},
        "whose authority ended yesterday": {"valid_until": when["yesterday"]},
        "a minor": {"juvenile": True},
        "barred until checked": {},
        "whose access was taken away": {},
        "withdrawn": {},
    }


PARTY_STATES = tuple(party_states(date.min + 999 * DAY))
BARRED = {"barred until checked": "recheck", "whose access was taken away": "revoked"}


def item_states(today: date) -> dict[str, Changes]:
    when = days(today)
    return {
        "plain": {},
        "told in person first": {"tell_first": True},
        "held until yesterday": {"hold": {"reason": "有碍侦查", "until": when["yesterday"]}},
        "held until today": {"hold": {"reason": "有碍侦查", "until": when["today"]}},
        "held for good": {"hold": {"reason": "有碍侦查"}},
        "withdrawn": {},
    }


def a_case(number: str, kind: str, state: str, today: date) -> Record:
    """A case of this kind in this state."""
    changes = case_states(kind, today)[state]
    to = changes.get("transferred_to", {})
    ended = changes.get("concluded_on") or to.get("on")
    if state == "transferred without a word where to":
        ended = today.isoformat()
    case = record({"kind": kind, "opened_on": "2026-01-05", "unit": UNIT, **changes}, number=number)
    case["ended_on"] = date.fromisoformat(ended) if ended else None
    case |= {"withdrawn": state == "withdrawn", "in_shadow": state == "in shadow"}
    return case


def a_party(key: str, role: str, state: str, today: date) -> Record:
    """A party in this role and state; the suspect's side appeared today and stands by S1."""
    side = {"subject": "S1", "appeared_on": today.isoformat()} if role in SUSPECT_SIDE else {"subject": "S1"}
    data = {"party": key, "role": role, "name": "测试人", **side, **party_states(today)[state]}
    return record(data, withdrawn=state == "withdrawn", barred=BARRED.get(state))


def milestones(today: date) -> list[Record]:
    """Every milestone there is, for each relation and state, each with values of its own that no other has."""
    made: list[Record] = []
    numbers = itertools.count(1)
    shared: dict[tuple[str, str], int] = {}
    for name, state, relation in itertools.product(MilestoneName, item_states(today), RELATIONS):
        number = next(numbers)
        if relation in ALIKE:
            number = shared.setdefault((name, state), number)
        made.append(_milestone(name.value, relation, number, item_states(today)[state], len(made)))
        made[-1]["withdrawn"] = state == "withdrawn"
    return made


def _milestone(name: str, relation: str, number: int, changes: Changes, n: int) -> Record:
    """`number` marks its values, `n` itself: two milestones that read alike have the same number."""
    granted = {field for cell in matrix.CELLS.values() if cell.item == name for field in cell.fields}
    fields = [*sorted(granted - {"occurred_on", "document_number"}), "internal_note"]
    data = {
        "milestone": f"M{n}",
        "name": name,
        "subject": RELATIONS[relation],
        "occurred_on": (date(1990, 1, 1) + number * DAY).isoformat(),
        "document_number": f"文{number}号",
        "details": {field: f"{field} {number}" for field in fields},
        **changes,
    }
    scrambled = n * 7919 % 1009  # of two that read alike now the first came first, now the second
    released_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=scrambled)
    # Every third one stands in a line that another one began.
    return record(data, released_at=released_at, line_since=None if n % 3 else released_at - timedelta(days=n))


def grants() -> Iterator[tuple[str, str, str]]:
    """Every kind, role and state of a party, also those that no rule names."""
    return itertools.product(matrix.KINDS, matrix.ROLES, PARTY_STATES)
