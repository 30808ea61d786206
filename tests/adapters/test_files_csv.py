"""CSV files: every encoding proven, every doubt refused with its line, cells kept as they are."""

import io

import pytest

from adapters.sources.csv_rows import csv_rows
from adapters.sources.fileformat import BadFileError, Drops
from tests.adapters.dropfolder import read, values

TEXT = "编号,名称,备注\n1,永宁县望远镇宾馆,检查合格\n2,阿依古丽·买买提,整改\n"
HEADER = ("编号", "名称", "备注")
ROWS = [
    {"编号": "1", "名称": "永宁县望远镇宾馆", "备注": "检查合格"},
    {"编号": "2", "名称": "阿依古丽·买买提", "备注": "整改"},
]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "a.csv"


def refused(file, content, columns=HEADER, **keys):
    """The reason and the line for which this content is refused."""
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(BadFileError) as caught:
        read(file, columns, **keys)
    return caught.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_an_encoding_is_found_by_itself(file, encoding):
    file.write_bytes(TEXT.encode(encoding))
    assert values(file, HEADER) == ROWS


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "gbk", "utf-16-le", "utf-16-be"])
def test_a_configured_encoding_is_obeyed(file, encoding):
    file.write_bytes(TEXT.encode(encoding))
    assert values(file, HEADER, encoding=encoding) == ROWS


def test_a_utf_16_file_of_the_other_byte_order_is_read_by_its_mark(file):
    file.write_bytes(b"\xfe\xff" + TEXT.encode("utf-16-be"))
    assert values(file, HEADER) == ROWS


def test_a_rare_character_of_four_bytes_survives(file):
    file.write_bytes(TEXT.replace("整改", "王\U00020bb7").encode("gb18030"))
    assert values(file, HEADER)[1]["备注"] == "王\U00020bb7"


def test_plain_ascii_needs_no_encoding(file):
    file.write_bytes(b"id,name\n1,x\n")
    assert values(file, ("id", "name")) == [{"id": "1", "name": "x"}]


def test_a_character_across_two_chunks_is_read(file):
    file.write_bytes(b"id,a\n1," + b"x" * 90_000 + b"\n" + b"2,x\n" * 240_000 + "3,宾馆\n".encode() * 100_000)
    assert read(file, ("a",))[-1].values == {"a": "宾馆"}


def test_a_configured_encoding_that_does_not_fit_refuses_the_file(file):
    assert "is not UTF-8 throughout" in refused(file, TEXT.encode("gbk"), encoding="utf-8").reason
    mangled = "id,name\n1,永宁望远\n".encode()
    assert mangled.decode("gb18030")
    assert "is UTF-8 and not GB18030" in refused(file, mangled, ("id", "name"), encoding="gb18030").reason


def test_a_file_with_one_broken_byte_is_refused_and_not_read_as_something_else(file):
    broken = TEXT.encode().replace("合格".encode(), "合格".encode()[:-1])
    refused(file, broken)


def test_another_encoding_is_not_taken_for_gb18030(file):
    big5 = "編號,名稱,備註\n1,臺灣警察局案件調查通知書,請當事人於期限內到案說明\n".encode("big5")
    refused(file, big5)
    refused(file, b"id,name\n1,caf\xe9s\n2,na\xefve\n", ("id",))


def test_few_words_that_read_as_utf_8_and_as_gb18030_are_refused(file):
    twice = "id,a\n1,一\n".encode("gb18030")
    assert twice.decode("utf-8")
    assert "reads as UTF-8 and as GB18030" in refused(file, twice, ("id", "a")).reason
    assert values(file, ("a",), encoding="gb18030") == [{"a": "一"}]


@pytest.mark.parametrize("damage", ["\ufffd", "\0", "锟斤拷", "\x92"])
def test_the_traces_of_a_wrong_conversion_refuse_the_file_with_their_line(file, damage):
    error = refused(file, TEXT.replace("整改", damage))
    assert error.line in (1, 3)
    assert "宾馆" not in str(error)


def test_private_characters_refuse_a_gb18030_file_and_stay_in_a_utf_8_file(file):
    assert "private" in refused(file, TEXT.replace("整改", "\ue5e5").encode("gb18030")).reason
    file.write_bytes(TEXT.replace("整改", "\ue5e5").encode())
    assert values(file, HEADER)[1]["备注"] == "\ue5e5"


def test_utf_16_without_a_mark_and_utf_32_are_refused(file):
    refused(file, TEXT.encode("utf-16-le"))
    assert "UTF-32" in refused(file, TEXT.encode("utf-32")).reason


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_the_delimiter_is_that_of_the_mapping(file, delimiter):
    file.write_text(TEXT.replace(",", delimiter))
    assert values(file, HEADER, delimiter=delimiter) == ROWS


def test_a_quoted_cell_may_hold_lines_and_delimiters_and_the_next_row_keeps_its_line(file):
    file.write_bytes('编号,名称\r\n1,"a,\r\n""b"""\r\n2,c\r\n'.encode())
    found = read(file, ("编号", "名称"))
    assert [row.values["名称"] for row in found] == ['a,\r\n"b"', "c"]
    assert [row.line for row in found] == [2, 4]


def test_cells_that_look_like_formulas_or_numbers_stay_text(file):
    file.write_text("a,b,c\n=1+1,+86 138,007\n")
    assert values(file, ("a", "b", "c")) == [{"a": "=1+1", "b": "+86 138", "c": "007"}]


def test_an_empty_cell_is_nothing_and_an_empty_row_is_left_out(file):
    file.write_text("a,b\n1,\n,\n\n2,x\n")
    assert values(file, ("a", "b")) == [{"a": "1", "b": None}, {"a": "2", "b": "x"}]


def test_headers_are_compared_without_width_space_and_invisible_marks(file):
    file.write_text("\u200b 编　号 ,（甲）,A B\n1,2,3\n")
    assert values(file, ("编号", "(甲)", "AB")) == [{"编号": "1", "(甲)": "2", "AB": "3"}]


def test_a_missing_header_or_one_that_stands_twice_refuses_the_file(file):
    assert "名称 nowhere" in refused(file, "编号,备注\n1,2\n").reason
    assert "编号 more than once" in refused(file, "编号,名称,备注,编 号\n1,2,3,4\n").reason
    file.write_text("编号,x,x,\n1,2,3,4\n")
    assert values(file, ("编号",)) == [{"编号": "1"}]


def test_the_header_may_stand_below_a_title(file):
    file.write_text("永宁县台账\n编号,名称\n1,x\n")
    assert values(file, ("名称",), header_row=2) == [{"名称": "x"}]
    assert "no header" in refused(file, "").reason


@pytest.mark.parametrize("row", ["2,甲", "2,甲,乙,丙"])
def test_a_ragged_row_refuses_the_file_with_its_line(file, row):
    error = refused(file, TEXT + row + "\n")
    assert error.line == 4
    assert "甲" not in str(error)


def test_a_file_cut_off_inside_a_quoted_cell_is_refused(file):
    error = refused(file, TEXT + '3,"x')
    assert (error.line, "cut off" in error.reason) == (4, True)


def test_a_stray_quotation_mark_is_refused(file):
    assert refused(file, TEXT + '3,"x"y,z\n').line == 4


def test_too_long_cells_too_many_columns_and_endless_lines_are_refused(file):
    assert "a cell is longer" in refused(file, "a\n" + "x" * 100_001 + "\n", ("a",)).reason
    assert "more than 2000 columns" in refused(file, ",".join(map(str, range(2001))) + "\n", ("1",)).reason
    assert refused(file, b"a,b\n" + b"," * (17 << 20), ("a",)).line == 2


def test_the_file_of_the_caller_stays_open():
    file = io.BytesIO(TEXT.encode())
    list(csv_rows(file, Drops("*", "csv", True), HEADER))
    assert not file.closed
