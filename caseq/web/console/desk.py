"""The case desk: a number and a reason, the parties by role, and what one of them sees.

Looks are noted, so that they are posts; nothing of a case stands in an address, and no page of one can be reloaded
without its reason.
"""

from flask import Blueprint, Response, request

from caseq import desk
from caseq.rules.numbers import LONGEST_NUMBER
from caseq.web.console import deskwords, gate
from caseq.web.console.forms import number_in
from caseq.web.current import runtime

blueprint = Blueprint("desk", __name__, url_prefix=f"{gate.PREFIX}/desk")


@blueprint.get("")
def start() -> Response:
    """Asks for a number and a reason."""
    return gate.show("desk")


@blueprint.post("")
def search() -> Response:
    """The parties of the case, by role."""
    typed = {name: request.form.get(name, "")[:LONGEST_NUMBER] for name in ("case_number", "phone")}
    reason = request.form.get("reason", "").strip()
    found = desk.search(runtime(), gate.me(), typed["case_number"], reason, typed["phone"])
    if isinstance(found, desk.Refused):
        return gate.show("desk", 422, typed=typed, reason=reason, fault=deskwords.DESK_FAULTS[found])
    return gate.show("desk", typed=typed, reason=reason, found=found, words_of=deskwords)


@blueprint.post("/view")
def view() -> Response:
    """What this party sees now."""
    reason = request.form.get("reason", "").strip()
    shown = desk.read(runtime(), gate.me(), number_in("party"), reason)
    if isinstance(shown, desk.Refused):
        return gate.show("desk", 422, reason=reason, fault=deskwords.DESK_FAULTS[shown])
    seen = deskwords.seen(shown.view) if shown.view else None
    return gate.show("desk-view", shown=shown, seen=seen, reason=reason, words_of=deskwords)
