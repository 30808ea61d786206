"""XML files: read as a stream, with what stands around a record; nothing declared, nothing fetched."""

import subprocess
import sys

import pytest

from adapters.sources.fileformat import BadFileError, Drops
from adapters.sources.xml_rows import column_path, xml_rows
from tests.adapters.dropfolder import Folder, read, table, values

REGISTER = """<?xml version="1.0" encoding="{encoding}"?>
<名单 xmlns="urn:made-up" xmlns:p="urn:other">
  <场所 p:编号="S1"><名称>望远宾馆</名称><说明><b>x</b></说明>
    <检查 编号="1"><日期> 20310401 </日期><地址><街道>一路</街道></地址></检查>
    <检查 编号="2"><!-- none --><日期/><其他><检查><日期>x</日期></检查></其他></检查>
  </场所>
  <场所 编号="S2"><检查 编号="3"><日期>2031<!-- split -->0402</日期></检查></场所>
</名单>
"""
COLUMNS = ("@编号", "日期", "地址/街道", "../@编号", "../名称")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "a.xml"


def refused(file, text, columns=("b",), record="r/a", **keys):
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(BadFileError) as caught:
        read(file, columns, "xml", record=record, **keys)
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "gb2312", "gb18030", "utf-16"])
def test_records_are_read_with_what_stands_around_them(file, encoding):
    file.write_bytes(REGISTER.format(encoding=encoding).encode(encoding))
    assert [tuple(row.values()) for row in values(file, COLUMNS, "xml", record="名单/场所/检查")] == [
        ("1", "20310401", "一路", "S1", "望远宾馆"),
        ("2", None, None, "S1", "望远宾馆"),
        ("3", "20310402", None, "S2", None),
    ]


def test_a_row_knows_its_line(file):
    file.write_text(REGISTER.format(encoding="utf-8"))
    assert [row.line for row in read(file, ("@编号",), "xml", record="名单/场所/检查")] == [4, 5, 7]


def test_a_configured_encoding_is_stronger_than_the_declared_one(file):
    file.write_bytes(REGISTER.format(encoding="utf-8").encode("gb18030"))
    assert values(file, ("../名称",), "xml", record="名单/场所/检查", encoding="gbk")[0] == {"../名称": "望远宾馆"}
    assert "well-formed" in refused(file, file.read_bytes(), COLUMNS, "名单/场所/检查")


BOMB = "<!DOCTYPE r [<!ENTITY a 'lol'>{}]>".format(
    "".join(f"<!ENTITY {b} '{f'&{a};' * 10}'>" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
)
DECLARED = {
    "a bomb": BOMB + "<r><a><b>&i;</b></a></r>",
    "a bomb in an attribute of the root": BOMB + "<r x='&i;'><a><b>1</b></a></r>",
    "an entity from a file": "<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/hostname'>]><r><a><b>&x;</b></a></r>",
    "a parameter entity": "<!DOCTYPE r [<!ENTITY % x SYSTEM 'file:///etc/hostname'> %x;]><r><a><b>1</b></a></r>",
    "a document type elsewhere": "<!DOCTYPE r SYSTEM 'http://127.0.0.1:9/x.dtd'><r><a><b>1</b></a></r>",
    "a document type with nothing in it": "<!DOCTYPE r><r><a><b>1</b></a></r>",
}


@pytest.mark.parametrize("text", DECLARED.values(), ids=DECLARED.keys())
def test_whatever_declares_a_document_type_is_refused(file, text):
    # The bomb in an attribute may be stopped by the parser before anybody sees the document type.
    assert "DTD" in (found := refused(file, text)) or "well-formed" in found


def test_an_inclusion_is_an_element_like_any_other(file, tmp_path):
    (tmp_path / "other.xml").write_text("<b>stolen</b>")
    file.write_text('<r xmlns:xi="http://www.w3.org/2001/XInclude"><a><xi:include href="other.xml"/><c>1</c></a></r>')
    assert values(file, ("b", "c"), "xml", record="r/a") == [{"b": None, "c": "1"}]


@pytest.mark.parametrize(
    "text",
    ["", "<r><a><b>1</b></a>", "<r><a><b>1</a></b></r>", "<r><a><b>&x;</b></a></r>", "x", "<other><a/></other>"],
)
def test_what_is_cut_off_or_not_well_formed_is_refused(file, text):
    refused(file, text)


def test_what_could_be_read_in_two_ways_is_refused(file):
    assert "b stands more than once" in refused(file, "<r><a><b>1</b><b>2</b></a></r>")
    assert "holds other elements" in refused(file, "<r><a><b>1<c/></b></a></r>")
    assert "n stands more than once" in refused(file, "<r><n>1</n><n>2</n><a/></r>", ("../n",))
    assert "leads out" in refused(file, "<r><a/></r>", ("../../@x",))


def test_a_depth_without_end_is_refused(file):
    refused(file, "<r>" + "<x>" * 1000 + "</x>" * 1000 + "<a><b>1</b></a></r>")


@pytest.mark.parametrize("path", ["", "..", "../a/b", "../a/@b", "/a", "a//b", "a/", "@", "a@b", "a/../b", "@a/b"])
def test_a_path_that_cannot_be_read_is_told_when_the_mapping_is(path):
    with pytest.raises(ValueError, match=r"must be names|one attribute or one text"):
        column_path(path)


MEASURED = """
import sys
from adapters.sources import csv_rows, jsonl_rows, xml_rows
from tests.adapters.dropfolder import Drops, peak_kibibytes, rows
form, record, path = sys.argv[1:]
before = peak_kibibytes()
with open(path, "rb") as file:
    count = sum(1 for _ in rows(file, Drops("*", form, True, record=record), ("b",)))
print(count, peak_kibibytes() - before)
"""


@pytest.mark.parametrize("form", ["xml", "csv", "jsonl"])
def test_a_hundred_thousand_rows_are_never_in_memory_together(tmp_path, form):
    record = {
        "xml": "<a><b>{}</b><c>{:0100}</c></a>\n",
        "csv": "{},{:0100}\n",
        "jsonl": '{{"b": {}, "c": "{:0100}"}}\n',
    }
    head, foot = {"xml": ("<r>\n", "</r>"), "csv": ("b,c\n", ""), "jsonl": ("", "")}[form]
    path = tmp_path / "a"
    path.write_text(head + "".join(record[form].format(number, number) for number in range(100_000)) + foot)
    command = [sys.executable, "-c", MEASURED, form, "r/a", str(path)]
    count, kibibytes = map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert count == 100_000
    # The encoding is proven in pieces of a mebibyte; the rows together would be three times as much.
    assert kibibytes < 12_000


GUARDED = "<r><a 编号='1'><{0}>公开</{0}><b>x</b></a><a 编号='2'><b>y</b></a></r>"


@pytest.mark.parametrize(
    ("guard", "text"),
    [
        ("../密级", "<r><a/><密级>机密</密级></r>"),
        ("../密级", "<r><密级/><a/><密级/></r>"),
        ("../../密级", "<r><c><b><a/></b><密级>机密</密级></c><c><密级/><b><a/></b></c></r>"),
        ("../../../密级", "<r><c><b/></c><c><b><a/></b></c><密级>机密</密级></r>"),
    ],
)
def test_a_guard_that_stands_behind_a_record_refuses_the_file(file, guard, text):
    record = "r/a" if "<c>" not in text else "r/c/b/a"
    assert "密级 stands behind a record" in refused(file, text, (guard,), record)


def test_a_text_behind_the_records_of_another_element_counts_for_its_own(file):
    file.write_text("<r><c><n>1</n><a/></c><c><n>2</n><a/></c><n>x</n><d><n>3</n></d></r>")
    assert values(file, ("../n",), "xml", record="r/c/a") == [{"../n": "1"}, {"../n": "2"}]


@pytest.mark.parametrize("guard", ["密级", "@密级", "b/@密级", "../密级", "../@密级"])
def test_a_guard_that_stands_nowhere_refuses_the_file(file, guard):
    file.write_text(GUARDED.format("保密级别"))
    with pytest.raises(BadFileError, match="stands nowhere"):
        list(xml_rows(file.open("rb"), Drops("*", "xml", True, record="r/a"), ("b", guard), (guard,)))


@pytest.mark.parametrize(
    ("guard", "text"),
    [
        ("密级", GUARDED.format("密级")),
        ("密级", "<r><a><密级/><b>x</b></a></r>"),
        ("b/@密级", "<r><a><b 密级=''>x</b></a><a><b>x</b></a></r>"),
        ("../密级", "<r><密级/><a><b>x</b></a></r>"),
        ("../@密级", "<r 密级='1'><a><b>x</b></a></r>"),
        ("密级", "<r></r>"),
    ],
)
def test_a_guard_that_some_record_has_is_empty_where_it_is_not(file, guard, text):
    file.write_text(text)
    drops = Drops("*", "xml", True, record="r/a")
    assert len(list(xml_rows(file.open("rb"), drops, ("b", guard), (guard,)))) == text.count("<a")


def test_an_inbox_hands_the_guards_on(tmp_path):
    columns = table(format="xml", pattern="*.xml", record="r/a")
    folder = Folder(tmp_path, columns)
    row = "".join(f"<{name}>{name}</{name}>" for name in columns.columns)
    assert [one.outcome for one in folder.drop(f"<r><a>{row}</a></r>", "a.xml")] == ["taken"]
    renamed = row.replace("密级>", "保密级别>")
    assert [one.outcome for one in folder.drop(f"<r><a>{renamed}</a></r>", "b.xml")] == ["refused"]


def test_a_root_whose_elements_are_all_beside_the_record_refuses_the_file(file):
    for text in ("<r><A/></r>", "<r><when>2031</when><A><b>1</b></A></r>"):
        assert refused(file, text) == "its root holds elements, but none is a"
        assert refused(file, text, record="r/a/b") == "its root holds elements, but none is a"
    for text, record in (("<r></r>", "r/a"), ("<r>\n</r>", "r/a"), ("<r><when/><a><x/></a></r>", "r/a/b")):
        file.write_text(text)
        assert read(file, ("b",), "xml", record=record) == []
