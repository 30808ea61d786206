"""Fields that take a value of their own type only, where marshmallow would also take what looks like one."""

from typing import Any

from marshmallow import fields


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
