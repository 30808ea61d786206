"""What may stand in config/messages.toml; an unknown key is a fault."""

import re
from datetime import time
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from caseq.rules.case import MilestoneName, Role
from caseq.rules.routes import GATEWAYS
from caseq.rules.telling import Channel, Quiet
from caseq.settings.strictfields import Day, Flag, Names, Number

#: The texts that are sent, and the places that each has.
PLACES = {"code": ("code", "minutes"), "news": (), "device": ("help_phone",), "number": ("help_phone",)}
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")
_CODE = validate.Regexp(r"^SMS_[0-9]+$", error="is no code of a template, such as SMS_100000001")


def _whole(least: int, most: int) -> fields.Integer:
    return fields.Integer(required=True, strict=True, validate=validate.Range(least, most))


def _text() -> fields.String:
    return fields.String(required=True, validate=validate.Length(min=1))


class _Hours(fields.Field[Quiet | None]):
    """Quiet hours, written "21:00-08:00"; None, written ""."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Quiet | None:
        if value == "":
            return None
        found = _HOURS.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise ValidationError('must be hours such as "21:00-08:00", or "" for none')
        begins, begins_minute, ends, ends_minute = map(int, found.groups())
        quiet = Quiet(time(begins, begins_minute), time(ends, ends_minute))
        if quiet.begins == quiet.ends:
            raise ValidationError('begins when it ends: write "" for no quiet hours')
        return quiet


class WhenToml(Schema):
    milestones = Names(MilestoneName)
    roles = Names(Role)
    channel = fields.Enum(Channel, by_value=True, required=True)
    delay_minutes = _whole(0, 10_080)
    quiet = _Hours(required=True)
    tell_first = Flag(required=True)


class _TwoLanguages(Schema):
    zh = _text()
    en = _text()


class _Approved(Schema):
    zh = fields.String(validate=_CODE)
    zh_phrase = fields.String(validate=_CODE)
    en = fields.String(validate=_CODE)
    en_phrase = fields.String(validate=_CODE)


class _TemplateToml(_TwoLanguages):
    version = _whole(1, 10**6)
    reviewed_by = fields.String(required=True)
    reviewed_on = Day()
    aliyun = fields.Nested(_Approved, load_default=dict)


_TemplatesToml = Schema.from_dict(
    {name: fields.Nested(_TemplateToml, required=True) for name in PLACES}, name="_TemplatesToml"
)


class _News(Schema):
    within_days = _whole(1, 3650)
    longest_delay_minutes = _whole(0, 1440)
    spread_minutes = _whole(0, 240)


class _MostADay(Schema):
    codes = _whole(1, 10**9)
    news = _whole(1, 10**9)


class _RouteToml(Schema):
    prefix = fields.String(required=True, validate=validate.Regexp(r"^\+([1-9]\d*)?$"))
    gateways = fields.List(
        fields.String(validate=validate.OneOf(GATEWAYS)), required=True, validate=validate.Length(min=1)
    )


class _SendingToml(Schema):
    prefixes = fields.List(
        fields.String(validate=validate.Regexp(r"^\+[1-9]\d*$")), required=True, validate=validate.Length(min=1)
    )
    code_valid_seconds = _whole(1, 36_000)
    news_valid_seconds = _whole(1, 36_000)
    give_up_hours = _whole(1, 720)
    receipt_minutes = fields.List(_whole(1, 10_080), required=True, validate=validate.Length(min=1))
    most_a_day = fields.Nested(_MostADay, required=True)
    price = fields.Dict(
        keys=fields.String(validate=validate.OneOf(GATEWAYS)),
        values=Number(validate=validate.Range(0, 1000)),
        required=True,
    )
    route = fields.List(fields.Nested(_RouteToml), required=True, validate=validate.Length(min=1))


class MessagesToml(Schema):
    signature = fields.Nested(_TwoLanguages, required=True)
    phrase = fields.Nested(_TwoLanguages, required=True)
    template = fields.Nested(_TemplatesToml, required=True)
    when = fields.List(fields.Nested(WhenToml), required=True, validate=validate.Length(min=1))
    news = fields.Nested(_News, required=True)
    sending = fields.Nested(_SendingToml, required=True)
