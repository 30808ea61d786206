"""The push API: size, signature, media type, strict JSON and schema, then one call of `intake.take`."""

from dataclasses import asdict

from flask import Blueprint, Response, jsonify, request

from caseq import intake
from caseq.intake import Pushed, Result
from caseq.rules import signing
from caseq.rules.case import RecordType
from caseq.settings import Source
from caseq.web import bodies
from caseq.web.bodies import BATCH, LARGEST_BYTES, SINGLE, Unacceptable
from caseq.web.current import runtime
from caseq.web.operations import EVENTS
from caseq.web.problems import problem

blueprint = Blueprint("push", __name__, url_prefix="/push/v1")


@blueprint.post("/<source>")
def push(source: str) -> Response:
    """Take in one CloudEvent or a batch; 200 means that every outcome in the answer is durable."""
    body = request.stream.read(LARGEST_BYTES + 1)
    if len(body) > LARGEST_BYTES:
        return problem(413, f"at most {LARGEST_BYTES} bytes")
    known = signed_by(source, body)
    if known is None:
        return problem(401)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        return problem(415, "the body must not be compressed")
    if request.mimetype not in (SINGLE, BATCH):
        return problem(415, f"send {SINGLE} or {BATCH}")
    pushed = bodies.events_of(body, known.name, request.mimetype)
    return problem(pushed.status, pushed.detail) if isinstance(pushed, Unacceptable) else _take(known, pushed)


@blueprint.get("/<source>/checkpoint")
def checkpoint(source: str) -> Response:
    """What the service holds of this source."""
    known = signed_by(source, request.stream.read(LARGEST_BYTES))
    return problem(401) if known is None else jsonify(intake.checkpoint(runtime(), known))


@blueprint.get("/<source>/checkpoint/records")
def records(source: str) -> Response:
    """A page of the live records that the service holds of this source."""
    known = signed_by(source, request.stream.read(LARGEST_BYTES))
    if known is None:
        return problem(401)
    type_, after = request.args.get("type", ""), request.args.get("after", "")
    if type_ not in list(RecordType) or "\0" in after:
        return problem(400, f"type must be one of {', '.join(RecordType)}; after is the key that was last")
    held, next_ = intake.held_records(runtime(), known, RecordType(type_), after)
    return jsonify({"records": [asdict(record) for record in held], "next": next_})


def signed_by(name: str, body: bytes) -> Source | None:
    """The source that signed this request with one of its live keys, None if it did not."""
    source = runtime().settings.sources.get(name)
    keys = source.keys if source else ()
    headers = {name.lower(): value for name, value in request.headers}
    signed = signing.is_signed(keys, headers, body, runtime().clock().timestamp())
    return source if source and signed else None


def _take(source: Source, pushed: list[Pushed]) -> Response:
    origin = request.headers["webhook-id"][:200]
    results = intake.take(runtime(), source, pushed, origin)
    for outcome, count in intake.counted(results).items():
        EVENTS.labels(source.name, outcome).inc(count)
    return jsonify({"results": [_result(result) for result in results]})


def _result(result: Result) -> dict[str, object]:
    answer: dict[str, object] = {"id": result.id, "outcome": result.outcome.value}
    return {**answer, "errors": result.errors} if result.errors else answer
