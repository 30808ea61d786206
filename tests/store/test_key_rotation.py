"""Changing CASEQ_SECRET_KEY while the service works: what was sealed before stays readable, nothing stops."""

import pytest

from tests.service import CASE, PHONE, case, digits_of, event, milestone, party
from tests.service import service as build_service

OLD, NEW = "test-secret-" + "0" * 32, "next-secret-" + "9" * 32


@pytest.fixture
def started(database_url, tmp_path, clock):
    """Starts a service on the one database with these keys."""
    made = []

    def start(*keys):
        made.append(build_service(database_url, tmp_path, clock, CASEQ_SECRET_KEY=",".join(keys)))
        return made[-1]

    yield start
    for service in made:
        service.runtime.database.close()


def test_people_come_in_with_numbers_that_were_pushed_under_the_old_key(started):
    started(OLD).push(event("case", case()), event("party", party()), event("milestone", milestone()))
    after = started(NEW, OLD)
    assert [seen["name"] for seen in after.seen_by()["milestones"]] == ["case_filed"]


def test_sessions_and_codes_under_way_outlive_the_change(started):
    before = started(OLD)
    before.push(event("case", case()), event("party", party()))
    token = before.log_in()
    before.clock.advance(seconds=61)
    challenge, code = before.code_for()
    after = started(NEW, OLD)
    assert after.view(token) is not None
    opened = after.client.post("/api/v1/sessions", json={"challenge": challenge, "code": code})
    assert opened.status_code == 201


def test_a_code_that_was_asked_for_under_the_old_key_is_sent_and_works_under_the_new(started):
    before = started(OLD)
    before.push(event("case", case()), event("party", party()))
    asked = before.client.post("/api/v1/codes", json={"case_number": CASE, "phone": PHONE}).get_json()
    after = started(NEW, OLD)
    after.work()
    code = digits_of(after.messages(PHONE)[-1])
    opened = after.client.post("/api/v1/sessions", json={"challenge": asked["challenge"], "code": code})
    assert opened.status_code == 201


def test_what_waited_parked_or_for_the_worker_is_taken_up(started):
    before = started(OLD)
    before.push(event("party", party()), event("milestone", milestone()))
    middle = started(NEW, OLD)
    middle.push(event("case", case()))
    middle.work()
    assert len(middle.messages(PHONE)) == 1
    assert middle.seen_by()["milestones"]


def test_a_person_that_is_pushed_again_no_longer_needs_the_old_key(started):
    started(OLD).push(event("case", case()), event("party", party()))
    started(NEW, OLD).push(event("party", party(), sequence="2"))
    assert started(NEW).seen_by() is not None


def test_without_the_key_a_number_finds_nobody_and_nothing_breaks(started):
    started(OLD).push(event("case", case()), event("party", party()))
    lost = started(NEW)
    assert lost.log_in() is None
    assert lost.client.get("/healthz").status_code == 200
