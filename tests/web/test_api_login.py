"""The JSON API from asking for a code to signing out: one answer for every refusal, and nothing is counted twice."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from caseq import answering
from caseq.rules import codes
from caseq.store.tables import audit, challenges, sessions
from caseq.store.tables import codes as codes_table
from tests.service import CASE, PHONE, case, digits_of, event, milestone, party

OTHER_CASE, OTHER_PHONE = "A6401215100002026110013", "13800138000"


@pytest.fixture
def service(service):
    """A service with one case, its victim and one milestone."""
    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    service.work()
    return service


def ask(service, case_number=CASE, phone=PHONE, address="127.0.0.1", **headers):
    body = {"case_number": case_number, "phone": phone}
    elsewhere = {"REMOTE_ADDR": address}
    return service.client.post("/api/v1/codes", json=body, headers=headers, environ_overrides=elsewhere)


def enter(service, challenge, code):
    return service.client.post("/api/v1/sessions", json={"challenge": challenge, "code": code})


def get_case(service, token, **headers):
    return service.client.get("/api/v1/case", headers={"Authorization": f"Bearer {token}", **headers})


def count(service, table):
    with service.runtime.database.autocommit() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def shape(answer):
    """An answer without what differs between any two answers: its id, and the digits and letters of a token."""
    headers = {name: value for name, value in answer.headers.items() if name not in ("X-Request-ID", "Date")}
    body = answer.get_json()
    if "challenge" in body:
        body["challenge"] = re.sub(r"[\w-]", "x", body["challenge"])
    return answer.status_code, headers, body


def exact(answer):
    """An answer, byte for byte, without its request id."""
    headers = {name: value for name, value in answer.headers.items() if name not in ("X-Request-ID", "Date")}
    return answer.status_code, headers, answer.get_data()


# The way in and out


def test_a_code_from_the_sms_opens_the_case_until_it_is_signed_out(service):
    asked = ask(service)
    assert asked.status_code == 202
    assert asked.get_json() | {"challenge": ""} == {"challenge": "", "expires_in": 600, "resend_after": 60}
    service.work()
    opened = enter(service, asked.get_json()["challenge"], digits_of(service.messages(PHONE)[-1]))
    assert opened.status_code == 201
    body = opened.get_json()
    assert body | {"token": ""} == {"token": "", "expires_at": "2026-11-23T14:00:00+08:00", "idle_seconds": 900}
    assert get_case(service, body["token"]).status_code == 200
    gone = service.client.delete("/api/v1/session", headers={"Authorization": f"Bearer {body['token']}"})
    assert (gone.status_code, gone.get_data()) == (204, b"")
    assert get_case(service, body["token"]).status_code == 401


def test_the_view_is_what_the_policy_grants_and_no_key_more(service):
    view = get_case(service, service.log_in()).get_json()
    items = {"case_number", "kind", "role", "as_of", "source_silent", "unit", "rights", "milestones", "policy"}
    assert set(view) == items | {"rights_clause"}
    assert view["rights_clause"] == "四(二)1(1)"
    assert view["unit"] == {
        "name": "示例县公安局城关派出所",
        "address": "示例县城关镇中心路1号",
        "phone": "0951-8011010",
        "clause": "四(二)1(1)",
    }
    assert view["milestones"] == [
        {
            "name": "case_filed",
            "occurred_on": "2026-11-22",
            "released_at": "2026-11-23T12:00:00+08:00",
            "clause": "四(二)1(1)",
        }
    ]
    assert (view["as_of"], view["source_silent"], view["policy"]) == (
        "2026-11-23T12:00:00+08:00",
        False,
        "yongning-2017",
    )
    assert all(set(right) == {"title", "text"} for right in view["rights"])


def test_the_rights_and_the_code_come_in_the_language_that_was_asked_for(service):
    token = service.log_in()
    chinese = get_case(service, token).get_json()["rights"]
    english = get_case(service, token, **{"Accept-Language": "en-GB,en;q=0.9"}).get_json()["rights"]
    assert chinese[0]["title"] == "不立案，可以要求复议"
    assert english[0]["title"] == "If no case is opened"
    service.clock.advance(seconds=61)
    ask(service, **{"Accept-Language": "en"})
    service.work()
    assert service.messages(PHONE)[-1].startswith("[Shili County PSB]")


def test_an_etag_saves_the_body_until_something_changes(service):
    token = service.log_in()
    first = get_case(service, token)
    again = get_case(service, token, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Cache-Control"] == "no-store"
    service.push(event("milestone", milestone("case_solved")))
    changed = get_case(service, token, **{"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


def test_a_matching_etag_opens_nothing_without_a_session(service):
    token = service.log_in()
    etag = get_case(service, token).headers["ETag"]
    service.client.delete("/api/v1/session", headers={"Authorization": f"Bearer {token}"})
    assert get_case(service, token, **{"If-None-Match": etag}).status_code == 401
    assert get_case(service, token, **{"If-None-Match": "*"}).status_code == 401


# One answer for everything


def test_known_and_unknown_look_the_same_when_a_code_is_asked_for(service):
    service.push(
        event("case", case(state="withheld"), case=OTHER_CASE), event("party", party(key="P2"), case=OTHER_CASE)
    )
    asked = {
        "known": (CASE, PHONE),
        "typed another way": ("ａ6401 2151-0000 2026 1100 12", "+86 199 1234 5678"),
        "no such case": ("A6401215100002026119999", PHONE),
        "no such party": (CASE, OTHER_PHONE),
        "a withheld case": (OTHER_CASE, PHONE),
        "no case number at all": ("nonsense", PHONE),
        "a landline": (CASE, "0951-8011010"),
        "a foreign number": (CASE, "+1 202 555 0123"),
        "no number at all": (CASE, "nobody"),
        "invisible characters": ("\u200b", "\u200b"),
    }
    answers = {name: ask(service, *typed) for name, typed in asked.items()}
    assert len({json.dumps(shape(answer), sort_keys=True) for answer in answers.values()}) == 1
    assert len({len(answer.get_data()) for answer in answers.values()}) == 1
    assert count(service, challenges) == len(asked)


def test_known_and_unknown_cost_the_same_rows_before_the_worker_looks(service):
    """What is written for a request must not differ either: only the worker finds out, later and elsewhere."""
    before = count(service, audit)
    for number in (CASE, "A6401215100002026119999"):
        ask(service, number)
    with service.runtime.database.autocommit() as connection:
        rows = connection.execute(select(challenges).order_by(challenges.c.id)).all()
    assert count(service, audit) == before + 2
    assert len({len(row.asked_sealed) for row in rows}) == 1
    assert len({(row.tries, row.language, row.expires_at) for row in rows}) == 1


def refusals(service):
    """Every way to be refused a session, by name."""
    challenge, code = service.code_for()
    wrong = f"{(int(code) + 1) % 10**8:08}"
    decoy = ask(service, "A6401215100002026119999").get_json()["challenge"]
    yield "a wrong code", enter(service, challenge, wrong)
    yield "words", enter(service, challenge, "hello")
    yield "a code that is too long", enter(service, challenge, code + "0")
    yield "the code of another challenge", enter(service, decoy, code)
    yield "a challenge that never was", enter(service, "x" * 43, code)
    yield "no challenge", service.client.post("/api/v1/sessions", json={"code": code})
    yield "a paper code", service.client.post("/api/v1/sessions", json={"case_number": CASE, "code": code})
    assert enter(service, challenge, code).status_code == 201
    yield "a used code", enter(service, challenge, code)
    for _ in range(4):
        answer = enter(service, decoy, wrong)
    yield "a challenge without tries", answer
    service.clock.advance(minutes=11)
    yield "a code that is too old", enter(service, challenge, code)


def test_every_refused_login_is_one_and_the_same_answer(service):
    answers = dict(refusals(service))
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(answers, 401)
    assert len({str(exact(answer)) for answer in answers.values()}) == 1
    assert answers["a wrong code"].mimetype == "application/problem+json"
    assert answers["a wrong code"].headers["WWW-Authenticate"] == "Bearer"


def test_every_refused_look_is_one_and_the_same_answer(service):
    token = service.log_in()
    answers = [get_case(service, bad) for bad in ("", "x", token + "x", token[:-1], "Bearer", "ü" * 3)]
    for header in (None, token, f"Basic {token}", f"Token {token}", "Bearer"):
        answers.append(service.client.get("/api/v1/case", headers={"Authorization": header} if header else {}))
    answers.append(service.client.get(f"/api/v1/case?token={token}"))
    service.clock.advance(minutes=16)
    answers.append(get_case(service, token))
    assert {answer.status_code for answer in answers} == {401}
    assert len({str(exact(answer)) for answer in answers}) == 1


def test_signing_out_without_a_session_is_no_error(service):
    for header in ({}, {"Authorization": "Bearer x"}):
        assert service.client.delete("/api/v1/session", headers=header).status_code == 204


def test_a_session_cannot_be_opened_with_a_cookie(service):
    token = service.log_in()
    client = service.client
    for name in ("caseq", "__Host-caseq", "token"):
        client.set_cookie(name, token)
    assert client.get("/api/v1/case").status_code == 401


# Tries


def test_five_tries_and_no_more(service):
    challenge, code = service.code_for()
    wrong = f"{(int(code) + 1) % 10**8:08}"
    for _ in range(4):
        enter(service, challenge, wrong)
    assert enter(service, challenge, code).status_code == 201
    service.clock.advance(seconds=61)
    challenge, code = service.code_for()
    for _ in range(5):
        enter(service, challenge, wrong)
    assert enter(service, challenge, code).status_code == 401


def test_of_sixty_guesses_at_once_five_are_compared(unlimited, monkeypatch):
    unlimited.push(event("case", case()), event("party", party()))
    challenge, code = unlimited.code_for()
    compared = []
    which = codes.which

    def counted(secret, typed):
        compared.append(typed)
        return which(secret, typed)

    monkeypatch.setattr(codes, "which", counted)
    guesses = [f"{(int(code) + n) % 10**8:08}" for n in range(1, 61)]
    app = unlimited.app

    def guess(typed):
        return app.test_client().post("/api/v1/sessions", json={"challenge": challenge, "code": typed}).status_code

    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(guess, guesses))
    assert set(statuses) == {401}
    assert len(compared) == 5
    assert enter(unlimited, challenge, code).status_code == 401


def test_the_right_code_thirty_times_at_once_opens_one_session(unlimited):
    unlimited.push(event("case", case()), event("party", party()))
    challenge, code = unlimited.code_for()
    app = unlimited.app

    def send(_):
        return app.test_client().post("/api/v1/sessions", json={"challenge": challenge, "code": code}).status_code

    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(send, range(30)))
    assert sorted(statuses)[:2] == [201, 401]
    assert count(unlimited, sessions) == 1


# Time


def test_a_code_works_to_the_end_of_its_ten_minutes_and_not_a_second_longer(service):
    challenge, code = service.code_for()
    service.clock.advance(minutes=9, seconds=59)
    assert enter(service, challenge, code).status_code == 201
    service.clock.advance(seconds=61)
    challenge, code = service.code_for()
    service.clock.advance(minutes=10, seconds=1)
    assert enter(service, challenge, code).status_code == 401


def test_a_used_code_is_refused(service):
    challenge, code = service.code_for()
    assert enter(service, challenge, code).status_code == 201
    assert enter(service, challenge, code).status_code == 401


def test_a_session_ends_after_fifteen_idle_minutes(service):
    token = service.log_in()
    for _ in range(3):
        service.clock.advance(minutes=14, seconds=59)
        assert service.view(token) is not None
    service.clock.advance(minutes=15, seconds=1)
    assert service.view(token) is None
    service.clock.advance(minutes=-5)
    assert service.view(token) is not None, "only looking counts, a refused look does not prolong anything"


def test_a_session_ends_after_two_hours_however_busy_it_is(service):
    token = service.log_in()
    for _ in range(11):
        service.clock.advance(minutes=10)
        assert service.view(token) is not None
    service.clock.advance(minutes=9, seconds=59)
    assert service.view(token) is not None
    service.clock.advance(seconds=1)
    assert service.view(token) is None


# What changes while somebody is logged in, or about to be

CHANGES = {
    "a withdrawn party": event("withdrawal", {"record": "party", "key": "P-victim"}, sequence="2"),
    "a withdrawn case": event("withdrawal", {"record": "case", "key": CASE}, sequence="2"),
    "a withheld case": event("case", case(state="withheld"), sequence="2"),
    "another role": event("party", party("complainant", key="P-victim"), sequence="2"),
    "an authority that is over": event("party", party(valid_until="2026-11-22"), sequence="2"),
    "an authority that is not yet there": event("party", party(valid_from="2026-11-24"), sequence="2"),
    "another suspect": event("party", party(subject="S2"), sequence="2"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_session_is_over_at_once_after(service, change):
    token = service.log_in()
    assert service.view(token) is not None
    assert service.outcomes({**change, "id": "change"}) == ["accepted"]
    assert exact(get_case(service, token)) == exact(get_case(service, "no such token"))


@pytest.mark.parametrize(
    "change", ["a withdrawn party", "a withdrawn case", "a withheld case", "an authority that is over"]
)
def test_a_code_that_is_on_its_way_opens_nothing_after(service, change):
    challenge, code = service.code_for()
    service.push({**CHANGES[change], "id": "change"})
    assert enter(service, challenge, code).status_code == 401


def test_a_suspect_who_has_not_appeared_gets_no_code_and_no_session(service):
    suspect = party("suspect", phone=OTHER_PHONE, appeared_on="2026-11-24")
    service.push(event("party", suspect))
    service.work()
    assert service.log_in(OTHER_PHONE) is None
    assert service.messages(OTHER_PHONE) == []
    service.clock.advance(days=1)
    assert service.log_in(OTHER_PHONE) is not None


def test_another_phone_makes_the_open_challenge_useless(service):
    challenge, code = service.code_for()
    service.push(event("party", party(phone=OTHER_PHONE), sequence="2"))
    assert enter(service, challenge, code).status_code == 401
    assert count(service, sessions) == 0


def test_a_code_that_waits_is_not_sent_to_the_old_phone_nor_to_the_new_one(service):
    ask(service)
    answering.resolve(service.runtime)
    service.push(event("party", party(phone=OTHER_PHONE), sequence="2"))
    service.work()
    assert not [text for text in service.messages() if "验证码" in text.split("，")[0]]


def test_a_code_of_one_case_does_not_open_another(service):
    service.push(event("case", case(), case=OTHER_CASE), event("party", party(key="P2"), case=OTHER_CASE))
    challenge, code = service.code_for()
    other, other_code = service.code_for(case=OTHER_CASE)
    assert enter(service, other, code).status_code == 401
    assert enter(service, challenge, other_code).status_code == 401
    token = enter(service, challenge, code).get_json()["token"]
    assert service.view(token)["case_number"] == CASE


def test_the_code_of_one_role_opens_that_role_only(service):
    """One telephone, two roles in one case: two codes, and each session is of one grant."""
    service.push(event("party", party("suspect")))
    challenge = ask(service).get_json()["challenge"]
    service.work()
    two = [digits_of(text) for text in service.messages(PHONE)[-2:]]
    assert two[0] != two[1]
    roles = [service.view(enter(service, challenge, code).get_json()["token"])["role"] for code in two]
    assert sorted(roles) == ["suspect", "victim"]


# How many codes


def test_a_code_again_within_a_minute_sends_nothing_and_answers_the_same(service):
    first = ask(service)
    service.work()
    sent = len(service.messages(PHONE))
    service.clock.advance(seconds=59)
    again = ask(service)
    service.work()
    assert len(service.messages(PHONE)) == sent
    assert shape(again) == shape(first)
    assert again.get_json()["challenge"] != first.get_json()["challenge"]
    service.clock.advance(seconds=1)
    ask(service)
    service.work()
    assert len(service.messages(PHONE)) == sent + 1


def test_strangers_get_six_codes_a_day_for_one_person_and_the_seventh_answers_the_same(service):
    sent = len(service.messages(PHONE))
    answers = []
    for n in range(7):
        answers.append(ask(service, address=f"198.51.100.{n}"))
        service.work()
        service.clock.advance(minutes=21)
    assert len(service.messages(PHONE)) == sent + 6
    assert len({json.dumps(shape(answer), sort_keys=True) for answer in answers}) == 1
    assert count(service, codes_table) == 6
    service.clock.advance(hours=24)
    ask(service)
    service.work()
    assert len(service.messages(PHONE)) == sent + 7


def test_one_network_gets_three_codes_a_day_for_one_person(service):
    sent = len(service.messages(PHONE))
    for _ in range(4):
        ask(service)
        service.work()
        service.clock.advance(minutes=21)
    assert len(service.messages(PHONE)) == sent + 3
    ask(service, address="198.51.100.7")
    service.work()
    assert len(service.messages(PHONE)) == sent + 4


def test_an_older_code_still_works_after_another_was_asked_for(service):
    first, first_code = service.code_for()
    service.clock.advance(seconds=61)
    second, second_code = service.code_for()
    assert first_code != second_code
    assert enter(service, first, first_code).status_code == 201
    assert enter(service, second, second_code).status_code == 201


def test_requests_for_codes_are_limited_by_address_and_answer_the_same_for_all(service_with):
    service = service_with(limits={"ask_code": "2 per minute"})
    service.push(event("case", case()), event("party", party()))
    answers = [ask(service, number) for number in (CASE, CASE, CASE, "A6401215100002026119999")]
    assert [answer.status_code for answer in answers] == [202, 202, 429, 429]
    assert exact(answers[2])[2] == exact(answers[3])[2]
    assert int(answers[2].headers["Retry-After"]) > 0


# Logs


def test_no_line_of_the_log_and_no_address_holds_what_a_person_typed(service, caplog):
    caplog.set_level("DEBUG")
    with capture_logs() as lines:
        challenge, code = service.code_for()
        enter(service, challenge, f"{(int(code) + 1) % 10**8:08}")
        token = enter(service, challenge, code).get_json()["token"]
        get_case(service, token)
        ask(service, "A6401215100002026119999", OTHER_PHONE)
        service.clock.advance(seconds=61)
        service.push(event("party", party(name="欧阳示例", phone=OTHER_PHONE), sequence="2"))
        service.work()
        service.client.delete("/api/v1/session", headers={"Authorization": f"Bearer {token}"})
        service.client.get(f"/api/v1/{CASE}?phone={PHONE}")
    written = json.dumps(lines, default=str, ensure_ascii=False) + caplog.text
    assert len(lines) > 8
    secrets = [CASE, "2026119999", PHONE, OTHER_PHONE, code, f"{code[:4]} {code[4:]}", challenge, token]
    secrets += ["欧阳示例", "测试人", "示例县公安局城关派出所", "case_filed"]
    assert [secret for secret in secrets if secret in written] == []


def test_the_audit_holds_ids_and_counts_only(service):
    service.view(service.log_in())
    with service.runtime.database.autocommit() as connection:
        rows = connection.execute(select(audit.c.act, audit.c.facts)).all()
    assert {row.act for row in rows} >= {"push", "ask_code", "login", "view"}
    assert {key for row in rows for key in (row.facts or {})} <= {"origin", "accepted", "challenge", "way", "channel"}


def test_a_view_is_in_the_audit_with_its_session_party_and_case(service):
    token = service.log_in()
    service.view(token)
    service.view(token)
    service.view("no such token")
    with service.runtime.database.autocommit() as connection:
        rows = connection.execute(select(audit).where(audit.c.act == "view")).all()
    assert len(rows) == 2
    assert all(row.session_id and row.party_id and row.case_id for row in rows)
    assert {row.at for row in rows} == {service.clock.now}
    assert service.clock.now.utcoffset() == timedelta(0)
