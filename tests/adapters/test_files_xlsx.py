"""Workbooks: values as text, errors never read as empty cells, and no archive that could harm."""

import base64
import errno
import io
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from datetime import date, datetime, time, timedelta
from typing import Any

import openpyxl
import pytest

from adapters.sources import sheet_scan, zip_guard
from adapters.sources.fileformat import BadFileError
from tests.adapters.dropfolder import read, values


@pytest.fixture
def file(tmp_path):
    return tmp_path / "a.xlsx"


def fill(file, *lines, title="名单", first=1):
    book: Any = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for number, line in enumerate(lines, start=first):
        for column, value in enumerate(line, start=1):
            sheet.cell(number, column, value)
    book.save(file)
    return book


def refused(file, columns=("编号",), **keys):
    with pytest.raises(BadFileError) as caught:
        read(file, columns, "xlsx", **keys)
    return caught.value


def repacked(file, change):
    """Writes the workbook anew with `change` applied to the text of its sheet."""
    with zipfile.ZipFile(file) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts["xl/worksheets/sheet1.xml"] = change(parts["xl/worksheets/sheet1.xml"].decode()).encode()
    pack(file, parts)


def pack(file, parts, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(file, "w", method) as new:
        for name, content in parts.items():
            new.writestr(name, content)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (13800138000, "13800138000"),
        (13800138000.0, "13800138000"),
        (-5, "-5"),
        (42823.5, "42823.5"),
        (0.1, "0.1"),
        ("007", "007"),
        ("=x", None),
        (True, "1"),
        (False, "0"),
        (datetime(2031, 4, 1, 9, 30, 15), "20310401093015"),
        (date(2031, 4, 1), "20310401"),
        (time(9, 30), "093000"),
        (None, None),
    ],
)
def test_a_cell_becomes_the_text_a_database_would_hold(file, cell, text):
    fill(file, ["编号", "值"], ["1", cell])
    if cell == "=x":
        assert refused(file, ("编号", "值")).line == 2
    else:
        assert values(file, ("编号", "值"), "xlsx") == [{"编号": "1", "值": text}]


@pytest.mark.parametrize("cell", [110101199003070000, timedelta(hours=30)])
def test_a_number_that_lost_its_last_digits_and_a_duration_are_refused(file, cell):
    fill(file, ["编号", "值"], ["1", cell])
    assert refused(file, ("编号", "值")).line == 2


@pytest.mark.parametrize("number", ["1E400", "-1E400", "NaN", "INF"])
def test_an_infinite_number_and_one_that_is_none_refuse_the_file_with_its_row(file, number):
    fill(file, ["编号", "值"], ["1", 12345])
    repacked(file, lambda text: text.replace("<v>12345</v>", f"<v>{number}</v>"))
    assert refused(file, ("编号", "值")).line == 2


@pytest.mark.parametrize("error", ["#REF!", "#N/A", "#DIV/0!"])
def test_an_error_in_a_mapped_cell_refuses_the_file_with_its_row(file, error):
    book = fill(file, ["编号", "x", "值"], ["1", 1, 2], ["2", 1, None])
    book.active["C3"] = error
    book.active["C3"].data_type = "e"
    book.save(file)
    assert refused(file, ("编号", "值")).line == 3
    assert len(values(file, ("编号",), "xlsx")) == 2


def test_an_error_is_found_where_the_sheet_begins_further_in(file):
    book: Any = openpyxl.Workbook()
    book.active["C4"], book.active["D4"], book.active["C5"], book.active["D5"] = "编号", "值", "1", "#REF!"
    book.active["D5"].data_type = "e"
    book.save(file)
    assert refused(file, ("编号", "值"), header_row=4).line == 5
    assert values(file, ("编号",), "xlsx", header_row=4) == [{"编号": "1"}]


def test_cells_without_a_place_are_counted(file):
    fill(file, ["编号", "值"], ["1", "x"])
    repacked(file, lambda text: text.replace(' r="A2"', "").replace('<c r="B2" t="inlineStr"><is><t>x</t></is></c>',
             '<c t="e"><v>#REF!</v></c>'))  # fmt: skip
    assert refused(file, ("编号", "值")).line == 2


def merged(file, *ranges):
    """A workbook of the columns AB to AD, with a title of two rows, a header and three rows with something in AB."""
    book: Any = openpyxl.Workbook()
    for row, line in enumerate((["台账"], [], ["编号", "电话", "x"], ["1", "a", "b"], ["2"], ["3"])):
        for column, value in enumerate(line):
            book.active.cell(2 + row, 28 + column, value)
    for cells in ranges:
        book.active.merge_cells(cells)
    book.save(file)


@pytest.mark.parametrize("cells", ["AC5:AC6", "AC6:AC7", "AC5:AD7", "AC4:AC6"])
def test_a_mapped_cell_that_is_merged_over_several_rows_refuses_the_file(file, cells):
    merged(file, "AB2:AD3", "AD5:AD7", cells)
    error = refused(file, ("编号", "电话"), header_row=4)
    assert error.reason == f"{cells} is merged over several rows: unmerge it, and fill in every row"
    assert error.line == int(cells[2]) + 1


def test_merges_above_the_header_below_the_rows_of_one_row_and_of_unmapped_columns_hide_nothing(file):
    merged(file, "AB2:AD3", "AB6:AC6", "AB7:AD9", "AD4:AD6")
    assert [row["编号"] for row in values(file, ("编号", "电话"), "xlsx", header_row=4)] == ["1", "2", "3"]


def test_a_sheet_is_found_by_name_and_the_first_is_taken_without_one(file):
    book = fill(file, ["编号"], [1])
    other = book.create_sheet("处罚")
    other.append(["编号"])
    other.append([2])
    book.save(file)
    assert values(file, ("编号",), "xlsx") == [{"编号": "1"}]
    assert values(file, ("编号",), "xlsx", sheet="处罚") == [{"编号": "2"}]
    assert "has no sheet x" in refused(file, sheet="x").reason


def test_titles_above_and_empty_rows_below_are_left_out(file):
    fill(file, ["台账"], ["编号", "值"], ["1", "x"], [None, None], ["2", None], [None, None], ["", ""])
    found = read(file, ("编号", "值"), "xlsx", header_row=2)
    assert [(row.line, row.values["编号"]) for row in found] == [(3, "1"), (5, "2")]
    assert "no header row" in refused(file, header_row=99).reason


#: A workbook of 1997: 编号, 电话 and 日期, and one row below; nothing here writes that format.
OLD_WORKBOOK = (
    "eNrtWE1oE0EU/maSNJuQJpuaFlqhxoKx1vZQRPDSbi3VnlKqPfiDoK0NIpFUgh70YKs1JykInhQvhXrwUhXEH/SgNw9CRQ+CUEgUTyIoKHpos7"
    "552ZW0KnRBC5X5lvnmzXvzdt7O7+6+mIsXp+80lbAM3fChbIdQU6UTlEJuwQTZbVuJbm5QsjXWFEIGDWRNAI9qnwfVGKrxLkHitv8pMfCW0iGc"
    "xMBYLpNcRfRyDMNCxdBFLHCdNFE0clR1zEeZ1zHf4pqPmXtYM8XcRXWL4iDmrIG2Hc4s3i9b2BaFuu999nnDmk7U45maxeOXRaVuADvzx4dPrD"
    "FDsz+CGdCA9mdymbwqx3ADYeAAoSOd7ujrKyJBgz2Dr3YS+OKu6idJrV9dvQDpvy/VB/+gN2gQl+uvSD8wAfsIL5ICIjD8yiLFp6HU1AI2QhVV"
    "InvD+Lchyrafnr9E2fvMhmM0bzrDal/nfcBcsg/U8vqIEI8ixnKcV4lJgSzc/PwyPTJoHWbNBO/9lRNikwoINs4rD3KOskUy+yi1sbyV+QLfdT"
    "3LTcwJmsKUpwbrHWH3JNe5yNYUtbON8craXCW3klz4sOdBc+GdtYXk2f7S2cTsa2saLXRijZK/uibRLtrFtasKDy03F85uMs/c+MvOYkjTid12"
    "jsEYFtVaIsSZKyXVO+JnSTp9pbzFb7wFe6v+8FEPCfamfmzN3g31npPKLimu6EeJblmHe9x9PVVncRgaGhoaGhoaGhoa3iGcd3Of85EQcN79g8"
    "5/nUVKZf2b5L/FXozRdYo+KnchR3keZzzNnwYEhHsvsUIf93+hwj5qPY8sRjiOrOf5S99uovp5Vuxo/r0l5LX9spc4/3H7PwC6MdFU"
)


def test_an_old_workbook_is_read_too(file):
    file.write_bytes(zlib.decompress(base64.b64decode(OLD_WORKBOOK)))
    expected = {"编号": "1", "电话": "13800138000", "日期": "20310401"}
    assert values(file, tuple(expected), "xlsx") == [expected]
    assert values(file, tuple(expected), "xlsx", sheet="台账") == [expected]


@pytest.mark.parametrize("content", [b"", b"x", b"PK", b"PK\3\4junk", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)])
def test_what_is_no_workbook_is_refused(file, content):
    file.write_bytes(content)
    refused(file)


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9, 0.99])
def test_a_workbook_that_was_cut_off_is_refused(file, part):
    fill(file, ["编号"], [1])
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * part)])
    refused(file)


def test_a_workbook_that_lost_line_breaks_on_its_way_is_refused(file):
    fill(file, ["编号"], [1])
    with zipfile.ZipFile(file, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr("xl/text", b"\r\n" * 100)
    file.write_bytes(file.read_bytes().replace(b"\r\n", b"\n"))
    assert "lost bytes" in refused(file).reason


def test_an_error_of_the_disk_is_no_fault_of_the_workbook(file, monkeypatch):
    fill(file, ["编号"], [1])

    def broken(*_):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(zip_guard, "_unpack", broken)
    with pytest.raises(OSError, match="broken"):
        read(file, ("编号",), "xlsx")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('<row r="2"', '<row r="2.0"', "a row has no place"),
        ('<row r="2"', '<row r="22222222"', "a row has no place"),
        ("</sheetData>", "<a:b:c/></sheetData>", "not well-formed"),
    ],
)
def test_a_sheet_with_a_damaged_row_or_name_is_refused(file, old, new, reason):
    fill(file, ["编号"], [1])
    repacked(file, lambda text: text.replace(old, new))
    assert reason in refused(file).reason


def test_an_archive_without_a_workbook_is_refused(file):
    pack(file, {"a.txt": b"x"})
    assert "not a whole workbook" in refused(file).reason


def test_a_document_type_in_a_sheet_is_refused(file):
    fill(file, ["编号"], [1])
    repacked(file, lambda text: "<!DOCTYPE worksheet [<!ENTITY a 'x'>]>" + text)
    assert "DTD" in refused(file).reason or "whole workbook" in refused(file).reason


def with_part(file, name, content, **attributes):
    """A workbook with one more entry."""
    fill(file, ["编号"], [1])
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    for key, value in attributes.items():
        setattr(entry, key, value)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(entry, content)


def test_a_bomb_is_refused_before_it_is_parsed(file):
    with_part(file, "xl/media/big", bytes(20 << 20))
    assert "more than 200 to 1" in refused(file).reason


def test_an_archive_that_unpacks_to_too_much_is_refused(file, monkeypatch):
    monkeypatch.setattr(zip_guard, "MOST_UNPACKED", 1 << 20)
    with_part(file, "xl/media/big", b"abcdefgh" * (1 << 18))
    assert "unpacks to more" in refused(file).reason


def test_an_entry_that_lies_about_its_length_is_refused(file):
    with_part(file, "xl/media/big", bytes(5000))
    raw = file.read_bytes()
    assert raw.count(struct.pack("<I", 5000)) == 2
    file.write_bytes(raw.replace(struct.pack("<I", 5000), struct.pack("<I", 10)))
    assert "not a whole ZIP" in refused(file).reason


def test_too_many_entries_are_refused(file):
    fill(file, ["编号"], [1])
    with zipfile.ZipFile(file, "a") as archive:
        for number in range(zip_guard.MOST_ENTRIES):
            archive.writestr(f"x/{number}", b"")
    assert "more than 10000 files" in refused(file).reason


def test_a_directory_too_large_to_be_read_is_refused(file):
    raw = b"PK\3\4" + bytes(100) + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 9, 9, 1 << 30, 0, 0)
    file.write_bytes(raw)
    assert "more than 10000 files" in refused(file).reason
    file.write_bytes(raw.replace(b"PK\5\6", b"PK\6\7" + bytes(16) + b"PK\5\6"))
    assert "ZIP64" in refused(file).reason


def test_nested_archives_links_and_doubled_names_are_refused(file):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a", "b")
    with_part(file, "xl/embeddings/a.bin", inner.getvalue())
    assert "another archive" in refused(file).reason
    with_part(file, "xl/link", b"/etc/hostname", external_attr=(stat.S_IFLNK | 0o777) << 16)
    assert "a link" in refused(file).reason
    with pytest.warns(UserWarning, match="Duplicate name"):
        with_part(file, "xl/workbook.xml", b"<workbook/>")
    assert "same name" in refused(file).reason


def test_an_encrypted_entry_is_refused(file):
    fill(file, ["编号"], [1])
    raw = bytearray(file.read_bytes())
    raw[raw.rfind(b"PK\1\2") + 8] |= 1
    file.write_bytes(raw)
    assert "encrypted" in refused(file).reason


IN_TWO_GIBIBYTES = """
import resource, sys
from pathlib import Path
from tests.adapters.dropfolder import read
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
try:
    read(Path(sys.argv[1]), ("编号",), "xlsx")
except Exception as error:
    print(error)
"""


def test_two_cells_in_far_corners_do_not_fill_the_memory(file):
    book = fill(file, ["编号"], [1])
    book.active.cell(1_048_576, 16_384, "x")
    book.save(file)
    command = [sys.executable, "-c", IN_TWO_GIBIBYTES, str(file)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert f"spans more than {sheet_scan.MOST_CELLS}" in found.stdout


def test_macros_are_ignored(file):
    with_part(file, "xl/vbaProject.bin", b"\xd0\xcf\x11\xe0" + bytes(100))
    assert values(file, ("编号",), "xlsx") == [{"编号": "1"}]
