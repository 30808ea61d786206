"""The public web pages: three steps to the case, the case, and the ways out. No script is needed anywhere."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, redirect, request
from markupsafe import Markup

from caseq import login, viewing, voicing
from caseq.errors import DatabaseUnavailable
from caseq.rules.case import bureau_date
from caseq.rules.numbers import LONGEST_NUMBER
from caseq.web import casepage, fields, policypage, policytext, region
from caseq.web.browser import (
    SESSION,
    STEPS,
    Refusal,
    Steps,
    drop,
    is_big,
    keep,
    keep_known,
    keep_steps,
    known_parties,
    page_words,
    read_steps,
    remember_choices,
    session_token,
)
from caseq.web.current import runtime
from caseq.web.limits import visitor
from caseq.web.pace import even
from caseq.web.rendering import go, page, plain

blueprint = Blueprint("pages", __name__)
blueprint.after_request(remember_choices)

_WAITS = (15, 30, 45, 60)
SMS, OWN_CODES = "sms", ("paper", "app")


def prepare(app: Flask) -> None:
    """Gives the templates of `app` the words of the request's language and what every page shows."""
    app.jinja_env.add_extension("jinja2.ext.i18n")
    # Not by install_gettext_callables: its wrapper makes a new context at every call, a third of the time of a page.
    app.jinja_env.newstyle_gettext = True  # type: ignore[attr-defined]
    app.jinja_env.globals.update(gettext=_worded, _=_worded, ngettext=_no_plural)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    app.jinja_env.globals["call"] = casepage.call
    versions = _static_versions(Path(app.static_folder or ""))
    app.context_processor(lambda: _shared(versions))


def _worded(message: str, /, **values: object) -> Markup:
    """The message in the words of the page; always a pattern, as `{% trans %}` doubles each per cent sign."""
    said = page_words().say(message)
    return said % values if values or "%" in said else said


@blueprint.get("/")
def start() -> Response:
    """Step 1: the case number."""
    return page("start", typed=read_steps().case_number)


@blueprint.post("/")
def take_case_number() -> Response:
    """Keeps the case number if it can be one, and goes to step 2."""
    typed = request.form.get("case_number", "")
    fault = fields.case_number_fault(typed, request.form.get("doubted", ""))
    if fault:
        is_doubt = fault in fields.DOUBTS
        return page("start", 422, typed=typed[:LONGEST_NUMBER], fault=fault, is_doubt=is_doubt)
    steps, number = read_steps(), fields.as_printed(typed)
    if number != steps.case_number:
        steps = Steps(case_number=number)
    return keep_steps(go("method"), steps)


@blueprint.get("/method")
def method() -> Response:
    """Step 2: where the code goes."""
    steps = read_steps()
    return page("method", steps=steps, typed=steps.phone, way=steps.way) if steps.case_number else go("start")


@blueprint.post("/method")
def take_phone() -> Response:
    """Asks for a code, or takes the way that needs none, and goes to step 3; the answer is the same whether or not
    anybody is known."""
    steps, typed = read_steps(), request.form.get("phone", "")
    if not steps.case_number:
        return go("start")
    if (way := request.form.get("way", SMS)) in OWN_CODES:
        return keep_steps(go("code"), Steps(case_number=steps.case_number, way=way))
    fault = fields.phone_fault(typed)
    if fault:
        return page("method", 422, steps=steps, typed=typed[:LONGEST_NUMBER], fault=fault, way=SMS)
    if typed.strip() != steps.phone:
        steps = Steps(case_number=steps.case_number, phone=typed.strip())
    return keep_steps(go("code"), _ask(steps))


@blueprint.get("/code")
def code() -> Response:
    """Step 3: the code; or what to do when it is too old or was tried too often."""
    steps, now = read_steps(), runtime().clock()
    if steps.way in OWN_CODES:
        return _own_code(steps) if steps.case_number else go("start")
    if not steps.handles or steps.expires_at is None or steps.resend_at is None:
        return go("method")
    if now >= steps.expires_at:
        return page("expired")
    refusal = steps.refusal
    if refusal and refusal.reason == login.Reason.USED_UP.name:
        return page("paused", until=steps.expires_at)
    said = {} if refusal is None else _said_of(refusal)
    return page("code", steps=steps, wait=_wait(steps.resend_at, now), **said)


@blueprint.post("/code")
@even
def take_code() -> Response:
    """Opens a session, or keeps why the code was not taken and shows step 3 again."""
    steps, typed = read_steps(), request.form.get("code", "")[:LONGEST_NUMBER]
    if steps.way in OWN_CODES:
        return _take_own_code(steps, typed)
    if not steps.handles:
        return go("method")
    if fields.code_fault(typed):
        tries_left = steps.refusal.tries_left if steps.refusal else 0
        return _refuse(steps, Refusal("FORM", tries_left, typed))
    answer = login.enter_code(runtime(), steps.handles, fields.code(typed), visitor(known_parties()))
    if isinstance(answer, login.Refused):
        if answer.reason is login.Reason.EXPIRED:
            steps = replace(steps, expires_at=runtime().clock())
        return _refuse(steps, Refusal(answer.reason.name, answer.tries_left, typed))
    return _opened(answer)


@blueprint.post("/code/resend")
def resend() -> Response:
    """Asks for one more code, if the pause is over; older codes stay valid."""
    steps = read_steps()
    return keep_steps(go("code"), _ask(steps)) if steps.phone else go("method")


@blueprint.get("/case")
def case() -> Response:
    """The case, as this reader may see it."""
    parts, words, token = runtime(), page_words(), session_token()
    if not token:
        return go("start")
    view = viewing.case_view(parts, token, words.language)
    if view is None:
        return drop(go("timeout"), SESSION)
    if view.transferred_to is not None:
        return page("transferred", view=view, page=casepage.transfer(view, words), signed_in=True)
    settings = parts.settings
    grant = settings.policy.grant(view.kind, view.role)
    built = casepage.build(view, grant, settings.bureau, words, bureau_date(parts.clock()))
    has_answer = voicing.has_answer(parts, token)
    return page("case", view=view, page=built, has_answer=has_answer, signed_in=True)


@blueprint.get("/sign-out")
def confirm_sign_out() -> Response:
    """Asks before signing out: a GET ends nothing."""
    return page("sign-out", signed_in=True) if session_token() else go("signed_out")


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Ends the session and forgets the steps."""
    login.sign_out(runtime(), session_token())
    response = drop(go("signed_out"), SESSION, STEPS)
    response.headers["Clear-Site-Data"] = '"storage"'
    return response


@blueprint.get("/leave")
def leave() -> Response:
    """Ends the session and goes to a neutral site of somebody else.

    The one GET that ends something: a form that is redirected to another site is stopped by form-action 'self',
    and the case would stay on the screen.
    """
    response = plain(redirect(runtime().settings.bureau.leave_to, 303))
    response.headers["Cache-Control"] = "no-store"
    token = session_token()
    if request.method == "GET" and token:
        response.headers["Clear-Site-Data"] = '"cookies", "storage"'
        # Whatever is broken here, the case must leave the screen; the session then ends by itself.
        with suppress(DatabaseUnavailable):
            login.sign_out(runtime(), token)
    return drop(response, SESSION, STEPS, region.CAME) if request.method == "GET" else response


@blueprint.get("/signed-out")
def signed_out() -> Response:
    """What signing out did and what it did not."""
    return drop(page("signed-out"), region.CAME)


@blueprint.get("/timeout")
def timeout() -> Response:
    """Why the session is over."""
    return drop(page("timeout"), region.CAME)


@blueprint.get("/help")
def help_page() -> Response:
    """Lost receipts, no telephone, who may see what, safety, accessibility, privacy."""
    overview = casepage.overview(runtime().settings.policy, page_words())
    return page("help", signed_in=bool(session_token()), overview=overview)


@blueprint.get("/what-you-can-see")
def what_you_can_see() -> Response:
    """The policy in force in plain words: every role, what it sees, by which clause and why."""
    words = page_words()
    part = policypage.part(runtime().settings.policy, words)
    return page("what-you-can-see", signed_in=bool(session_token()), title=words.say(policytext.TITLE), part=part)


def _own_code(steps: Steps) -> Response:
    refusal = steps.refusal
    said: dict[str, Any] = (
        {} if refusal is None else {"typed": refusal.typed, "fault": fields.own_code_fault(steps.way, refusal.typed)}
    )
    return page("own-code", steps=steps, **said)


def _take_own_code(steps: Steps, typed: str) -> Response:
    """Opens a session by a code of paper or of an app; a code that cannot be one is not tried."""
    if fields.is_own_code(steps.way, typed):
        answer = login.enter_own_code(runtime(), steps.case_number, typed, visitor(known_parties()))
        if isinstance(answer, login.Opened):
            return _opened(answer)
    return _refuse(steps, Refusal(login.Reason.WRONG.name, 0, typed))


def _opened(answer: login.Opened) -> Response:
    """Shows the case to whoever has just logged in, and has the browser remember that, unless others use it too."""
    response = drop(go("case"), STEPS)
    keep(response, SESSION, answer.token)
    if not answer.is_shared:
        keep_known(response, answer.party_id)
    return response


def _ask(steps: Steps) -> Steps:
    """The steps after asking for a code; unchanged while the pause between two codes lasts."""
    parts = runtime()
    if steps.resend_at is not None and parts.clock() < steps.resend_at:
        return steps
    who = visitor(known_parties())
    asked = login.ask_code(parts, steps.case_number, steps.phone, page_words().language, who, steps.times_asked)
    return steps.asked(asked.handle, asked.expires_at, asked.resend_at)


def _refuse(steps: Steps, refusal: Refusal) -> Response:
    return keep_steps(go("code"), replace(steps, refusal=refusal))


def _said_of(refusal: Refusal) -> dict[str, Any]:
    fault = fields.code_fault(refusal.typed) or fields.WRONG_CODE
    return {"fault": fault, "typed": refusal.typed, "tries_left": refusal.tries_left}


def _wait(resend_at: datetime, now: datetime) -> int:
    """How long the button for another SMS stays hidden: the next of a few style classes, or 0."""
    seconds = (resend_at - now).total_seconds()
    return next((wait for wait in _WAITS if seconds <= wait), _WAITS[-1]) if seconds > 0 else 0


def _no_plural(one: str, many: str, number: int) -> str:
    return one if number == 1 else many


def _shared(versions: Mapping[str, str]) -> dict[str, Any]:
    settings = runtime().settings
    return {
        "bureau": settings.bureau,
        "words": page_words(),
        "big": is_big(),
        "login": settings.login,
        "versions": versions,
    }


def _static_versions(folder: Path) -> dict[str, str]:
    """A short hash of every static file, so that a browser never mixes an old style with a new page."""
    return {path.name: sha256(path.read_bytes()).hexdigest()[:8] for path in folder.glob("caseq.*")}
