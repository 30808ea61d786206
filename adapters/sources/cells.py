"""What the values of a database are as texts of a row, and how columns are read so that every value arrives."""

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Dialect, type_coerce
from sqlalchemy.types import Numeric, TypeDecorator, TypeEngine

from adapters.values import Unread

#: Before the digits of bytes that are no text; a text that itself begins so is written in digits, too.
HEX = "0x"
#: Of a time in ISO 8601, whose years have four digits: those that strftime writes have as many as they need.
_ONLY_DIGITS = str.maketrans("", "", "-:T")
_NO_TEXT, _NO_VALUE = "holds bytes that are no text", "holds a value that cannot be read"


def text_row(
    names: Sequence[str], values: Sequence[Any], zone: tzinfo, keys: Collection[str] | None = None
) -> dict[str, str | None]:
    """The values by name as texts; times are stamps in `zone`, whole numbers have no decimals, None stays None.

    Bytes that are no text, and numbers and times that are none (NaN), become a text of their own in the columns
    `keys` (None: in all), so that no two become one; elsewhere they become `Unread`, which says nothing of them.
    """
    return {
        name: value
        if value is None or type(value) is str
        else _text(value, zone)
        if (keys is None or name in keys)
        else _certain_text(name, value, zone)
        for name, value in zip(names, values, strict=True)
    }


def _text(value: Any, zone: tzinfo) -> str:
    try:
        return _plain_text(value, zone)
    except (ValueError, ArithmeticError):
        return str(value)


def _certain_text(name: str, value: Any, zone: tzinfo) -> str:
    try:
        text = _plain_text(value, zone)
    except (ValueError, ArithmeticError):
        return Unread.of(name, _NO_VALUE)
    is_binary = isinstance(value, bytes | bytearray | memoryview)
    return Unread.of(name, _NO_TEXT) if is_binary and text.startswith(HEX) else text


def _plain_text(value: Any, zone: tzinfo) -> str:
    match value:
        case bool():
            return "1" if value else "0"
        case datetime():
            local = value.astimezone(zone).replace(tzinfo=None) if value.tzinfo else value
            return local.isoformat(timespec="seconds").translate(_ONLY_DIGITS)
        case date():
            return value.isoformat().translate(_ONLY_DIGITS)
        case float() | Decimal() if value == value.__trunc__():
            return str(int(value))
        case bytes() | bytearray() | memoryview():
            return _text_of_bytes(bytes(value))
        case _:
            return str(value)


def _text_of_bytes(value: bytes) -> str:
    """The text in UTF-8 that these bytes are, else their digits: two different ones never become one."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return HEX + value.hex()
    is_text = not text.startswith(HEX) and all(sign.isprintable() or sign.isspace() for sign in text)
    return text if is_text else HEX + value.hex()


def bytes_of(text: str) -> bytes:
    """The bytes that are this text in a row."""
    try:
        return bytes.fromhex(text.removeprefix(HEX)) if text.startswith(HEX) else text.encode()
    except ValueError:
        return text.encode()


class _AsItIs(TypeDecorator[Any]):
    """The type of a column for reading: a value that the type cannot take in (a name in a DATE) arrives as it is."""

    impl = TypeEngine
    cache_ok = True

    def __init__(self, kind: TypeEngine[Any]) -> None:
        self.impl = self.impl_instance = kind  # type: ignore[assignment]

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """What the type itself does with a value, without its errors: their text holds the value.

        A whole number of SQLite is left alone: as one of NUMERIC it would be rounded to what a float can hold.
        """
        read = self.impl_instance.result_processor(dialect, coltype)
        if read is None:
            return None
        left_alone = int if dialect.name == "sqlite" and isinstance(self.impl_instance, Numeric) else None

        def tolerant(value: Any) -> Any:
            if type(value) is left_alone:
                return value
            try:
                return read(value)
            except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError):
                return value

        return tolerant


def as_it_is(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The column for a SELECT whose every value arrives, whatever the declared type makes of it."""
    return type_coerce(column, _AsItIs(column.type))
