"""Rows of a sheet in an XLSX, XLSM or XLS file; calamine loads the sheet whole, macros are never looked at."""

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import date, datetime, time, timedelta
from itertools import islice
from math import isfinite
from typing import BinaryIO

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum

from adapters.sources.fileformat import BadFileError, Drops, FileRow, YesOrNo, checked_text, header_places
from adapters.sources.sheet_scan import SheetScan, scan_sheet
from adapters.sources.zip_guard import guarded_zip

_Cell = int | float | str | bool | time | date | datetime | timedelta
_ZIP, _OLE = b"PK", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: A spreadsheet keeps 15 digits of a number; an identity number typed as a number has lost its last three.
_EXACT = 10**15


class _Merges:
    """The merges of several rows over mapped columns: only the first row holds what all of them show."""

    def __init__(self, sheet: CalamineSheet, columns: Sequence[int]) -> None:
        self._below = sorted(
            (
                (top + 1, bottom + 1, f"{_letters(left)}{top + 1}:{_letters(right)}{bottom + 1}")
                for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()
                if top < bottom and any(left <= column <= right for column in columns)
            ),
            reverse=True,
        )
        self._reach = (0, "")

    def check(self, row: int) -> None:
        """Nothing, if this row, which is below every earlier one, is in no merge that began above it."""
        while self._below and self._below[-1][0] < row:
            _, bottom, cells = self._below.pop()
            self._reach = max(self._reach, (bottom, cells))
        if self._reach[0] >= row:
            raise BadFileError(f"{self._reach[1]} is merged over several rows: unmerge it, and fill in every row", row)


def _letters(column: int) -> str:
    """The name of a column, counted from 0."""
    before, last = divmod(column, 26)
    return (_letters(before - 1) if before else "") + chr(ord("A") + last)


def xlsx_rows(file: BinaryIO, drops: Drops, columns: Sequence[str]) -> Iterator[FileRow]:
    """Every row below the header that is not wholly empty; the archive is proven harmless first."""
    file.seek(0)
    start = file.read(len(_OLE))
    if not start.startswith((_ZIP, _OLE)):
        raise BadFileError("is not a workbook")
    with guarded_zip(file) if start.startswith(_ZIP) else nullcontext() as archive:
        sheet, scan = _sheet(file, drops.sheet, archive)
        yield from _rows(sheet, scan, drops.header_row, columns)


def first_rows(file: BinaryIO, most: int) -> list[list[str]]:
    """The first rows of the first sheet as the texts of their cells, titles and headings included."""
    file.seek(0)
    with guarded_zip(file) if file.read(len(_ZIP)) == _ZIP else nullcontext() as archive:
        sheet, _ = _sheet(file, "", archive)
        return [[str(cell) for cell in cells] for cells in islice(sheet.iter_rows(), most)]


def _sheet(file: BinaryIO, name: str, archive: zipfile.ZipFile | None) -> tuple[CalamineSheet, SheetScan]:
    try:
        file.seek(0)
        workbook = CalamineWorkbook.from_object(file)
        names = [one.name for one in workbook.sheets_metadata if one.typ == SheetTypeEnum.WorkSheet]
        if not names or (name and name not in names):
            raise BadFileError(f"has no sheet {name}" if name else "has no sheet")
        scan = scan_sheet(archive, name or names[0]) if archive else SheetScan()
        return workbook.get_sheet_by_name(name or names[0]), scan
    except PasswordError:
        raise BadFileError("is encrypted") from None
    except CalamineError:
        raise BadFileError("is not a whole workbook") from None
    except BaseException as error:
        # A panic of the library below calamine is no Exception, and still only says that the file is bad.
        if type(error).__name__ != "PanicException":
            raise
        raise BadFileError("is not a whole workbook") from None


def _rows(sheet: CalamineSheet, scan: SheetScan, header_row: int, columns: Sequence[str]) -> Iterator[FileRow]:
    before = (sheet.start or (0, 0))[1]
    places: list[tuple[str, int]] = []
    merges = _Merges(sheet, ())
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        if number == header_row:
            header = [str(cell) for cell in cells]
            places = list(zip(columns, header_places(header, columns, number), strict=True))
            merges = _Merges(sheet, [before + place for _, place in places])
        elif number > header_row:
            values = {
                column: _text(cells[place], (number, before + place + 1) in scan.troubled, column, number)
                for column, place in places
            }
            if any(cell != "" for cell in cells):
                merges.check(number)
                yield FileRow(number, values)
    if not places:
        raise BadFileError("has no header row")


def _text(cell: _Cell, is_troubled: bool, column: str, row: int) -> str | None:
    """The cell as text: whole numbers without a point, dates as stamps, yes and no as 1 and 0."""
    if is_troubled:
        raise BadFileError(f"{column} has an error or a formula without a result", row)
    if isinstance(cell, str):
        return checked_text(cell, row)
    if isinstance(cell, bool):
        return YesOrNo.of(cell)
    if isinstance(cell, int | float):
        return _number(cell, column, row)
    if isinstance(cell, datetime):
        return cell.strftime("%Y%m%d%H%M%S")
    if isinstance(cell, date):
        return cell.strftime("%Y%m%d")
    if isinstance(cell, time):
        return cell.strftime("%H%M%S")
    raise BadFileError(f"{column} is a duration, which is not read", row)


def _number(cell: float, column: str, row: int) -> str:
    if not isfinite(cell):
        raise BadFileError(f"{column} is infinite or no number", row)
    if cell != int(cell):
        return repr(cell)
    if abs(cell) >= _EXACT:
        raise BadFileError(f"{column} is a number of more than 15 digits and has lost its last ones", row)
    return str(int(cell))
