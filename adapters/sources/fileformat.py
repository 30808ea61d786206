"""How a file of rows is to be read, what a row of it is, and the limits every format keeps."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

LARGEST_FILE = 1 << 30
LONGEST_CELL = 100_000
MOST_COLUMNS = 2000
#: A line of text or JSON is never longer: it would have to be held in memory before its cells can be counted.
LONGEST_LINE = 16 << 20

#: What no text of a register holds: NUL and halves of characters, which no database takes, and the mark that another
#: program left where it could not read a character.
_DAMAGE = re.compile("[\x00\ud800-\udfff\ufffd]")
#: Invisible characters that come with pasted headers: joiners, the word joiner and the byte order mark.
_INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufeff]")


class BadFileError(Exception):
    """A file that cannot be taken as it is; the text names a place and a reason, never what the file says there."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {reason}" if line else reason)
        self.reason = reason
        self.line = line


@dataclass(frozen=True, slots=True)
class Drops:
    """The files that hold the rows of a table, and how they are to be read.

    `format` is csv, xlsx, xml or jsonl. A `complete` file holds every row, so a row it lacks is gone. CSV that
    `ends_open` has no line break behind its last row.
    """

    pattern: str
    format: str
    complete: bool
    encoding: str = ""
    delimiter: str = ","
    sheet: str = ""
    header_row: int = 1
    record: str = ""
    ends_open: bool = False


class YesOrNo(str):
    """A yes or no that the file keeps as such: 1 or 0."""

    __slots__ = ()

    @classmethod
    def of(cls, value: bool) -> "YesOrNo":
        """The text of this yes or no."""
        return cls(int(value))


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row: the line (for XLSX the row) where it begins, and the mapped columns as the file has them."""

    line: int
    values: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class StagedTable:
    """A table of the staging file: its mapped columns, and what is done with a row of it.

    `joins` are the columns by which other rows find a row; they are indexed. A row for which `is_secret` holds keeps
    only `row_id`, `joins` and `guards`. A condition compares the columns `worded` with words that no yes or no is.
    """

    name: str
    columns: tuple[str, ...]
    row_id: tuple[str, ...]
    joins: tuple[str, ...]
    guards: tuple[str, ...]
    is_secret: Callable[[Mapping[str, str | None]], bool]
    drops: Drops
    worded: tuple[str, ...] = ()


def plain_header(text: str) -> str:
    """The header without what a hand changes unawares: width of characters, white space, invisible marks."""
    return "".join(_INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).split())


def header_places(header: Sequence[str], columns: Sequence[str], line: int) -> list[int]:
    """Where each mapped column stands in the header; a missing one or one that stands twice refuses the file."""
    if len(header) > MOST_COLUMNS:
        raise BadFileError(f"has more than {MOST_COLUMNS} columns", line)
    plain = [plain_header(cell) for cell in header]
    for column in columns:
        found = plain.count(plain_header(column))
        if found != 1:
            raise BadFileError(f"the header has the column {column} {'more than once' if found else 'nowhere'}", line)
    return [plain.index(plain_header(column)) for column in columns]


def checked_text(text: str, line: int) -> str | None:
    """The text of a cell, None if it is empty; a text that is damaged or far too long refuses the file."""
    if len(text) > LONGEST_CELL:
        raise BadFileError(f"a cell is longer than {LONGEST_CELL} characters", line)
    if not text.isascii() or "\0" in text:
        checked_characters(text, line)
    return text or None


def checked_characters(text: str, line: int) -> None:
    """Nothing, if every character can be one of a register; otherwise the file is refused."""
    if found := _DAMAGE.search(text):
        raise BadFileError(f"holds U+{ord(found[0]):04X}, the trace of a conversion that failed", line)
