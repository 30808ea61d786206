"""What descriptions of routes are made of."""

from typing import Any

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
TEXT = {"type": "string"}


def refusals(*statuses: int) -> dict[str, Any]:
    """Answers of these statuses: a problem each, and when to come again where that may help."""
    retry = {"headers": {"Retry-After": {"schema": {"type": "integer"}}}}
    return {
        str(status): {
            "description": "Refused",
            "content": PROBLEM,
            **(retry if status in (429, 503) else {}),
        }
        for status in statuses
    }


def answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A good answer in JSON."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def ref(name: str) -> dict[str, str]:
    """The schema of this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def an_object(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    """The schema of an object; all of it is required unless told."""
    return {"type": "object", "properties": properties, "required": list(properties) if required is None else required}
