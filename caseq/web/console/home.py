"""The first page of the console: what waits for whoever is signed in, by duty."""

from collections.abc import Mapping

from flask import Blueprint, Response

from caseq.rules.duties import Duty
from caseq.web.console import gate

blueprint = Blueprint("home", __name__, url_prefix=gate.PREFIX)

#: The door to each duty: where it is, what stands on it and beside it. A duty without a page of its own has none.
DOORS: Mapping[Duty, tuple[str, str, str]] = {
    Duty.QUEUE: ("review.queue", "待审核发布", "按到期先后，看每类人会看到什么"),
    Duty.DELEGATE: ("review.delegations", "委托他人代签", "出差、休假时由谁代签"),
}


@blueprint.get("")
def home() -> Response:
    """The doors of one's duties."""
    doors = [door for duty, door in DOORS.items() if gate.me().may(duty)]
    return gate.show("home", doors=doors)
