"""What may stand in config/*.toml; an unknown key is a fault."""

import re
import unicodedata
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates

from caseq.rules.case import Kind, Role
from caseq.rules.ciphers import Cipher
from caseq.rules.disclosure import Scope
from caseq.rules.linkkeys import EVERY_ALGORITHM
from caseq.settings.strictfields import Day, Flag, Number

LANGUAGES = ("zh", "en")


class _Words(Schema):
    zh = fields.String(required=True, validate=validate.Length(min=1))
    en = fields.String(required=True, validate=validate.Length(min=1))


def _whole(most: int) -> fields.Integer:
    return fields.Integer(required=True, strict=True, validate=validate.Range(1, most))


def _number() -> Number:
    return Number(required=True, validate=validate.Range(0.01, 86_400))


def _text() -> fields.String:
    return fields.String(required=True, validate=validate.Length(min=1))


def _words() -> fields.Nested:
    return fields.Nested(_Words, required=True)


def _texts() -> fields.List[str]:
    return fields.List(fields.String(), required=True)


def _is_limit(value: str) -> None:
    from limits import parse_many

    try:
        parse_many(value)
    except ValueError as error:
        raise ValidationError(f"not a limit such as '60 per 10 minutes': {error}") from error


def _limit() -> fields.String:
    return fields.String(required=True, validate=_is_limit)


class _Bureau(Schema):
    name = _words()
    help_phone = _text()
    help_hours = _words()
    complaints_phone = _text()
    legal_aid_phone = _text()
    fraud_phone = _text()
    emergency_phone = _text()
    leave_to = fields.Url(required=True, schemes={"https"})
    clause_source = _words()


def _days() -> fields.Integer:
    return fields.Integer(required=True, strict=True, validate=validate.Range(0, 36_500))


_DaysAfterEnd = Schema.from_dict({kind.value: _days() for kind in Kind}, name="_DaysAfterEnd")


def _file_name() -> fields.String:
    return fields.String(required=True, validate=validate.Regexp(r"^[a-z0-9-]+$"))


def _said(what: str) -> fields.String:
    """A text that is not blank; whoever forgot it is told to write `what`."""

    def is_said(value: str) -> None:
        if not value.strip():
            raise ValidationError(f"is empty: write {what}")
        if any(unicodedata.category(character) in ("Cc", "Cf") for character in value):
            raise ValidationError("holds an invisible character: delete it and write it anew")

    return fields.String(required=True, validate=is_said, error_messages={"required": f"is missing: write {what}"})


class _Adopted(Schema):
    overlay = _file_name()
    by = _said("who adopted the overlay")
    on = Day(required=True, error_messages={"required": "is missing: write the date of the adoption"})
    reason = _said("why the overlay was adopted")


class _Disclosure(Schema):
    policy = _file_name()
    adopted = fields.List(fields.Nested(_Adopted), load_default=list)
    days_after_end = fields.Nested(_DaysAfterEnd, required=True)


class _Login(Schema):
    code_minutes = _whole(60)
    answer_milliseconds = _whole(1000)
    tries = _whole(10)
    pauses_seconds = fields.List(_whole(3600), required=True, validate=validate.Length(min=1))
    session_idle_minutes = _whole(240)
    session_hours = _whole(24)
    sessions_at_once = _whole(100)
    known_browser_days = _whole(400)
    paper_days = _whole(3660)
    counter_hours = _whole(720)


class _Guesses(Schema):
    known = _whole(10**6)
    strangers = _whole(10**6)
    network = _whole(10**6)
    in_a_row = _whole(10**6)
    few = _whole(100)
    site = _whole(10**9)


class _Codes(Schema):
    party_an_hour = _whole(1000)
    party = _whole(1000)
    kept_for_known = _whole(1000)
    agent = _whole(1000)
    phone = _whole(1000)
    network = _whole(1000)
    case = _whole(10**6)
    site_least = _whole(10**9)
    site_times_median = _whole(1000)
    site_an_hour_percent = _whole(100)


class _Limits(Schema):
    ask_code = _limit()
    enter_code = _limit()
    open_link = _limit()
    speak = _limit()
    push = _limit()


class _Voices(Schema):
    answer_days = _whole(250)
    second_days = _whole(250)
    second_within_days = _whole(3650)
    open_at_once = _whole(100)
    kept_days = _whole(36_500)


class _Notices(Schema):
    sensitive_units = _texts()
    sensitive_cases = _texts()


class _Worker(Schema):
    threads = _whole(256)
    code_threads = _whole(256)
    answer_seconds = _number()
    lease_seconds = _number()
    ask_after_seconds = _number()
    poll_seconds = _number()
    retry_seconds = _number()
    retry_longest_seconds = _number()


class _Operations(Schema):
    metrics_allow = _texts()
    worker_silent_seconds = _whole(86_400)


class _Data(Schema):
    cipher = fields.Enum(Cipher, by_value=True, required=True)


class _Audit(Schema):
    anchor_file = _text()
    anchor_minutes = _whole(1440)
    reads_an_hour = _whole(1_000_000)


class CaseqToml(Schema):
    bureau = fields.Nested(_Bureau, required=True)
    disclosure = fields.Nested(_Disclosure, required=True)
    login = fields.Nested(_Login, required=True)
    guesses = fields.Nested(_Guesses, required=True)
    codes = fields.Nested(_Codes, required=True)
    limits = fields.Nested(_Limits, required=True)
    voices = fields.Nested(_Voices, required=True)
    notices = fields.Nested(_Notices, required=True)
    worker = fields.Nested(_Worker, required=True)
    operations = fields.Nested(_Operations, required=True)
    data = fields.Nested(_Data, required=True)
    audit = fields.Nested(_Audit, required=True)


class SourceToml(Schema):
    kinds = fields.List(fields.Enum(Kind, by_value=True), required=True, validate=validate.Length(min=1))
    silent_after_minutes = _whole(525_600)
    silent_least_minutes = fields.Integer(load_default=15, strict=True, validate=validate.Range(1, 525_600))
    silent_times_usual = Number(load_default=1.5, validate=validate.Range(1, 100))
    shadow = Flag(load_default=False)


class RegionToml(Schema):
    title = _words()
    issuer = _text()
    audience = _text()
    keys = _text()
    algorithms = fields.List(
        fields.String(validate=validate.OneOf(sorted(EVERY_ALGORITHM))), required=True, validate=validate.Length(min=1)
    )
    return_urls = _texts()


class _Reason(Schema):
    error_messages = {"unknown": "is no language of the pages: write zh and en"}  # noqa: RUF012 - as marshmallow has it

    zh = _said("in Chinese, in one short sentence, why these people see this item")
    en = _said("in English, in one short sentence, why these people see this item")

    @validates("zh")
    def _is_short(self, value: str, **_: Any) -> None:
        if len(value) > 40:
            raise ValidationError("is longer than 40 characters: write one short sentence")


#: A clause of the plan as the plan numbers it, or a document in 《》 and what of it.
_CLAUSE = re.compile(
    r"[一二三四五六七八九十]+(?:\([一二三四五六七八九十]+\))?(?:\d+(?:\(\d+\))*)?|《[^《》\s][^《》]*》\S*"
)


class RuleToml(Schema):
    error_messages = {"unknown": "is no key of a rule: delete it, or correct it"}  # noqa: RUF012 - as marshmallow has it

    group = _whole(99)
    clause = _said("the clause that opens this item")

    @validates("clause")
    def _is_a_clause(self, value: str, **_: Any) -> None:
        if value.strip() and not _CLAUSE.fullmatch(value):
            raise ValidationError("is no clause: write 四(二)1(1) as the plan numbers it, or 《…》第178条 of a statute")

    kind = fields.Enum(Kind, by_value=True, required=True)
    roles = fields.List(
        fields.Enum(Role, by_value=True),
        required=True,
        validate=validate.Length(min=1, error="is empty: name a role, or delete the rule"),
    )
    online = Flag(required=True)
    item = _text()
    scope = fields.Enum(Scope, by_value=True, required=True)
    fields_ = fields.List(fields.String(), required=True, data_key="fields")
    reason = fields.Nested(
        _Reason, required=True, error_messages={"required": "is missing: write reason.zh and reason.en"}
    )


class PolicyToml(Schema):
    name = _text()
    title = _words()
    overlay = Flag(load_default=False)
    rule = fields.List(fields.Dict(), required=True, validate=validate.Length(min=1))


class _RightToml(Schema):
    title = _words()
    text = _words()


class RightsToml(Schema):
    version = _text()
    kind = fields.Enum(Kind, by_value=True, required=True)
    roles = fields.List(fields.Enum(Role, by_value=True), required=True, validate=validate.Length(min=1))
    right = fields.List(fields.Nested(_RightToml), required=True, validate=validate.Length(min=1))
