"""What two case systems, staff and time have done so far, as plain records, and what follows from it for everybody."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests import matrix
from tests.proof import law
from tests.proof.law import BUREAU, Record, canonical

Key = tuple[str, str]  # source, and number or key there
NEWS_WITHIN = timedelta(days=30)


@dataclass
class World:
    """The newest state of every record; `spoke` is when a source last pushed."""

    now: Callable[[], datetime]
    cases: dict[Key, Record] = field(default_factory=dict)
    parties: dict[Key, Record] = field(default_factory=dict)
    milestones: dict[Key, Record] = field(default_factory=dict)
    spoke: dict[str, datetime] = field(default_factory=dict)
    #: The cases of minor suspects: sealed by what was pushed, opened by staff only.
    sealed: set[Key] = field(default_factory=set)
    sealed_in_batch: set[Key] = field(default_factory=set)

    @property
    def today(self):
        return self.now().astimezone(BUREAU).date()

    # What sources push

    def push(self, source: str, events: Iterable[Mapping[str, Any]]) -> tuple[list[str], Counter[str]]:
        """Take a batch in; the outcome of each event, and how many SMS go to each telephone number."""
        self.spoke[source] = self.now()
        self.sealed_in_batch = set(self.sealed)
        for event in events:
            what, at, data = event["type"].split(".")[1], (source, event["subject"]), event["data"]
            if self._seals(what, data, self._known(what, source, data), self.sealed_in_batch):
                self.sealed_in_batch.add(at)
        outcomes, told = [], []
        for event in events:
            outcome, readers = self._take(source, event)
            outcomes.append(outcome)
            told += readers
        return outcomes, Counter(self.parties[key]["data"]["phone"] for key in told if self._hears(key))

    def _take(self, source: str, event: Mapping[str, Any]) -> tuple[str, list[Key]]:
        number, type_, data = event["subject"], event["type"].split(".")[1], event["data"]
        if any(not c["withdrawn"] and at[1] == number and at[0] != source for at, c in self.cases.items()):
            return "refused", []
        kept = {"case": self.cases, "party": self.parties, "milestone": self.milestones}
        what = data["record"] if type_ == "withdrawal" else type_
        key = (source, number if what == "case" else data["key"] if type_ == "withdrawal" else data[what])
        before = kept[what].get(key)
        if before is not None and what != "case" and before["case"] != (source, number) and not before["withdrawn"]:
            return "refused", []
        if before is not None and event["sequence"] <= before["sequence"]:
            return "stale", []
        if self._seals(type_, data, before, self.sealed):
            self.sealed.add((source, number))
        after = self._after(what, type_ == "withdrawal", before, event, (source, number))
        told = self._told(what, key, before, after)
        return "accepted", told

    def _known(self, what: str, source: str, data: Record) -> Record | None:
        kept = {"party": self.parties, "milestone": self.milestones}.get(what, {})
        return kept.get((source, data.get(what, "")))

    def _seals(self, type_: str, data: Record, before: Record | None, sealed: set[Key]) -> bool:
        """Whether a case is sealed by what is pushed into it: a minor, or what comes from a sealed case."""
        comes_from = before["case"] if before is not None and type_ in ("party", "milestone") else None
        return law.tells_of_a_minor(type_, data) or (comes_from in sealed and law.is_of_a_suspect(type_, data))

    def _after(self, what: str, gone: bool, before: Record | None, event: Mapping[str, Any], case: Key) -> Record:
        formed_at = datetime.fromisoformat(event["time"])
        stamp = {"sequence": event["sequence"], "formed_at": formed_at}
        if gone:
            assert before is not None
            return {**before, **stamp, "withdrawn": True}
        after = law.record(event["data"], case=case, **stamp)
        if what == "case":
            after |= {"number": case[1], "ended_on": law.end_of(after, formed_at, before)}
        if what == "party":
            grown = before is not None and before["data"].get("juvenile") and not after["data"].get("juvenile")
            after["barred"] = "recheck" if grown else before["barred"] if before else None
            after["was_in"] = {*(before["was_in"] if before else ()), case}
            after["id"] = before["id"] if before else len(self.parties)
        if what == "milestone":
            same = before is not None and not before["withdrawn"] and _what_all_see(before) == _what_all_see(after)
            after["released_at"] = before["released_at"] if before is not None and same else self.now()
        return after

    # Who hears of it

    def _told(self, what: str, key: Key, before: Record | None, after: Record) -> list[Key]:
        """Enter the change and say which parties it is news to."""
        is_recent = after["formed_at"] >= self.now() - NEWS_WITHIN
        if what == "party":
            return self._newcomer(key, before, after, is_recent)
        at = key if what == "case" else after["case"]
        people = [one for one, p in self.parties.items() if p["case"] == at and self._reachable(p)]
        if what == "case":
            entered = {one: before is not None and self._enters(before, self.parties[one]) for one in people}
            self.cases[key] = after
            differs = (one for one in people if self._case_differs(one, entered[one], before))
            return [one for one in differs if is_recent and self.enters(one)]
        told = {one: self._tells(one, key) for one in people}
        stood = self._lines(at)
        self.milestones[key] = after
        if any(self._is_of_a_line(at, one) for one in (before, after) if one is not None and one["case"] == at):
            self._keep(at, key, stood)
        quiet = not after["withdrawn"] and after["data"].get("tell_first")
        changed = [one for one in people if self._tells(one, key) != told[one]]
        return [one for one in changed if is_recent and not quiet and self.enters(one)]

    # Since when a line is shown: as long as any milestone makes it, it keeps its day

    def _is_of_a_line(self, at: Key, milestone: Record) -> bool:
        crowd = {cell.item for cell in matrix.cells() if cell.scope == law.ALL and cell.kind == self._kind(at)}
        return milestone["data"]["name"] in crowd

    def _kind(self, at: Key) -> str:
        return str(self.cases[at]["data"]["kind"])

    def _by_line(self, at: Key) -> dict[Key, str]:
        """The milestones of a case that are read by those who read of every suspect, with their words."""
        narrowed = at in self.sealed | self.sealed_in_batch
        of_case = {key: one for key, one in self.milestones.items() if one["case"] == at}
        found = {key: law.line(self._kind(at), one, narrowed, self.today) for key, one in of_case.items()}
        return {key: words for key, words in found.items() if words is not None}

    def _lines(self, at: Key) -> dict[str, datetime]:
        stood: dict[str, datetime] = {}
        for key, words in self._by_line(at).items():
            since = law.line_since(self.milestones[key])
            stood[words] = min(since, stood.get(words, since))
        return stood

    def _keep(self, at: Key, changed: Key, stood: dict[str, datetime]) -> None:
        self.milestones[changed].pop("line_since", None)
        for key, words in self._by_line(at).items():
            if words in stood:
                self.milestones[key]["line_since"] = stood[words]

    def _case_differs(self, one: Key, entered: bool, before: Record | None) -> bool:
        party = self.parties[one]
        after = self.cases[party["case"]]
        if before is None or not entered:
            return bool(self._page(party))
        states = [case["data"].get("state", "open") for case in (before, after)]
        if "transferred" in states:
            return states[0] != states[1]
        unit = matrix.CELLS.get((after["data"]["kind"], party["data"]["role"], "unit"))
        fields = unit.fields if unit else ()
        return any(before["data"]["unit"].get(name) != after["data"]["unit"].get(name) for name in fields)

    def _newcomer(self, key: Key, before: Record | None, after: Record, is_recent: bool) -> list[Key]:
        case = self.cases[after["case"]]
        knew = before is not None and not before["withdrawn"] and self._enters(case, before)
        seen = self._page(before) if before is not None and knew else {}
        self.parties[key] = after
        if not self._reachable(after) or not self.enters(key):
            return []
        page = self._page(after)
        opened = {name for name, shown in page.items() if seen.get(name) != shown}
        had_number = before is not None and before["data"].get("phone")
        untold = opened if had_number else set(page)
        is_news = any(self.milestones[name]["formed_at"] >= self.now() - NEWS_WITHIN for name in untold)
        return [key] if is_news or (opened and is_recent) else []

    def _page(self, party: Record) -> dict[Key, str]:
        """What an SMS may stand for: the words of every milestone that this party reads and is not told in person."""
        at = party["case"]
        page = {}
        for key, milestone in self.milestones.items():
            if milestone["case"] == at and not milestone["data"].get("tell_first"):
                shown = self._words(party, milestone)
                if shown is not None:
                    page[key] = shown
        return page

    def _tells(self, one: Key, changed: Key) -> set[tuple[object, str]]:
        """What the party has been or would be told, alike things of every suspect once; without what is told of such
        things in person, except for the milestone that changes."""
        party = self.parties[one]
        told: set[tuple[object, str]] = set()
        quiet: set[tuple[object, str]] = set()
        for key, milestone in self.milestones.items():
            shown = self._words(party, milestone) if milestone["case"] == party["case"] else None
            if shown is None:
                continue
            cell = law.cell(self.cases[party["case"]], party, milestone, False)
            of_all = cell is not None and cell.scope == "every subject"
            in_person = milestone["data"].get("tell_first")
            if not in_person:
                told.add(("*" if of_all else key, shown))
            elif of_all and key != changed:
                quiet.add(("*", shown))
        return told - quiet

    def _words(self, party: Record, milestone: Record) -> str | None:
        """What an SMS may stand for of a milestone. A case that this batch seals counts as such from its first event
        on: nobody is told of what a later event seals."""
        case = self.cases[party["case"]]
        narrowed = party["case"] in self.sealed | self.sealed_in_batch
        cell = law.cell(case, party, milestone, narrowed)
        if cell is None or not law.is_read(case, party, milestone, narrowed, self.today):
            return None
        return canonical(law.words(milestone, cell.fields))

    def _reachable(self, party: Record) -> bool:
        return not party["withdrawn"] and bool(party["data"].get("sms")) and bool(party["data"].get("phone"))

    def _hears(self, key: Key) -> bool:
        """Whether a message that was queued for this party goes out at the end of the batch."""
        return self._reachable(self.parties[key]) and self.enters(key)

    # Who gets in, and sees what

    def _enters(self, case: Record, party: Record) -> bool:
        return law.enters(case, party, self.today)

    def enters(self, key: Key) -> bool:
        party = self.parties[key]
        return self._enters(self.cases[party["case"]], party)

    def narrowed(self, at: Key) -> bool:
        return at in self.sealed

    def widen(self, at: Key) -> bool:
        """Staff say that the minor was a mistake; whether that may be so."""
        of_case = [party for party in self.parties.values() if party["case"] == at]
        case = self.cases[at]
        may = not case["withdrawn"] and at in self.sealed and law.may_be_widened(case, of_case)
        self.sealed -= {at} if may else set()
        return may

    def view(self, key: Key) -> law.View | None:
        """What the JSON view of this party must be now."""
        party = self.parties[key]
        at = party["case"]
        milestones = [one for one in self.milestones.values() if one["case"] == at]
        return law.view(self.cases[at], party, milestones, self.narrowed(at), self.today)

    def found_by(self, phone: str, number: str) -> list[Key]:
        """The parties whom a code is for if this telephone asks for this case number, in the order of their entry."""
        named = {at for at, case in self.cases.items() if at[1] == number or self._is_called(at, case, number)}
        found = [
            key
            for key, party in self.parties.items()
            if party["data"].get("phone") == phone and party["was_in"] & named and self.enters(key)
        ]
        return sorted(found, key=lambda key: self.parties[key]["id"])

    def _is_called(self, at: Key, case: Record, alias: str) -> bool:
        """Whether this is another name of the case, and no number that its source gave to a case."""
        return alias in (case["data"].get("aliases") or ()) and (at[0], alias) not in self.cases


def _what_all_see(milestone: Record) -> str:
    """What is the same for everybody who sees it: only this may move the day on which it was published."""
    name = milestone["data"]["name"]
    shared = [set(cell.fields) for cell in matrix.CELLS.values() if cell.item == name and cell.online]
    fields = set.intersection(*shared) if shared else set()
    about = (milestone["data"].get("subject"), str(law.hidden_until(milestone)))
    return canonical([about, law.words(milestone, sorted(fields))])
