"""Coming in and going out: badge, password and the app's code; the first time also a new password and the app."""

import json
from datetime import timedelta

from flask import Blueprint, Response, request

from caseq import staffing
from caseq.errors import SealBroken
from caseq.staffing import Enrolling, Refused
from caseq.web import fields
from caseq.web.account import qr_of
from caseq.web.browser import cookie_name, drop, keep
from caseq.web.console import gate
from caseq.web.console.forms import badge_in
from caseq.web.current import runtime
from caseq.web.limits import network

blueprint = Blueprint("entrance", __name__, url_prefix=gate.PREFIX)

_ENROLLING = "caseq-enrol"
_ENROLLING_LASTS = timedelta(minutes=15)
_FAULTS = {
    Refused.WRONG: "对不上，请再看一下警号、密码和认证器上的数字",
    Refused.WAIT: "试的次数多了，请过几分钟再试",
    Refused.WEAK: f"新密码至少 {staffing.LEAST_PASSWORD} 个字，不能含警号，两次要一样",
}


@blueprint.get("/sign-in")
def sign_in() -> Response:
    """Badge, password and code on one page."""
    return gate.show("sign-in")


@blueprint.post("/sign-in")
def take_sign_in() -> Response:
    """Opens a session, or the page on which the app is enrolled."""
    form = request.form
    badge = badge_in("badge")
    code = fields.code(form.get("code", ""))
    answer = staffing.sign_in(runtime(), badge, form.get("password", ""), code, network())
    if isinstance(answer, Refused):
        status = 429 if answer is Refused.WAIT else 422
        return gate.show("sign-in", status, fault=_FAULTS[answer], badge=badge)
    if isinstance(answer, Enrolling):
        response = gate.go("entrance.enrol")
        until = (runtime().clock() + _ENROLLING_LASTS).timestamp()
        sealed = runtime().sealer.seal(_ENROLLING, json.dumps([answer.staff_id, until]).encode())
        keep(response, _ENROLLING, sealed)
        return response
    return gate.open_for(answer)


@blueprint.get("/enrol")
def enrol() -> Response:
    """The app's secret, as a picture and as text, and a new password."""
    staff_id = _enrolling_id()
    return gate.go("entrance.sign_in") if staff_id is None else _enrol_page(staff_id)


@blueprint.post("/enrol")
def take_enrol() -> Response:
    """Takes the app and the password, and opens the first session."""
    staff_id, form = _enrolling_id(), request.form
    if staff_id is None:
        return gate.go("entrance.sign_in")
    password = form.get("password", "")
    if password != form.get("again", ""):
        return _enrol_page(staff_id, Refused.WEAK)
    answer = staffing.enrol(runtime(), staff_id, fields.code(form.get("code", "")), password, network())
    if isinstance(answer, Refused):
        return _enrol_page(staff_id, answer)
    return drop(gate.open_for(answer), _ENROLLING)


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Ends the session."""
    staffing.sign_out(runtime(), gate.token())
    return gate.shut(gate.go("entrance.sign_in"))


@blueprint.get("/prove")
def prove() -> Response:
    """Asks for the app's code again, before something that needs it fresh."""
    return gate.show("prove", back=_back())


@blueprint.post("/prove")
def take_proof() -> Response:
    """Goes on with what was asked for, if the code is right."""
    if not gate.is_proven(request.form.get(gate.PROOF, "")):
        return gate.show("prove", 422, back=_back(), fault=gate.WRONG_PROOF)
    response = gate.go("home.home")
    response.headers["Location"] = _back()
    return response


def _back() -> str:
    """Where to go afterwards: a page of the console, whatever somebody wrote into the address."""
    back = request.values.get("back", "")
    is_ours = back.startswith(f"{gate.PREFIX}/") and "//" not in back and "\\" not in back and back.isprintable()
    return back if is_ours else gate.PREFIX


def _enrol_page(staff_id: int, refused: Refused | None = None) -> Response:
    begun = staffing.enrolling_again(runtime(), staff_id)
    if begun is None:
        return gate.go("entrance.sign_in")
    secret = " ".join(begun.secret[place : place + 4] for place in range(0, len(begun.secret), 4))
    fault = _FAULTS[refused] if refused else None
    return gate.show("enrol", 422 if refused else 200, secret=secret, qr=qr_of(begun.address), fault=fault)


def _enrolling_id() -> int | None:
    """Whose password was right a moment ago in this browser."""
    sealed = request.cookies.get(cookie_name(_ENROLLING), "")
    try:
        staff_id, until = json.loads(runtime().sealer.unseal(_ENROLLING, sealed)) if sealed else (None, 0)
    except SealBroken:
        return None
    return staff_id if until > runtime().clock().timestamp() else None
