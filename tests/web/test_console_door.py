"""Who gets through which door of the console: every address, every role, and nobody without both factors."""

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from caseq import staffing
from caseq.rules.duties import MAY, StaffRole
from caseq.store.tables import audit
from caseq.web.console.duties import DUTY_OF, OPEN
from tests.service import Service
from tests.staff import PASSWORD, code, hired, post, signed_in, signed_in_as

ROLES = list(StaffRole)


def addresses(service: Service) -> Iterator[tuple[str, str, str]]:
    """Every (endpoint, method, path) of the console, with 1 for whatever varies."""
    for rule in service.app.url_map.iter_rules():
        if rule.rule == "/staff" or rule.rule.startswith("/staff/"):
            parts = [
                f"<{'int:' if 'Integer' in type(c).__name__ else ''}{name}>" for name, c in rule._converters.items()
            ]
            path = rule.rule
            for part in parts:
                path = path.replace(part, "1").replace(part.replace("int:", ""), "1")
            for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                yield rule.endpoint, method, path


def test_every_address_has_a_duty_and_every_duty_in_the_table_an_address(service: Service) -> None:
    there = {endpoint for endpoint, _, _ in addresses(service)}
    assert there - OPEN == DUTY_OF.keys()
    assert there >= OPEN


@pytest.mark.parametrize("role", ROLES)
def test_nobody_gets_through_the_door_of_another_duty(service: Service, role: StaffRole) -> None:
    client = signed_in(service, role)
    for endpoint, method, path in addresses(service):
        if endpoint in OPEN or endpoint == "entrance.sign_out":
            continue
        answer = client.get(path) if method == "GET" else post(client, path)
        if role in MAY[DUTY_OF[endpoint]]:
            assert answer.status_code in (200, 303, 404, 422) or endpoint.startswith("review."), (endpoint, answer)
        else:
            assert answer.status_code == 403, (endpoint, method)
            assert "不归您这个岗位办" in answer.get_data(as_text=True)
            assert refused(service)[-1] == endpoint


def refused(service: Service) -> list[str]:
    with service.runtime.database.autocommit() as connection:
        rows = connection.execute(select(audit.c.facts).where(audit.c.act == "staff_refused").order_by(audit.c.id))
        return [facts["endpoint"] for (facts,) in rows]


def test_without_a_session_every_door_leads_to_the_sign_in(service: Service) -> None:
    for endpoint, method, path in addresses(service):
        client = service.client
        answer = client.get(path) if method == "GET" else post(client, path)
        if endpoint not in OPEN:
            assert (answer.status_code, answer.headers["Location"]) == (303, "/staff/sign-in"), endpoint


def test_opening_a_page_changes_nothing_but_when_the_session_was_used(service: Service) -> None:
    clients = [signed_in(service, role) for role in ROLES]

    def acts() -> int:
        with service.runtime.database.autocommit() as connection:
            others = audit.c.act.not_in(["staff_refused", "release_look"])
            return int(connection.execute(select(func.count(audit.c.id)).where(others)).scalar_one())

    before = acts()
    for client in clients:
        for endpoint, method, path in addresses(service):
            if method == "GET" and not endpoint.startswith(("audit.", "report.")):
                client.get(path)
    assert acts() == before


def test_a_session_ends_after_fifteen_idle_minutes_after_ten_hours_and_with_its_account(service: Service) -> None:
    who = hired(service, StaffRole.REVIEWER)
    client = signed_in_as(service, who)
    service.clock.advance(minutes=14, seconds=59)
    assert client.get("/staff").status_code == 200
    service.clock.advance(minutes=15)
    assert client.get("/staff").status_code == 303
    client = signed_in_as(service, who)
    for _ in range(10 * 60 // 10):
        assert client.get("/staff").status_code == 200
        service.clock.advance(minutes=10)
    assert client.get("/staff").status_code == 303
    client = signed_in_as(service, who)
    assert client.get("/staff").status_code == 200
    assert staffing.disable(service.runtime, who.badge, "test", "left")
    assert client.get("/staff").status_code == 303


@pytest.mark.parametrize(
    "role", [StaffRole.REVIEWER, StaffRole.WINDOW_CLERK, StaffRole.AUDITOR, StaffRole.ADMINISTRATOR]
)
def test_what_no_form_can_mean_is_refused_and_no_fault_of_ours(service: Service, role: StaffRole) -> None:
    client = signed_in(service, role)
    odd = ("a\0b", "9999-12-31", "0001-01-01", "0001-01-01T00:00", "9" * 20, "x" * 6000)
    fields = ("badge", "reason", "since", "until", "at", "document_number", "day", "phone", "note", "text", "result")
    for endpoint, method, path in addresses(service):
        for typed in odd if endpoint != "entrance.sign_out" else ():
            sent = dict.fromkeys(fields, typed)
            answers = [client.get(path.replace("/1", "/" + "9" * 20), query_string=sent)]
            answers += [post(client, path, **sent)] if method == "POST" else []
            assert all(answer.status_code < 500 for answer in answers), (endpoint, typed)
    assert post(service.client, "/staff/sign-in", badge="a\0").status_code == 400


def test_after_signing_out_the_cookie_opens_nothing(service: Service) -> None:
    client = signed_in(service, StaffRole.UNIT)
    cookie = client.get_cookie("caseq-staff")
    assert cookie is not None
    assert (cookie.http_only, cookie.path) == (True, "/")
    assert post(client, "/staff/sign-out", page="/staff").status_code == 303
    client.set_cookie("caseq-staff", cookie.value)
    assert client.get("/staff").headers["Location"] == "/staff/sign-in"


def test_forms_without_their_token_or_of_another_site_are_refused(service: Service) -> None:
    client = signed_in(service, StaffRole.LEADER)
    assert client.post("/staff/queue/1/agree", data={}).status_code == 403
    answer = client.post("/staff/sign-out", data={}, headers={"Origin": "https://elsewhere.example.org"})
    assert answer.status_code == 403
    assert client.get("/staff").status_code == 200


def test_a_code_of_the_app_opens_one_session_and_unknown_and_wrong_read_the_same(service: Service) -> None:
    who = hired(service, StaffRole.REVIEWER)
    service.clock.advance(seconds=30)
    now = code(service, who.badge)
    first = post(service.client, "/staff/sign-in", badge=who.badge, password=PASSWORD, code=now)
    again = post(service.client, "/staff/sign-in", badge=who.badge, password=PASSWORD, code=now)
    nobody = post(service.client, "/staff/sign-in", badge="nobody", password=PASSWORD, code=now)
    wrong = post(service.client, "/staff/sign-in", badge=who.badge, password="wrong" * 4, code=now)
    assert (first.status_code, again.status_code, nobody.status_code, wrong.status_code) == (303, 422, 422, 422)
    texts = [answer.get_data(as_text=True) for answer in (again, nobody, wrong)]
    assert all("对不上" in text for text in texts)


def test_a_first_password_opens_only_the_page_on_which_it_is_changed(service: Service) -> None:
    first = staffing.hire(service.runtime, "77", "新来的", StaffRole.WINDOW_CLERK, None, "test")
    assert first is not None
    client = service.client
    answer = post(client, "/staff/sign-in", badge=" ７７ ", password=first, code="")
    assert answer.headers["Location"] == "/staff/enrol"
    assert client.get("/staff").headers["Location"] == "/staff/sign-in"
    page = client.get("/staff/enrol").get_data(as_text=True)
    assert "<svg" in page
    weak = post(client, "/staff/enrol", page="/staff/enrol", code="12345678", password="short", again="short")
    assert weak.status_code == 422
