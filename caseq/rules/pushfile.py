"""A push as a file: its header line, what its signed id says of it, and which numbers are missing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from caseq.errors import NotJson
from caseq.rules import signing, strictjson

LONGEST_HEADER_BYTES = 64 * 1024
LONGEST_ID = 200
LARGEST_BATCH = 10**10 - 1

_SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")
_NAMED = re.compile(
    r"(?:file|full-(?P<copy>[0-9A-Za-z]{1,64})-(?P<part>\d{1,9})of(?P<parts>\d{1,9}))-(?P<source>.+)-(?P<batch>\d{1,18})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file is not taken, in words that quote nothing of it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Part:
    """That a file is one of the `parts` of a full copy of its source."""

    copy_id: str
    part: int
    parts: int


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a push file; `part` if the signed id says that the file belongs to a full copy."""

    source: str
    batch: int
    signed: Mapping[str, str]  # the three headers of the signature
    part: Part | None = None

    @property
    def message_id(self) -> str:
        return self.signed["webhook-id"]

    @property
    def signed_at(self) -> int:
        """Unix seconds; 0 if the time is none, which no signature fits."""
        return signing.signed_at(self.signed) or 0


@dataclass(frozen=True, slots=True)
class Span:
    """The batch numbers from `first` to `last`, both included."""

    first: int
    last: int


def header(line: bytes) -> Header | Refusal:
    """The header in this line. The signature covers the id alone, so what the id says of the file must be true."""
    if len(line) > LONGEST_HEADER_BYTES:
        return Refusal(f"its header line is longer than {LONGEST_HEADER_BYTES} bytes")
    try:
        value = strictjson.loads(line)
    except NotJson:
        return Refusal("its first line is not strict JSON")
    if not isinstance(value, dict) or value.keys() != {*_SIGNED, "source", "batch"}:
        return Refusal("its first line is not an object of webhook-id, -timestamp, -signature, source and batch")
    if not all(isinstance(value[name], str) for name in (*_SIGNED, "source")):
        return Refusal("webhook-id, -timestamp, -signature and source must be texts")
    if type(value["batch"]) is not int or not 0 < value["batch"] <= LARGEST_BATCH:
        return Refusal(f"batch must be a whole number from 1 to {LARGEST_BATCH}")
    if len(value["webhook-id"]) > LONGEST_ID:
        return Refusal(f"webhook-id is longer than {LONGEST_ID} characters")
    return _with_part(Header(value["source"], value["batch"], {name: value[name] for name in _SIGNED}))


def _with_part(plain: Header) -> Header | Refusal:
    named = _NAMED.fullmatch(plain.message_id)
    if named is None:
        return plain
    if named["source"] != plain.source or int(named["batch"]) != plain.batch:
        return Refusal("its header names another source or batch than its signed webhook-id: somebody changed it")
    if named["copy"] is None:
        return plain
    part = Part(named["copy"], int(named["part"]), int(named["parts"]))
    if not 0 < part.part <= part.parts:
        return Refusal("its webhook-id names a part that its full copy does not have")
    return Header(plain.source, plain.batch, plain.signed, part)


def newly_missing(taken: Span | None, batch: int) -> Span | None:
    """The numbers between this batch and those from the first to the newest taken, None if there are none."""
    if taken is None or taken.first - 1 <= batch <= taken.last + 1:
        return None
    return Span(taken.last + 1, batch - 1) if batch > taken.last else Span(batch + 1, taken.first - 1)


def without(span: Span, batch: int) -> list[Span]:
    """What is left of the span after this batch came."""
    rest = (Span(span.first, batch - 1), Span(batch + 1, span.last))
    return [piece for piece in rest if piece.first <= piece.last]
