"""Papers and numbers at the counter: two persons, once, and against what the source goes on stating."""

from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import select

from caseq import counter as acts
from caseq.counter import Refused
from caseq.rules.duties import StaffRole
from caseq.rules.papers import Paper
from caseq.store.tables import audit, corrections, number_changes, parties
from tests.acts.handwritten import edit
from tests.service import CASE, PHONE, case, event, milestone, party
from tests.staff import listed

#: Whether an act refused is what these tests ask, not what mypy may assume.
counter: Any = acts

CARD = [Paper.IDENTITY_CARD]
NEW, OTHER = "19987654321", "19955556666"


@pytest.fixture
def people(service):
    """The party's id, the clerk and the second person."""
    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    return 1, listed(service, StaffRole.WINDOW_CLERK), listed(service, StaffRole.WINDOW_CLERK)


def table(service, *columns):
    with service.runtime.database.autocommit() as connection:
        return connection.execute(select(*columns)).all()


def correct(service, people, phone=NEW):
    party_id, clerk, second = people
    change = counter.ask_number(service.runtime, clerk, party_id, CARD, phone)
    assert isinstance(change, int), change
    done = counter.agree(service.runtime, second, change, service.clock.now)
    assert not isinstance(done, Refused), done
    return change


def reaches(service, phone):
    service.clock.advance(minutes=2)
    return service.log_in(phone) is not None


def test_a_number_holds_only_when_a_second_person_agreed(service, people):
    party_id, clerk, second = people
    token = service.log_in()
    change = counter.ask_number(service.runtime, clerk, party_id, CARD, " １９９－8765 4321 ")
    assert service.view(token) is not None
    assert counter.agree(service.runtime, second, change, service.clock.now).party_id == party_id
    assert service.view(token) is None
    service.work()
    assert service.notices(PHONE) == ["number"]
    assert reaches(service, NEW)
    assert not reaches(service, PHONE)
    (asked,), (agreed,) = (
        [row for row in table(service, audit) if row.act == act] for act in ("number_ask", "number_corrected")
    )
    assert (asked.staff_id, agreed.staff_id, agreed.facts["asked_by"]) == (clerk.id, second.id, clerk.id)
    assert NEW not in str(asked) + str(agreed)


def test_a_code_under_way_dies_with_the_old_number(service, people):
    challenge, code = service.code_for()
    correct(service, people)
    answer = service.client.post("/api/v1/sessions", json={"challenge": challenge, "code": code})
    assert answer.status_code == 401


def test_nobody_is_clerk_and_second_person_and_whoever_is_must_be_fresh(service, people):
    party_id, clerk, second = people
    change = counter.ask_number(service.runtime, clerk, party_id, CARD, NEW)
    now = service.clock.now
    assert counter.agree(service.runtime, clerk, change, now) is Refused.SAME_PERSON
    assert counter.agree(service.runtime, second, change, now - timedelta(minutes=6)) is Refused.NOT_FRESH
    assert counter.agree(service.runtime, listed(service, StaffRole.UNIT), change, now) is Refused.NOT_YOURS
    elsewhere = listed(service, StaffRole.LEADER, "640121999999")
    assert counter.agree(service.runtime, elsewhere, change, now) is Refused.GONE
    assert reaches(service, PHONE)
    waiting = counter.waiting(service.runtime, second).to_agree
    assert [(one.id, one.was, one.phone) for one in waiting] == [(change, "+86" + PHONE, "+86" + NEW)]
    assert counter.waiting(service.runtime, clerk).to_agree == []


def test_two_who_agree_at_once_are_one(service, people):
    party_id, clerk, second = people
    third = listed(service, StaffRole.LEADER)
    change = counter.ask_number(service.runtime, clerk, party_id, CARD, NEW)
    results = []

    def agree(who):
        results.append(counter.agree(service.runtime, who, change, service.clock.now))

    threads = [Thread(target=agree, args=(who,)) for who in (second, third)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(isinstance(one, Refused) for one in results) == [False, True]
    assert Refused.GONE in results
    assert len([row for row in table(service, audit) if row.act == "number_corrected"]) == 1


def test_a_form_sent_twice_is_one_request_and_a_second_number_waits(service, people):
    party_id, clerk, second = people
    asked = [counter.ask_number(service.runtime, clerk, party_id, CARD, NEW) for _ in range(2)]
    assert asked[0] == asked[1]
    assert counter.ask_number(service.runtime, clerk, party_id, CARD, OTHER) is Refused.WAITS
    assert counter.decline(service.runtime, second, asked[0]) is None
    assert counter.agree(service.runtime, second, asked[0], service.clock.now) is Refused.GONE
    assert isinstance(counter.ask_number(service.runtime, clerk, party_id, CARD, OTHER), int)


def test_a_request_nobody_decides_ends_and_its_numbers_are_forgotten(service, people):
    party_id, clerk, second = people
    change = counter.ask_number(service.runtime, clerk, party_id, CARD, NEW)
    service.clock.advance(minutes=31)
    assert counter.agree(service.runtime, second, change, service.clock.now) is Refused.GONE
    assert counter.waiting(service.runtime, second).to_agree == []
    assert isinstance(counter.ask_number(service.runtime, clerk, party_id, CARD, OTHER), int)
    late = next(row for row in table(service, number_changes) if row.id == change)
    assert (late.agreed, late.was_sealed, late.phone_sealed) == (False, None, None)


@pytest.mark.parametrize("typed", ["", "1991234", "0951-8011010", "张三", PHONE + "9"])
def test_what_is_no_mobile_number_is_refused(service, people, typed):
    assert counter.ask_number(service.runtime, people[1], people[0], CARD, typed) is Refused.NO_MOBILE


def test_the_same_number_and_too_few_papers_are_refused(service, people):
    party_id, clerk, _ = people
    assert counter.ask_number(service.runtime, clerk, party_id, CARD, "199 1234 5678") is Refused.SAME_NUMBER
    assert counter.ask_number(service.runtime, clerk, party_id, [Paper.FIRM_LETTER], NEW) is Refused.PAPERS
    assert counter.identify(service.runtime, clerk, party_id, []) is Refused.PAPERS
    service.push(event("party", party("agent", phone=OTHER)))
    assert counter.identify(service.runtime, clerk, 2, CARD) is Refused.PAPERS
    lawyers = [Paper.LAWYER_LICENCE, Paper.FIRM_LETTER, Paper.POWER_OF_ATTORNEY]
    assert counter.identify(service.runtime, clerk, 2, lawyers).role == "agent"


def test_a_contact_edited_by_hand_is_not_blessed_by_a_correction(service, people):
    edit(service, "P-victim", role="suspect", subject="S1")
    assert counter.ask_number(service.runtime, people[1], people[0], CARD, NEW) is Refused.EDITED


def test_the_source_does_not_undo_a_correction_with_the_number_it_had_and_does_with_another(service, people):
    correct(service, people)
    service.push(event("party", party(name="改名"), sequence="2"))
    assert reaches(service, NEW)
    assert not reaches(service, PHONE)
    service.work()
    assert (service.notices(PHONE), service.notices(NEW)) == (["number"], [])
    service.push(event("party", party(phone=OTHER), sequence="3"))
    assert reaches(service, OTHER)
    assert not reaches(service, NEW)
    assert table(service, corrections) == []
    service.push(event("party", party(), sequence="4"))
    assert reaches(service, PHONE)


def test_a_late_event_of_before_does_not_end_a_correction(service, people):
    service.push(event("party", party(name="改名"), sequence="5"))
    correct(service, people)
    service.push(event("party", party(phone=OTHER), sequence="3"))
    assert reaches(service, NEW)
    assert len(table(service, corrections)) == 1


def test_a_correction_ends_when_the_source_states_it_itself(service, people):
    correct(service, people)
    token = service.log_in(NEW)
    service.push(event("party", party(phone=NEW), sequence="2"))
    assert table(service, corrections) == []
    assert service.view(token) is not None


def test_a_second_correction_is_still_one_of_what_the_source_states(service, people):
    correct(service, people)
    correct(service, people, OTHER)
    service.push(event("party", party(name="改名"), sequence="2"))
    assert reaches(service, OTHER)


def test_a_number_the_source_states_meanwhile_wins(service, people):
    party_id, clerk, second = people
    change = counter.ask_number(service.runtime, clerk, party_id, CARD, NEW)
    service.push(event("party", party(phone=OTHER), sequence="2"))
    assert counter.agree(service.runtime, second, change, service.clock.now) is Refused.CHANGED
    assert reaches(service, OTHER)
    assert table(service, corrections) == []


def test_no_number_stands_in_the_clear(service, people):
    correct(service, people)
    counter.ask_number(service.runtime, people[1], people[0], CARD, OTHER)
    stored = str(table(service, number_changes) + table(service, corrections) + table(service, parties))
    assert all(number not in stored for number in (PHONE, NEW, OTHER, CASE))
