"""Fields that take a value of their own type only, where marshmallow would also take what looks like one."""

from datetime import date, datetime
from typing import Any

from marshmallow import ValidationError, fields


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
