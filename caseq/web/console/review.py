"""Releasing: the queue by due date, one change with what each role would see of it, and the decisions about it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from flask import Blueprint, Response, abort, request

from caseq import reporting
from caseq.intake import releasing, reviewing
from caseq.intake.releasing import Done
from caseq.rules.annual import OnTime
from caseq.rules.case import BUREAU_TIME, bureau_date
from caseq.web.console import gate, reviewwords
from caseq.web.console.forms import badge_in, day_in
from caseq.web.current import runtime
from caseq.web.kept import kept
from caseq.web.language import words

blueprint = Blueprint("review", __name__, url_prefix=f"{gate.PREFIX}/queue")

#: What is written about a decision at most.
LONGEST_REASON = 300
#: How far back the figures on the queue go.
_LOOKED_BACK = timedelta(days=90)


@blueprint.get("")
def queue() -> Response:
    """What waits, what is due first in front; `?near=` picks one group of it."""
    found = reviewing.queue(runtime(), gate.me())
    near = request.args.get("near", "")
    rows = [reviewwords.row(line, words("zh")) for line in found.waiting if near in ("", line.group)]
    counts = reviewwords.counts(found)
    released = [reviewwords.row(line, words("zh")) for line in found.undoable]
    withheld = [reviewwords.row(line, words("zh")) for line in found.withheld]
    return gate.show(
        "queue",
        rows=rows,
        counts=counts,
        near=near,
        released=released,
        withheld=withheld,
        units=_units(),
        days=_LOOKED_BACK.days,
        done=request.args.get("done"),
    )


def _units() -> Sequence[OnTime]:
    """How each unit, or one's own, told lately what was due; some minutes old."""
    parts, unit = runtime(), gate.me().unit
    now = parts.clock()
    return kept(("on time", unit), lambda: reporting.on_time(parts, now - _LOOKED_BACK, now, unit))


@blueprint.get("/<int:release_id>")
def one(release_id: int) -> Response:
    """One change: when it is due and why then, what each role would see, who signed, and what can be decided."""
    return _page(release_id)


@blueprint.post("/<int:release_id>/agree")
def agree(release_id: int) -> Response:
    """Signs the step that the page showed, if all checks are ticked."""
    form = request.form
    if any(form.get(check) != "1" for check in reviewwords.CHECKS):
        return _page(release_id, "请逐项确认以后再同意")
    done = releasing.agree(runtime(), gate.me(), release_id, _step(), form.get("mark", ""))
    return _after(release_id, done)


@blueprint.post("/<int:release_id>/return")
def give_back(release_id: int) -> Response:
    """Returns the change to its unit, with a reason."""
    return _after(release_id, releasing.give_back(runtime(), gate.me(), release_id, _step(), _reason()))


@blueprint.post("/<int:release_id>/withhold")
def withhold(release_id: int) -> Response:
    """Keeps the change from everybody until a day, on a ground."""
    until, ground = day_in("until"), request.form.get("ground", "")
    done = Done.UNFIT
    if until is not None:
        done = releasing.withhold(runtime(), gate.me(), release_id, _step(), ground, until, _reason())
    if done is Done.UNFIT:
        return _page(release_id, reviewwords.UNFIT_TO_WITHHOLD, {**request.form, "withhold": "1"})
    return _after(release_id, done)


@blueprint.post("/<int:release_id>/send-again")
def send_again(release_id: int) -> Response:
    """Has a returned or withheld change decided anew."""
    return _after(release_id, releasing.send_again(runtime(), gate.me(), release_id, _reason()))


@blueprint.post("/<int:release_id>/undo")
def undo(release_id: int) -> Response:
    """Takes a release back before any SMS."""
    return _after(release_id, releasing.undo(runtime(), gate.me(), release_id, _reason()))


@blueprint.get("/delegations")
def delegations() -> Response:
    """For whom one decides, and who decides for oneself."""
    return _delegations()


@blueprint.post("/delegations")
def delegate() -> Response:
    """Has somebody else decide in one's place, from the beginning of one day to the end of another."""
    since, until = day_in("since"), day_in("until")
    if since is None or until is None:
        return _delegations("请写清从哪天到哪天")
    begins, ends = (datetime.combine(day, datetime.min.time(), BUREAU_TIME) for day in (since, until + timedelta(1)))
    done = reviewing.delegate(runtime(), gate.me(), badge_in("badge"), begins, ends, _reason())
    return gate.go("review.delegations") if done is None else _delegations(reviewwords.DELEGATION_FAULTS[done])


@blueprint.post("/delegations/<int:delegation_id>/end")
def end_delegation(delegation_id: int) -> Response:
    """Ends a delegation of one's own."""
    reviewing.end_delegation(runtime(), gate.me(), delegation_id)
    return gate.go("review.delegations")


def _delegations(fault: str | None = None) -> Response:
    found = reviewing.delegations_of(runtime(), gate.me())
    today = bureau_date(runtime().clock()).isoformat()
    return gate.show("delegations", 422 if fault else 200, found=found, fault=fault, today=today)


def _page(release_id: int, fault: str | None = None, typed: Mapping[str, str] | None = None) -> Response:
    parts = runtime()
    found = reviewing.one(parts, gate.me(), release_id)
    if found is None:
        abort(404)
    page = reviewwords.page(found, parts.settings, words("zh"), parts.clock())
    return gate.show("review", 422 if fault else 200, page=page, fault=fault, typed=typed or {})


def _after(release_id: int, done: Done) -> Response:
    """The queue, which says what was done; or the change again, with why nothing was."""
    if done in reviewwords.GOOD:
        return gate.go("review.queue", done=done.name.lower())
    if done is Done.NOT_YOURS:
        return gate.refuse()
    return _page(release_id, reviewwords.SAID[done])


def _step() -> int:
    step = request.form.get("step", "")
    return int(step) if step.isdecimal() and len(step) < 3 else -1


def _reason() -> str:
    return request.form.get("reason", "").strip()[:LONGEST_REASON]
