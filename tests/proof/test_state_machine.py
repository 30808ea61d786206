"""Whatever sources push, staff do, people try and time brings: every channel shows what the law says, no more, no less.

The walks are the same each time; CASEQ_TEST_WALKS gives that many others, CASEQ_TEST_STEPS longer ones.
"""

import os
from datetime import date, timedelta
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from caseq.granting import Deed
from tests import matrix
from tests.proof import law, values
from tests.proof.machine import Pair, unlimited
from tests.proof.world import Key
from tests.service import NOON, Service

WALKS = int(os.environ.get("CASEQ_TEST_WALKS", "15"))
STEPS = int(os.environ.get("CASEQ_TEST_STEPS", "25"))

SOURCES = ("criminal", "administrative")
NUMBERS = ("A6401215100002026110001", "A6401215100002026110002", "A6401215100002026110003")
ALIAS = "示公立字7号"
PHONES = ("19911110001", "19911110002", "19911110003")
#: Who is in the first case from the start: role, telephone, suspect.
PEOPLE = (
    ("victim", PHONES[0], None),
    ("suspect", PHONES[1], "S1"),
    ("suspect_family", PHONES[2], "S2"),
    ("agent", PHONES[0], "S2"),
)
#: Roles that know most of each other's matters come more often.
ROLES = ("victim", "suspect", "suspect_family", "agent", "complainant", "victim_family", "third_party")
TODAY = NOON.astimezone(law.BUREAU).date()

sources = st.sampled_from(SOURCES)
whose = st.sampled_from(("own",) * 8 + ("other",))
numbers = st.sampled_from((NUMBERS[0], *NUMBERS))
subjects = st.sampled_from(("S1", "S2", None))
seldom = st.sampled_from((False, False, False, False, True))
party_keys = st.sampled_from([f"P{n}" for n in range(1, 6)])
milestone_keys = st.sampled_from([f"M{n}" for n in range(1, 8)])
seeds = st.sampled_from(values.SEEDS)


def around(today: date, *spans: int | None) -> st.SearchStrategy[str | None]:
    """Days by how far they are from today; None for none."""
    return st.sampled_from([None if span is None else (today + timedelta(days=span)).isoformat() for span in spans])


@st.composite
def case_data(draw: st.DrawFn, source: str, today: date) -> dict[str, Any]:
    state = draw(st.sampled_from(("open",) * 6 + ("concluded", "transferred", "withheld")))
    n = draw(seeds)
    data = {
        "kind": source,
        "state": state,
        "unit": {"code": "QZcodeQZ", "name": values.marker(f"unit{n}"), "phone": "0951-8011010"},
        "juvenile": draw(seldom),
        "aliases": draw(st.sampled_from(([], [], [], [ALIAS], [ALIAS, NUMBERS[0]], [NUMBERS[2]]))),
    }
    if state == "concluded":
        data["concluded_on"] = draw(around(today, None, 0, -59, -60, -61, -180, -181))
    if state == "transferred":
        to = {"name": values.marker(f"to{n}"), "phone": "0951-8022000", "on": draw(around(today, None, 0, -60))}
        data["transferred_to"] = to
    return data


@st.composite
def party_data(draw: st.DrawFn, today: date) -> dict[str, Any]:
    return {
        "role": draw(st.sampled_from(ROLES)),
        "name": "QZnameQZ",
        "phone": draw(st.sampled_from((*PHONES, *PHONES, None))),
        "subject": draw(subjects),
        "appeared_on": draw(around(today, -5, -5, -5, 0, 1, None)),
        "juvenile": draw(seldom),
        "valid_from": draw(around(today, None, None, None, None, -1, 0, 1)),
        "valid_until": draw(around(today, None, None, None, None, -1, 0, 1, 90)),
        "sms": not draw(seldom),
    }


@st.composite
def milestone_data(draw: st.DrawFn, source: str, today: date) -> dict[str, Any]:
    names = sorted({cell.item for cell in matrix.cells() if cell.kind == source} - {"unit", "rights"})
    crowds = sorted({cell.item for cell in matrix.cells() if cell.kind == source and cell.scope == "every subject"})
    name = draw(st.sampled_from(crowds) | st.sampled_from(names))
    until = draw(around(today, None, -1, 0, 1))
    held = draw(seldom)
    return {
        "name": name,
        "subject": draw(subjects),
        **values.of(name, draw(seeds)),
        "hold": {"reason": "QZreasonQZ", "until": until} if held else None,
        "tell_first": draw(seldom),
    }


class Walk(RuleBasedStateMachine):
    """One walk: the first case, its people and one milestone are there from the start."""

    service: Service

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair(self.service)
        self.pushed: list[tuple[str, list[dict[str, Any]]]] = []

    @property
    def world(self):
        return self.pair.world

    def named(self, source: str) -> str:
        """The source of this walk, or the other one."""
        return self.source if source == "own" else next(name for name in SOURCES if name != self.source)

    def of(self, source: str, kept: dict[Key, Any]) -> list[Key]:
        return sorted(key for key in kept if key[0] == source)

    @initialize(data=st.data(), source=sources)
    def begin(self, data: st.DataObject, source: str) -> None:
        """Two cases of one source, people on both sides of the first, and something in it."""
        self.source = source
        unit = {"name": values.marker("unit0"), "phone": "0951-8011010"}
        for number in NUMBERS[:2]:
            self.pair.push(source, ("case", number, {"kind": source, "unit": unit}))
        for n, (role, phone, subject) in enumerate(PEOPLE, start=1):
            party = {"party": f"P{n}", "role": role, "phone": phone, "subject": subject, "sms": True}
            self.pair.push(source, ("party", NUMBERS[0], {**party, "appeared_on": TODAY.isoformat()}))
        self.state_milestone(data, "own", "M1", 0)

    @rule(data=st.data(), source=whose, number=numbers)
    def state_case(self, data: st.DataObject, source: str, number: str) -> None:
        source = self.named(source)
        self.pair.push(source, ("case", number, data.draw(case_data(source, self.world.today))))

    def pick(self, data: st.DataObject, keys: list[Key]) -> Key:
        return data.draw(st.sampled_from(keys))

    def where(self, data: st.DataObject, source: str, known: dict[Key, Any], key: str) -> str | None:
        """The case number under which to push a record: mostly that of its case, any known one if it has none."""
        cases = self.of(source, self.world.cases)
        if not cases:
            return None
        record = known.get((source, key))
        if record is None or (record["withdrawn"] and data.draw(st.booleans())) or data.draw(seldom):
            return self.pick(data, cases)[1]
        return str(record["case"][1])

    @rule(data=st.data(), source=whose, key=party_keys)
    def state_party(self, data: st.DataObject, source: str, key: str) -> None:
        source = self.named(source)
        if number := self.where(data, source, self.world.parties, key):
            party = {"party": key, **data.draw(party_data(self.world.today))}
            self.pair.push(source, ("party", number, party))

    @rule(data=st.data(), source=whose, key=milestone_keys, days_ago=st.sampled_from((0, 0, 0, 31)))
    def state_milestone(self, data: st.DataObject, source: str, key: str, days_ago: int) -> None:
        source = self.named(source)
        if number := self.where(data, source, self.world.milestones, key):
            milestone = {"milestone": key, **data.draw(milestone_data(source, self.world.today))}
            self.pair.push(source, ("milestone", number, milestone), days_ago=days_ago)

    @rule(data=st.data(), source=whose, key=milestone_keys)
    def correct_a_milestone(self, data: st.DataObject, source: str, key: str) -> None:
        """One thing of it is told otherwise, all else is as before."""
        source = self.named(source)
        known = self.world.milestones.get((source, key))
        if known is None:
            return
        other = data.draw(milestone_data(source, self.world.today))
        changed = data.draw(st.sampled_from(("subject", "hold", "tell_first", "occurred_on", "document_number")))
        self.pair.push(source, ("milestone", known["case"][1], {**known["data"], changed: other[changed]}))

    @rule(data=st.data(), source=whose, key=milestone_keys, days_ago=st.sampled_from((0, 0, 0, 31)))
    def the_same_for_another(self, data: st.DataObject, source: str, key: str, days_ago: int) -> None:
        """What reads alike, for another suspect or for the whole case: perhaps nobody may know that there are two."""
        source = self.named(source)
        if known := self.of(source, self.world.milestones):
            one = self.world.milestones[self.pick(data, known)]
            number = self.where(data, source, self.world.milestones, key) or one["case"][1]
            more = {"milestone": key, "subject": data.draw(subjects), "tell_first": data.draw(seldom)}
            self.pair.push(source, ("milestone", number, {**one["data"], **more}), days_ago=days_ago)

    @rule(data=st.data(), source=whose, what=st.sampled_from(("case", "party", "milestone", "milestone")))
    def withdraw(self, data: st.DataObject, source: str, what: str) -> None:
        source = self.named(source)
        kept = {"case": self.world.cases, "party": self.world.parties, "milestone": self.world.milestones}[what]
        if keys := self.of(source, kept):
            key = self.pick(data, keys)
            number = key[1] if what == "case" else kept[key]["case"][1]
            self.pair.push(source, ("withdrawal", number, {"record": what, "key": key[1]}))

    @rule(data=st.data(), source=whose, to=numbers, how=st.sampled_from(("merge", "split", "renumber")))
    def move(self, data: st.DataObject, source: str, to: str, how: str) -> None:
        """A case goes into another: whole, but for some of its people and things, or under a new number."""
        source = self.named(source)
        cases = [key for key in self.of(source, self.world.cases) if key[1] != to]
        if not cases:
            return
        at = self.pick(data, cases)
        head = self.world.cases[at]["data"]
        events = [("case", to, head)] if how != "merge" or (source, to) not in self.world.cases else []
        events += [("case", at[1], {**head, "merged_into": to})] if how == "merge" else []
        for what, kept in (("party", self.world.parties), ("milestone", self.world.milestones)):
            for key in self.of(source, kept):
                is_there = kept[key]["case"] == at and not kept[key]["withdrawn"]
                if is_there and (how != "split" or data.draw(st.booleans())):
                    events.append(("withdrawal", at[1], {"record": what, "key": key[1]}))
                    events.append((what, to, kept[key]["data"]))
        if how == "renumber":
            events.append(("withdrawal", at[1], {"record": "case", "key": at[1]}))
        self.pair.push(source, *events)

    @rule(data=st.data(), source=whose, deed=st.sampled_from(Deed))
    def revoke_or_confirm(self, data: st.DataObject, source: str, deed: Deed) -> None:
        source = self.named(source)
        if keys := self.of(source, self.world.parties):
            self.pair.staff(self.pick(data, keys), deed)

    @rule(data=st.data(), source=whose)
    def widen(self, data: st.DataObject, source: str) -> None:
        if keys := self.of(self.named(source), self.world.cases):
            self.pair.widen(self.pick(data, keys))

    @rule(span=st.sampled_from(({"minutes": 10}, {"minutes": 20}, {"days": 1}, {"days": 2}, {"days": 59})))
    def time_passes(self, span: dict[str, float]) -> None:
        self.pair.service.clock.advance(**span)

    @rule(phone=st.sampled_from(PHONES), number=st.sampled_from((*NUMBERS[:1] * 4, *NUMBERS, ALIAS)))
    def log_in(self, phone: str, number: str) -> None:
        self.pair.log_in(phone, number)

    @invariant()
    def every_channel_agrees(self) -> None:
        assert self.pair.new_messages() == {}
        self.pair.compare_views()
        self.pair.compare_logins(PHONES, (*NUMBERS, ALIAS))


def test_every_channel_agrees_with_the_law_after_every_step(service: Service) -> None:
    Walk.service = unlimited(service)
    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=WALKS,
            stateful_step_count=STEPS,
            phases=(Phase.generate,),
            deadline=None,
            database=None,
            derandomize="CASEQ_TEST_WALKS" not in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )
