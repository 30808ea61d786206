"""The demo's telephone and authenticators: the SMS that the file gateway wrote, what the apps of the bureau's people
show. Registered only when CASEQ_DEMO=1."""

from datetime import datetime

from flask import Blueprint, Response, abort, render_template

from caseq import staffing
from caseq.rules import authenticators
from caseq.rules.duties import Staff
from caseq.sms.file_sms import FileGateway
from caseq.web.console.people import ROLES
from caseq.web.current import runtime

_NEWEST = 50

blueprint = Blueprint("demo", __name__, url_prefix="/demo")


@blueprint.get("/messages")
def messages() -> Response:
    """The newest messages, as they would lie on people's telephones."""
    gateway = runtime().gateways.get(FileGateway.name)
    if not isinstance(gateway, FileGateway):
        abort(404)
    newest = [{**line, "at": datetime.fromisoformat(line["at"])} for line in gateway.messages()[-_NEWEST:][::-1]]
    return Response(render_template("pages/demo-messages.html", messages=newest), mimetype="text/html")


@blueprint.get("/staff")
def staff() -> Response:
    """What the authenticators of the bureau's people show now; the demo's accounts are invented."""
    found = shown_codes()
    return Response(render_template("console/demo-staff.html", found=found, roles=ROLES), mimetype="text/html")


def shown_codes() -> list[tuple[Staff, str]]:
    """Everybody with an app, and what it shows."""
    parts = runtime()
    step = authenticators.step_at(parts.clock().timestamp())
    return [(who, authenticators.shown(secret, step)) for who, secret in staffing.apps(parts)]
