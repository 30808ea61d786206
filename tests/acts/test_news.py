"""One real change to what a party may see makes one SMS; a change that it may not see makes none."""

from typing import Any

import pytest
from sqlalchemy import select

from caseq.store.tables import outbox
from tests.acts.telling import told
from tests.service import CASE, UNIT, Service, case, event, milestone, party

VICTIM, SUSPECT, FAMILY, OTHER = "19911110001", "19911110002", "19911110003", "19911110004"


def known_case(service: Service, kind: str = "criminal") -> None:
    """A case with a victim, a suspect with family, and another suspect; old enough to be no news."""
    old = {"time": "2026-01-05T09:00:00+08:00"}
    service.push(
        event("case", case(kind), source=kind, **old),
        event("party", party("victim", phone=VICTIM), source=kind, **old),
        event("party", party("suspect", phone=SUSPECT), source=kind, **old),
        event("party", party("suspect_family", phone=FAMILY), source=kind, **old),
        event("party", party("suspect", "P-other", phone=OTHER, subject="S2"), source=kind, **old),
        source=kind,
    )
    service.work()
    assert service.messages() == []


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        ("criminal", milestone("case_filed"), {VICTIM}),
        ("criminal", milestone("case_solved"), {VICTIM}),
        ("criminal", milestone("case_withdrawn"), {SUSPECT, FAMILY, OTHER}),
        ("criminal", milestone("expert_opinion", subject="S1"), {SUSPECT, FAMILY}),
        ("criminal", milestone("compulsory_measure", subject="S1"), {VICTIM, SUSPECT, FAMILY}),
        ("criminal", milestone("compulsory_measure", subject="S2"), {VICTIM, OTHER}),
        ("criminal", milestone("transferred_for_prosecution_review"), {VICTIM, SUSPECT, FAMILY, OTHER}),
        ("criminal", milestone("transferred_for_prosecution_review", subject="S1"), {SUSPECT, FAMILY}),
        ("criminal", milestone("case_accepted"), set()),
        ("criminal", milestone("case_filed", hold={"reason": "有碍侦查"}), set()),
        ("criminal", milestone("case_filed", tell_first=True), set()),
        ("administrative", milestone("case_accepted"), {VICTIM}),
        ("administrative", milestone("pre_penalty_notice", subject="S1"), {SUSPECT, FAMILY}),
        ("administrative", milestone("penalty_decision", subject="S2"), {VICTIM, OTHER}),
        ("administrative", milestone("compulsory_measure", subject="S1"), set()),
    ],
)
def test_those_who_may_see_a_milestone_get_one_sms(
    service: Service, kind: str, data: dict[str, Any], expected: set[str]
) -> None:
    known_case(service, kind)
    service.push(event("milestone", data, source=kind), source=kind)
    assert told(service) == dict.fromkeys(expected, 1)


def test_the_same_event_again_makes_no_second_sms(service: Service) -> None:
    known_case(service)
    filed = event("milestone", milestone())
    service.push(filed)
    service.push(filed)
    service.push(event("milestone", milestone(), sequence="1"))
    assert told(service) == {VICTIM: 1}


def test_a_later_state_that_shows_the_same_makes_no_sms(service: Service) -> None:
    known_case(service)
    service.push(event("milestone", milestone()))
    service.push(event("milestone", milestone(), sequence="2"))
    assert told(service) == {VICTIM: 1}


def test_a_change_of_a_field_that_the_role_may_not_see_makes_no_sms(service: Service) -> None:
    known_case(service)
    measure = milestone("compulsory_measure", subject="S1", details={"measure": "arrest"})
    service.push(event("milestone", measure))
    service.work()
    service.push(event("milestone", {**measure, "document_number": "示公捕字〔2026〕1号"}, sequence="2"))
    assert told(service) == {VICTIM: 1, SUSPECT: 2, FAMILY: 2}


def test_a_corrected_date_makes_one_sms(service: Service) -> None:
    known_case(service)
    service.push(event("milestone", milestone(occurred_on="2026-11-20")))
    service.work()
    service.push(event("milestone", milestone(occurred_on="2026-11-21"), sequence="2"))
    assert told(service) == {VICTIM: 2}


def test_a_withdrawn_milestone_makes_one_sms_to_those_who_saw_it(service: Service) -> None:
    known_case(service)
    service.push(event("milestone", milestone()))
    service.work()
    service.push(event("withdrawal", {"record": "milestone", "key": "M-case_filed"}, sequence="2"))
    service.push(event("withdrawal", {"record": "milestone", "key": "M-case_filed"}, sequence="3"))
    assert told(service) == {VICTIM: 2}


def test_a_hold_that_ends_by_a_later_state_makes_one_sms(service: Service) -> None:
    known_case(service)
    service.push(event("milestone", milestone(hold={"reason": "有碍侦查"})))
    service.push(event("milestone", milestone(), sequence="2"))
    assert told(service) == {VICTIM: 1}


def test_a_milestone_to_be_told_in_person_first_makes_its_sms_when_it_no_longer_is(service: Service) -> None:
    known_case(service)
    service.push(event("milestone", milestone(tell_first=True)))
    assert told(service) == {}
    service.push(event("milestone", milestone(), sequence="2"))
    assert told(service) == {VICTIM: 1}


def test_a_new_unit_makes_one_sms_to_everybody_who_may_enter(service: Service) -> None:
    known_case(service)
    service.push(event("case", case(unit={**UNIT, "phone": "0951-8011099"}), sequence="2"))
    assert told(service) == dict.fromkeys((VICTIM, SUSPECT, FAMILY, OTHER), 1)


@pytest.mark.parametrize(
    "change", [{"aliases": ["示公受案字〔2026〕9号"]}, {"merged_into": "A6401215100002026110013"}, {"juvenile": True}]
)
def test_a_change_of_the_case_that_nobody_sees_makes_no_sms(service: Service, change: dict[str, Any]) -> None:
    known_case(service)
    service.push(event("case", case(**change), sequence="2"))
    assert told(service) == {}


def test_a_withheld_case_is_silent_and_speaks_again_when_it_is_opened(service: Service) -> None:
    known_case(service)
    service.push(event("case", case(state="withheld"), sequence="2"))
    service.push(event("milestone", milestone()))
    assert told(service) == {}
    service.push(event("case", case(), sequence="3"))
    assert told(service) == {VICTIM: 1}


def test_a_suspect_who_appears_together_with_a_measure_gets_one_sms(service: Service) -> None:
    known_case(service)
    hidden = party("suspect", "P-new", phone="19911110009", subject="S3", appeared_on=None)
    service.push(event("party", hidden))
    measure = milestone("compulsory_measure", subject="S3")
    service.push(event("milestone", measure), event("party", {**hidden, "appeared_on": "2026-11-23"}, sequence="2"))
    assert told(service) == {VICTIM: 1, "19911110009": 1}


def test_a_party_without_sms_or_without_a_usable_number_gets_none(service: Service) -> None:
    service.push(event("case", case()))
    service.push(event("party", party("victim", "P-no-sms", sms=False)))
    for phone in ("无", "1991234567", "010-66668888"):
        service.push(event("party", party("victim", f"P-{phone}", phone=phone)))
    service.push(event("milestone", milestone()))
    assert told(service) == {}


def test_history_of_a_newly_connected_case_system_makes_no_sms(service: Service) -> None:
    old = {"time": "2026-10-20T09:00:00+08:00"}
    service.push(event("case", case(), **old), event("milestone", milestone(), **old))
    service.push(event("party", party("victim"), **old))
    assert told(service) == {}


def test_a_new_case_with_its_first_milestone_makes_one_sms_in_whatever_order_it_comes(service: Service) -> None:
    orders = (("case", "milestone", "party"), ("party", "milestone", "case"), ("milestone", "case", "party"))
    for index, order in enumerate(orders):
        number, phone = f"{CASE[:-1]}{index}", f"1991111100{index}"
        records = {
            "case": case(),
            "milestone": milestone(key=f"M{index}"),
            "party": party(key=f"P{index}", phone=phone),
        }
        for name in order:
            service.push(event(name, records[name], case=number))
        assert told(service)[phone] == 1, order


def test_a_message_is_dropped_when_its_reader_may_no_longer_enter(service: Service) -> None:
    known_case(service)
    service.push(event("milestone", milestone()))
    service.push(event("withdrawal", {"record": "party", "key": "P-victim"}, sequence="2"))
    assert told(service) == {}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (event("party", party("victim", phone="无"), sequence="2"), "no number that may be sent to"),
        (event("party", party("victim", phone=VICTIM, sms=False), sequence="2"), "not wanted"),
        (event("party", party("victim", phone=VICTIM, valid_until="2026-11-22"), sequence="2"), "may not enter"),
        (event("withdrawal", {"record": "party", "key": "P-victim"}, sequence="2"), "may not enter"),
        (event("case", case(state="withheld"), sequence="2"), "may not enter"),
        (event("withdrawal", {"record": "case", "key": CASE}, sequence="2"), "may not enter"),
    ],
)
def test_a_dropped_message_says_why(service: Service, change: dict[str, Any], reason: str) -> None:
    known_case(service)
    service.push(event("milestone", milestone()))
    service.push(change)
    assert told(service) == {}
    with service.runtime.database.engine.connect() as connection:
        rows = connection.execute(select(outbox.c.state, outbox.c.reason).where(outbox.c.purpose == "news")).all()
    assert [tuple(row) for row in rows] == [("dropped", reason)]


def test_a_reader_whose_message_was_dropped_is_told_when_access_comes_back(service: Service) -> None:
    known_case(service)
    service.push(event("milestone", milestone()), event("milestone", milestone("case_solved")))
    service.push(event("withdrawal", {"record": "party", "key": "P-victim"}, sequence="2"))
    assert told(service) == {}
    service.push(event("party", party("victim", phone=VICTIM), sequence="3"))
    assert told(service) == {VICTIM: 1}


def test_a_message_goes_to_the_number_that_the_party_has_when_it_is_sent(service: Service) -> None:
    known_case(service)
    service.push(event("milestone", milestone()))
    service.push(event("party", party("victim", phone="19911110077"), sequence="2"))
    assert told(service) == {"19911110077": 1}
