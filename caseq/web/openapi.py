"""OpenAPI 3.1 of every HTTP route, at /api/openapi.json; the schemas are those that check the requests."""

from functools import cache
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Blueprint, Response, jsonify

from caseq import intake
from caseq.rules.case import Kind, MilestoneName, RecordType, Role
from caseq.rules.events import Outcome
from caseq.web import api, apivoices, bodies, openapilooks, openapireceipts, openapivoices, schemas
from caseq.web.openapiparts import TEXT, an_object, answer, ref, refusals

blueprint = Blueprint("openapi", __name__)

_DATE = {"type": "string", "format": "date"}


@blueprint.get("/api/openapi.json")
def openapi() -> Response:
    """The description of the HTTP interfaces."""
    return jsonify(description())


@cache
def description() -> dict[str, Any]:
    """The OpenAPI document as a value."""
    spec = APISpec("caseq", "1", "3.1.0", plugins=[MarshmallowPlugin()], info={"description": _DESCRIPTION})
    components = spec.components
    components.schema("Problem", _problem_schema())
    components.schema("CaseView", _case_view_schema())
    components.schema("PushResults", _results_schema())
    components.schema("CodesRequest", schema=api.CodesRequest)
    components.schema("SessionsRequest", schema=api.SessionsRequest)
    components.schema("PreferencesRequest", schema=api.PreferencesRequest)
    components.schema("AuthenticatorRequest", schema=api.AuthenticatorRequest)
    components.schema("RatingRequest", schema=apivoices.RatingRequest)
    components.schema("ComplaintRequest", schema=apivoices.ComplaintRequest)
    components.schema("FurtherRequest", schema=apivoices.FurtherRequest)
    components.schema("Complaint", openapivoices.complaint_schema())
    components.schema("Event", schema=schemas.Event)
    for name, schema in (
        ("CaseData", schemas.CaseData),
        ("PartyData", schemas.PartyData),
        ("MilestoneData", schemas.MilestoneData),
        ("WithdrawalData", schemas.WithdrawalData),
    ):
        components.schema(name, schema=schema)
    components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    for path, operations in {
        **_push_paths(),
        **_people_paths(),
        **openapilooks.paths(),
        **openapivoices.paths(),
        **openapireceipts.paths(),
        **_operations_paths(),
    }.items():
        spec.path(path, operations=operations)
    return dict(spec.to_dict())


_DESCRIPTION = (
    "Case systems push signed CloudEvents; people open one grant with a one-time code and see what the law "
    "opens to their role. Every refusal of a login is one and the same 401."
)


def _problem_schema() -> dict[str, Any]:
    properties = {"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT}
    return an_object(properties, ["type", "title", "status"])


def _case_view_schema() -> dict[str, Any]:
    fields: dict[str, Any] = {field: {} for granted in schemas.DETAILS.values() for field in granted.fields}
    milestone = an_object(
        {
            "name": {"enum": list(MilestoneName)},
            "occurred_on": _DATE,
            "released_at": {"type": "string", "format": "date-time"},
            "document_number": TEXT,
            "details": an_object(fields, []) | {"required": []},
            "clause": TEXT,
        },
        ["name", "released_at", "clause"],
    )
    unit = an_object({"name": TEXT, "address": TEXT, "phone": TEXT, "clause": TEXT}, ["clause"])
    properties = {
        "case_number": TEXT,
        "kind": {"enum": list(Kind)},
        "role": {"enum": list(Role)},
        "as_of": {"type": "string", "format": "date-time"},
        "source_silent": {"type": "boolean"},
        "unit": unit,
        "transferred_to": an_object({"name": TEXT, "phone": TEXT, "on": _DATE, "clause": TEXT}, ["clause"]),
        "rights": {"type": "array", "items": an_object({"title": TEXT, "text": TEXT})},
        "rights_clause": {"type": "string", "description": "Why `rights` are shown; there exactly when they are"},
        "milestones": {"type": "array", "items": milestone},
        "policy": TEXT,
    }
    return an_object(properties, ["case_number", "kind", "role", "source_silent", "milestones", "policy"])


def _results_schema() -> dict[str, Any]:
    errors = {"type": "object", "additionalProperties": {"type": "array", "items": TEXT}}
    outcome = {"enum": list(Outcome)}
    result = an_object({"id": {"type": ["string", "null"]}, "outcome": outcome, "errors": errors}, ["id", "outcome"])
    return an_object({"results": {"type": "array", "items": result}})


def _records_schema() -> dict[str, Any]:
    record = an_object({"key": TEXT, "case_number": TEXT, "sequence": TEXT})
    records = {"type": "array", "maxItems": intake.MOST_RECORDS, "items": record}
    return an_object({"records": records, "next": {"type": ["string", "null"]}})


def _page() -> list[dict[str, Any]]:
    type_ = {"name": "type", "in": "query", "required": True, "schema": {"enum": list(RecordType)}}
    return [type_, {"name": "after", "in": "query", "description": "`next` of the page before", "schema": TEXT}]


def _signed() -> list[dict[str, Any]]:
    headers = ("webhook-id", "webhook-timestamp", "webhook-signature")
    source = {"name": "source", "in": "path", "required": True, "schema": TEXT}
    return [source, *({"name": name, "in": "header", "required": True, "schema": TEXT} for name in headers)]


def _push_paths() -> dict[str, Any]:
    batch = {"type": "array", "maxItems": bodies.MOST_EVENTS, "items": ref("Event")}
    body = {"required": True, "content": {bodies.SINGLE: {"schema": ref("Event")}, bodies.BATCH: {"schema": batch}}}
    types = "`data` is CaseData, PartyData, MilestoneData or WithdrawalData, as `type` says."
    return {
        "/push/v1/{source}": {
            "post": {
                "summary": "Push case status, signed as Standard Webhooks says",
                "description": types,
                "parameters": _signed(),
                "requestBody": body,
                "responses": {
                    "200": answer("One outcome for each event, in order; stored for good", ref("PushResults")),
                    **refusals(400, 401, 413, 415, 429, 503),
                },
            }
        },
        "/push/v1/{source}/checkpoint": {
            "get": {
                "summary": "What the service holds of this source",
                "parameters": _signed(),
                "responses": {"200": answer("Records held", {"type": "object"}), **refusals(401, 503)},
            }
        },
        "/push/v1/{source}/checkpoint/records": {
            "get": {
                "summary": "The live records that the service holds of this source, in the order of their keys",
                "parameters": [*_signed(), *_page()],
                "responses": {"200": answer("One page", _records_schema()), **refusals(400, 401, 429, 503)},
            }
        },
    }


def _people_paths() -> dict[str, Any]:
    def body(name: str) -> dict[str, Any]:
        return {"required": True, "content": {"application/json": {"schema": ref(name)}}}

    whole = {"type": "integer"}
    asked = an_object({"challenge": TEXT, "expires_in": whole, "resend_after": whole})
    opened = an_object({"token": TEXT, "expires_at": {"type": "string", "format": "date-time"}, "idle_seconds": whole})
    app = an_object({"secret": TEXT, "address": TEXT, "digits": whole, "period": whole})
    bearer: list[dict[str, list[str]]] = [{"bearer": []}]
    return {
        "/api/v1/codes": {
            "post": {
                "summary": "Ask for a one-time code by SMS",
                "requestBody": body("CodesRequest"),
                "responses": {
                    "202": answer("Asked; the same for every case and number", asked),
                    **refusals(400, 413, 415, 429, 503),
                },
            }
        },
        "/api/v1/sessions": {
            "post": {
                "summary": "Open a session with a code",
                "requestBody": body("SessionsRequest"),
                "responses": {"201": answer("Opened", opened), **refusals(400, 401, 413, 415, 429, 503)},
            }
        },
        "/api/v1/case": {
            "get": {
                "summary": "The case as the bearer may see it",
                "security": bearer,
                "responses": {
                    "200": answer("The view", ref("CaseView")),
                    "304": {"description": "Not changed"},
                    **refusals(401, 503),
                },
            }
        },
        "/api/v1/preferences": {
            "get": {
                "summary": "What the bearer wants",
                "security": bearer,
                "responses": {"200": answer("The wishes", _wishes_schema()), **refusals(401, 503)},
            },
            "patch": {
                "summary": "Change wishes; what is not named stays",
                "security": bearer,
                "requestBody": body("PreferencesRequest"),
                "responses": {
                    "200": answer("The wishes now", _wishes_schema()),
                    **refusals(400, 401, 413, 415, 429, 503),
                },
            },
        },
        "/api/v1/authenticator": {
            "post": {
                "summary": "Begin with an authenticator app, or let it in by the code that it shows",
                "security": bearer,
                "requestBody": body("AuthenticatorRequest"),
                "responses": {
                    "201": answer("A secret, shown once", app),
                    "204": {"description": "The app works from now on"},
                    **refusals(400, 401, 403, 409, 413, 415, 422, 429, 503),
                },
            },
            "delete": {
                "summary": "Forget the authenticator app",
                "security": bearer,
                "responses": {"204": {"description": "Forgotten"}, **refusals(401, 403, 503)},
            },
        },
        "/api/v1/session": {
            "delete": {
                "summary": "Sign out",
                "security": bearer,
                "responses": {"204": {"description": "Signed out"}, **refusals(503)},
            }
        },
    }


def _wishes_schema() -> dict[str, Any]:
    flag = {"type": "boolean"}
    wishes = {"sms": flag, "language": {"enum": ["zh", "en"]}, "quiet": flag, "shared_phone": flag}
    return an_object(
        {
            **wishes,
            "safe_contact": TEXT,
            "phrase": TEXT | {"description": "The word agreed on, in every SMS unless `shared_phone`"},
            "phone_end": TEXT,
            "authenticator": flag,
            "sessions": {"type": "integer"},
        }
    )


def _operations_paths() -> dict[str, Any]:
    status = {"type": "object", "additionalProperties": TEXT}
    return {
        "/healthz": {"get": {"summary": "The process answers", "responses": {"200": answer("Alive", status)}}},
        "/readyz": {
            "get": {
                "summary": "Database, migrations and a worker are there",
                "responses": {"200": answer("Ready", status), "503": answer("Not ready", status)},
            }
        },
        "/metrics": {
            "get": {
                "summary": "Figures for Prometheus; 404 to everybody who is not on the list in config/caseq.toml",
                "responses": {
                    "200": {"description": "Figures", "content": {"text/plain": {"schema": TEXT}}},
                    **refusals(404),
                },
            }
        },
        "/api/openapi.json": {
            "get": {
                "summary": "This description",
                "responses": {"200": answer("OpenAPI 3.1", {"type": "object"})},
            }
        },
    }
