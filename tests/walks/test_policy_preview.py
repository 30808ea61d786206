"""A change of the policy: those whom `caseq policy diff` names are those whose pages then change, and nobody else."""

import csv
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from caseq import granting, previewing
from caseq.cli import main
from caseq.commands import configured
from caseq.rules.case import MILESTONES_IN, ROLES_IN, SUSPECT_SIDE, Kind
from tests.service import Clock, Service, case, digits_of, event, milestone, party
from tests.service import service as build_service
from tests.test_no_leak import Markers, details
from tests.walks import policies
from tests.walks.grants import page
from tests.walks.policies import Rule

View = dict[str, Any]
People = dict[tuple[str, str], str]  # (case number, party key) to telephone number
Start = Callable[[str, Callable[[list[Rule]], list[Rule]] | None, bool], Service]


@pytest.fixture
def start(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[Start]:
    """Starts the service with a policy in force, always on the same database."""
    running: list[Service] = []

    def build(name: str, change: Callable[[list[Rule]], list[Rule]] | None, adopts_overlay: bool) -> Service:
        folder = policies.folder(tmp_path / f"config-{len(running)}", name, change, adopts_overlay)
        running.append(build_service(database_url, tmp_path, clock, CASEQ_CONFIG_DIR=str(folder)))
        return running[-1]

    yield build
    for service in running:
        service.runtime.database.close()


STATES: dict[str, dict[str, Any]] = {
    "open": {},
    "juvenile": {"juvenile": True},
    "withheld": {"state": "withheld"},
    "transferred": {"state": "transferred", "transferred_to": {"name": "乙局", "phone": "0951-1", "on": "2026-11-20"}},
    "over": {"state": "concluded", "concluded_on": "2020-01-01"},
    "concluded": {"state": "concluded", "concluded_on": "2026-11-20"},
}


def milestones(kind: Kind) -> Iterator[dict[str, Any]]:
    """Every milestone of a kind: of the whole case, of two suspects, alike and not, held and not."""
    markers = Markers()
    for name in sorted(MILESTONES_IN[kind]):
        said = details(markers, name, name)
        for subject in (None, "S1", "S2"):
            yield milestone(name, f"{name}-{subject}", subject=subject, details=said, document_number="1号")
        yield milestone(name, f"{name}-held", details=said, hold={"reason": "有碍侦查"}, occurred_on="2026-11-01")
        yield milestone(name, f"{name}-over", details=said, hold={"reason": "-", "until": "2026-11-01"})


def parties(kind: Kind, is_full: bool) -> Iterator[dict[str, Any]]:
    """Parties in every role that the kind has; if full, two of each, some without a number, some who may not enter."""
    for role, n in itertools.product(sorted(ROLES_IN[kind]), (1, 2) if is_full else (1,)):
        yield party(role, f"{role}-{n}", subject=f"S{n}", sms=False)
    if not is_full:
        return
    first = min(ROLES_IN[kind])
    yield party(first, "no-number", phone="0951-8011010", sms=False)
    yield party(first, "minor", juvenile=True, sms=False)
    yield party(first, "authority-over", valid_until="2026-11-22", sms=False)
    if ROLES_IN[kind] & SUSPECT_SIDE:
        yield party("suspect", "not-there-yet", appeared_on="2026-11-24", sms=False)


def cases() -> Iterator[tuple[Kind, str, dict[str, Any]]]:
    """A criminal case in every state, one without milestones, and one open case of every other kind."""
    yield from ((Kind.CRIMINAL, state, more) for state, more in STATES.items())
    yield Kind.CRIMINAL, "bare", {}
    yield Kind.ADMINISTRATIVE, "transferred", STATES["transferred"]
    yield from ((kind, "open", {}) for kind in Kind if kind is not Kind.CRIMINAL)


def fill(service: Service) -> People:
    """Push the cases; everybody who has a telephone number has one of their own."""
    numbers, phones, people = itertools.count(1), itertools.count(13_900_000_000), {}
    for kind, state, more in cases():
        number = f"A6401215100002026{next(numbers):07d}"
        events = [event("case", case(kind.value, **more), case=number, source=kind.value)]
        for one in parties(kind, state == "open"):
            one["party"] = f"{kind}-{state}-{one['party']}"
            if not one["party"].endswith("no-number"):
                one["phone"] = str(next(phones))
                people[number, one["party"]] = one["phone"]
            events.append(event("party", one, case=number, source=kind.value))
        for step in milestones(kind) if state != "bare" else ():
            step["milestone"] = f"{kind}-{state}-{step['milestone']}"
            events.append(event("milestone", step, case=number, source=kind.value))
        assert set(service.outcomes(*events, source=kind.value)) == {"accepted"}
    gone = [f"criminal-open-case_not_filed-{which}" for which in ("None", "over")]
    taken_back = ({"record": "milestone", "key": key} for key in gone)
    number = next(number for number, key in people if key.startswith("criminal-open"))
    assert set(service.outcomes(*(event("withdrawal", one, case=number, sequence="2") for one in taken_back))) == {
        "accepted"
    }
    revoked = next(key for key in people if key[1].startswith("criminal-open-victim-2"))
    granting.do(service.runtime, granting.Deed.REVOKE, *revoked, by="x", reason="y")
    return people


Key = tuple[str, str]


def views(service: Service, people: People) -> dict[Key, View | None]:
    """What everybody sees over HTTP, None who gets no code."""
    return seen_by(service, people)[0]


def seen_by(service: Service, people: People) -> tuple[dict[Key, View | None], dict[Key, str]]:
    """What everybody sees over HTTP, as JSON (None who gets no code) and as a page (empty)."""
    service.clock.advance(minutes=13)
    before = len(service.gateway.messages())
    client = service.client
    asked = {
        key: client.post("/api/v1/codes", json={"case_number": key[0], "phone": phone}).get_json()["challenge"]
        for key, phone in people.items()
    }
    service.work()
    codes = {line["to"]: digits_of(line["text"]) for line in service.gateway.messages()[before:]}
    seen: dict[Key, View | None] = dict.fromkeys(people)
    pages = dict.fromkeys(people, "")
    for key, phone in people.items():
        if code := codes.get(f"+86{phone}"):
            answer = client.post("/api/v1/sessions", json={"challenge": asked[key], "code": code})
            token = answer.get_json()["token"]
            seen[key], pages[key] = service.view(token), page(service, token)
    return seen, pages


def labels(view: View | None) -> Counter[str]:
    """The items and fields on a page, as often as they stand there."""
    if view is None:
        return Counter()
    found = Counter({"page": 1, "rights": int("rights" in view)})
    shown = [(name, {**view[name]}) for name in ("unit", "transferred_to") if name in view]
    for one in view["milestones"]:
        outer = {name: one[name] for name in ("occurred_on", "document_number") if name in one}
        shown.append((one["name"], {**outer, **one.get("details", {})}))
    for item, fields in shown:
        found.update([item, *(f"{item}.{name}" for name in fields if name not in ("clause", "reason"))])
    return +found


def without_policy(view: View | None) -> View | None:
    """The view without the name of the policy, which changes for everybody."""
    return view and {key: value for key, value in view.items() if key != "policy"}


def all_kinds_of_changes(rules: list[Rule]) -> list[Rule]:
    """Closes an item, narrows and widens scopes, closes and opens fields, cites otherwise, opens and closes roles."""
    changed = []
    for rule in rules:
        of_victims = rule["kind"] == "criminal" and "victim" in rule["roles"]
        if of_victims and rule["item"] == "case_solved":
            continue
        if of_victims and rule["item"] == "compulsory_measure":
            rule["scope"] = "case"
        if of_victims and rule["item"] == "case_filed":
            rule["fields"] = ["occurred_on"]
        if rule["kind"] == "administrative" and "victim" in rule["roles"] and rule["item"] == "mediation":
            rule["scope"] = "every subject"
        if rule["kind"] == "administrative" and rule["item"] == "investigation_terminated":
            rule["clause"] = "四(二)9"
        if rule["item"] == "trade_penalty":
            rule["fields"] = ["occurred_on", "penalties"]
        if rule["kind"] == "petition":
            rule["online"] = True
        if rule["kind"] == "administrative":
            rule["roles"] = [role for role in rule["roles"] if role != "third_party"]
        changed.append(rule)
    return changed


def only_the_name(rules: list[Rule]) -> list[Rule]:
    return rules


def another_order(rules: list[Rule]) -> list[Rule]:
    """The same cells; the pages list them in another order."""
    return rules[::-1]


def one_group_on_paper(rules: list[Rule]) -> list[Rule]:
    """Nobody of group 1 looks online any more."""
    return [{**rule, "online": rule["online"] and rule["group"] != 1} for rule in rules]


def fewer_items(rules: list[Rule]) -> list[Rule]:
    return [rule for rule in rules if rule["item"] in ("unit", "penalty_decision", "compulsory_measure", "inspection")]


def all_on_paper(rules: list[Rule]) -> list[Rule]:
    """Nobody at all looks online any more."""
    return [{**rule, "online": False} for rule in rules]


#: A change of the rules, and whether the overlay is adopted with it.
CHANGES: tuple[tuple[Callable[[list[Rule]], list[Rule]], bool], ...] = (
    (all_kinds_of_changes, True),
    (only_the_name, False),
    (only_the_name, True),
    (another_order, False),
    (one_group_on_paper, False),
    (fewer_items, False),
    (all_on_paper, False),
)


def previewed(
    service: Service, monkeypatch: pytest.MonkeyPatch, folder: Path, arguments: list[str]
) -> tuple[str, list[dict[str, str]]]:
    """What the command prints, and the rows of the file it writes, at the time of the service."""
    file = folder / "people.csv"
    monkeypatch.setattr(configured, "runtime", lambda: service.runtime)
    answer = CliRunner().invoke(main, ["policy", "diff", *arguments, "--people", str(file)])
    assert answer.exit_code == 0, answer.output
    assert file.stat().st_mode & 0o077 == 0
    with file.open(encoding="utf-8-sig", newline="") as rows:
        return answer.output, list(csv.DictReader(rows))


def test_a_preview_names_exactly_those_whose_pages_change_when_the_policy_is_adopted(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = fill(start(policies.BASE, None, True))
    service = start(policies.BASE, None, False)
    monkeypatch.setenv("CASEQ_CONFIG_DIR", str(tmp_path / "config-1"))
    before, said = seen_by(service, people)
    for n, (make, adopts) in enumerate(CHANGES):
        new = policies.folder(tmp_path / f"new-{n}", "changed", make, False) / "disclosure" / "changed.toml"
        overlay = ["--adopt-new", policies.OVERLAY] if adopts else []
        output, rows = previewed(service, monkeypatch, tmp_path, ["current", str(new), *overlay])
        after, says = seen_by(start("changed", make, adopts), people)
        named = {(row["case_number"], row["party"]): row for row in rows}
        assert len(named) == len(rows)
        in_view = {key for key in people if without_policy(before[key]) != without_policy(after[key])}
        assert {key for key, row in named.items() if row["changes"] == "view"} == in_view
        assert set(named) == in_view | {key for key in people if said[key] != says[key]}
        for key, row in named.items():
            assert row["changes"] in ("view", "page text only")
            was, becomes = labels(before[key]), labels(after[key])
            assert row["opens"].split() == sorted(becomes - was), key
            assert row["closes"].split() == sorted(was - becomes), key
            assert row["opens"] or row["closes"] or row["otherwise"], key
        assert make is not all_on_paper or not any(after.values())
        assert f"{len(in_view)} of " in output
        assert f"; {len(rows) - len(in_view)} 人" in output.splitlines()[-2 if "另有" in output else -1]
        assert bool(rows) is (adopts or make is not only_the_name)
        assert "139000" not in output
        assert "测试人" not in output


def test_everybody_is_explained_as_the_service_lets_them_in(start: Start) -> None:
    service = start(policies.BASE, None, True)
    people = fill(service)
    seen = views(service, people)
    for (number, key), view in seen.items():
        (one,) = previewing.explain(service.runtime, number, key, "法制", "抽查")
        assert (not one.closed) is (view is not None), (number, key, one.closed)
        if view is not None:
            shown = Counter(step.line.item for step in one.steps if step.line.ground is None)
            assert shown == Counter(step["name"] for step in view["milestones"])
            assert {line.item for line in one.whole if line.ground is None} == {"unit", "rights"} & set(view)
