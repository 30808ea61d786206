"""What providers say became of messages: Twilio signs what it posts; what Aliyun pushes is a hint to ask it.

No route here is limited by network address: a provider comes from many, and a receipt that is turned away may be lost.
What a stranger sends is cheap instead: without a signature nothing of it is read, with a wrong one the database is not
asked. So is what comes again: it changes no row. Where a receipt is lost all the same the worker asks.
"""

import hmac
from urllib.parse import parse_qsl

from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.datastructures import MultiDict

from caseq.sms import aliyun_receipts, twilio_receipts
from caseq.sms.twilio_sms import TwilioGateway
from caseq.texting import tracing
from caseq.web.current import runtime
from caseq.web.problems import problem

blueprint = Blueprint("receipts", __name__, url_prefix="/sms/status")

#: A form of Twilio's has about fifteen fields in one kilobyte, and may grow.
LARGEST_FORM_BYTES = 16 * 1024
MOST_FIELDS = 100
LARGEST_PUSH_BYTES = 1024 * 1024


@blueprint.post("")
def twilio() -> Response:
    """Take what Twilio says of one message; 204 also for what is unknown, old or no news, which changes nothing."""
    account = runtime().settings.twilio
    if account is None:
        abort(404)
    signature = request.headers.get(twilio_receipts.SIGNATURE_HEADER)
    if not signature:
        return Response(status=403)
    body = request.stream.read(LARGEST_FORM_BYTES + 1)
    if len(body) > LARGEST_FORM_BYTES:
        return problem(413, f"at most {LARGEST_FORM_BYTES} bytes")
    form = form_of(body)
    if form is None or not twilio_receipts.is_signed(account.auth_token, _signed_url(), form, signature):
        return Response(status=403)
    receipt = twilio_receipts.receipt_of(form)
    keys = request.args.getlist("message")
    if receipt is not None and len(keys) < 2:
        tracing.hear(runtime(), TwilioGateway.name, keys[0] if keys else None, receipt)
    return Response(status=204)


@blueprint.post("/aliyun/<secret>")
def aliyun(secret: str) -> Response:
    """Have Aliyun asked of the messages that this push names; all else in it is taken from its own answer."""
    account = runtime().settings.aliyun
    known = (account.receipt_secret if account else None) or ""
    if not (known and hmac.compare_digest(secret.encode(), known.encode())):
        abort(404)
    body = request.stream.read(LARGEST_PUSH_BYTES + 1)
    if len(body) > LARGEST_PUSH_BYTES:
        return problem(413, f"at most {LARGEST_PUSH_BYTES} bytes")
    tracing.hint(runtime(), aliyun_receipts.hints(body))
    return jsonify({"code": 0, "msg": "ok"})


def form_of(body: bytes) -> MultiDict[str, str] | None:
    """The fields of a form, also empty ones; None if there are too many, or they are no text in UTF-8."""
    try:
        text = body.decode("utf-8")
        fields = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        return None
    return MultiDict(fields)


def _signed_url() -> str:
    """The address that Twilio was given: the public one, else the one that the request came by, as ProxyFix makes it.

    The query stays as it was sent: another spelling of the same would be another text, and not the one signed.
    """
    root = runtime().settings.public_url or request.url_root.rstrip("/")
    query = request.query_string.decode("latin-1")
    return f"{root}{request.path}{'?' if query else ''}{query}"
