"""A shorter way through a marshmallow schema for what is plainly right.

marshmallow keeps the last word: a shortcut says True only for values that the schema takes too. For anything else
it says False, wrong or merely unusual, and the schema itself looks and names the errors.
"""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from caseq.settings.strictfields import Flag

Check = Callable[[Any], bool]
#: Gives something true for a value that is right.
_Part = Callable[[Any], object]

#: The kinds of field that take values of one JSON type as they are.
_PLAIN: Mapping[type, type] = {
    fields.String: str,
    fields.Boolean: bool,
    Flag: bool,
    fields.Integer: int,
    fields.Dict: dict,
}


def of(schema: Schema) -> Check:
    """Whether a value is a JSON object that this schema takes; validators of the whole schema are not looked at."""
    checks = {name: _field(field) for name, field in schema.fields.items()}
    required = tuple(name for name, field in schema.fields.items() if field.required)

    def is_right(value: Any) -> bool:
        if type(value) is not dict:
            return False
        for name in required:
            if name not in value:
                return False
        for name, item in value.items():
            check = checks.get(name)
            if check is None or not check(item):
                return False
        return True

    return is_right


def _field(field: fields.Field[Any]) -> Check:
    kind, checks = _kind(field)
    checks += tuple(_validator(each) for each in field.validators)
    allow_none = field.allow_none

    def is_right(value: Any) -> bool:
        if value is None:
            return allow_none
        if type(value) is not kind:
            return False
        for check in checks:  # noqa: SIM110 - all() would cost a generator for every value
            if not check(value):
                return False
        return True

    return is_right


def _kind(field: fields.Field[Any]) -> tuple[type | None, tuple[_Part, ...]]:
    """The JSON type that the field takes as it is (None for a kind of field not known here), and what holds in it."""
    if isinstance(field, fields.Nested):
        return dict, (of(field.schema),)
    if isinstance(field, fields.List):
        inner = _field(field.inner)
        return list, (lambda value: all(map(inner, value)),)
    return _PLAIN.get(type(field)), ()


def _validator(validator: Callable[[Any], Any]) -> _Part:
    if isinstance(validator, validate.OneOf):
        return frozenset(validator.choices).__contains__
    if isinstance(validator, validate.Regexp):
        return validator.regex.match  # what it gives is true where the text is right
    if isinstance(validator, validate.Length) and validator.equal is None:
        least, most = validator.min or 0, validator.max
        return lambda value: least <= len(value) and (most is None or len(value) <= most)

    def is_right(value: Any) -> bool:
        try:
            validator(value)
        except ValidationError:
            return False
        return True

    return is_right
