"""What belongs to whoever is signed in: wishes, an authenticator app, the sessions on other devices."""

import io

import segno
from flask import Blueprint, Response, request
from markupsafe import Markup

from caseq import enrolling, looking, preferring, proving
from caseq.enrolling import Failed
from caseq.preferring import NotAgreed
from caseq.rules.proof import grouped
from caseq.rules.telling import Quiet
from caseq.store.preferences import Account
from caseq.web import fields, looked, told
from caseq.web.browser import KNOWN, SESSION, STEPS, drop, page_words, remember_choices, session_token
from caseq.web.current import LANGUAGES, runtime
from caseq.web.language import N_
from caseq.web.rendering import go, page
from caseq.web.wording import role_word

blueprint = Blueprint("account", __name__)
blueprint.after_request(remember_choices)

LONGEST_CONTACT = 100
_WRONG = N_("对不上，请等下一个 8 位数字再试")
_FORM = N_("认证器上是 8 位数字，请再看一下")


@blueprint.get("/preferences")
def preferences() -> Response:
    """The wishes, with the SMS exactly as it will read."""
    account = preferring.account(runtime(), session_token())
    return _timeout() if account is None else _preferences(account)


@blueprint.post("/preferences")
def change_preferences() -> Response:
    """Keeps the wishes; from a device that others use too, what it remembered is forgotten."""
    form = request.form
    asked = ("sms", "quiet", "shared_phone") if _night() else ("sms", "shared_phone")
    changes = {name: form.get(name) == "1" for name in asked}
    language = form.get("language", "")
    more = {"language": language} if language in LANGUAGES else {}
    safe_contact = " ".join(form.get("safe_contact", "").split())[:LONGEST_CONTACT]
    more |= {"phrase": form["phrase"][:LONGEST_CONTACT]} if "phrase" in form else {}
    account = preferring.change(runtime(), session_token(), {**changes, **more, "safe_contact": safe_contact})
    if account is None:
        return _timeout()
    if isinstance(account, NotAgreed):
        return _preferences(account.account, fault=fields.phrase_fault(account.account.wishes.language))
    response = _preferences(account, saved=True)
    return drop(response, KNOWN) if account.wishes.shared_phone else response


def _night() -> Quiet | None:
    """The hours without news that the page asks about; None: there are none, and it asks nothing."""
    return runtime().settings.telling[-1].manner.quiet


def _preferences(account: Account, saved: bool = False, fault: str | None = None) -> Response:
    settings, wishes = runtime().settings, account.wishes
    phrase = "" if fault else wishes.phrase_in_messages
    return page(
        "preferences",
        422 if fault else 200,
        account=account,
        sample=settings.wording.written("news", wishes.language, {}, phrase).text,
        night=_night(),
        saved=saved,
        fault=fault,
        signed_in=True,
    )


@blueprint.get("/case/notices")
def notices() -> Response:
    """How whoever is signed in was told of what stands on their page, with the hash of this very list."""
    words, found = page_words(), proving.own(runtime(), session_token())
    if found is None:
        return _timeout()
    proof, view = found
    if view.transferred_to is not None:
        return go("pages.case")
    lines = [told.line(n, one, words) for n, one in enumerate(proof.notices, start=1)]
    return page(
        "notices",
        view=view,
        role=words.say(role_word(view.kind, view.role)),
        lines=lines,
        made_at=told.at(proof.head.made_at, words),
        hash=grouped(proof.hash),
        qr=qr_of(proof.hash),
        signed_in=True,
    )


@blueprint.get("/case/looks")
def looks() -> Response:
    """Who looked at the record of whoever is signed in, by function, and when they did themselves."""
    words, own = page_words(), looking.own(runtime(), session_token())
    if own is None:
        return _timeout()
    if own.view.transferred_to is not None:
        return go("pages.case")
    return page(
        "looks",
        view=own.view,
        role=words.say(role_word(own.view.kind, own.view.role)),
        withheld=own.is_withheld,
        by_staff=[looked.staff_line(one, words) for one in own.by_staff],
        by_you=[looked.own_line(one, words) for one in own.own],
        signed_in=True,
    )


@blueprint.get("/authenticator")
def authenticator() -> Response:
    """What an app is for, or that there is one."""
    account = preferring.account(runtime(), session_token())
    return _timeout() if account is None else page("authenticator", has_app=account.has_app, signed_in=True)


@blueprint.post("/authenticator")
def begin_authenticator() -> Response:
    """Shows the secret of a new app, once, as a QR code and as text."""
    begun = enrolling.begin(runtime(), session_token())
    if isinstance(begun, Failed):
        return _failed(begun)
    secret = " ".join(begun.secret[place : place + 4] for place in range(0, len(begun.secret), 4))
    return page("authenticator", begun=True, secret=secret, qr=qr_of(begun.address), signed_in=True)


@blueprint.post("/authenticator/confirm")
def confirm_authenticator() -> Response:
    """Lets the app in from now on, if it shows the right code."""
    typed = request.form.get("code", "")
    if fields.code_fault(typed):
        return page("authenticator", 422, fault=_FORM, signed_in=True)
    failed = enrolling.confirm(runtime(), session_token(), fields.code(typed))
    return page("authenticator", done=True, signed_in=True) if failed is None else _failed(failed)


@blueprint.post("/authenticator/drop")
def drop_authenticator() -> Response:
    """Forgets the app."""
    failed = enrolling.drop(runtime(), session_token())
    return go("account.authenticator") if failed in (None, Failed.NONE) else _failed(failed)


@blueprint.post("/sign-out/everywhere")
def sign_out_everywhere() -> Response:
    """Ends every session of this person, and forgets the steps here."""
    preferring.sign_out_everywhere(runtime(), session_token())
    response = drop(go("signed_out"), SESSION, STEPS)
    response.headers["Clear-Site-Data"] = '"storage"'
    return response


def _failed(failed: Failed | None) -> Response:
    if failed is Failed.SIGNED_OUT:
        return _timeout()
    if failed is Failed.NOT_FRESH:
        return page("authenticator", 403, not_fresh=True, signed_in=True)
    if failed is Failed.WRONG:
        return page("authenticator", 422, fault=_WRONG, signed_in=True)
    return go("account.authenticator")


def _timeout() -> Response:
    return drop(go("timeout"), SESSION) if session_token() else go("start")


def qr_of(address: str) -> Markup:
    """The address as an SVG without styles or scripts; the page says in words what it is."""
    out = io.BytesIO()
    segno.make(address, error="m").save(out, kind="svg", scale=5, border=4, xmldecl=False, svgns=True, nl=False)
    return Markup(out.getvalue().decode())  # noqa: S704 - made here of a text that becomes modules only
