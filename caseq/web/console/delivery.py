"""Notices for those without a query online: what is to be told, a notice made of it, and what became of it."""

from flask import Blueprint, Response, request

from caseq import delivering
from caseq.rules.byhand import Method, Receiver, Result, may_receive
from caseq.rules.case import BUREAU_TIME, Kind
from caseq.web.console import deskwords, gate
from caseq.web.console.forms import moment_of, number_in
from caseq.web.current import runtime
from caseq.web.language import words
from caseq.web.wording import MILESTONES

blueprint = Blueprint("delivery", __name__, url_prefix=f"{gate.PREFIX}/delivery")

_DONE = {"made": "已记下：文书已经出了。送到以后请回来记结果。", "recorded": "送达结果已经记下。"}
_UNCLEAR = "请把每一项都填好"


@blueprint.get("")
def waiting() -> Response:
    """What is to be told by hand, what is due first in front."""
    return _list()


@blueprint.post("")
def make() -> Response:
    """Notes that a notice was made and how it goes."""
    form = request.form
    if form.get("method") not in set(Method):
        return _list(_UNCLEAR)
    what = (number_in("party"), number_in("milestone"), Method(form["method"]))
    answer = delivering.make(runtime(), gate.me(), *what, form.get("document_number", ""))
    return _list(deskwords.DELIVERY_FAULTS[answer]) if isinstance(answer, delivering.Refused) else _done("made")


@blueprint.post("/<int:delivery_id>")
def record(delivery_id: int) -> Response:
    """Notes what became of a notice."""
    form = request.form
    at = moment_of(form.get("at", ""))
    if at is None:
        return _list(_UNCLEAR)
    try:
        result, receiver = Result(form.get("result", "")), Receiver(form["receiver"]) if form.get("receiver") else None
    except ValueError:
        return _list(_UNCLEAR)
    refused = delivering.record(runtime(), gate.me(), delivery_id, result, receiver, at.replace(tzinfo=BUREAU_TIME))
    return _done("recorded") if refused is None else _list(deskwords.DELIVERY_FAULTS[refused])


def _done(what: str) -> Response:
    return gate.go("delivery.waiting", done=what)


def _list(fault: str | None = None) -> Response:
    now, chinese = runtime().clock(), words("zh")
    found = [(one, chinese.say(MILESTONES[one.name])) for one in delivering.to_tell(runtime(), gate.me())]
    here = now.astimezone(BUREAU_TIME).strftime("%Y-%m-%dT%H:%M")
    done = _DONE.get(request.args.get("done", ""))
    values = {"found": found, "now": now, "here": here, "fault": fault, "done": done, "words_of": deskwords}
    values["may_receive"] = lambda kind, receiver: may_receive(Kind(kind), receiver)
    return gate.show("delivery", 422 if fault else 200, **values)
