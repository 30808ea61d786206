"""Rows of a JSON Lines file: one object a line, in UTF-8; numbers stay as they are written."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NoReturn

from adapters.sources.fileformat import (
    LONGEST_LINE,
    MOST_COLUMNS,
    BadFileError,
    Drops,
    FileRow,
    YesOrNo,
    checked_text,
)

_BOM = b"\xef\xbb\xbf"


class _Number(str):
    """A number as it is written."""

    __slots__ = ()


def jsonl_rows(file: BinaryIO, drops: Drops, columns: Sequence[str]) -> Iterator[FileRow]:
    """Every object of the file; a mapped column that an object lacks refuses the file, null is an empty cell.

    A complete file of no bytes is refused: it may be an export that broke off at once, not a register without rows.
    """
    file.seek(0)
    if drops.complete and file.read(len(_BOM) + 1) in {b"", _BOM}:
        raise BadFileError("holds nothing, not even a line break: it may be cut off")
    file.seek(0)
    paths = [(column, column.split(".")) for column in columns]
    decoder = json.JSONDecoder(
        object_pairs_hook=_object, parse_int=_Number, parse_float=_Number, parse_constant=_no_constant
    )
    for line, raw in _lines(file):
        row = _parsed(decoder, raw, line)
        yield FileRow(line, {column: _value(row, path, column, line) for column, path in paths})


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while raw := file.readline(LONGEST_LINE):
        number += 1
        if len(raw) == LONGEST_LINE:
            raise BadFileError(f"is longer than {LONGEST_LINE} bytes", number)
        raw = raw.removeprefix(_BOM) if number == 1 else raw
        if raw.strip():
            yield number, raw


def _parsed(decoder: json.JSONDecoder, raw: bytes, line: int) -> Mapping[str, Any]:
    try:
        row = decoder.decode(raw.decode("utf-8"))
    except BadFileError as error:
        raise BadFileError(error.reason, line) from None
    except UnicodeDecodeError:
        raise BadFileError("is not UTF-8", line) from None
    except (ValueError, RecursionError):
        raise BadFileError("is not one whole JSON object", line) from None
    if not isinstance(row, dict):
        raise BadFileError("is not one whole JSON object", line)
    return row


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadFileError("an object has the same name twice")
    if len(found) > MOST_COLUMNS:
        raise BadFileError(f"an object has more than {MOST_COLUMNS} names")
    return found


def _no_constant(_text: str) -> NoReturn:
    raise BadFileError("holds NaN or Infinity, which are no JSON numbers")


def _value(row: Mapping[str, Any], path: Sequence[str], column: str, line: int) -> str | None:
    found: Any = row
    for name in path:
        if found is None:
            return None
        if not isinstance(found, dict) or name not in found:
            raise BadFileError(f"has no {column}", line)
        found = found[name]
    if found is None or isinstance(found, bool):
        return None if found is None else YesOrNo.of(found)
    if not isinstance(found, str):
        raise BadFileError(f"{column} is neither text nor number", line)
    return checked_text(found, line)
