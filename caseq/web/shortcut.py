"""A shorter way through a marshmallow schema for what is plainly right: a function written out for that schema.

marshmallow keeps the last word: a shortcut says True only for values that the schema takes too. For anything else
it says False, wrong or merely unusual, and the schema itself looks and names the errors.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from caseq.settings.strictfields import Flag

Check = Callable[[Any], bool]

#: The kinds of field that take values of one JSON type as they are.
_PLAIN = {fields.String: "str", fields.Boolean: "bool", Flag: "bool", fields.Integer: "int", fields.Dict: "dict"}


def of(schema: Schema) -> Check:
    """Whether a value is a JSON object that this schema takes; validators of the whole schema are not looked at."""
    return _Writer().function(schema)


class _Writer:
    """Writes the source of one function. All that comes from the schema stands behind names of this writer's own."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"absent": object()}

    def function(self, schema: Schema) -> Check:
        """The function; it counts the fields it knows, so that one more in the value is noticed."""
        required = sum(field.required for field in schema.fields.values())
        lines = [
            "def is_right(value):",
            " if type(value) is not dict: return False",
            f" known, get = {required}, value.get",
        ]
        for name, field in schema.fields.items():
            lines += [f" item = get({self.named(name)}, absent)", *self._lines(field)]
        return self._made([*lines, " return known == len(value)"])

    def of_item(self, field: fields.Field[Any]) -> Check:
        """The function for one item of a list."""
        holds = " and ".join(self._holds(field))
        if field.allow_none:
            holds = f"item is None or ({holds})"
        return self._made(["def is_right(item):", f" return bool({holds})"])

    def _made(self, lines: Sequence[str]) -> Check:
        exec("\n".join(lines), self.names)  # noqa: S102 - fixed words and names that `named` gives, once at the start
        check: Check = self.names["is_right"]
        return check

    def named(self, value: Any) -> str:
        """A name for this value in the source."""
        name = f"v{len(self.names)}"
        self.names[name] = value
        return name

    def _lines(self, field: fields.Field[Any]) -> Iterator[str]:
        wrong = f"not ({' and '.join(self._holds(field))})"
        if field.allow_none:
            wrong = f"item is not None and {wrong}"
        if field.required:
            yield f" if item is absent or {wrong}: return False"
        else:
            yield " if item is not absent:"
            yield "  known += 1"
            yield f"  if {wrong}: return False"

    def _holds(self, field: fields.Field[Any]) -> Iterator[str]:
        """What must hold for the item; of a kind of field that is not known here, nothing does."""
        if isinstance(field, fields.Nested):
            yield f"{self.named(of(field.schema))}(item)"
        elif isinstance(field, fields.List):
            of_item = _Writer().of_item(field.inner)
            yield f"type(item) is list and all(map({self.named(of_item)}, item))"
        else:
            kind = _PLAIN.get(type(field))
            yield f"type(item) is {kind}" if kind else "False"
        for validator in field.validators:
            yield self._right(validator)

    def _right(self, validator: Callable[[Any], Any]) -> str:
        if isinstance(validator, validate.OneOf):
            return f"item in {self.named(frozenset(validator.choices))}"
        if isinstance(validator, validate.Regexp):
            return f"{self.named(validator.regex.match)}(item)"
        if isinstance(validator, validate.Length) and validator.equal is None:
            most = "" if validator.max is None else f" <= {int(validator.max)}"
            return f"{int(validator.min or 0)} <= len(item){most}"
        return f"{self.named(_silent(validator))}(item)"


def _silent(validator: Callable[[Any], Any]) -> Check:
    def is_right(value: Any) -> bool:
        try:
            validator(value)
        except ValidationError:
            return False
        return True

    return is_right
