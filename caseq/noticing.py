"""The receipt that a party is given on paper: how to look, what there is to see; codes, if it wants any, on a strip."""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from caseq.rules import papercodes, querynumbers
from caseq.rules.case import bureau_date
from caseq.rules.disclosure import Grant, Right
from caseq.rules.duties import Staff
from caseq.rules.numbers import lookup_key
from caseq.rules.papercodes import Line
from caseq.runtime import Runtime
from caseq.store import auditing, casenumbers, contacts, grants, preferences, receipts, recipients, ways
from caseq.store.database import Connection
from caseq.store.grants import GrantRow
from caseq.store.receipts import About

_SHOWN_DIGITS = 4


class Failed(StrEnum):
    """Why nothing was printed."""

    NOBODY = "nobody"  # no such party in a live case of this number, or not of this unit
    NOT_ONLINE = "not online"  # the party may not look online (yet, or any more): it is told in other ways
    ASK_FIRST = "ask first"  # codes for somebody to be careful with who was not asked
    COPY = "copy"  # the copy for the files has no codes


class Ground(StrEnum):
    """Why to be careful with somebody's paper."""

    MINOR = "minor"
    LISTED = "listed"  # its unit or its case stands in config/caseq.toml [notices]
    SAID_SO = "said so"  # the party wants no SMS, shares its telephone, or said how to be reached


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be printed: with so many codes; `is_copy`: for the files; `was_asked`: the party was asked, alone, and
    wants codes and SMS as usual."""

    case_number: str
    party: str
    codes: int = 0
    is_copy: bool = False
    was_asked: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.codes <= papercodes.LINES:
            raise ValueError(f"a strip has at most {papercodes.LINES} codes")


@dataclass(frozen=True, slots=True)
class Receipt:
    """All that stands on a receipt but the codes. `unit` has name, address and phone if the role sees them; `items` are
    what the policy opens to the role, never what this case has; `sms`: whether messages come."""

    case_number: str
    query_number: str
    kind: str
    role: str
    name: str = field(repr=False)
    phone_end: str = field(repr=False)
    unit: Mapping[str, str | None]
    items: Sequence[str]
    rights: Sequence[Right]
    sms: bool
    is_careful: bool
    issued_on: date


@dataclass(frozen=True, slots=True)
class Strip:
    """The codes that are torn off: shown once, stored only as keyed hashes."""

    lines: Sequence[Line] = field(repr=False)
    letter: str
    valid_until: date


@dataclass(frozen=True, slots=True)
class Printed:
    """A receipt, its codes if there are any, and the hash of the receipt without them, which the audit has."""

    receipt: Receipt
    strip: Strip | None
    hash: str
    is_copy: bool


def print_receipt(runtime: Runtime, order: Order, by: str, reason: str, staff: Staff | None = None) -> Printed | Failed:
    """Make a receipt and note it in the audit; with codes, those of an earlier strip or sheet work no more.

    Somebody to be careful with, who stated no wishes and was not asked, gets no SMS from now on.
    """
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        grant = _grant(runtime, connection, order, now)
        if grant is None:
            return Failed.NOBODY
        about = receipts.about(connection, grant.party_id)
        if staff is not None and not staff.is_of(about.unit_code):
            return Failed.NOBODY
        grounds = _grounds(runtime, about)
        if (failed := _refused(order, grant, grounds)) is not None:
            return failed
        turned_off = _turn_sms_off(runtime, connection, order, grant, about, grounds, now)
        about = replace(about, sms=about.sms and not turned_off)
        receipt = _receipt(runtime, connection, grant, about, bool(grounds), now)
        strip = _strip(runtime, connection, grant, order.codes, now) if order.codes else None
        printed = Printed(receipt, strip, digest(receipt), order.is_copy)
        facts = {
            "by": by,
            "reason": reason,
            "hash": printed.hash,
            "copy": order.is_copy,
            "codes": order.codes,
            "careful": sorted(grounds),
            "asked": order.was_asked,
            "sms_off": turned_off,
        }
        _note(connection, grant, facts, staff, now)
    return printed


def grounds_of(runtime: Runtime, party_id: int) -> frozenset[Ground]:
    """Why to be careful with the paper of this party; none: as usual."""
    with runtime.database.autocommit() as connection:
        return _grounds(runtime, receipts.about(connection, party_id))


def _note(
    connection: Connection, grant: GrantRow, facts: Mapping[str, Any], staff: Staff | None, now: datetime
) -> None:
    who = staff.id if staff else None
    auditing.record(
        connection, "receipt", now, party_id=grant.party_id, case_id=grant.case_id, facts=facts, staff_id=who
    )


def digest(receipt: Receipt) -> str:
    """The SHA-256 of the receipt without codes: the paper of a party and the copy for the files have the same."""
    document = json.dumps(asdict(receipt), ensure_ascii=False, sort_keys=True, default=_plain, separators=(",", ":"))
    return sha256(document.encode()).hexdigest()


def _plain(value: Any) -> str:
    assert isinstance(value, date)
    return value.isoformat()


def _grant(runtime: Runtime, connection: Connection, order: Order, now: datetime) -> GrantRow | None:
    key = lookup_key(order.case_number)
    return grants.named(grants.of_case(connection, runtime.settings.policy, key, bureau_date(now)), key, order.party)


def _grounds(runtime: Runtime, about: About) -> frozenset[Ground]:
    listed = runtime.settings.notices
    is_listed = about.unit_code in listed.sensitive_units or about.number_key in listed.sensitive_cases
    found = {
        Ground.MINOR: about.narrowed or about.has_minor,
        Ground.LISTED: is_listed,
        Ground.SAID_SO: about.is_careful,
    }
    return frozenset(ground for ground, holds in found.items() if holds)


def _refused(order: Order, grant: GrantRow, grounds: frozenset[Ground]) -> Failed | None:
    if not grant.may_enter:
        return Failed.NOT_ONLINE
    if order.codes and order.is_copy:
        return Failed.COPY
    return Failed.ASK_FIRST if order.codes and grounds and not order.was_asked else None


def _turn_sms_off(
    runtime: Runtime,
    connection: Connection,
    order: Order,
    grant: GrantRow,
    about: About,
    grounds: frozenset[Ground],
    now: datetime,
) -> bool:
    """Whether the party gets no SMS any more because nobody has asked it."""
    if not grounds or order.is_copy or order.was_asked or about.has_wishes or not about.sms:
        return False
    wishes = preferences.of(connection, runtime.sealer, grant.party_id)
    preferences.keep(connection, runtime.sealer, grant.party_id, replace(wishes, sms=False), now)
    return True


def _receipt(
    runtime: Runtime, connection: Connection, grant: GrantRow, about: About, is_careful: bool, now: datetime
) -> Receipt:
    settings, sealer = runtime.settings, runtime.sealer
    number, _ = casenumbers.query_number(connection, grant.case_id, now, _drawn)
    opened = settings.policy.grant(about.kind, about.role)
    to = recipients.recipient(connection, sealer, settings.policy, grant.party_id, now)
    unit = {"name": about.unit_name, "address": about.unit_address, "phone": about.unit_phone}
    return Receipt(
        case_number=grant.case_number,
        query_number=number,
        kind=about.kind,
        role=about.role,
        name=contacts.name_of(connection, sealer, grant.party_id),
        phone_end=(to.phone or "")[-_SHOWN_DIGITS:],
        unit={name: value for name, value in unit.items() if opened.unit and name in opened.unit.fields},
        items=_items(opened),
        rights=settings.rights.get((about.kind, about.role, "zh"), ()) if opened.rights else (),
        sms=about.sms and to.phone is not None,
        is_careful=is_careful,
        issued_on=bureau_date(now),
    )


def _items(opened: Grant) -> list[str]:
    standing = {"unit": opened.unit, "rights": opened.rights}
    return [name for name, rule in standing.items() if rule] + list(opened.milestones)


def _strip(runtime: Runtime, connection: Connection, grant: GrantRow, count: int, now: datetime) -> Strip:
    lines = papercodes.make(secrets.token_bytes, count)
    ends = now + timedelta(days=runtime.settings.login.paper_days)
    stored = [ways.stored(runtime.sealer, line) for line in lines]
    before = ways.new_lines(connection, grant.party_id, ways.SHEET, stored, now, ends)
    return Strip(lines, papercodes.letter(before), bureau_date(ends))


def _drawn() -> str:
    """A query number that nobody can foresee."""
    return querynumbers.nth(secrets.randbelow(querynumbers.POSSIBLE))
