"""What the values of a database are as texts of a row."""

from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import Any


def text_row(names: Sequence[str], values: Sequence[Any], zone: tzinfo) -> dict[str, str | None]:
    """The values by name as texts; times are stamps in `zone`, whole numbers have no decimals, None stays None."""
    return {
        name: value if value is None or type(value) is str else _text(value, zone)
        for name, value in zip(names, values, strict=True)
    }


def _text(value: Any, zone: tzinfo) -> str:
    match value:
        case bool():
            return "1" if value else "0"
        case datetime():
            return (value.astimezone(zone) if value.tzinfo else value).strftime("%Y%m%d%H%M%S")
        case date():
            return value.strftime("%Y%m%d")
        case float() | Decimal() if value == value.__trunc__():
            return str(int(value))
        case bytes() | bytearray() | memoryview():
            return bytes(value).decode("utf-8", "replace")
        case _:
            return str(value)
