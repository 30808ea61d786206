"""Somebody with a browser that runs no scripts, and the case they come for."""

import re

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.service import CASE, PHONE, Service, case, digits_of, event, milestone, party


def add_victim(service: Service) -> Service:
    """The service, with one victim in one case."""
    service.push(event("case", case()), event("milestone", milestone()), event("party", party(sms=False)))
    service.work()
    return service


class Visitor:
    """Somebody with a browser that runs no scripts."""

    def __init__(self, service: Service, language: str = "zh") -> None:
        self.service = service
        self.client: FlaskClient = service.app.test_client()
        self.client.set_cookie("caseq-lang", language)

    def get(self, path: str) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.headers.get("Location"))
        return answer.get_data(as_text=True)

    def send(self, path: str, on: str | None = None, **fields: str) -> TestResponse:
        """Post a form as it stands on the page `on` (by default the same path)."""
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.get(on or path))
        assert token
        return self.client.post(path, data={"csrf_token": token[1], **fields})

    def ask(self, case_number: str = CASE, phone: str = PHONE) -> None:
        """Steps 1 and 2."""
        assert self.send("/", case_number=case_number).headers["Location"] == "/method"
        assert self.send("/method", phone=phone).headers["Location"] == "/code"

    def newest_code(self, phone: str = PHONE) -> str:
        self.service.work()
        return digits_of(self.service.messages(phone)[-1])

    def log_in(self) -> None:
        self.ask()
        answer = self.send("/code", code=self.newest_code())
        assert answer.headers["Location"] == "/case"

    def cookies_set_by(self, answer: TestResponse) -> dict[str, str]:
        return {line.split("=")[0]: line for line in answer.headers.getlist("Set-Cookie")}
