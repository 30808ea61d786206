"""The headers of every answer, and forms that another site sent."""

import pytest

from caseq.web.headers import CONTENT_SECURITY_POLICY
from tests.service import CASE, PHONE, case, event, party

EVERYWHERE = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NEVER = ("Server", "X-Powered-By", "Access-Control-Allow-Origin")


def answers(service):
    """One answer of every kind, by what it is."""
    service.push(event("case", case()), event("party", party()))
    token = service.log_in()
    client, bearer = service.client, {"Authorization": f"Bearer {token}"}
    get, post = client.get, client.post
    yield "a page", get("/")
    yield "a redirect", post("/", data={"case_number": CASE})
    yield "a refused form", post("/", data="x", content_type="text/plain")
    yield "no such page", get("/no-such-page")
    yield "a page by the wrong method", client.put("/help")
    yield "a case", get("/api/v1/case", headers=bearer)
    yield "no case", get("/api/v1/case")
    yield "a code", post("/api/v1/codes", json={"case_number": CASE, "phone": PHONE})
    yield "no code", post("/api/v1/codes", json={})
    yield "a refused push", post("/push/v1/criminal", data=b"[]")
    yield "no such push", get("/push/v1")
    yield "a receipt that nobody waits for", post("/sms/status")
    yield "a push of receipts that nobody waits for", post("/sms/status/aliyun/secret", json=[])
    yield "health", get("/healthz")
    yield "metrics", get("/metrics")
    yield "options", client.open("/api/v1/case", method="OPTIONS")
    yield "a style", get("/static/caseq.css")
    yield "signed out", client.delete("/api/v1/session", headers=bearer)


def test_every_answer_has_every_header(service):
    for name, answer in answers(service):
        found = {header: answer.headers.get(header) for header in EVERYWHERE}
        assert (name, found) == (name, EVERYWHERE)
        assert [header for header in NEVER if header in answer.headers] == [], name


def test_nothing_but_static_files_may_be_kept_by_a_cache(service):
    kept = {name for name, answer in answers(service) if answer.headers.get("Cache-Control") != "no-store"}
    assert kept == {"a style"}


def test_a_crash_has_every_header_too(service, monkeypatch, logged):
    def crash(*_):
        raise RuntimeError("crash")

    monkeypatch.setattr("caseq.login.ask_code", crash)
    answer = service.client.post("/api/v1/codes", json={"case_number": CASE, "phone": PHONE})
    assert answer.status_code == 500
    assert {header: answer.headers.get(header) for header in EVERYWHERE} == EVERYWHERE
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_policy_of_contents_allows_no_foreign_and_no_inline_code():
    allowed = dict(part.split(" ", 1) for part in CONTENT_SECURITY_POLICY.split("; "))
    assert allowed["default-src"] == "'none'"
    assert allowed["frame-ancestors"] == "'none'"
    assert allowed["base-uri"] == "'none'"
    assert {value for name, value in allowed.items() if value != "'none'"} == {"'self'"}


def test_https_is_demanded_where_the_service_is_on_https(service_with):
    secure = service_with(CASEQ_PUBLIC_URL="https://cases.example.org")
    assert "max-age=31536000" in secure.client.get("/").headers["Strict-Transport-Security"]
    assert "Strict-Transport-Security" not in service_with().client.get("/").headers


def test_cookies_are_pinned_to_the_host_and_out_of_reach_of_scripts(service_with):
    secure = service_with(CASEQ_PUBLIC_URL="https://cases.example.org")
    pages = [
        secure.client.get("/?lang=en", base_url="https://cases.example.org"),
        secure.client.get("/?big=1", base_url="https://cases.example.org"),
    ]
    cookies = [cookie for page in pages for cookie in page.headers.getlist("Set-Cookie")]
    assert cookies
    for cookie in cookies:
        name, _, rest = cookie.partition("=")
        flags = {flag.strip().split("=")[0] for flag in rest.split(";")[1:]}
        assert name.startswith("__Host-")
        assert {"Secure", "HttpOnly", "Path", "SameSite"} <= flags
        assert "Domain" not in flags


# Forms of other sites

FOREIGN = {
    "another site by its own word": {"Sec-Fetch-Site": "cross-site"},
    "another host of the same site": {"Sec-Fetch-Site": "same-site"},
    "another origin": {"Origin": "https://evil.example.org"},
    "an origin that ends like ours": {"Origin": "https://evil-localhost"},
    "an origin on another port": {"Origin": "http://localhost:8080"},
}


@pytest.mark.parametrize("path", ["/", "/code", "/sign-out", "/no-such-page"])
def test_a_form_of_another_site_is_refused(service, path):
    for name, headers in FOREIGN.items():
        answer = service.client.post(path, data={"case_number": CASE}, headers=headers)
        assert (name, answer.status_code) == (name, 403)


def test_a_form_of_another_type_is_refused(service):
    for mimetype in ("text/plain", "application/json", "", "application/xml"):
        answer = service.client.post("/", data="case_number=1", headers={"Content-Type": mimetype})
        assert answer.status_code == 403


def test_looking_is_allowed_from_anywhere(service):
    for headers in FOREIGN.values():
        assert service.client.get("/", headers=headers).status_code == 200


def test_programs_send_no_origin_and_need_none(service):
    for headers in FOREIGN.values():
        answer = service.client.post("/api/v1/codes", json={"case_number": CASE, "phone": PHONE}, headers=headers)
        assert answer.status_code == 202
        assert "Access-Control-Allow-Origin" not in answer.headers
