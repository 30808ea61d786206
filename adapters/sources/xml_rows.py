"""Rows of an XML file, read as a stream: no document type, no entity, nothing from outside the file."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from lxml import etree

from adapters.sources.charset import ENCODINGS
from adapters.sources.fileformat import BadFileError, Drops, FileRow, checked_text
from adapters.sources.safe_xml import SAFE, forget_before, line_of, refuse_document_type

_COLUMN = re.compile(
    r"(?P<up>(?:\.\./)*)(?P<down>[^@./][^@/]*(?:/[^@./][^@/]*)*)?(?P<slash>/)?(?:@(?P<attribute>[^@/]+))?"
)


@dataclass(frozen=True, slots=True)
class ColumnPath:
    """Where a column is: so many elements up from the record, then down, then perhaps an attribute."""

    up: int
    down: tuple[str, ...]
    attribute: str


@dataclass(slots=True)
class _Open:
    """An element around the records that is not closed yet: its attributes and the texts of its earlier children."""

    name: str
    attributes: dict[str, str]
    texts: dict[str, str | None] = field(default_factory=dict)
    has_children: bool = False
    has_records: bool = False


@dataclass(slots=True)
class _Guards:
    """The guards that were seen nowhere in the file so far; an empty one counts as seen."""

    record: tuple[str, ...]
    missing: dict[str, ColumnPath]

    def see_record(self, element: "etree._Element") -> None:
        """Looks for guards that stand at or in this record."""
        self._drop([column for column, path in self.missing.items() if not path.up and _is_in(element, path)])

    def see_around(self, around: Sequence[_Open]) -> None:
        """Looks for guards at the innermost of these elements, whether there is a record in it or not."""
        if self.missing and around:
            names = tuple(one.name for one in around)
            here = {column: path for column, path in self.missing.items() if names == self.record[: -path.up or None]}
            self._drop([column for column, path in here.items() if path.up and _is_at(around[-1], path)])

    def _drop(self, seen: Sequence[str]) -> None:
        for column in seen:
            del self.missing[column]


def _is_at(around: _Open, path: ColumnPath) -> bool:
    return path.attribute in around.attributes if path.attribute else path.down[0] in around.texts


def _is_in(element: "etree._Element", path: ColumnPath) -> bool:
    for name in path.down:
        found = next((child for child in element if _local(child.tag) == name), None)
        if found is None:
            return False
        element = found
    return not path.attribute or path.attribute in _attributes(element)


def column_path(text: str) -> ColumnPath:
    """The path of a column, such as 名称, 地址/街道, @编号 or ../@编号; ValueError if it is none that can be read."""
    found = _COLUMN.fullmatch(text)
    if (
        not found
        or not (found["down"] or found["attribute"])
        or bool(found["slash"]) != bool(found["down"] and found["attribute"])
    ):
        raise ValueError("must be names divided by /, with ../ before and @name behind them")
    path = ColumnPath(
        len(found["up"]) // 3,
        tuple((found["down"] or "").split("/")) if found["down"] else (),
        found["attribute"] or "",
    )
    if path.up and len(path.down) + bool(path.attribute) != 1:
        raise ValueError("of an element around the record, one attribute or one text can be read")
    return path


def xml_rows(file: BinaryIO, drops: Drops, columns: Sequence[str], guards: Sequence[str] = ()) -> Iterator[FileRow]:
    """Every element that stands at the path `record` from the root; names are compared without their namespaces.

    A guard that stands nowhere refuses the file: an element that was renamed would open it. So does a text of an
    element around that stands behind a record in it: the record left without it.
    A root whose elements are all beside the path does, too: it would look like a register without rows.
    """
    file.seek(0)
    record = tuple(drops.record.split("/"))
    paths = [(column, column_path(column)) for column in columns]
    wanted = {(len(record) - path.up, path.down[0]) for _, path in paths if path.up and path.down}
    events = etree.iterparse(
        file,
        events=("start", "end"),
        remove_comments=True,
        remove_pis=True,
        encoding=_encoding(drops.encoding),
        **SAFE,
    )
    looked_for = _Guards(record, {column: column_path(column) for column in guards})
    try:
        yield from _records(events, record, paths, wanted, looked_for)
    except etree.XMLSyntaxError as error:
        raise BadFileError("is not well-formed XML, or was cut off", error.lineno or 0) from None


def _encoding(configured: str) -> str | None:
    return ENCODINGS[configured].removesuffix("-sig") if configured else None


def _records(
    events: "etree.iterparse",
    record: tuple[str, ...],
    paths: Sequence[tuple[str, ColumnPath]],
    wanted: set[tuple[int, str]],
    guards: "_Guards",
) -> Iterator[FileRow]:
    around: list[_Open] = []
    inside, line = 0, 0
    is_beside, is_on_path = False, False
    for event, element in events:
        if inside:
            inside += 1 if event == "start" else -1
            if not inside:
                line = line_of(element)
                guards.see_record(element)
                for one in around:
                    one.has_records = True
                yield FileRow(line, {column: _value(element, around, path, column, line) for column, path in paths})
                forget_before(element)
            continue
        if event == "end":
            _close(around, element, wanted)
            guards.see_around(around)
            continue
        name = _local(element.tag)
        if not around:
            _check_root(element, name, record)
        else:
            around[-1].has_children = True
        if len(around) == 1:
            is_beside, is_on_path = is_beside or name != record[1], is_on_path or name == record[1]
        if len(around) == len(record) - 1 and (*(one.name for one in around), name) == record:
            inside = 1
        else:
            around.append(_Open(name, _attributes(element)))
            guards.see_around(around)
    if is_beside and not is_on_path:
        raise BadFileError(f"its root holds elements, but none is {record[1]}")
    if line and guards.missing:
        raise BadFileError(f"{', '.join(sorted(guards.missing))} stands nowhere, and a guard looks at it")


def _check_root(element: "etree._Element", name: str, record: tuple[str, ...]) -> None:
    refuse_document_type(element)
    if name != record[0]:
        raise BadFileError(f"its root element is not {record[0]}", line_of(element))


def _close(around: list[_Open], element: "etree._Element", wanted: set[tuple[int, str]]) -> None:
    """Takes an element around the records from the stack and keeps its text for the records that follow.

    `wanted` are the names of the texts that are read, each with how many elements are open around it.
    """
    closed = around.pop()
    if (len(around), closed.name) in wanted and not closed.has_children:
        if around[-1].has_records:
            raise BadFileError(f"{closed.name} stands behind a record that it is about", line_of(element))
        if closed.name in around[-1].texts:
            raise BadFileError(f"{closed.name} stands more than once", line_of(element))
        around[-1].texts[closed.name] = _text(element, line_of(element))
    forget_before(element)


def _value(element: "etree._Element", around: Sequence[_Open], path: ColumnPath, column: str, line: int) -> str | None:
    if path.up:
        if path.up > len(around):
            raise BadFileError(f"{column} leads out of the document", line)
        above = around[-path.up]
        return (
            checked_text(above.attributes.get(path.attribute, ""), line)
            if path.attribute
            else above.texts.get(path.down[0])
        )
    for name in path.down:
        found = [child for child in element if _local(child.tag) == name]
        if len(found) > 1:
            raise BadFileError(f"{column} stands more than once", line)
        if not found:
            return None
        element = found[0]
    if path.attribute:
        return checked_text(_attributes(element).get(path.attribute, ""), line)
    if len(element):
        raise BadFileError(f"{column} holds other elements", line)
    return _text(element, line)


def _text(element: "etree._Element", line: int) -> str | None:
    return checked_text((element.text or "").strip(), line)


def _attributes(element: "etree._Element") -> dict[str, str]:
    return {_local(str(name)): str(value) for name, value in element.attrib.items()}


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]
