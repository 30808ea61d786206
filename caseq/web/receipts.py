"""What providers say became of messages: Twilio signs what it posts; what Aliyun pushes is a hint to ask it.

No route here is limited by network address: a provider comes from many, and a receipt that is turned away may be lost.
What a stranger sends is cheap instead: without a signature nothing of it is read, with a wrong one the database is not
asked. So is what comes again: it changes no row. Where a receipt is lost all the same the worker asks.
"""

from urllib.parse import parse_qsl

from flask import Blueprint, Response, abort, request
from werkzeug.datastructures import MultiDict

from caseq.sms import twilio_receipts
from caseq.sms.twilio_sms import TwilioGateway
from caseq.texting import tracing
from caseq.web.current import runtime
from caseq.web.problems import problem

blueprint = Blueprint("receipts", __name__, url_prefix="/sms/status")

#: A form of Twilio's has about fifteen fields in one kilobyte, and may grow.
LARGEST_FORM_BYTES = 16 * 1024
MOST_FIELDS = 100


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
