"""A look at a register that arrives as a file: its headings, and a sample of its rows. Only reads."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from adapters.sections import Fault, MappingError
from adapters.sources.charset import text_encoding
from adapters.sources.fileformat import BadFileError, Drops, checked_characters, plain_header
from adapters.sources.filerows import MissingReaderError, require_reader, rows
from adapters.sources.looking import MOST_ROWS, Column, LookedAt

_FORMATS = {"csv": "csv", "txt": "csv", "xlsx": "xlsx", "xlsm": "xlsx", "xls": "xlsx", "xml": "xml", "jsonl": "jsonl"}
_LONGEST = 200
_TITLE_ROWS = 10
#: No heading: a number, whatever has the digits of a date, a phone or an identity number, and 填表人：张三.
_NO_HEADING = re.compile(r"[\W_]*\d[\W\d_]*|(?:\D*\d){6}.*|\w{1,12}[:：].+", re.DOTALL)


def look_at_file(path: Path) -> LookedAt:
    """The one table in this file, with at most 1000 rows."""
    suffix = path.suffix.lower().lstrip(".")
    if suffix not in _FORMATS:
        raise _unusable(path, f"must end in one of {', '.join(sorted(_FORMATS))}")
    drops = Drops(f"*{path.suffix}", _FORMATS[suffix], False)
    try:
        require_reader(drops.format)
        with path.open("rb") as file:
            drops, names = _HEADINGS[drops.format](file, drops)
            sample = [row.values for row in islice(rows(file, drops, names), MOST_ROWS)]
    except (BadFileError, MissingReaderError, csv.Error) as error:
        raise _unusable(path, str(error)) from error
    columns = [Column(name, "text", False, [(row[name] or "").strip()[:_LONGEST] for row in sample]) for name in names]
    return LookedAt("case", len(sample) if len(sample) < MOST_ROWS else None, (), columns, drops)


def _unusable(path: Path, reason: str) -> MappingError:
    return MappingError([Fault(str(path), None, "from", reason)])


def _usable(names: list[str]) -> list[str]:
    """The headings that stand once; the others could not be told apart."""
    counts = Counter(map(plain_header, names))
    return [name for name in names if plain_header(name) and counts[plain_header(name)] == 1]


def _of_csv(file: BinaryIO, drops: Drops) -> tuple[Drops, list[str]]:
    codec = text_encoding(file, "")
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=codec, newline="")
    lines = [text.readline(1 << 20) for _ in range(_TITLE_ROWS)]
    text.detach()
    delimiter = max((",", ";", "\t"), key="".join(lines).count)
    drops = replace(drops, delimiter=delimiter, ends_open=not _ends_with_line_break(file, codec))
    return _below_titles(csv.reader(lines, delimiter=delimiter), drops)


def _ends_with_line_break(file: BinaryIO, codec: str) -> bool:
    ends = tuple(text.encode(codec.removesuffix("-sig")) for text in ("\n", "\r"))
    file.seek(max(file.seek(0, io.SEEK_END) - 8, 0))
    return file.read().endswith(ends)


def _of_xlsx(file: BinaryIO, drops: Drops) -> tuple[Drops, list[str]]:
    from adapters.sources.xlsx_rows import first_rows

    return _below_titles(first_rows(file, _TITLE_ROWS), drops)


def _below_titles(first: Iterable[Sequence[str]], drops: Drops) -> tuple[Drops, list[str]]:
    """The first of the first rows that holds headings and nothing else; titles fill at most half of the widest row."""
    rows_of_texts = [[" ".join(cell.split()) for cell in cells if cell.strip()] for cells in first]
    widest = max(map(len, rows_of_texts), default=0)
    for number, texts in enumerate(rows_of_texts, start=1):
        names = _usable(texts)
        if len(names) > 1 and 2 * len(texts) > widest and not any(map(_NO_HEADING.fullmatch, texts)):
            return replace(drops, header_row=number), names
    raise BadFileError(f"has no row of headings among its first {_TITLE_ROWS} rows, only titles and values")


def _of_jsonl(file: BinaryIO, drops: Drops) -> tuple[Drops, list[str]]:
    """The names that every object has."""
    file.seek(0)
    common: dict[str, None] | None = None
    for raw in islice(file, MOST_ROWS):
        if raw.strip():
            try:
                found = _flat(json.loads(raw.decode("utf-8-sig")))
            except (ValueError, RecursionError):
                raise BadFileError("is not JSON Lines in UTF-8") from None
            common = found if common is None else {name: None for name in common if name in found}
    names = list(common or ())
    checked_characters("".join(names), 0)
    return drops, names


def _flat(value: Any, prefix: str = "") -> dict[str, None]:
    if not isinstance(value, Mapping):
        return {prefix.rstrip("."): None} if prefix and not isinstance(value, list) else {}
    return {name: None for key, inner in value.items() for name in _flat(inner, f"{prefix}{key}.")}


def _of_xml(file: BinaryIO, drops: Drops) -> tuple[Drops, list[str]]:
    from adapters.sources.xml_paths import record_and_columns

    record, names = record_and_columns(file)
    return replace(drops, record=record), names


_HEADINGS = {"csv": _of_csv, "xlsx": _of_xlsx, "xml": _of_xml, "jsonl": _of_jsonl}
