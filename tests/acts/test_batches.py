"""What comes in one batch belongs together, and values that say nothing change nothing."""

import itertools
from typing import Any

import pytest
from structlog.testing import capture_logs

from caseq.intake import Pushed, taking
from caseq.store import pushes, writing
from tests.service import CASE, PHONE, Service, case, event, milestone, party

OTHER = "19911110002"


@pytest.mark.parametrize("order", list(itertools.permutations(("case", "milestone", "party"))))
def test_a_case_is_found_by_what_comes_with_it_in_whatever_order(service: Service, order: tuple[str, ...]) -> None:
    records = {"case": case(), "milestone": milestone(), "party": party()}
    outcomes = service.outcomes(*(event(name, records[name]) for name in order))
    assert outcomes == ["parked"] * order.index("case") + ["accepted"] * (3 - order.index("case"))
    service.work()
    assert len(service.messages(PHONE)) == 1
    view = service.seen_by()
    assert view is not None
    assert [item["name"] for item in view["milestones"]] == ["case_filed"]


@pytest.mark.parametrize(
    "empty",
    [
        {"document_number": ""},
        {"details": {"procuratorate": ""}},
        {"details": {"procuratorate": None}},
        {"subject": None, "hold": None, "tell_first": False},
    ],
)
def test_an_empty_value_is_the_same_as_none(service: Service, empty: dict[str, Any]) -> None:
    sent = milestone("transferred_for_prosecution_review")
    service.push(event("case", case()), event("party", party("suspect")), event("milestone", sent))
    service.push(event("milestone", {**sent, **empty}, sequence="2"))
    service.work()
    assert len(service.messages(PHONE)) == 1
    view = service.seen_by()
    assert view is not None
    assert set(view["milestones"][0]) == {"name", "occurred_on", "released_at", "clause"}


def test_a_penalty_without_days_shows_no_days(service: Service) -> None:
    fine = {"penalties": [{"kind": "fine", "amount": 500, "days": None}]}
    service.push(
        event("case", case("administrative"), source="administrative"),
        event("party", party(), source="administrative"),
        event("milestone", milestone("penalty_decision", details=fine), source="administrative"),
        source="administrative",
    )
    view = service.seen_by()
    assert view is not None
    assert view["milestones"][0]["details"] == {"penalties": [{"kind": "fine", "amount": 500}]}


def test_a_hidden_change_does_not_reorder_what_others_see(service: Service) -> None:
    measures = [
        milestone("compulsory_measure", f"M{n}", subject="S1", details={"measure": measure})
        for n, measure in enumerate(("arrest", "criminal_detention", "bail_pending_trial", "residential_surveillance"))
    ]
    service.push(event("case", case()), event("party", party()), *(event("milestone", data) for data in measures))
    token = service.log_in()
    before = service.view(token)
    for n in range(3):
        service.push(event("milestone", {**measures[n], "document_number": "示公捕字〔2026〕1号"}, sequence="2"))
    after = service.view(token)
    assert before is not None
    assert after is not None
    assert before["milestones"] == after["milestones"]


def test_a_code_asked_for_too_soon_from_another_browser_comes_when_the_pause_is_over(service: Service) -> None:
    service.push(event("case", case()), event("party", party()))
    assert service.log_in()
    service.clock.advance(seconds=20)
    challenge, code = service.code_for()
    assert code == "00000000"
    service.clock.advance(seconds=45)
    service.work()
    code = "".join(c for c in service.messages(PHONE)[-1].split("，")[0] if c.isdigit())
    answer = service.client.post("/api/v1/sessions", json={"challenge": challenge, "code": code})
    assert answer.status_code == 201


@pytest.mark.parametrize("typed", [f"案件编号：{CASE}", f"No.{CASE}", f"“{CASE}”", f"{CASE}号", CASE.replace("0", "O")])
def test_a_case_number_is_found_in_what_people_paste(service: Service, typed: str) -> None:
    service.push(event("case", case()), event("party", party()))
    assert service.log_in(case=typed)


def test_letters_in_a_telephone_number_are_no_keypad_digits(service: Service) -> None:
    service.push(event("case", case()), event("party", party(phone="19944440001")))
    assert service.log_in("1994444OOO1") is None or service.messages("19944440001")
    service.clock.advance(minutes=2)
    assert service.log_in("1994444ABC1") is None


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """Milestones M-poison… are such that no rule refuses and that yet cannot be stored."""
    write = writing.write

    def write_or_fail(*given: Any) -> None:
        if any(isinstance(some, list) and any(one.key.startswith("M-poison") for one in some) for some in given):
            raise OverflowError
        write(*given)

    monkeypatch.setattr(writing, "write", write_or_fail)


@pytest.mark.usefixtures("poison")
def test_an_event_that_cannot_be_stored_goes_to_quarantine_alone(service: Service) -> None:
    poisoned = event("milestone", milestone(key="M-poison"))
    sent = [event("case", case()), event("milestone", milestone()), poisoned, event("party", party())]
    with capture_logs() as lines:
        assert service.outcomes(*sent) == ["accepted", "accepted", "refused", "accepted"]
    assert [line["id"] for line in lines if line["event"] == "event_unprocessable"] == [poisoned["id"]]
    assert service.outcomes(*sent) == ["duplicate", "duplicate", "refused", "duplicate"]
    with service.runtime.database.autocommit() as connection:
        kept = pushes.in_quarantine(connection, service.runtime.sealer)
    assert [(item.raw, item.errors) for item in kept] == [(poisoned, taking.UNPROCESSABLE)]
    view = service.seen_by()
    assert view is not None
    assert [item["name"] for item in view["milestones"]] == ["case_filed"]


@pytest.mark.usefixtures("poison")
def test_if_hardly_any_event_can_be_stored_the_service_is_at_fault_and_the_sender_keeps_them(service: Service) -> None:
    sent = [event("milestone", milestone(key=f"M-poison{n}")) for n in range(taking.MOST_REFUSED + 1)]
    service.push(event("case", case()))
    with pytest.raises(OverflowError):
        taking.take(service.runtime, service.runtime.settings.sources["criminal"], list(map(Pushed, sent)), "id")


@pytest.mark.usefixtures("poison")
@pytest.mark.parametrize("at_once", [True, False])
def test_a_parked_event_that_cannot_be_stored_keeps_nothing_of_its_case_away(service: Service, at_once: bool) -> None:
    early = [event("milestone", milestone(key="M-poison")), event("milestone", milestone())]
    late = [event("case", case()), event("party", party())]
    outcomes = service.outcomes(*early, *late) if at_once else service.outcomes(*early) + service.outcomes(*late)
    assert outcomes == ["parked", "parked", "accepted", "accepted"]
    with service.runtime.database.autocommit() as connection:
        kept = pushes.in_quarantine(connection, service.runtime.sealer)
    assert [item.raw for item in kept] == early[:1]
    view = service.seen_by()
    assert view is not None
    assert [item["name"] for item in view["milestones"]] == ["case_filed"]
    assert service.outcomes(early[0]) == ["refused"], "it may be tried again"
