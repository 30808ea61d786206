"""What may stand in a pushed CloudEvent (interfaces: docs/push.md). Anything unknown is refused."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, fields, validate, validates_schema

from caseq.rules.case import DETAIL_FIELDS, LONGEST_EVENT_ID, CaseState, Kind, MilestoneName, RecordType, Role
from caseq.rules.measures import Measure, MeasureAction
from caseq.rules.numbers import LONGEST_NUMBER, lookup_key
from caseq.settings.strictfields import Flag
from caseq.settings.tomlfile import leaves
from caseq.web import shortcut

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)")
#: One of these stays in every key, whatever is folded.
_OF_A_KEY = re.compile("[0-9A-Za-z\u4e00-\u9fff]")

#: The years in which a thing may have happened: what programs write for "never" (9999) has no time limit that ends.
_YEARS = range(1900, 2200)
_NO_TIME = "must be a time with offset from 1900 to 2199 such as 2026-11-23T10:00:00+08:00"

_is_plain = validate.Regexp(r"[^\x00-\x1f\x7f-\x9f]*\Z", error="must not hold control characters")


@lru_cache(maxsize=4096)
def _is_day(value: str) -> None:
    try:
        if not _DAY.fullmatch(value):
            raise ValueError
        date.fromisoformat(value)
    except ValueError:
        raise ValidationError("must be a date such as 2026-11-23") from None


def _is_time(value: str) -> None:
    try:
        if not _TIME.fullmatch(value):
            raise ValueError
        if datetime.fromisoformat(value.upper()).year not in _YEARS:
            raise ValueError
    except ValueError:
        raise ValidationError(_NO_TIME) from None


def _has_key(value: str) -> None:
    if not _OF_A_KEY.search(value) and not lookup_key(value):
        raise ValidationError("must hold more than spaces and invisible characters")


def _has_no_edges(value: str) -> None:
    if value != value.strip():
        raise ValidationError("must not begin or end with white space: keys are compared as they are")


def _key(required: bool = False) -> fields.String:
    """What records are told apart and brought together by."""
    checks = (validate.Length(min=1 if required else 0, max=100), _is_plain, _has_no_edges)
    return fields.String(required=required, allow_none=not required, validate=checks)


def _text(longest: int, required: bool = False) -> fields.String:
    checks = (validate.Length(min=1 if required else 0, max=longest), _is_plain)
    return fields.String(required=required, allow_none=not required, validate=checks)


def _case_number() -> fields.String:
    return fields.String(required=True, validate=(validate.Length(1, LONGEST_NUMBER), _is_plain, _has_key))


def _day() -> fields.String:
    return fields.String(allow_none=True, validate=_is_day)


def _flag() -> Flag:
    return Flag(allow_none=True)


def _one_of(values: Sequence[str], required: bool = False) -> fields.String:
    return fields.String(required=required, allow_none=not required, validate=validate.OneOf(list(values)))


class _Strict(Schema):
    class Meta:
        unknown = RAISE


class _Unit(_Strict):
    code = _text(20)
    name = _text(200, required=True)
    address = _text(200)
    phone = _text(50)


class _TransferredTo(_Strict):
    name = _text(200, required=True)
    phone = _text(50)
    on = _day()


class CaseData(_Strict):
    kind = _one_of(list(Kind), required=True)
    opened_on = _day()
    unit = fields.Nested(_Unit, required=True)
    aliases = fields.List(_case_number(), allow_none=True, validate=validate.Length(max=20))
    merged_into = _text(100)
    state = _one_of(list(CaseState))
    concluded_on = _day()
    transferred_to = fields.Nested(_TransferredTo, allow_none=True)
    juvenile = _flag()
    trade = _text(100)


class PartyData(_Strict):
    party = _key(required=True)
    role = _one_of(list(Role), required=True)
    name = _text(100)
    phone = _text(100)
    subject = _key()
    appeared_on = _day()
    juvenile = _flag()
    valid_from = _day()
    valid_until = _day()
    sms = _flag()


class _Hold(_Strict):
    reason = _text(200, required=True)
    until = _day()


class _Penalty(_Strict):
    kind = _one_of(
        ["warning", "fine", "administrative_detention", "confiscation", "suspension", "licence_revocation", "other"],
        required=True,
    )
    amount = fields.Integer(strict=True, allow_none=True, validate=validate.Range(0, 10**12))
    days = fields.Integer(strict=True, allow_none=True, validate=validate.Range(0, 10_000))


DETAIL_TYPES: Mapping[str, fields.Field[Any]] = {
    "procuratorate": _text(100),
    "measure": _one_of(list(Measure)),
    "action": _one_of(list(MeasureAction)),
    "phase": _one_of(["right_notified", "requested", "accepted", "scheduled", "held", "terminated"]),
    "place": _text(200),
    "outcome": _one_of(["agreed", "failed", "withdrawn"]),
    "performed": _flag(),
    "penalties": fields.List(fields.Nested(_Penalty), allow_none=True, validate=validate.Length(max=20)),
    "ground": _text(100),
    "opinion_kind": _text(100),
    "inspection_kind": _text(100),
    "result": _text(200),
    "behaviour": _text(200),
    "perform_by": _day(),
    "reappraisal_until": _day(),
    "statement_until": _day(),
    "rectify_by": _day(),
    "review_by": _day(),
}

#: One schema for the `details` of every milestone: only the fields that some role may see of it.
DETAILS = {
    name: _Strict.from_dict({field: DETAIL_TYPES[field] for field in granted}, name=f"Details_{name}")(unknown=RAISE)
    for name, granted in DETAIL_FIELDS.items()
}


class MilestoneData(_Strict):
    milestone = _key(required=True)
    name = _one_of(list(MilestoneName), required=True)
    subject = _key()
    occurred_on = _day()
    document_number = _text(100)
    details = fields.Dict(keys=fields.String(), allow_none=True)
    hold = fields.Nested(_Hold, allow_none=True)
    tell_first = _flag()

    @validates_schema
    def _details_are_of_the_milestone(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("details") and (errors := DETAILS[data["name"]].validate(data["details"])):
            raise ValidationError({"details": errors})


class WithdrawalData(_Strict):
    record = _one_of(list(RecordType), required=True)
    key = _key(required=True)
    reason = _text(200)


DATA: Mapping[str, Schema] = {
    "caseq.case.v1": CaseData(),
    "caseq.party.v1": PartyData(),
    "caseq.milestone.v1": MilestoneData(),
    "caseq.withdrawal.v1": WithdrawalData(),
}


class Event(_Strict):
    """The attributes of a CloudEvent, without its data."""

    specversion = fields.String(required=True, validate=validate.Equal("1.0"))
    id = _text(LONGEST_EVENT_ID, required=True)
    source = _text(50, required=True)
    type = _one_of(list(DATA), required=True)
    subject = _case_number()
    time = fields.String(required=True, validate=_is_time)
    sequence = _text(100, required=True)
    datacontenttype = fields.String(validate=validate.Equal("application/json"))
    data = fields.Dict(keys=fields.String(), required=True)


_EVENT = Event()
_IS_EVENT = shortcut.of(_EVENT)
_IS_DATA = {type_: shortcut.of(schema) for type_, schema in DATA.items()}
_IS_DETAILS = {name: shortcut.of(schema) for name, schema in DETAILS.items()}


def is_cloudevent(raw: Any) -> bool:
    """Whether the value has the four attributes that every CloudEvent has, as texts."""
    required = ("specversion", "id", "source", "type")
    return isinstance(raw, dict) and all(isinstance(raw.get(name), str) and raw[name] for name in required)


def errors_of(raw: Any, source: str) -> dict[str, list[str]]:
    """What is wrong with one pushed event, by field; empty if it may be stored."""
    if _is_plainly_right(raw, source):
        return {}
    if not isinstance(raw, dict):
        return {"event": ["must be a JSON object"]}
    errors = flat(_EVENT.validate(raw))
    if "source" not in errors and raw["source"] != source:
        errors["source"] = [f"must be {source}, as in the address"]
    if not errors:
        errors = {f"data.{field}": reasons for field, reasons in flat(DATA[raw["type"]].validate(raw["data"])).items()}
    return errors


def _is_plainly_right(raw: Any, source: str) -> bool:
    """Whether the event is right at first sight; if not, its schemas must look."""
    if not _IS_EVENT(raw) or raw["source"] != source:
        return False
    data = raw["data"]
    if not _IS_DATA[raw["type"]](data):
        return False
    details = data.get("details")
    return not details or _IS_DETAILS[data["name"]](details)


def flat(messages: Any) -> dict[str, list[str]]:
    """marshmallow's nested messages with dotted field names."""
    errors: dict[str, list[str]] = {}
    for keys, reason in leaves(messages):
        errors.setdefault(".".join(map(str, keys)), []).append(reason)
    return errors
