"""Rows of a file of any format, within the limits that hold for all."""

import os
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import BinaryIO

from adapters.sources.fileformat import LARGEST_FILE, MOST_COLUMNS, BadFileError, Drops, FileRow

#: The libraries a format needs; the others need none.
_READERS = {"xlsx": ("lxml", "python_calamine"), "xml": ("lxml",)}

FORMATS = ("csv", "xlsx", "xml", "jsonl")


class MissingReaderError(Exception):
    """A library that reads this format is not installed; the text says how to get it."""


def require_reader(format_name: str) -> None:
    """Nothing, if files of this format can be read here; MissingReaderError otherwise."""
    for library in _READERS.get(format_name, ()):
        if find_spec(library) is None:
            raise MissingReaderError(f"{format_name} files need {library}: pip install 'caseq[files]'")


def rows(file: BinaryIO, drops: Drops, columns: Sequence[str], guards: Sequence[str] = ()) -> Iterator[FileRow]:
    """The rows of an open file with the mapped columns as text, one after the other; BadFileError at the first fault.

    Of XML, where a record may lack any column, the `guards` must stand somewhere; elsewhere every column must.
    Nothing of the file may be kept before the last row came: the fault may be in it.
    """
    if os.fstat(file.fileno()).st_size > LARGEST_FILE:
        raise BadFileError(f"is larger than {LARGEST_FILE >> 30} GiB")
    if len(columns) > MOST_COLUMNS:
        raise BadFileError(f"more than {MOST_COLUMNS} columns are mapped")
    require_reader(drops.format)
    if drops.format == "csv":
        from adapters.sources.csv_rows import csv_rows

        return csv_rows(file, drops, columns)
    if drops.format == "xlsx":
        from adapters.sources.xlsx_rows import xlsx_rows

        return xlsx_rows(file, drops, columns)
    if drops.format == "xml":
        from adapters.sources.xml_rows import xml_rows

        return xml_rows(file, drops, columns, guards)
    from adapters.sources.jsonl_rows import jsonl_rows

    return jsonl_rows(file, drops, columns)
