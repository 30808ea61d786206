"""Logging in as one person with every code that came, and what each of the grants shows."""

import hashlib
import re
from typing import Any

from tests.service import CASE, PHONE, Service, digits_of, elsewhere

View = dict[str, Any]


def tokens(service: Service, phone: str = PHONE, case: str = CASE) -> list[str]:
    """Ask for a code once and open a session with every code that came by SMS, in the order sent."""
    service.clock.advance(minutes=13)
    before = len(service.messages(phone))
    body = {"case_number": case, "phone": phone}
    asked = service.client.post("/api/v1/codes", json=body, environ_overrides=elsewhere())
    challenge = asked.get_json()["challenge"]
    service.work()
    codes = [code for text in service.messages(phone)[before:] if len(code := digits_of(text)) == 8]
    answers = [
        service.client.post("/api/v1/sessions", json={"challenge": challenge, "code": code}).get_json()
        for code in codes
    ]
    return [answer["token"] for answer in answers]


def views(service: Service, phone: str = PHONE, case: str = CASE) -> dict[str, View]:
    """What each grant of this number in this case shows, by role."""
    seen = [service.view(token) for token in tokens(service, phone, case)]
    return {view["role"]: view for view in seen if view is not None}


def names(view: View | None) -> list[str]:
    """The names of the milestones of a view, sorted."""
    assert view is not None
    return sorted(milestone["name"] for milestone in view["milestones"])


def page(service: Service, token: str, language: str = "zh") -> str:
    """The case page of a session as a browser gets it, without the token of its form."""
    client = service.client
    client.set_cookie("caseq", token, domain="127.0.0.1")
    answer = client.get(f"/case?lang={language}", base_url="http://127.0.0.1")
    return re.sub(r'<input type="hidden"[^>]*>', "", answer.get_data(as_text=True)) if answer.status_code == 200 else ""


def answer_in_full(service: Service, token: str) -> tuple[int, str, str]:
    """Length, ETag and digest of what the API says to this session."""
    answer = service.client.get("/api/v1/case", headers={"Authorization": f"Bearer {token}"})
    body = answer.get_data()
    return len(body), answer.headers["ETag"], hashlib.sha256(body).hexdigest()
