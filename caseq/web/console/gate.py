"""The gate before the console: who is signed in, and whether what is asked for belongs to that person's duties."""

from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Response, abort, g, make_response, redirect, render_template, request, url_for

from caseq import staffing
from caseq.rules.case import BUREAU_TIME
from caseq.rules.duties import Duty, Staff
from caseq.store.staffing import SignedIn
from caseq.web import fields
from caseq.web.browser import cookie_name, drop, keep
from caseq.web.console.duties import DUTY_OF, OPEN
from caseq.web.current import runtime
from caseq.web.limits import network

PREFIX = "/staff"
SESSION = "caseq-staff"
#: The field with the app's code, shown again.
PROOF = "proof"
WRONG_PROOF = "对不上，请等下一个 8 位数字再试"
_LARGEST_ID = 2**63 - 1


def register(app: Flask) -> None:
    """Install the gate, and what every page of the console shows."""
    app.before_request(_let_in)
    app.context_processor(lambda: {"me": g.get("signed_in") and me(), "Duty": Duty})
    app.context_processor(lambda: {"at": moment, "last_minute": last_minute})


def me() -> Staff:
    """Who of the staff makes this request."""
    return signed_in().staff


def signed_in() -> SignedIn:
    """The session of this request."""
    found: SignedIn = g.signed_in
    return found


def token() -> str:
    """The token of the console's session, or an empty text."""
    return request.cookies.get(cookie_name(SESSION), "")


def show(name: str, status: int = 200, **values: Any) -> Response:
    """The page of this name in templates/console."""
    return make_response(render_template(f"console/{name}.html", **values), status)


def go(endpoint: str, **values: Any) -> Response:
    """A redirect that a browser follows with GET."""
    return make_response(redirect(url_for(endpoint, **values), 303))


def refuse(duty: Duty | None = None) -> Response:
    """What somebody gets who asks for another's duty; it is noted in the audit."""
    staffing.note_refusal(runtime(), me(), request.endpoint or "", duty)
    return make_response(render_template("console/error.html", status=403), 403)


def open_for(token_: str) -> Response:
    """The first page, in a session with this token."""
    response = go("home.home")
    keep(response, SESSION, token_)
    return response


def shut(response: Response) -> Response:
    """`response`, after which the browser has no session at the console."""
    return drop(response, SESSION)


def prove_first() -> Response | None:
    """What asks for the app's code again, if that is too long ago for what is asked; None: it is fresh.

    What was filled in stands in the form that asks, and comes back with the code.
    """
    if staffing.is_fresh(runtime(), signed_in()):
        return None
    if request.method == "GET":
        return go("entrance.prove", back=request.full_path)
    status, fault = 200, None
    if PROOF in request.form:
        if is_proven(request.form[PROOF]):
            return None
        status, fault = 422, WRONG_PROOF
    filled = [(name, text) for name, text in request.form.items(multi=True) if name not in (PROOF, "csrf_token")]
    return show("prove", status, act=request.path, filled=filled, fault=fault)


def is_proven(typed: str) -> bool:
    """Whether this is the app's code of whoever is signed in; then this request counts as proven too."""
    if not staffing.prove(runtime(), token(), me(), fields.code(typed), network()):
        return False
    g.signed_in = staffing.me(runtime(), token())
    return True


def _let_in() -> Response | None:
    path = request.path
    if path != PREFIX and not path.startswith(f"{PREFIX}/"):
        return None
    if any("\0" in text for text in (path, *request.values.values())):
        abort(400)
    if any(isinstance(id_, int) and id_ > _LARGEST_ID for id_ in (request.view_args or {}).values()):
        abort(404)
    if request.endpoint in OPEN:
        return None
    found = staffing.me(runtime(), token())
    if found is None:
        return shut(go("entrance.sign_in"))
    g.signed_in = found
    if request.endpoint is None:
        return None  # no such address: a 404 or 405 like elsewhere
    duty = DUTY_OF.get(request.endpoint)
    return None if duty is not None and found.staff.may(duty) else refuse(duty)


def moment(at: datetime) -> str:
    """A moment as staff read it: day and time at the bureau."""
    here = at.astimezone(BUREAU_TIME)
    return f"{here.year}年{here.month}月{here.day}日 {here:%H:%M}"


def last_minute(end: datetime) -> str:
    """The last minute before this end: midnight would read as the day after."""
    return moment(end - timedelta(minutes=1))
