"""A day's walk by every way in; then nothing of it stands in the clear in the database, in a log, or in an address."""

import re
from pathlib import Path
from typing import Any

import pyotp
import pytest
from sqlalchemy import create_engine, text
from structlog.testing import capture_logs

from caseq import paper
from caseq.store.tables import metadata
from tests.service import CASE, PHONE, Service, case, digits_of, elsewhere, event, milestone, party

NAME, NEW_PHONE, CONTACT = "欧阳测试", "19987654321", "只在上午打给我"
PHRASE = "潮汐灯塔"
ORIGIN = "http://127.0.0.1"


class Walker:
    """A browser that remembers every address it asked for or was sent to."""

    def __init__(self, service: Service) -> None:
        self.client = service.client
        self.addresses: list[str] = []
        self.page = ""

    def get(self, path: str) -> None:
        self._keep(path, self.client.get(path, base_url=ORIGIN))

    def post(self, path: str, **form: str) -> None:
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.page)
        assert token, path
        data = {"csrf_token": token[1], **form}
        self._keep(path, self.client.post(path, data=data, base_url=ORIGIN, environ_overrides=elsewhere()))

    def _keep(self, path: str, answer: Any) -> None:
        self.addresses.append(path)
        assert answer.status_code < 400, (path, answer.status_code)
        if location := answer.headers.get("Location"):
            self.get(location)
        else:
            self.page = answer.get_data(as_text=True)

    def cookie(self, name: str) -> str:
        found = self.client.get_cookie(name, domain="127.0.0.1")
        assert found is not None, name
        return str(found.value)


@pytest.fixture
def walked(service: Service) -> tuple[Service, Walker, list[Any], dict[str, str]]:
    """Login by SMS, enrolment of an app, login by app and by paper, wishes, another number: (…, logs, secrets)."""
    secrets = {"name": NAME, "phone": PHONE, "new phone": NEW_PHONE, "contact": CONTACT, "phrase": PHRASE}
    walker = Walker(service)
    with capture_logs() as logs:
        service.push(event("case", case()), event("party", party(name=NAME)), event("milestone", milestone()))
        walker.get("/")
        walker.post("/", case_number=CASE)
        walker.post("/method", way="sms", phone=PHONE)
        service.work()
        secrets["code"] = next(code for one in service.messages(PHONE) if len(code := digits_of(one)) == 8)
        walker.post("/code", code="00000000")
        walker.post("/code", code=secrets["code"])
        secrets["session"], secrets["known browser"] = walker.cookie("caseq"), walker.cookie("caseq-known")
        walker.get("/preferences")
        walker.post("/preferences", sms="1", language="zh", safe_contact=CONTACT, phrase=PHRASE)
        walker.get("/authenticator")
        walker.post("/authenticator")
        found = re.search(r'class="number key">([A-Z2-7 ]+)<', walker.page)
        assert found
        secrets["secret"] = found[1].replace(" ", "")
        app = pyotp.TOTP(secrets["secret"], digits=8)
        walker.post("/authenticator/confirm", code=app.at(service.clock.now))
        walker.get("/case")
        walker.post("/sign-out")
        service.clock.advance(seconds=30)
        secrets["app code"] = app.at(service.clock.now)
        issued = paper.print_sheet(service.runtime, CASE, "P-victim", "甲", "没有手机")
        assert isinstance(issued, paper.Issued)
        secrets |= {f"typed {line.n}": line.typed.replace("-", "") for line in issued.lines}
        secrets |= {f"keypad {line.n}": line.keypad.replace(" ", "") for line in issued.lines}
        for way, code in (("app", secrets["app code"]), ("paper", secrets["typed 1"])):
            walker.get("/")
            walker.post("/", case_number=CASE)
            walker.post("/method", way=way)
            walker.post("/code", code=code)
            secrets[f"session by {way}"] = walker.cookie("caseq")
            walker.get("/sign-out")
            walker.post("/sign-out")
        service.push(event("party", party(name=NAME, phone=NEW_PHONE), sequence="2"))
        service.work()
    return service, walker, logs, secrets


def dump(service: Service) -> str:
    """Every value of every table, and of SQLite the bytes of its files too."""
    url = service.runtime.settings.database_url
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.connect() as connection:
        rows = [str(connection.execute(text(f"SELECT * FROM {name}")).all()) for name in metadata.tables]
    engine.dispose()
    path = url.removeprefix("sqlite:///")
    files = [Path(path + end).read_bytes() for end in ("", "-wal")] if url.startswith("sqlite") else []
    return "\n".join([*rows, *(raw.decode("utf-8", "replace") for raw in files)])


def test_the_walk_went_all_the_way(walked):
    service, walker, logs, secrets = walked
    assert {"/case", "/preferences", "/authenticator", "/code"} <= set(walker.addresses)
    assert len(logs) > 20
    assert service.notices(PHONE) == ["device", "number"] or service.notices(PHONE) == ["number"]
    assert len({name for name in secrets if "session" in name}) == 3


def test_nothing_secret_stands_in_the_database(walked):
    service, _, _, secrets = walked
    dumped = dump(service)
    assert "P-victim" in dumped, "the dump is one"
    assert [name for name, value in secrets.items() if value in dumped] == []


def test_nothing_secret_stands_in_a_log_or_an_address(walked):
    _, walker, logs, secrets = walked
    told = "\n".join([*map(str, logs), *walker.addresses])
    assert [name for name, value in {**secrets, "case number": CASE}.items() if value in told] == []
