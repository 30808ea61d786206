"""The demo's telephone: the SMS that the file gateway wrote. Registered only when CASEQ_DEMO=1."""

from datetime import datetime

from flask import Blueprint, Response, abort, render_template

from caseq.sms.file_sms import FileGateway
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
