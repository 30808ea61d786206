"""The description of ratings and complaints."""

from typing import Any

from caseq.rules.voices import About, State
from caseq.web.openapiparts import TEXT, an_object, answer, ref, refusals

_MOMENT = {"type": "string", "format": "date-time"}
_BEARER: list[dict[str, list[str]]] = [{"bearer": []}]


def complaint_schema() -> dict[str, Any]:
    """One complaint with its answers."""
    said = {"text": TEXT, "at": _MOMENT, "due_at": _MOMENT, "due_provisional": {"type": "boolean"}}
    turn = an_object({**said, "answer": TEXT, "answered_at": _MOMENT}, list(said))
    properties = {
        "n": {"type": "integer", "description": "Counts the complaints of the bearer"},
        "about": {"enum": list(About)},
        "state": {"enum": list(State)},
        "may_go_on": {"type": "boolean", "description": "Whether it may go to the supervising office now"},
        "first": turn,
        "second": turn,
    }
    return an_object(properties, [name for name in properties if name != "second"])


def paths() -> dict[str, Any]:
    """The routes."""
    rated = an_object({"month": TEXT, "score": {"type": "integer"}, "at": _MOMENT})
    made = {"type": "array", "items": ref("Complaint")}
    number = {"name": "n", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}
    refused = refusals(400, 401, 409, 413, 415, 429, 503)
    return {
        "/api/v1/rating": {
            "post": _act("Rate this month; the last rating counts", "RatingRequest", {"200": answer("Kept", rated)})
        },
        "/api/v1/complaints": {
            "get": {
                "summary": "The bearer's own complaints with their answers, newest first",
                "security": _BEARER,
                "responses": {
                    "200": answer("All of them", an_object({"complaints": made, "may_complain": {"type": "boolean"}})),
                    **refusals(401, 409, 503),
                },
            },
            "post": _act("Complain to the unit", "ComplaintRequest", {"201": answer("Kept", ref("Complaint"))}),
        },
        "/api/v1/complaints/{n}/further": {
            "post": {
                **_act("Take a complaint to the supervising office", "FurtherRequest", {}),
                "parameters": [number],
                "responses": {"204": {"description": "Taken"}, **refused, **refusals(404)},
            }
        },
    }


def _act(summary: str, body: str, good: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": summary,
        "security": _BEARER,
        "requestBody": {"required": True, "content": {"application/json": {"schema": ref(body)}}},
        "responses": {**good, **refusals(400, 401, 409, 413, 415, 429, 503)},
    }
