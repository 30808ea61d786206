"""Fields that take a value of their own type only, where marshmallow would also take what looks like one."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from marshmallow import ValidationError, fields

EVERY = "*"


class Flag(fields.Boolean):
    """true or false; not 1, 0 or "yes"."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Number(fields.Float):
    """A number; not a text that could be one."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> float:
        if not isinstance(value, int | float):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, *rest, **more)


class Day(fields.Field[date]):
    """A TOML date, written without quotes; not a moment and not a text."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date:
        if not isinstance(value, date) or isinstance(value, datetime):
            raise ValidationError("must be a date without quotes, such as 2026-12-01")
        return value


class Names(fields.List[Any]):
    """A set of members of an enum, or None for ["*"]."""

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__(fields.Enum(enum, by_value=True), required=True)

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> Any:
        if value == [EVERY]:
            return None
        if value == []:
            raise ValidationError('is empty: name some, or write ["*"]')
        if isinstance(value, list) and EVERY in value:
            raise ValidationError('has "*" beside names: write ["*"] alone, or names')
        return frozenset(super()._deserialize(value, *rest, **more))
