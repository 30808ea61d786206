"""The bureau's people in tests: accounts, and clients that came in by the real door."""

import re

import pyotp
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from caseq import staffing
from caseq.rules.duties import Staff, StaffRole
from caseq.store import staffing as accounts
from tests.service import Service

UNIT_CODE = "640121510000"
PASSWORD = "correct horse battery"


def hired(service: Service, role: StaffRole, unit: str | None = None, badge: str | None = None) -> Staff:
    """An account with this role, with an app and its own password, as if its owner had been here before."""
    runtime = service.runtime
    badge = badge or f"9{len(staffing.listed(runtime)):05}"
    first = staffing.hire(runtime, badge, f"测试{role.value}", role, unit, "test")
    assert first is not None
    begun = staffing.sign_in(runtime, badge, first, "", "test")
    assert isinstance(begun, staffing.Enrolling)
    _secrets[badge] = begun.secret
    token = staffing.enrol(runtime, begun.staff_id, code(service, badge), PASSWORD, "test")
    assert not isinstance(token, staffing.Refused)
    found = staffing.me(runtime, token)
    assert found is not None
    staffing.sign_out(runtime, token)
    return found.staff


def listed(service: Service, role: StaffRole, unit: str | None = None) -> Staff:
    """An account with this role that nobody signs in to: it is there at once, for tests of acts."""
    new = Staff(0, f"8{len(staffing.listed(service.runtime)):05}", f"测试{role.value}", role, unit)
    with service.runtime.database.transaction() as connection:
        found = accounts.add(connection, new, "no password", service.clock.now)
    assert found is not None
    return found


def code(service: Service, badge: str) -> str:
    """What the app of this person shows now; each step is good for one sign-in."""
    return pyotp.TOTP(_secrets[badge], digits=8).at(service.clock.now)


def signed_in(service: Service, role: StaffRole, unit: str | None = None) -> FlaskClient:
    """A browser in which a new member of the staff with this role has signed in."""
    return signed_in_as(service, hired(service, role, unit))


def signed_in_as(service: Service, who: Staff) -> FlaskClient:
    """A browser in which this one has signed in; the clock goes on by a step of the app."""
    service.clock.advance(seconds=30)
    client = service.client
    fields = {"badge": who.badge, "password": PASSWORD, "code": code(service, who.badge)}
    answer = post(client, "/staff/sign-in", **fields)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/staff"), answer.get_data(as_text=True)
    return client


def post(client: FlaskClient, path: str, *, page: str = "", **fields: str) -> TestResponse:
    """Send a form with the CSRF token of a page of the console that has one."""
    form = client.get(page or "/staff/sign-in").get_data(as_text=True)
    found = re.search(r'name="csrf_token" value="([^"]+)"', form)
    assert found, form
    return client.post(path, data={"csrf_token": found[1], **fields})


_secrets: dict[str, str] = {}
