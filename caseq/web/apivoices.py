"""Ratings and complaints for people's own programs; the web pages do the same acts."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response
from marshmallow import RAISE, Schema, fields, validate

from caseq import voicing
from caseq.rules.voices import LONGEST_TEXT, SCORES, About
from caseq.store.complaints import Complaint, Turn
from caseq.voicing import Failed
from caseq.web.api import as_answer, bureau_time, read_body, unauthenticated
from caseq.web.current import bearer_token, runtime
from caseq.web.problems import problem

blueprint = Blueprint("apivoices", __name__, url_prefix="/api/v1")


class RatingRequest(Schema):
    """How satisfied somebody is, 1 to 5, and why."""

    class Meta:
        unknown = RAISE

    score = fields.Integer(required=True, strict=True, validate=validate.Range(SCORES.start, SCORES.stop - 1))
    text = fields.String(validate=validate.Length(max=LONGEST_TEXT))


class ComplaintRequest(Schema):
    """What somebody complains of."""

    class Meta:
        unknown = RAISE

    about = fields.String(required=True, validate=validate.OneOf([one.value for one in About]))
    text = fields.String(required=True, validate=validate.Length(1, LONGEST_TEXT))


class FurtherRequest(Schema):
    """What is still not solved."""

    class Meta:
        unknown = RAISE

    text = fields.String(required=True, validate=validate.Length(1, LONGEST_TEXT))


_REFUSED: Mapping[Failed, tuple[int, str]] = {
    Failed.ELSEWHERE: (409, "another authority handles the case now"),
    Failed.EMPTY: (400, "text: must say something"),
    Failed.TOO_LONG: (400, f"text: at most {LONGEST_TEXT} characters"),
    Failed.TOO_MANY: (409, "as many complaints wait for an answer as may"),
    Failed.NOT_NOW: (409, "there is no such complaint, or it waits for its answer and the time for that is not over"),
}


@blueprint.post("/rating")
def rate() -> Response:
    """Rate this month; the last rating of a month counts."""
    body = read_body(RatingRequest())
    if isinstance(body, Response):
        return body
    said = voicing.rate(runtime(), bearer_token(), body["score"], body.get("text", ""))
    if isinstance(said, Failed):
        return _refused(said)
    return as_answer({"month": said.month, "score": said.score, "at": bureau_time(said.at)}, 200)


@blueprint.get("/complaints")
def complaints() -> Response:
    """The bearer's own complaints with their answers, newest first."""
    heard = voicing.heard(runtime(), bearer_token())
    if isinstance(heard, Failed):
        return _refused(heard)
    made = [_as_json(one, one.n in heard.may_go_on) for one in heard.complaints]
    return as_answer({"complaints": made, "may_complain": heard.may_complain}, 200)


@blueprint.post("/complaints")
def complain() -> Response:
    """Complain; the unit answers within some working days."""
    body = read_body(ComplaintRequest())
    if isinstance(body, Response):
        return body
    made = voicing.complain(runtime(), bearer_token(), About(body["about"]), body["text"])
    return _refused(made) if isinstance(made, Failed) else as_answer(_as_json(made, False), 201)


@blueprint.post("/complaints/<int:n>/further")
def go_on(n: int) -> Response:
    """Take a complaint to the supervising office: after an answer, or when none came in time."""
    body = read_body(FurtherRequest())
    if isinstance(body, Response):
        return body
    failed = voicing.go_on(runtime(), bearer_token(), min(n, 2**31 - 1), body["text"])
    return Response(status=204) if failed is None else _refused(failed)


def _refused(failed: Failed) -> Response:
    if failed is Failed.SIGNED_OUT:
        return unauthenticated()
    status, reason = _REFUSED[failed]
    return problem(status, reason)


def _as_json(one: Complaint, may_go_on: bool) -> dict[str, Any]:
    said: dict[str, Any] = {"n": one.n, "about": one.about.value, "state": one.state.value, "may_go_on": may_go_on}
    said["first"] = _turn(one.first)
    return said if one.second is None else {**said, "second": _turn(one.second)}


def _turn(turn: Turn) -> dict[str, Any]:
    said: dict[str, Any] = {"text": turn.text, "at": bureau_time(turn.at), "due_at": bureau_time(turn.due_at)}
    said["due_provisional"] = turn.is_provisional
    if turn.answered_at is not None:
        said |= {"answer": turn.answer, "answered_at": bureau_time(turn.answered_at)}
    return said
