"""Rows of a CSV file: strict quotes, as many cells in every row as in the header, and every cell stays text."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import BinaryIO, TextIO

from adapters.sources.charset import text_encoding
from adapters.sources.fileformat import LONGEST_CELL, LONGEST_LINE, BadFileError, Drops, FileRow, header_places


def csv_rows(file: BinaryIO, drops: Drops, columns: Sequence[str]) -> Iterator[FileRow]:
    """Every row of the file that is not wholly empty, read twice: first to prove its encoding."""
    codec = text_encoding(file, drops.encoding)
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=codec, errors="strict", newline="")
    csv.field_size_limit(LONGEST_CELL)
    # The file is the caller's: the wrapper must not close it when it goes.
    try:
        yield from _rows(text, drops, columns)
    finally:
        if not file.closed:
            text.detach()


def _rows(text: TextIO, drops: Drops, columns: Sequence[str]) -> Iterator[FileRow]:
    found = _cells(text, drops.delimiter, drops.ends_open)
    header_line, header = _header(found, drops.header_row)
    places = list(zip(columns, header_places(header, columns, header_line), strict=True))
    width = len(header)
    for line, cells in found:
        if not any(cells):
            continue
        if len(cells) != width:
            raise BadFileError(f"has {len(cells)} cells where the header has {width}", line)
        yield FileRow(line, {column: cells[place] or None for column, place in places})


def _header(found: Iterator[tuple[int, list[str]]], row: int) -> tuple[int, list[str]]:
    for number, (line, cells) in enumerate(found, start=1):
        if number == row:
            return line, cells
    raise BadFileError("has no header row")


def _cells(text: TextIO, delimiter: str, ends_open: bool) -> Iterator[tuple[int, list[str]]]:
    """Every row with the line where it begins."""
    reader = csv.reader(_lines(text, ends_open), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadFileError(_reason(error), line) from None


def _reason(error: csv.Error) -> str:
    # The texts of csv.Error are fixed but for one, which quotes the delimiter.
    text = str(error)
    if "field limit" in text:
        return f"a cell is longer than {LONGEST_CELL} characters"
    if "unexpected end of data" in text:
        return "ends inside a quoted cell: the file was cut off"
    return "a quotation mark stands where none may stand"


def _lines(text: TextIO, ends_open: bool) -> Iterator[str]:
    """Every line; the last one must end with a line break, or nobody could tell a whole cell from one that was cut."""
    number = 0
    while line := text.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE:
            raise BadFileError(f"is longer than {LONGEST_LINE} characters", number)
        if not (ends_open or line.endswith(("\n", "\r"))):
            raise BadFileError(
                "ends without a line break: it may be cut off (ends_open = true if its program writes none)", number
            )
        yield line
