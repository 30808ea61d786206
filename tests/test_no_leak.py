"""Every field of every record carries its own marker; what each role finds in each channel must be the matrix."""

import html
import itertools
import json
import re
from datetime import date, timedelta
from typing import Any

import pytest

from caseq.rules.case import DETAIL_FIELDS, MilestoneName
from tests import matrix
from tests.service import CASE, PHONE, Service, case, event, milestone, party

pytestmark = pytest.mark.usefixtures("ledger_of_everything")

DATES = {"perform_by", "reappraisal_until", "statement_until", "rectify_by", "review_by"}
CLOSED = {
    "measure": "criminal_detention",
    "action": "imposed",
    "phase": "scheduled",
    "outcome": "agreed",
    "performed": True,
}
SUBJECTS = {"whole": None, "own": "S1", "other": "S2"}
#: What the policy in force shows somebody; a milestone of any other name is refused when it is pushed.
SHOWN = [name for name in DETAIL_FIELDS if name in {cell.item for cell in matrix.cells()}]
EVERY = "every subject"


class Markers:
    """Hands out texts, dates and numbers that stand nowhere else, and remembers what each of them marks."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1001)
        self.texts: dict[str, str] = {}
        self.dates: dict[date, str] = {}

    def text(self, what: str) -> str:
        marker = f"QZ{next(self.numbers)}QZ"
        self.texts[marker] = what
        return marker

    def day(self, what: str) -> str:
        day = date(1990, 1, 1) + timedelta(days=len(self.dates) * 3)
        self.dates[day] = what
        return day.isoformat()

    def found(self, page: str) -> set[str]:
        """What the markers that stand on a page mark; dates in any way of writing them."""
        texts = {self.texts[marker] for marker in re.findall(r"QZ\d+QZ", page) if marker in self.texts}
        days = {what for day, what in self.dates.items() if any(stands_in(form, page) for form in forms(day))}
        return texts | days


def forms(day: date) -> tuple[str, ...]:
    """The ways in which a page may write a date."""
    months = day.strftime("%B")
    return (
        day.isoformat(),
        f"{day.year}年{day.month}月{day.day}日",
        f"{day.day} {months} {day.year}",
        f"{months} {day.day}, {day.year}",
        f"{day.day} {months[:3]} {day.year}",
        f"{months[:3]} {day.day}, {day.year}",
    )


def stands_in(form: str, page: str) -> bool:
    """Whether the form stands on the page as a whole: 1 May is not in 21 May."""
    return re.search(rf"(?<!\d){re.escape(form)}(?!\d)", page) is not None


def details(markers: Markers, name: MilestoneName, prefix: str) -> dict[str, Any]:
    """All details that a milestone of this name may have, marked."""
    values: dict[str, Any] = {}
    for field in DETAIL_FIELDS[name]:
        if field in DATES:
            values[field] = markers.day(f"{prefix}.{field}")
        elif field == "penalties":
            values[field] = [{"kind": "fine", "amount": 7_000_000 + next(markers.numbers)}]
        else:
            values[field] = CLOSED[field] if field in CLOSED else markers.text(f"{prefix}.{field}")
    return values


def everything(markers: Markers, kind: str, role: str) -> list[dict[str, Any]]:
    """A case with every field of every record filled, a reader in this role, and others in every other role."""
    unit = {field: markers.text(f"unit.{field}") for field in ("name", "address", "phone")}
    unit["code"] = "QZ9999"
    head = case(
        kind,
        unit=unit,
        opened_on=markers.day("case.opened_on"),
        aliases=[markers.text("case.alias")],
        merged_into=markers.text("case.merged_into"),
        trade=markers.text("case.trade"),
        transferred_to={
            "name": markers.text("case.transferred_to"),
            "phone": markers.text("case.transferred_phone"),
            "on": markers.day("case.transferred_on"),
        },
    )
    events = [event("case", head, source=kind)]
    for name, (relation, subject) in itertools.product(SHOWN, SUBJECTS.items()):
        for hold in (None, {"reason": markers.text(f"{name}.{relation}.held.reason")}):
            prefix = f"{name}.{relation}" + (".held" if hold else "")
            data = milestone(
                name,
                prefix,
                subject=subject,
                occurred_on=markers.day(f"{prefix}.occurred_on"),
                document_number=markers.text(f"{prefix}.document_number"),
                details=details(markers, name, prefix),
                hold=hold,
            )
            events.append(event("milestone", data, source=kind))
    for index, other in enumerate(matrix.ROLES):
        phone = PHONE if other == role else f"1991111{index:04d}"
        data = party(other, phone=phone, name=markers.text(f"party.{other}.name"), appeared_on="2026-11-20")
        data["subject"] = "S1" if other == role else "S2"
        events.append(event("party", data, source=kind))
    return events


def granted(kind: str, role: str) -> set[str]:
    """What the matrix lets this role find: marked fields only."""
    unit = matrix.CELLS.get((kind, role, "unit"))
    seen = {f"unit.{field}" for field in unit.fields} if unit else set()
    for name, (relation, subject) in itertools.product(SHOWN, SUBJECTS.items()):
        cell = matrix.may_see(kind, role, name, "S1", subject)
        if cell is not None:
            seen |= {f"{name}.{relation}.{field}" for field in cell.fields if field not in (*CLOSED, "penalties")}
    return seen


def found_anywhere(service: Service, markers: Markers, token: str | None) -> dict[str, set[str]]:
    """What a session finds in each channel."""
    client = service.client
    client.set_cookie("caseq", str(token))
    found = {"json": markers.found(json.dumps(service.view(token), ensure_ascii=False))}
    for language in ("zh", "en"):
        answer = client.get(f"/case?lang={language}")
        assert "QZ9999" not in answer.get_data(as_text=True)
        found[language] = markers.found(html.unescape(answer.get_data(as_text=True)))
    return found


def read_by_the_query(service: Service, token: str | None) -> set[tuple[str, str | None]]:
    """The names and subjects of the milestones that left the database, before any projection."""
    idle = service.runtime.settings.login.session_idle
    stored = service.runtime.case_query.load(service.runtime.database, str(token), service.clock(), idle)
    assert stored is not None
    return {(milestone.name, milestone.subject) for milestone in stored.milestones}


def as_text(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def items(kind: str, role: str) -> set[str]:
    return {cell.item for cell in matrix.CELLS.values() if (cell.kind, cell.role) == (kind, role)}


def expected_milestones(kind: str, role: str, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The milestones of the JSON view by the matrix alone, without released_at."""
    expected = []
    for data in (item["data"] for item in events if item["type"] == "caseq.milestone.v1"):
        cell = matrix.may_see(kind, role, data["name"], "S1", data["subject"])
        if cell is None or data["hold"]:
            continue
        outer = ("occurred_on", "document_number")
        seen: dict[str, Any] = {field: data[field] for field in outer if field in cell.fields}
        inner = {field: data["details"][field] for field in cell.fields if field in data["details"]}
        shown: dict[str, Any] = {"name": data["name"], "clause": cell.clause, **seen}
        expected.append({**shown, "details": inner} if inner else shown)
    return expected


@pytest.mark.parametrize(("kind", "role"), matrix.ONLINE)
def test_each_role_finds_in_each_channel_what_the_matrix_grants(service: Service, kind: str, role: str) -> None:
    markers = Markers()
    events = everything(markers, kind, role)
    assert set(service.outcomes(*events, source=kind)) == {"accepted"}

    token = service.log_in()
    view = service.view(token)
    assert view is not None
    assert view["role"] == role
    shown = [{key: value for key, value in item.items() if key != "released_at"} for item in view["milestones"]]
    expected = expected_milestones(kind, role, events)
    assert sorted(map(as_text, shown)) == sorted(map(as_text, expected))
    assert markers.found(repr(view)) == granted(kind, role)
    rights = {"rights", "rights_clause"} if "rights" in items(kind, role) else set()
    assert set(view) - {"unit"} == rights | {
        "case_number", "kind", "role", "as_of", "source_silent", "milestones", "policy",
    }  # fmt: skip

    assert read_by_the_query(service, token) == {
        (item["name"], subject)
        for item, (_, subject) in itertools.product(expected, SUBJECTS.items())
        if matrix.may_see(kind, role, item["name"], "S1", subject)
    }

    for language in ("zh", "en"):
        client = service.client
        client.set_cookie("caseq", str(token))
        answer = client.get(f"/case?lang={language}")
        assert answer.status_code == 200
        page = html.unescape(answer.get_data(as_text=True))
        assert markers.found(page) == granted(kind, role), language
        assert "QZ9999" not in page
    texts = "".join(service.messages())
    assert markers.found(texts) == set()
    assert CASE not in texts


@pytest.mark.parametrize(("kind", "role"), matrix.ONLINE)
def test_each_state_of_a_case_leaves_in_each_channel_what_it_must_and_no_more(
    service: Service, kind: str, role: str
) -> None:
    markers = Markers()
    events = everything(markers, kind, role)
    service.push(*events, source=kind)
    token, head = service.log_in(), events[0]["data"]
    told = len(service.messages())
    of_others = {what for what in granted(kind, role) if ".other." in what or ".own." in what}
    crowd = {name for (of, who, name), cell in matrix.CELLS.items() if (of, who, cell.scope) == (kind, role, EVERY)}
    juvenile = granted(kind, role) - {what for what in of_others if what.split(".")[0] in crowd}
    elsewhere = {"case.transferred_to", "case.transferred_phone", "case.transferred_on"}
    transferred = elsewhere if "unit" in items(kind, role) else set()
    yesterday = service.clock.now.date() - timedelta(days=1)
    markers.dates[yesterday] = "case.transferred_on"
    near = {**head["transferred_to"], "on": yesterday.isoformat()}
    states: dict[str, tuple[dict[str, Any], set[str]]] = {
        "juvenile": ({"juvenile": True}, juvenile),
        "transferred": ({"state": "transferred", "transferred_to": near}, transferred),
        "withheld": ({"state": "withheld"}, set()),
        "concluded long ago": ({"state": "concluded", "concluded_on": "2020-01-01"}, set()),
    }
    for n, (name, (change, expected)) in enumerate(states.items(), start=2):
        answer = service.outcomes(event("case", {**head, **change}, source=kind, sequence=str(n)), source=kind)
        assert answer == ["accepted"]
        found = found_anywhere(service, markers, token)
        assert found == dict.fromkeys(found, expected), name
    service.work()
    assert markers.found("".join(service.messages()[told:])) == set()


def test_what_you_can_see_says_nothing_of_any_case_with_or_without_a_session(service: Service) -> None:
    markers = Markers()
    service.push(*everything(markers, "criminal", "victim"))
    for token in ("", str(service.log_in())):
        for language in ("zh", "en"):
            client = service.client
            client.set_cookie("caseq", token)
            answer = client.get(f"/what-you-can-see?lang={language}")
            page = html.unescape(answer.get_data(as_text=True))
            assert answer.status_code == 200
            assert markers.found(page) == set()
            assert CASE not in page


@pytest.mark.parametrize("kind", matrix.KINDS)
def test_roles_that_the_matrix_does_not_open_online_get_no_code(service: Service, kind: str) -> None:
    closed = [role for role in matrix.ROLES if (kind, role) not in matrix.ONLINE]
    phones = {role: f"1992222{index:04d}" for index, role in enumerate(closed)}
    parties = [event("party", party(role, phone=phones[role]), source=kind) for role in closed]
    service.push(event("case", case(kind), source=kind), *parties, source=kind)
    for role in closed:
        assert service.log_in(phones[role]) is None, role
    assert service.messages() == []


def test_a_change_that_only_others_see_leaves_no_trace_in_the_view(service: Service) -> None:
    measure = milestone("compulsory_measure", subject="S1", details={"measure": "arrest"})
    service.push(event("case", case()), event("milestone", measure), event("party", party("victim")))
    token = service.log_in()
    before = service.client.get("/api/v1/case", headers={"Authorization": f"Bearer {token}"})
    service.clock.advance(minutes=1)
    service.push(event("milestone", {**measure, "document_number": "示公捕字〔2026〕1号"}, sequence="2"))
    after = service.client.get("/api/v1/case", headers={"Authorization": f"Bearer {token}"})
    assert before.get_json()["milestones"] == after.get_json()["milestones"]
    corrected = {**measure, "occurred_on": "2026-11-21"}
    service.push(event("milestone", corrected, sequence="3"))
    view = service.view(token)
    assert view is not None
    assert view["milestones"][0]["released_at"] > after.get_json()["milestones"][0]["released_at"]
