"""The phone desk: a caller gives a number and a code, and only then there is something to read out.

What is read out is the answer to the post itself: the session is over by then, and nothing could show it again.
"""

from flask import Blueprint, Response, request

from caseq import desk, login
from caseq.login import Opened, Visitor
from caseq.rules.numbers import LONGEST_NUMBER, mobile
from caseq.web import fields
from caseq.web.console import deskwords, gate
from caseq.web.current import runtime

blueprint = Blueprint("phone", __name__, url_prefix=f"{gate.PREFIX}/phone")

OWN, SMS = "own", "sms"
_WRONG = "对不上。请来电人再报一次编号和码；还不对，请他带证件到窗口"


@blueprint.get("")
def start() -> Response:
    """Asks for what the caller says."""
    return gate.show("phone")


@blueprint.post("/ask")
def ask() -> Response:
    """Has a code sent to the number that is stored, if it is the one that the caller says; says nothing of whether."""
    number, phone = _typed("case_number"), _typed("phone")
    if not number or mobile(phone) is None:
        return gate.show("phone", 422, typed=number, phone=phone, fault="请对一下编号和手机号")
    asked = login.ask_code(runtime(), number, phone, "zh", _visitor())
    return gate.show("phone-code", typed=number, handle=asked.handle, until=asked.expires_at)


@blueprint.post("")
def view() -> Response:
    """What the clerk reads out; without the right code the same words for everything."""
    number, code, handle = _typed("case_number"), _typed("code"), request.form.get("handle", "")[:LONGEST_NUMBER]
    way = SMS if handle else OWN
    opened = _open(number, code, handle)
    read = desk.read_out(runtime(), gate.me(), opened.token, way) if isinstance(opened, Opened) else None
    if read is None:
        desk.note_refused(runtime(), gate.me(), way)
        if handle:
            return gate.show("phone-code", 422, typed=number, handle=handle, fault=_WRONG)
        return gate.show("phone", 422, typed=number, fault=_WRONG)
    return gate.show("read-out", seen=deskwords.seen(read))


def _open(number: str, code: str, handle: str) -> login.Opened | login.Refused:
    if handle:
        return login.enter_code(runtime(), [handle], fields.code(code), _visitor())
    if not any(fields.is_own_code(way, code) for way in ("paper", "app")):
        return login.Refused(login.Reason.WRONG, 0)  # no such code can be, so that it is no guess
    is_paper = fields.is_own_code("paper", code)
    return login.enter_own_code(runtime(), number, code if is_paper else fields.code(code), _visitor())


def _visitor() -> Visitor:
    """A clerk's guesses are counted like those of a network of its own: no caller gets more tries by another clerk's
    telephone, and no clerk uses up what others have."""
    return Visitor(f"desk {gate.me().id}")


def _typed(name: str) -> str:
    return request.form.get(name, "").strip()[:LONGEST_NUMBER]
