"""A proof of notice as one document that is the same to the byte wherever it is made, and its hash.

No telephone number, no name of the party and no text of an SMS is in it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from caseq.rules.case import BUREAU_TIME
from caseq.rules.notice import ByStaff, Call, Message, Notice, Receipt

FORMAT = "caseq proof of notice, 1"
#: So many hex digits stand together where people read a hash.
_GROUP = 8
_HASH = re.compile("[0-9a-f]{64}")
#: What a spreadsheet would run, also as its full-width twin.
_FORMULA = tuple("=+-@＝＋－＠\t\r\n")


@dataclass(frozen=True, slots=True)
class Head:
    """Of whom the proof is and who asked: `party` is the key at its source, None in the proof of the party's own."""

    case_number: str
    source: str
    kind: str
    role: str
    party: str | None
    policy: str
    made_at: datetime


def document(head: Head, notices: Sequence[Notice]) -> Mapping[str, Any]:
    """The proof as JSON values."""
    own = head.party is None
    return {
        "format": FORMAT,
        "case": head.case_number,
        "source": head.source,
        "kind": head.kind,
        "role": head.role,
        "party": head.party,
        "made_for": "party" if own else "bureau",
        "policy": head.policy,
        "made_at": moment(head.made_at),
        "lines": [_line(n, one, own) for n, one in enumerate(notices, start=1)],
        "is_service": False,
    }


def _line(n: int, notice: Notice, own: bool) -> Mapping[str, Any]:
    showing, limit, due = notice.showing, notice.limit, notice.due
    return {
        "line": n,
        "replaces": None if showing.replaces is None else showing.replaces + 1,
        "name": showing.name,
        "shown": {field: _plain(value) for field, value in showing.fields.items()},
        "formed_at": moment(showing.formed_at),
        "limit": {"amount": limit.amount, "unit": limit.unit.value, "clause": limit.clause},
        "limit_begins_at": moment(showing.begins_at),
        "limit_ends_on": due.on.isoformat(),
        "limit_ends_at": moment(due.at),
        "limit_is_provisional": due.is_provisional,
        "released_at": moment(showing.since),
        "released_by": showing.opened_by.value,
        "shown_until": moment(showing.until),
        "told_first": notice.first
        and {
            "by": notice.first.channel.value,
            "at": moment(notice.first.at),
            "is_confirmed": notice.first.is_confirmed,
        },
        "in_time": notice.verdict.value,
        "messages": [_message(one) for one in notice.messages],
        "no_message": notice.silence and notice.silence.value,
        "by_staff": [_by_staff(one, own) for one in notice.by_staff],
        "first_seen_at": moment(notice.seen_at),
    }


def _message(message: Message) -> Mapping[str, Any]:
    return {
        "made_at": moment(message.made_at),
        "state": message.state,
        "reason": message.reason,
        "template": message.template,
        "template_version": message.version,
        "language": message.language,
        "with_other_changes": message.together,
        "waits_until": moment(message.waits_until),
        "limit_end_when_made": moment(message.end_then),
        "calls": [_call(one) for one in message.calls],
    }


def _call(call: Call) -> Mapping[str, Any]:
    return {
        "gateway": call.gateway,
        "receipt_id": call.receipt_id,
        "handed_at": moment(call.handed_at),
        "receipt": call.receipt.value,
        "delivered_heard_at": moment(call.heard_at if call.receipt is Receipt.DELIVERED else None),
        "failed_heard_at": moment(call.heard_at if call.receipt is Receipt.FAILED else None),
        "code": call.code,
    }


def _by_staff(told: ByStaff, own: bool) -> Mapping[str, Any]:
    """Who it was is for the bureau: no page names an officer."""
    said = {"channel": told.channel.value, "at": moment(told.told_at), "recorded_at": moment(told.recorded_at)}
    return said if own else {**said, "who": told.by}


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def moment(at: datetime | None) -> str | None:
    """The moment at the bureau, to the second, with its zone."""
    return None if at is None else at.astimezone(BUREAU_TIME).isoformat(timespec="seconds")


def canonical(document: object) -> bytes:
    """The document in the one form that is hashed: sorted keys, no blanks, UTF-8."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def digest(document: object) -> str:
    """The SHA-256 of the canonical form, 64 hex digits."""
    return sha256(canonical(document)).hexdigest()


def grouped(hash_: str) -> str:
    """The hash as it is printed."""
    return " ".join(hash_[place : place + _GROUP] for place in range(0, len(hash_), _GROUP))


def typed_hash(text: str) -> str | None:
    """The hash that somebody typed, in any grouping and case; None if it is none."""
    found = "".join(text.split()).replace("-", "").lower()
    return found if _HASH.fullmatch(found) else None


def cell(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
