"""The JSON API for people's own programs; the web pages do the same acts."""

from datetime import date, datetime
from hashlib import sha256
from typing import Any

from flask import Blueprint, Response, json, request
from marshmallow import RAISE, Schema, fields, validate

from caseq import enrolling, login, looking, preferring, viewing
from caseq.preferring import NotAgreed
from caseq.rules import strictjson
from caseq.rules.authenticators import STEP_SECONDS
from caseq.rules.case import BUREAU_TIME, COMMON_FIELDS
from caseq.rules.channels import Channel
from caseq.rules.codes import DIGITS
from caseq.rules.disclosure import CaseView, MilestoneView
from caseq.settings.strictfields import Flag
from caseq.store.preferences import Account
from caseq.web import looked
from caseq.web.current import LANGUAGES, api_language, bearer_token, runtime
from caseq.web.fields import phrase_fault
from caseq.web.language import words
from caseq.web.limits import visitor
from caseq.web.pace import even
from caseq.web.problems import problem
from caseq.web.schemas import flat

LARGEST_BYTES = 10_000
UNAUTHENTICATED = "Bearer"

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")


class CodesRequest(Schema):
    """Who asks for a code."""

    class Meta:
        unknown = RAISE

    case_number = fields.String(required=True, validate=validate.Length(1, 100))
    phone = fields.String(required=True, validate=validate.Length(1, 50))


class SessionsRequest(Schema):
    """A code that came by SMS (with its challenge), or one from paper or an app (with the case number)."""

    class Meta:
        unknown = RAISE

    challenge = fields.String(validate=validate.Length(1, 200))
    case_number = fields.String(validate=validate.Length(1, 100))
    code = fields.String(required=True, validate=validate.Length(1, 100))


class PreferencesRequest(Schema):
    """Wishes to change."""

    class Meta:
        unknown = RAISE

    sms = Flag()
    language = fields.String(validate=validate.OneOf(LANGUAGES))
    quiet = Flag()
    shared_phone = Flag()
    safe_contact = fields.String(validate=validate.Length(max=100))
    phrase = fields.String(validate=validate.Length(max=100))


class AuthenticatorRequest(Schema):
    """The code that the app shows, to let it in; nothing, to begin."""

    class Meta:
        unknown = RAISE

    code = fields.String(validate=validate.Length(1, 100))


@blueprint.post("/codes")
def ask_code() -> Response:
    """Ask for a one-time code; the answer is the same whether or not there is anyone to send it to."""
    body = read_body(CodesRequest())
    if isinstance(body, Response):
        return body
    asked = login.ask_code(runtime(), body["case_number"], body["phone"], api_language(), visitor(channel=Channel.API))
    settings = runtime().settings.login
    answer = {
        "challenge": asked.handle,
        "expires_in": settings.code_minutes * 60,
        "resend_after": settings.pauses_seconds[0],
    }
    return as_answer(answer, 202)


@blueprint.post("/sessions")
@even
def enter_code() -> Response:
    """Open a session with a code; every refusal is one and the same 401."""
    body = read_body(SessionsRequest())
    if isinstance(body, Response):
        return body
    if "challenge" in body:
        opened = login.enter_code(runtime(), [body["challenge"]], body["code"], visitor(channel=Channel.API))
    else:
        opened = login.enter_own_code(
            runtime(), body.get("case_number", ""), body["code"], visitor(channel=Channel.API)
        )
    if isinstance(opened, login.Refused):
        return problem(401, WWW_Authenticate=UNAUTHENTICATED)
    idle = runtime().settings.login.session_idle_minutes * 60
    answer = {"token": opened.token, "expires_at": bureau_time(opened.ends_at), "idle_seconds": idle}
    return as_answer(answer, 201)


@blueprint.get("/case")
def case() -> Response:
    """The case as the bearer of the token may see it."""
    view = viewing.case_view(runtime(), bearer_token(), api_language())
    if view is None:
        return problem(401, WWW_Authenticate=UNAUTHENTICATED)
    response = as_answer(as_json(view), 200)
    response.set_etag(sha256(response.get_data()).hexdigest()[:32])
    response.make_conditional(request)
    return response


@blueprint.get("/looks")
def looks() -> Response:
    """Who looked at the record of the bearer of the token, by function, and when they did themselves."""
    own = looking.own(runtime(), bearer_token())
    return unauthenticated() if own is None else as_answer(looked.as_json(own, bureau_time), 200)


@blueprint.get("/preferences")
def preferences() -> Response:
    """What the bearer of the token wants."""
    account = preferring.account(runtime(), bearer_token())
    return unauthenticated() if account is None else as_answer(_wishes(account), 200)


@blueprint.patch("/preferences")
def change_preferences() -> Response:
    """State other wishes; what is not named stays. The telephone is changed at the counter only."""
    body = read_body(PreferencesRequest())
    if isinstance(body, Response):
        return body
    account = preferring.change(runtime(), bearer_token(), body)
    if isinstance(account, NotAgreed):
        fault = phrase_fault(account.account.wishes.language)
        return problem(400, f"phrase: {words(api_language()).say(fault)}")
    return unauthenticated() if account is None else as_answer(_wishes(account), 200)


def _wishes(account: Account) -> dict[str, Any]:
    wishes = account.wishes
    return {
        "sms": wishes.sms,
        "language": wishes.language,
        "quiet": wishes.quiet,
        "shared_phone": wishes.shared_phone,
        "safe_contact": wishes.safe_contact,
        "phrase": wishes.phrase,
        "phone_end": account.phone_end,
        "authenticator": account.has_app,
        "sessions": account.sessions,
    }


@blueprint.post("/authenticator")
def enrol() -> Response:
    """Without a code: a secret for an authenticator app. With the code that the app then shows: let it in."""
    body = read_body(AuthenticatorRequest())
    if isinstance(body, Response):
        return body
    if "code" in body:
        failed = enrolling.confirm(runtime(), bearer_token(), body["code"])
        return Response(status=204) if failed is None else _not_enrolled(failed)
    begun = enrolling.begin(runtime(), bearer_token())
    if isinstance(begun, enrolling.Failed):
        return _not_enrolled(begun)
    return as_answer({"secret": begun.secret, "address": begun.address, "digits": DIGITS, "period": STEP_SECONDS}, 201)


@blueprint.delete("/authenticator")
def drop_authenticator() -> Response:
    """Forget the authenticator app."""
    failed = enrolling.drop(runtime(), bearer_token())
    return Response(status=204) if failed in (None, enrolling.Failed.NONE) else _not_enrolled(failed)


def _not_enrolled(failed: enrolling.Failed) -> Response:
    if failed is enrolling.Failed.SIGNED_OUT:
        return unauthenticated()
    status, reason = _REASONS[failed]
    return problem(status, reason)


_REASONS = {
    enrolling.Failed.NOT_FRESH: (403, "log in again: the session is older than a code lives"),
    enrolling.Failed.ENROLLED: (409, "an authenticator is enrolled already: drop it first"),
    enrolling.Failed.NONE: (409, "ask for a secret first"),
    enrolling.Failed.WRONG: (422, "the code does not fit: wait for the next one"),
}


def unauthenticated() -> Response:
    return problem(401, WWW_Authenticate=UNAUTHENTICATED)


@blueprint.delete("/session")
def sign_out() -> Response:
    """End the session of the token."""
    login.sign_out(runtime(), bearer_token())
    return Response(status=204)


def read_body(schema: Schema) -> Any:
    """The checked body, or the answer that says what is wrong with it."""
    if request.mimetype != "application/json":
        return problem(415, "send application/json")
    raw = request.stream.read(LARGEST_BYTES + 1)
    if len(raw) > LARGEST_BYTES:
        return problem(413, f"at most {LARGEST_BYTES} bytes")
    value = strictjson.loads(raw)
    if not isinstance(value, dict):
        return problem(400, "send a JSON object")
    errors = flat(schema.validate(value))
    if errors:
        return problem(400, "; ".join(f"{name}: {' '.join(reasons)}" for name, reasons in errors.items()))
    return value


def as_json(view: CaseView) -> dict[str, Any]:
    """The case view as JSON values: only what the policy grants and what has a value is a key."""
    body: dict[str, Any] = {"case_number": view.case_number, "kind": view.kind, "role": view.role}
    if view.as_of is not None:
        body["as_of"] = bureau_time(view.as_of)
    body["source_silent"] = view.source_silent
    if view.unit is not None:
        body["unit"] = {**view.unit.fields, "clause": view.unit.clause}
    if view.transferred_to is not None:
        body["transferred_to"] = {**view.transferred_to.fields, "clause": view.transferred_to.clause}
    if view.rights_clause is not None:
        body["rights"] = [{"title": right.title, "text": right.text} for right in view.rights]
        body["rights_clause"] = view.rights_clause
    body["milestones"] = [_milestone(milestone) for milestone in view.milestones]
    body["policy"] = view.policy
    return body


def _milestone(view: MilestoneView) -> dict[str, Any]:
    plain = {name: _plain(value) for name, value in view.fields.items()}
    body = {"name": view.name, **{name: value for name, value in plain.items() if name in COMMON_FIELDS}}
    details = {name: value for name, value in plain.items() if name not in COMMON_FIELDS}
    body["released_at"] = bureau_time(view.released_at)
    if details:
        body["details"] = details
    body["clause"] = view.clause
    return body


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def bureau_time(moment: datetime) -> str:
    return moment.astimezone(BUREAU_TIME).isoformat(timespec="seconds")


def as_answer(body: dict[str, Any], status: int) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, mimetype="application/json")
