"""Accounts at the console: what an administrator does to others', never to the own one, and at once."""

import re
from html import unescape

from sqlalchemy import select

from caseq import staffing
from caseq.rules.duties import StaffRole
from caseq.store.tables import audit
from tests.service import Service
from tests.staff import code, hired, post, signed_in_as

PEOPLE = "/staff/people"
NEW = {"badge": "640077", "name": "示例民警", "role": "unit", "unit": "640121510000"}


def acts(service: Service) -> list[tuple[str, int | None]]:
    with service.runtime.database.autocommit() as connection:
        rows = connection.execute(select(audit.c.act, audit.c.staff_id).order_by(audit.c.id))
        return [(act, who) for act, who in rows if act in ("staff_add", "staff_disable", "staff_anew")]


def test_a_new_person_gets_in_with_the_password_that_is_shown_once(service: Service) -> None:
    boss = hired(service, StaffRole.ADMINISTRATOR)
    client = signed_in_as(service, boss)
    answer = post(client, PEOPLE, page=PEOPLE, **NEW)
    shown = re.search(r'class="key number">([a-z0-9-]+)<', answer.get_data(as_text=True))
    assert shown
    assert answer.headers["Cache-Control"] == "no-store"
    assert shown[1] not in client.get(PEOPLE).get_data(as_text=True)
    assert isinstance(staffing.sign_in(service.runtime, "640077", shown[1], "", "test"), staffing.Enrolling)
    assert acts(service)[-1] == ("staff_add", boss.id)


def test_what_no_account_can_have_is_refused(service: Service) -> None:
    client = signed_in_as(service, hired(service, StaffRole.ADMINISTRATOR))
    wrong = [{"badge": ""}, {"badge": "6 4"}, {"name": ""}, {"role": "chief"}, {"unit": ""}, {"unit": "x" * 21}]
    answers = [post(client, PEOPLE, page=PEOPLE, **{**NEW, **one}).status_code for one in wrong]
    assert answers == [422] * len(wrong)
    assert len(staffing.listed(service.runtime)) == 1


def test_who_is_disabled_is_out_with_the_next_click(service: Service) -> None:
    boss, clerk = hired(service, StaffRole.ADMINISTRATOR), hired(service, StaffRole.WINDOW_CLERK)
    at_work = signed_in_as(service, clerk)
    assert at_work.get("/staff").status_code == 200
    client = signed_in_as(service, boss)
    assert post(client, f"{PEOPLE}/{clerk.badge}/disable", page=PEOPLE, reason="").status_code == 422
    assert at_work.get("/staff").status_code == 200
    assert post(client, f"{PEOPLE}/{clerk.badge}/disable", page=PEOPLE, reason="调离").status_code == 303
    assert at_work.get("/staff").headers["Location"] == "/staff/sign-in"
    assert acts(service)[-1] == ("staff_disable", boss.id)


def test_a_new_first_password_makes_an_end_of_the_app_and_the_sessions(service: Service) -> None:
    boss, clerk = hired(service, StaffRole.ADMINISTRATOR), hired(service, StaffRole.WINDOW_CLERK)
    at_work = signed_in_as(service, clerk)
    client = signed_in_as(service, boss)
    answer = post(client, f"{PEOPLE}/{clerk.badge}/anew", page=PEOPLE, reason="手机丢了")
    shown = re.search(r'class="key number">([a-z0-9-]+)<', answer.get_data(as_text=True))
    assert shown
    assert at_work.get("/staff").headers["Location"] == "/staff/sign-in"
    assert isinstance(staffing.sign_in(service.runtime, clerk.badge, shown[1], "", "test"), staffing.Enrolling)


def test_nobody_acts_on_the_own_account(service: Service) -> None:
    boss = hired(service, StaffRole.ADMINISTRATOR)
    client = signed_in_as(service, boss)
    for act in ("disable", "anew"):
        assert post(client, f"{PEOPLE}/{boss.badge}/{act}", page=PEOPLE, reason="x").status_code == 422
    assert client.get(PEOPLE).status_code == 200
    assert [act for act, _ in acts(service)] == ["staff_add"]


def test_after_five_minutes_the_app_is_asked_for_again(service: Service) -> None:
    boss, clerk = hired(service, StaffRole.ADMINISTRATOR), hired(service, StaffRole.WINDOW_CLERK)
    client = signed_in_as(service, boss)
    service.clock.advance(minutes=5)
    home = "/staff"
    for path in (PEOPLE, f"{PEOPLE}/{clerk.badge}/disable", f"{PEOPLE}/{clerk.badge}/anew"):
        assert "再确认一次是您本人" in post(client, path, page=home, **NEW, reason="x").get_data(as_text=True)
    assert client.get(PEOPLE).headers["Location"].startswith("/staff/prove")
    assert [act for act, _ in acts(service)] == ["staff_add", "staff_add"]
    for proof, status in ("0", 422), (code(service, boss.badge), 303):
        answer = post(client, "/staff/prove", page=home, back=PEOPLE, proof=proof)
        assert answer.status_code == status
    assert answer.headers["Location"] == PEOPLE
    assert client.get(PEOPLE).status_code == 200


def test_what_was_filled_in_comes_back_with_the_code_and_is_done(service: Service) -> None:
    boss = hired(service, StaffRole.ADMINISTRATOR)
    client = signed_in_as(service, boss)
    service.clock.advance(minutes=5)
    fields = {**NEW, "name": '示例"民警<b>'}
    for proof, status in ({}, 200), ({"proof": ""}, 422), ({"proof": "0"}, 422):
        answer = post(client, PEOPLE, page="/staff", **fields, **proof)
        assert answer.status_code == status
        asked = answer.get_data(as_text=True)
        assert 'action="/staff/people"' in asked
        carried = dict(re.findall(r'type="hidden" name="(?!csrf)(\w+)" value="([^"]*)"', asked))
        assert {name: unescape(value) for name, value in carried.items()} == fields
    done = post(client, PEOPLE, page="/staff", **fields, proof=code(service, boss.badge))
    assert 'class="key number"' in done.get_data(as_text=True)
    assert acts(service)[-1] == ("staff_add", boss.id)
    assert client.get(PEOPLE).status_code == 200
