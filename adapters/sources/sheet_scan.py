"""What calamine does not tell of an XLSX sheet: cells with an error, formulas without a result, and its extent."""

import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from lxml import etree

from adapters.sources.fileformat import BadFileError
from adapters.sources.safe_xml import SAFE, forget_before, refuse_document_type

#: calamine holds a sheet as a full rectangle: two cells in far corners would fill the memory.
MOST_CELLS = 20_000_000
_MOST_TROUBLED = 100_000
_WORKBOOK = "xl/workbook.xml"
_NUMBER = re.compile("[0-9]{1,7}")
_REFERENCE = re.compile(f"([A-Z]{{1,3}})({_NUMBER.pattern})")


@dataclass(slots=True)
class SheetScan:
    """The cells (row, column; from 1) that have no value although they should."""

    troubled: set[tuple[int, int]] = field(default_factory=set)


def scan_sheet(archive: zipfile.ZipFile, sheet: str) -> SheetScan:
    """The cells of this sheet that cannot be read; a sheet too large, or a document type, refuses the file."""
    scan = SheetScan()
    first, last = [0, 0], [0, 0]
    with archive.open(_part(archive, sheet)) as part:
        for row, column, is_troubled in _cells(part):
            first = [min(first[0] or row, row), min(first[1] or column, column)]
            last = [max(last[0], row), max(last[1], column)]
            if (last[0] - first[0] + 1) * (last[1] - first[1] + 1) > MOST_CELLS:
                raise BadFileError(f"the sheet spans more than {MOST_CELLS} cells")
            if is_troubled:
                scan.troubled.add((row, column))
            if len(scan.troubled) > _MOST_TROUBLED:
                raise BadFileError(f"more than {_MOST_TROUBLED} cells have an error", row)
    return scan


def _cells(part: IO[bytes]) -> Iterator[tuple[int, int, bool]]:
    """Row, column and trouble of every cell that holds something."""
    row, column = 0, 0
    for event, element in _events(part):
        name = _local(element)
        if event == "start":
            if name == "row":
                row, column = _row(element.get("r"), row), 0
            continue
        if name == "c":
            row, column = _place(element.get("r"), row, column)
            if len(element):
                yield row, column, _is_troubled(element)
        elif name == "row":
            forget_before(element)


def _events(part: IO[bytes]) -> Iterator[tuple[str, "etree._Element"]]:
    is_first = True
    events = etree.iterparse(part, events=("start", "end"), remove_comments=True, remove_pis=True, **SAFE)
    try:
        for event, element in events:
            if is_first:
                refuse_document_type(element)
            is_first = False
            yield event, element
    except etree.XMLSyntaxError:
        raise BadFileError("a sheet is not well-formed") from None


def _local(element: "etree._Element") -> str:
    try:
        return etree.QName(element).localname
    except ValueError:
        raise BadFileError("a sheet is not well-formed") from None


def _row(number: str | None, before: int) -> int:
    if number is None:
        return before + 1
    if not _NUMBER.fullmatch(number):
        raise BadFileError("a row has no place", before + 1)
    return int(number)


def _place(reference: str | None, row: int, column: int) -> tuple[int, int]:
    if reference is None:
        return row, column + 1
    found = _REFERENCE.fullmatch(reference)
    if not found:
        raise BadFileError("a cell has no place", row)
    number = 0
    for letter in found[1]:
        number = number * 26 + ord(letter) - 64
    return int(found[2]), number


def _is_troubled(cell: "etree._Element") -> bool:
    if cell.get("t") == "e":
        return True
    parts = {_local(child): child for child in cell.iter("{*}f", "{*}v")}
    return "f" in parts and cell.get("t") != "str" and ("v" not in parts or not parts["v"].text)


def _part(archive: zipfile.ZipFile, sheet: str) -> str:
    """The name of the file inside the archive that holds this sheet."""
    targets = {
        str(relation.get("Id")): str(relation.get("Target"))
        for relation in _tree(archive, "xl/_rels/workbook.xml.rels")
        if relation.get("TargetMode") != "External"
    }
    for element in _tree(archive, _WORKBOOK).iter("{*}sheet"):
        if element.get("name") == sheet:
            link = next((str(value) for name, value in element.attrib.items() if str(name).endswith("}id")), "")
            return _found(archive, posixpath.normpath(posixpath.join("/xl", targets.get(link, ""))).lstrip("/"))
    raise BadFileError("its parts do not fit together")


def _tree(archive: zipfile.ZipFile, name: str) -> "etree._Element":
    parser = etree.XMLParser(**SAFE)
    try:
        root = etree.fromstring(archive.read(_found(archive, name)), parser)
    except etree.XMLSyntaxError:
        raise BadFileError("is not a whole workbook") from None
    refuse_document_type(root)
    return root


def _found(archive: zipfile.ZipFile, name: str) -> str:
    """The entry of this name whatever its letter case, as programs that write workbooks differ in it."""
    for entry in archive.namelist():
        if entry.lower() == name.lower():
            return entry
    raise BadFileError("is not a whole workbook")
