"""What the JSON API refuses before it does anything: media type, size, JSON, fields."""

from sqlalchemy import func, select

from caseq.store.tables import audit, challenges
from tests.service import CASE, PHONE

CODES, SESSIONS = "/api/v1/codes", "/api/v1/sessions"
RIGHT = {CODES: {"case_number": CASE, "phone": PHONE}, SESSIONS: {"challenge": "x", "code": "12345678"}}


def assert_problem(answer, status):
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["status"] == status


def post(service, path, body, **headers):
    return service.client.post(path, data=body, headers={"Content-Type": "application/json", **headers})


def test_what_is_no_strict_json_object_is_refused(service):
    wrong = [b"", b"{", b"[]", b"null", b'"x"', b"5", b'{"a": NaN}', b'{"code": "\\u0000"}', b'{"code": "\\ud800"}']
    wrong += [b'{"code": 1, "code": 2}', b"\xff", b"\xef\xbb\xbf{}", b"[" * 10_000, b'{"a": ' + b"9" * 5000 + b"}"]
    wrong += [b'{"a":' * 17 + b"1" + b"}" * 17, b'"' + b'\\"' * 4_990]
    for path in (CODES, SESSIONS):
        for body in wrong:
            assert_problem(post(service, path, body), 400)


def test_a_body_over_ten_kilobytes_is_refused(service):
    for path in (CODES, SESSIONS):
        assert post(service, path, b"{}" + b" " * 9_998).status_code == 400
        assert_problem(post(service, path, b"{}" + b" " * 9_999), 413)
        assert_problem(post(service, path, b"x" * 6 * 1024 * 1024), 413)


def test_another_media_type_is_refused(service):
    for path in (CODES, SESSIONS):
        for mimetype in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
            assert_problem(post(service, path, b"{}", **{"Content-Type": mimetype}), 415)


def test_missing_unknown_and_wrong_fields_are_refused_by_name(service):
    for path, right in RIGHT.items():
        for name in right:
            for value in (None, 5, "", ["x"], "x" * 201):
                answer = post(service, path, service.app.json.dumps({**right, name: value}).encode())
                assert_problem(answer, 400)
                assert answer.get_json()["detail"].startswith(f"{name}: ")
        answer = post(service, path, service.app.json.dumps({**right, "admin": True}).encode())
        assert_problem(answer, 400)
        assert answer.get_json()["detail"] == "admin: Unknown field."
    for path, missing in ((CODES, "phone"), (CODES, "case_number"), (SESSIONS, "code")):
        body = {name: value for name, value in RIGHT[path].items() if name != missing}
        assert_problem(post(service, path, service.app.json.dumps(body).encode()), 400)


def test_a_refusal_repeats_nothing_that_was_typed(service):
    body = b'{"case_number": ["secret-number"], "phone": 19912345678, "x": "secret"}'
    answer = post(service, CODES, body)
    assert "secret" not in answer.get_data(as_text=True)
    assert "19912345678" not in answer.get_data(as_text=True)


def test_a_refused_request_leaves_nothing_behind(service):
    for path in (CODES, SESSIONS):
        for body in (b"", b"{}", b"[]", b'{"case_number": 5}'):
            post(service, path, body)
    with service.runtime.database.autocommit() as connection:
        for table in (challenges, audit):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 0


def test_what_a_person_typed_is_stored_sealed_or_hashed(service):
    post(service, CODES, service.app.json.dumps(RIGHT[CODES]).encode())
    with service.runtime.database.autocommit() as connection:
        row = connection.execute(select(challenges)).one()
    assert CASE not in str(row)
    assert PHONE not in str(row)
