"""Twilio's OpenAPI document, cut down to what caseq asks for and made fit for Prism."""

from collections.abc import Iterator
from typing import Any

MESSAGES = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
MESSAGE = "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json"
#: HTTP status -> Twilio's code in the body. The document knows good answers only, so Prism could be asked for no other.
ERRORS = {400: 21602, 401: 20003, 404: 20404, 429: 20429, 500: 20500, 503: 20503}


def prepared(whole: dict[str, Any]) -> dict[str, Any]:
    """The document with the messages alone: to send, to list, to read one; every operation can also be refused."""
    kept = {MESSAGES: ("get", "post"), MESSAGE: ("get",)}
    paths = {path: {method: whole["paths"][path][method] for method in methods} for path, methods in kept.items()}
    for operation in (operation for methods in paths.values() for operation in methods.values()):
        operation["responses"] = {
            **{status: _relative(answer) for status, answer in operation["responses"].items()},
            **{str(status): _refusal(status, code) for status, code in ERRORS.items()},
        }
    schemas = whole["components"]["schemas"]
    used = {name: _relative(schemas[name]) for name in _names(paths, schemas)}
    security = whole["components"]["securitySchemes"]
    head = {key: whole[key] for key in ("openapi", "info", "servers")}
    return {**head, "paths": paths, "components": {"schemas": used, "securitySchemes": security}}


def _refusal(status: int, code: int) -> dict[str, Any]:
    body = {"code": code, "message": "refused", "status": status, "more_info": f"https://errors.invalid/{code}"}
    schema = {"type": "object", "required": list(body), "properties": {"code": {"type": "integer"}}}
    return {"description": "refused", "content": {"application/json": {"schema": schema, "example": body}}}


def _relative(node: Any) -> Any:
    """A copy in which an address may be relative: those in Twilio's own answers are, against their format `uri`."""
    if isinstance(node, dict):
        copy = {key: _relative(value) for key, value in node.items()}
        return {**copy, "format": "uri-reference"} if node.get("format") == "uri" else copy
    return [_relative(value) for value in node] if isinstance(node, list) else node


def _names(node: Any, schemas: dict[str, Any]) -> set[str]:
    """The names of the schemas that this part of the document refers to, directly or through others."""
    found: set[str] = set()
    todo = list(_references(node))
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += _references(schemas[name])
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].rsplit("/", 1)[1]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
