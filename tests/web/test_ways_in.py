"""Ways in without an SMS: an app, a sheet of paper, a code from the counter; each code opens one grant, once."""

from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
from sqlalchemy import func, select

from caseq import granting, paper
from caseq.granting import Deed
from caseq.store.tables import paper_codes, sessions
from tests.service import CASE, case, event, milestone, party

OTHER_CASE, NO_CASE = "A6401215100002026110013", "A6401215100002026119999"
WHO = {"by": "窗口民警", "reason": "没有手机"}


@pytest.fixture
def service(service):
    """One case with a victim and a suspect, and another case with a victim."""
    service.push(
        event("case", case()),
        event("party", party()),
        event("party", party("suspect", phone="19912345679")),
        event("milestone", milestone()),
        event("case", case(), case=OTHER_CASE),
        event("party", party(key="P-other", phone="19912345670"), case=OTHER_CASE),
    )
    service.work()
    return service


def enter(service, code, case_number=CASE):
    answer = service.client.post("/api/v1/sessions", json={"case_number": case_number, "code": code})
    return answer.get_json()["token"] if answer.status_code == 201 else None


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def app_of(service, token):
    """Enrols an app; its generator."""
    begun = service.client.post("/api/v1/authenticator", json={}, headers=bearer(token))
    assert begun.status_code == 201
    app = pyotp.TOTP(begun.get_json()["secret"], digits=8)
    assert enter(service, app.at(service.clock.now)) is None, "it opens nothing before it is confirmed"
    code = {"code": app.at(service.clock.now)}
    assert service.client.post("/api/v1/authenticator", json=code, headers=bearer(token)).status_code == 204
    return app


def sheet(service, who="P-victim"):
    issued = paper.print_sheet(service.runtime, CASE, who, **WHO)
    assert isinstance(issued, paper.Issued)
    return issued.lines


def from_counter(service):
    issued = paper.issue_at_counter(service.runtime, CASE, "P-victim", "甲", "乙", "来过窗口")
    assert isinstance(issued, paper.Issued)
    return issued.lines


# An authenticator app


def test_an_app_opens_the_grant_it_was_enrolled_for_and_no_other_case(service):
    app = app_of(service, service.log_in())
    service.clock.advance(seconds=30)
    code = app.at(service.clock.now)
    assert enter(service, code, OTHER_CASE) is None
    assert enter(service, code, NO_CASE) is None
    assert service.view(enter(service, f"{code[:4]} {code[4:]}"))["role"] == "victim"


def test_no_time_step_is_used_twice_nor_an_earlier_one_after_a_later(service):
    app = app_of(service, service.log_in())
    assert enter(service, app.at(service.clock.now)) is None, "the step of the confirmation is used"
    service.clock.advance(seconds=30)
    first = app.at(service.clock.now)
    service.clock.advance(seconds=30)
    second = app.at(service.clock.now)
    assert enter(service, second)
    assert [enter(service, code) for code in (first, second)] == [None, None]
    service.clock.advance(seconds=30)
    assert enter(service, app.at(service.clock.now))


def test_of_20_uses_of_one_code_at_once_one_opens_a_session(service):
    app = app_of(service, service.log_in())
    service.clock.advance(seconds=30)
    code = app.at(service.clock.now)
    with ThreadPoolExecutor(12) as pool:
        opened = list(filter(None, pool.map(lambda _: enter(service, code), range(20))))
    assert len(opened) == 1


def test_a_second_app_needs_the_first_to_be_dropped_and_a_fresh_session(service):
    token = service.log_in()
    app = app_of(service, token)
    assert service.client.post("/api/v1/authenticator", json={}, headers=bearer(token)).status_code == 409
    service.clock.advance(minutes=11)
    service.view(token)
    assert service.client.delete("/api/v1/authenticator", headers=bearer(token)).status_code == 403
    fresh = enter(service, app.at(service.clock.now))
    assert service.client.delete("/api/v1/authenticator", headers=bearer(fresh)).status_code == 204
    service.clock.advance(seconds=30)
    assert enter(service, app.at(service.clock.now)) is None


def test_a_wrong_code_confirms_nothing(service):
    token = service.log_in()
    service.client.post("/api/v1/authenticator", json={}, headers=bearer(token))
    wrong = service.client.post("/api/v1/authenticator", json={"code": "00000000"}, headers=bearer(token))
    assert wrong.status_code == 422
    assert service.client.get("/api/v1/preferences", headers=bearer(token)).get_json()["authenticator"] is False


def test_nobody_enrols_without_a_session(service):
    for method in ("post", "delete"):
        answer = getattr(service.client, method)("/api/v1/authenticator", json={}, headers=bearer("x"))
        assert answer.status_code == 401


# Paper


def test_every_line_of_a_sheet_works_once_typed_or_by_its_digits(service):
    lines = sheet(service)
    assert len(lines) == 10
    assert service.view(enter(service, lines[0].typed.lower().replace("-", " ")))["role"] == "victim"
    assert service.view(enter(service, lines[1].keypad))["role"] == "victim"
    assert [enter(service, code) for code in (lines[0].typed, lines[0].keypad, lines[1].typed)] == [None] * 3


def test_a_line_opens_its_own_case_only(service):
    (line, *_) = sheet(service)
    assert [enter(service, line.typed, number) for number in (OTHER_CASE, NO_CASE)] == [None, None]
    assert enter(service, line.typed)


def test_a_new_sheet_ends_the_old_one_and_a_code_from_the_counter_ends_no_sheet(service):
    old, new = sheet(service), sheet(service)
    given = from_counter(service)
    assert enter(service, old[0].typed) is None
    assert enter(service, new[0].typed)
    assert enter(service, given[0].typed)
    assert enter(service, given[0].typed) is None


def test_a_sheet_lasts_a_year_and_a_code_from_the_counter_a_day(service):
    lines = sheet(service)
    given = from_counter(service)
    service.clock.advance(hours=24, seconds=1)
    assert enter(service, given[0].typed) is None
    service.clock.advance(days=363)
    assert enter(service, lines[0].keypad)
    service.clock.advance(days=1)
    assert enter(service, lines[1].typed) is None


def test_the_counter_takes_two_different_people_and_somebody_who_is_in_the_case(service):
    assert paper.issue_at_counter(service.runtime, CASE, "P-victim", "甲", " 甲 ", "x") is paper.Failed.ONE_PERSON
    assert paper.issue_at_counter(service.runtime, CASE, "P-none", "甲", "乙", "x") is paper.Failed.NOBODY
    assert paper.print_sheet(service.runtime, NO_CASE, "P-victim", **WHO) is paper.Failed.NOBODY


def test_of_20_uses_of_one_line_at_once_one_opens_a_session(service):
    (line, *_) = sheet(service)
    with ThreadPoolExecutor(12) as pool:
        opened = list(filter(None, pool.map(lambda _: enter(service, line.typed), range(20))))
    assert len(opened) == 1


def test_a_revoked_grant_has_no_paper_and_no_app_any_more(service):
    lines, app = sheet(service), app_of(service, service.log_in())
    for deed in Deed:
        granting.do(service.runtime, deed, CASE, "P-victim", **WHO)
    service.clock.advance(seconds=30)
    assert [enter(service, code) for code in (lines[0].typed, app.at(service.clock.now))] == [None, None]


def test_paper_opens_nothing_that_its_owner_may_not_enter_and_keeps_its_line(service):
    (line, *_) = sheet(service)
    service.push(event("case", case(state="withheld"), sequence="2"))
    assert enter(service, line.typed) is None
    service.push(event("case", case(), sequence="3"))
    assert enter(service, line.typed)


def test_codes_of_paper_are_stored_as_keyed_hashes(service):
    lines = sheet(service)
    with service.runtime.database.autocommit() as connection:
        stored = str(connection.execute(select(paper_codes)).all())
    for line in lines:
        for code in (line.typed, line.keypad):
            assert code.replace("-", "").replace(" ", "") not in stored


# Sessions


def test_a_person_has_three_sessions_at_once_and_the_oldest_ends(service):
    tokens = []
    for line in sheet(service)[:4]:
        tokens.append(enter(service, line.typed))
        service.clock.advance(seconds=1)
    assert [service.view(token) is not None for token in tokens] == [False, True, True, True]


def test_of_many_logins_at_once_three_sessions_are_left(service):
    lines = sheet(service)
    with ThreadPoolExecutor(10) as pool:
        assert len(list(filter(None, pool.map(lambda line: enter(service, line.typed), lines)))) == 10
    with service.runtime.database.autocommit() as connection:
        assert connection.execute(select(func.count()).select_from(sessions)).scalar_one() == 3


def test_signing_out_everywhere_ends_every_session_and_needs_one(service):
    lines = sheet(service)
    mine, other = enter(service, lines[0].typed), enter(service, lines[1].typed)
    client = service.client
    client.set_cookie("caseq", mine, domain="127.0.0.1")
    page = client.get("/preferences", base_url="http://127.0.0.1").get_data(as_text=True)
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    client.post("/sign-out/everywhere", data={"csrf_token": token}, base_url="http://127.0.0.1")
    assert [service.view(one) for one in (mine, other)] == [None, None]
