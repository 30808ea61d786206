"""Links from regional systems: they fill in the case number, leave the address bar at once and offer a way back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, make_response, redirect, request, url_for

from caseq import linkout
from caseq.errors import SealBroken
from caseq.linkout import Arrival
from caseq.rules import returnurl
from caseq.web.browser import STEPS, Steps, cookie_name, drop, keep, keep_steps, remember_choices
from caseq.web.current import runtime

CAME = "caseq-came"
_PURPOSE = "came"
_NOTICE_LASTS = timedelta(minutes=5)

blueprint = Blueprint("region", __name__)
blueprint.after_request(remember_choices)


@dataclass(frozen=True)
class Came:
    """How somebody came here: by a link that was not taken, or with a way back (its address and name)."""

    is_refused: bool = False
    back: str | None = None
    title: Mapping[str, str] | None = None


@blueprint.get("/from/<region>")
def arrive(region: str) -> Response:
    """Goes to the start page, with the number if the token is good, else with a notice: the same for every cause."""
    response = make_response(redirect(url_for("pages.start"), 303))
    if request.method == "HEAD":
        return response  # A preview of a link must not use it up.
    tokens = request.args.getlist("token")
    arrival = linkout.arrive(runtime(), region, tokens[0]) if len(tokens) == 1 else None
    if arrival is None:
        return _keep_came(drop(response, STEPS), None)
    return _keep_came(keep_steps(response, Steps(case_number=arrival.case_number)), arrival)


@blueprint.app_context_processor
def _shared() -> dict[str, Any]:
    return {"came": _came()}


def _keep_came(response: Response, arrival: Arrival | None) -> Response:
    """`response` with how somebody came in a sealed cookie; it is forgotten when the browser or a session ends."""
    lasts = runtime().settings.login.session_life if arrival else _NOTICE_LASTS
    came = {
        "region": arrival and arrival.region,
        "back": arrival and arrival.return_url,
        "until": (runtime().clock() + lasts).isoformat(),
    }
    keep(response, CAME, runtime().sealer.seal(_PURPOSE, json.dumps(came).encode()))
    return response


def _came() -> Came:
    """How this browser came; nothing if it came by itself, long ago, or by a region that is not listed any more."""
    sealed = request.cookies.get(cookie_name(CAME), "")
    if not sealed:
        return Came()
    try:
        came = json.loads(runtime().sealer.unseal(_PURPOSE, sealed))
    except SealBroken:
        return Came()
    if runtime().clock() >= datetime.fromisoformat(came["until"]):
        return Came()
    region = runtime().settings.regions.get(came["region"])
    if region is None or came["back"] is None:
        return Came(is_refused=came["region"] is None)
    is_listed = returnurl.is_listed(came["back"], region.return_urls)
    return Came(back=came["back"], title=region.title) if is_listed else Came()
