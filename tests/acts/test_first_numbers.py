"""Whoever can be told for the first time, because a number is there now, gets one SMS for all that is still news."""

from typing import Any

import pytest

from tests.acts.telling import told
from tests.service import CASE, Service, case, event, milestone, party

VICTIM, OTHER = "19911110001", "19911110004"


def told_when_a_number_comes(service: Service, number: str = VICTIM, **more: Any) -> dict[str, int]:
    """Whom a new state of the victim with this number makes messages for, without those that went out before."""
    before = told(service)
    service.push(event("party", party("victim", phone=number, **more), sequence="2"))
    return {phone: count - before.get(phone, 0) for phone, count in told(service).items() if count != before.get(phone)}


def case_with_a_victim(service: Service, phone: str = "无", **more: Any) -> None:
    """A case whose victim was entered before anything happened in it."""
    old = {"time": "2026-01-05T09:00:00+08:00"}
    service.push(event("case", case(), **old), event("party", party("victim", phone=phone, **more), **old))


def test_a_number_entered_together_with_a_milestone_gets_one_sms_in_either_order(service: Service) -> None:
    for index, first in enumerate(("party", "milestone")):
        number, phone = f"{CASE[:-1]}{index}", f"1991111100{index}"
        service.push(event("case", case(), case=number))
        service.push(event("party", party(key=f"P{index}", phone=""), case=number))
        batch = [
            event("party", party(key=f"P{index}", phone=phone), case=number, sequence="2"),
            event("milestone", milestone(key=f"M{index}"), case=number),
        ]
        service.push(*sorted(batch, key=lambda one: one["type"] != f"caseq.{first}.v1"))
        assert told(service)[phone] == 1, first


def test_a_first_number_gets_one_sms_for_all_that_is_news(service: Service) -> None:
    case_with_a_victim(service)
    service.push(event("milestone", milestone()), event("milestone", milestone("case_solved")))
    service.push(event("milestone", milestone("compulsory_measure", subject="S1")))
    assert told(service) == {}
    assert told_when_a_number_comes(service) == {VICTIM: 1}
    service.push(event("party", party("victim", phone=VICTIM, name="测试二"), sequence="3"))
    assert told(service) == {VICTIM: 1}


def test_a_first_number_gets_no_sms_for_what_is_history(service: Service) -> None:
    case_with_a_victim(service)
    service.push(event("milestone", milestone(), time="2026-10-20T09:00:00+08:00"))
    assert told_when_a_number_comes(service) == {}


def test_a_first_number_that_comes_late_gets_its_sms_for_what_is_news(service: Service) -> None:
    case_with_a_victim(service)
    service.push(event("milestone", milestone()))
    service.push(event("party", party("victim", phone=VICTIM), sequence="2", time="2026-10-20T09:00:00+08:00"))
    assert told(service) == {VICTIM: 1}


@pytest.mark.parametrize(
    "unseen",
    [
        milestone("expert_opinion", subject="S1"),
        milestone(hold={"reason": "有碍侦查"}),
        milestone(tell_first=True),
    ],
)
def test_a_first_number_gets_no_sms_for_what_its_owner_may_not_be_told(
    service: Service, unseen: dict[str, Any]
) -> None:
    case_with_a_victim(service)
    service.push(event("milestone", unseen))
    assert told_when_a_number_comes(service) == {}


def test_a_first_number_of_somebody_who_wants_no_sms_gets_none(service: Service) -> None:
    case_with_a_victim(service)
    service.push(event("milestone", milestone()))
    assert told_when_a_number_comes(service, sms=False) == {}


def test_another_number_is_not_told_again(service: Service) -> None:
    case_with_a_victim(service, phone=VICTIM)
    service.push(event("milestone", milestone()))
    assert told_when_a_number_comes(service, number=OTHER) == {}


def test_a_number_that_was_gone_is_told_what_is_news_because_nobody_knows_whose_the_earlier_one_was(
    service: Service,
) -> None:
    case_with_a_victim(service, phone=OTHER)
    service.push(event("milestone", milestone()))
    assert told(service) == {OTHER: 1}
    assert told_when_a_number_comes(service, number="无") == {}
    service.push(event("party", party("victim", phone=VICTIM), sequence="3"))
    assert told(service) == {OTHER: 1, VICTIM: 1}


def test_what_was_dropped_for_want_of_a_number_is_made_good_when_one_comes(service: Service) -> None:
    case_with_a_victim(service, phone=VICTIM)
    service.push(event("milestone", milestone()))
    service.push(event("party", party("victim", phone="无"), sequence="2"))
    assert told(service) == {}
    service.push(event("party", party("victim", phone=VICTIM), sequence="3"))
    assert told(service) == {VICTIM: 1}
