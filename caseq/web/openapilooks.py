"""The part of the OpenAPI document about who looked at a record."""

from typing import Any

from caseq.rules.duties import StaffRole
from caseq.rules.looks import LookChannel, Purpose, Way
from caseq.web.openapiparts import an_object, answer, refusals

_AT = {"type": "string", "format": "date-time"}


def paths() -> dict[str, Any]:
    """The path by which a party asks who looked at its record."""
    by_staff = {
        "at": _AT,
        "function": {"enum": [*StaffRole, "bureau"]},
        "channel": {"enum": list(LookChannel)},
        "purpose": {"enum": list(Purpose)},
    }
    by_you = {"at": _AT, "way": {"enum": [*Way, "view"]}}
    looks = an_object(
        {
            "withheld": {"type": "boolean", "description": "Others use the device: there is no history"},
            "by_staff": {"type": "array", "items": an_object(by_staff)},
            "by_you": {"type": "array", "items": an_object(by_you)},
        }
    )
    return {
        "/api/v1/looks": {
            "get": {
                "summary": "Who of the bureau looked at one's own record, by function, and one's own logins and looks",
                "security": [{"bearer": []}],
                "responses": {"200": answer("The newest first", looks), **refusals(401, 503)},
            }
        }
    }
