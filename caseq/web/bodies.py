"""The body of a push, whichever way it came: strict JSON, one CloudEvent or an array of them, each with its errors."""

from dataclasses import dataclass

from caseq.intake import Pushed
from caseq.rules import strictjson
from caseq.web import schemas

LARGEST_BYTES = 5 * 1024 * 1024
MOST_EVENTS = 1000
SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


@dataclass(frozen=True, slots=True)
class Unacceptable:
    """The body as a whole is refused: the status of the answer, and why."""

    status: int
    detail: str


def events_of(body: bytes, source: str, media: str | None = None) -> list[Pushed] | Unacceptable:
    """The events in this body, of the media type SINGLE or BATCH; without one, whichever of the two it is.

    Raises NotJson.
    """
    value = strictjson.loads(body)
    if media == SINGLE or (media is None and isinstance(value, dict)):
        if not schemas.is_cloudevent(value):
            return Unacceptable(400, "not a CloudEvent")
        value = [value]
    if not isinstance(value, list):
        return Unacceptable(400, "a batch is a JSON array of CloudEvents")
    if len(value) > MOST_EVENTS:
        return Unacceptable(413, f"at most {MOST_EVENTS} events")
    return [Pushed(raw, schemas.errors_of(raw, source)) for raw in value]
