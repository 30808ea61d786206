"""JSON Lines files: strict objects, numbers as they are written, nothing guessed."""

import pytest

from adapters.sources.fileformat import BadFileError
from tests.adapters.dropfolder import Folder, read, table


@pytest.fixture
def file(tmp_path):
    return tmp_path / "a.jsonl"


def refused(file, content, columns=("a",)):
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(BadFileError) as caught:
        read(file, columns, "jsonl")
    return caught.value


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_values_become_text_as_they_are_written(file, mark):
    lines = '{"a": "甲", "n": {"x": 1.50, "y": true}, "z": [1]}\n\n{"a": null, "n": null}\r\n'
    file.write_bytes(mark + lines.encode())
    found = read(file, ("a", "n.x", "n.y"), "jsonl")
    assert [dict(row.values) for row in found] == [
        {"a": "甲", "n.x": "1.50", "n.y": "1"},
        {"a": None, "n.x": None, "n.y": None},
    ]
    assert [row.line for row in found] == [1, 3]


@pytest.mark.parametrize(
    "line",
    [
        '{"a": 1, "a": 1}',
        '{"b": {"c": 1, "c": 2}, "a": 1}',
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1',
        '{"a": 1} {"a": 2}',
        "[1]",
        '"a"',
        '{"b": 1}',
        '{"a": [1]}',
        '{"a": {"b": 1}}',
        '{"a": "\\ud800"}',
        '{"a": "\\u0000"}',
        '{"a": "\\ufffd"}',
        "[" * 100_000,
        '{"a": "' + "x" * 100_001 + '"}',
        "{" + ",".join(f'"{number}": 1' for number in range(2001)) + ', "a": 1}',
    ],
)
def test_what_is_not_one_sound_object_refuses_the_file_with_its_line(file, line):
    error = refused(file, '{"a": "secret"}\n' + line + "\n")
    assert error.line == 2
    assert "secret" not in str(error)


def test_another_encoding_is_refused(file):
    assert "UTF-8" in refused(file, '{"a": "甲"}\n'.encode("gbk")).reason


def test_a_number_of_any_length_stays_what_it_is(file):
    file.write_text('{"a": ' + "9" * 5000 + "}\n")
    assert read(file, ("a",), "jsonl")[0].values == {"a": "9" * 5000}


def test_an_endless_line_is_refused(file):
    assert "longer" in refused(file, b" " * (17 << 20)).reason


@pytest.mark.parametrize("nothing", [b"", b"\xef\xbb\xbf"])
def test_a_complete_file_of_nothing_withdraws_no_row(tmp_path, nothing):
    columns = ("编号", "案号", "密级")
    folder = Folder(tmp_path, table(columns=columns, format="jsonl"))
    folder.drop('{"编号": "1", "案号": "1", "密级": "0"}\n')
    assert [one.outcome for one in folder.drop(nothing, "b.csv")] == ["refused"]
    assert folder.rows()[0][-1] == 0
    assert folder.drop("\n", "c.csv")[0].counts["case"].gone == 1
    changes = Folder(tmp_path, table(columns=columns, format="jsonl", complete=False))
    assert [one.outcome for one in changes.drop(nothing, "d.csv")] == ["taken"]
