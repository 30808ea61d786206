"""The chain over the audit: each row at its place, bound by a hash to all rows before it.

A row is written as JSON (RFC 8259): keys sorted, no spaces, text as UTF-8, `at` as UTC with microseconds, and every
column named, also those that are empty. The hash of a link is SHA-256 over the hash before it, its position and that
text, so that anybody can compute it again, with no secret and for ever. Who may write into the database could compute
it as well: therefore the last link of every batch is sealed with a key that the database does not have. A seal covers
all before it, so that an older key may be forgotten as soon as the newest one has sealed once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

#: What stands before the first link.
BEGINNING = "0" * 64
#: What the seal of a link is for.
SEAL = "audit.chain"
_FORM = b"caseq audit 1\n"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the audit, whole."""

    id: int
    at: datetime
    act: str
    source: str | None
    session_id: int | None
    party_id: int | None
    case_id: int | None
    facts: Mapping[str, Any] | None
    staff_id: int | None


@dataclass(frozen=True, slots=True)
class Link:
    """The place of one row in the chain; `seal` is there at the end of a batch."""

    position: int
    audit_id: int
    hash: str
    seal: str | None = None


@dataclass(frozen=True, slots=True)
class Anchor:
    """What the hash at one position was at some time, kept where the database does not reach."""

    position: int
    hash: str
    at: str


class Fault(StrEnum):
    """What is wrong at one place of the chain.

    CHANGED: the row is not the one that was linked, or the link was moved; LOST: the row is gone; CUT: a link is gone;
    FORGED: the seal was not made with our key; UNSEALED: the end is not sealed with a key we have; ANCHORED: an anchor
    names another hash, or a position behind the end: the end was cut off, or everything was written anew; STRANGE: an
    old row that was never linked.
    """

    CHANGED = "changed"
    LOST = "lost"
    CUT = "cut"
    FORGED = "forged"
    UNSEALED = "unsealed"
    ANCHORED = "anchored"
    STRANGE = "strange"


@dataclass(frozen=True, slots=True)
class Broken:
    """One place where the chain does not hold; of a row that was never linked there is no position."""

    fault: Fault
    position: int | None
    audit_id: int | None


def canonical(row: Row) -> bytes:
    """The one text of a row of which its hash is made."""
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    whole = {
        "id": row.id,
        "at": at,
        "act": row.act,
        "source": row.source,
        "session_id": row.session_id,
        "party_id": row.party_id,
        "case_id": row.case_id,
        "facts": row.facts,
        "staff_id": row.staff_id,
    }
    return json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def link_hash(before: str, position: int, row: Row) -> str:
    """The hash of the link that puts this row behind the one with the hash `before`."""
    return sha256(_FORM + before.encode() + b"\n%d\n" % position + canonical(row)).hexdigest()


def sealed_text(position: int, hash_: str) -> str:
    """What the seal of a link is made of."""
    return f"{position}:{hash_}"


def anchor_of(line: str) -> Anchor | None:
    """The anchor in this line of the anchor file or of the log; None if it is another line."""
    try:
        said = json.loads(line)
    except ValueError:
        return None
    if not isinstance(said, dict) or said.get("event") != "audit_anchored":
        return None
    position, hash_ = said.get("position"), said.get("hash")
    if not isinstance(position, int) or not isinstance(hash_, str):
        return None
    return Anchor(position, hash_, str(said.get("at", "")))


def anchor_line(anchor: Anchor) -> str:
    """The line of the anchor file, which reads like that of the log."""
    return json.dumps(
        {"event": "audit_anchored", "at": anchor.at, "position": anchor.position, "hash": anchor.hash},
        separators=(",", ":"),
    )
