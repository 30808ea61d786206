"""Which element of an unknown XML file is the row, and which columns it has."""

from collections import Counter
from typing import BinaryIO

from lxml import etree

from adapters.sources.fileformat import BadFileError
from adapters.sources.safe_xml import SAFE, refuse_document_type

_MOST_ELEMENTS = 50_000


def record_and_columns(file: BinaryIO) -> tuple[str, list[str]]:
    """The path of the first element that repeats and holds something, and the paths of its columns."""
    paths: Counter[tuple[str, ...]] = Counter()
    attributes: dict[tuple[str, ...], set[str]] = {}
    inner: set[tuple[str, ...]] = set()
    file.seek(0)
    open_path: list[str] = []
    try:
        for event, element in etree.iterparse(file, events=("start", "end"), **SAFE):
            if event == "end":
                open_path.pop()
                element.clear()
                continue
            refuse_document_type(element)
            inner.add(tuple(open_path))
            open_path.append(etree.QName(element).localname)
            path = tuple(open_path)
            paths[path] += 1
            attributes.setdefault(path, set()).update(etree.QName(name).localname for name in map(str, element.attrib))
            if paths.total() >= _MOST_ELEMENTS:
                break
    except etree.XMLSyntaxError:
        raise BadFileError("is no well-formed XML") from None
    repeated = [path for path in paths if paths[path] > 1 and (path in inner or attributes[path])]
    if not repeated:
        raise BadFileError("has no element that repeats and holds columns")
    record = min(repeated, key=lambda path: (len(path), -paths[path]))
    return "/".join(record), _columns(record, paths, attributes, inner)


def _columns(
    record: tuple[str, ...],
    paths: Counter[tuple[str, ...]],
    attributes: dict[tuple[str, ...], set[str]],
    inner: set[tuple[str, ...]],
) -> list[str]:
    """Attributes and texts below the record, unless they stand in something that may repeat within it."""
    found = []
    for path in paths:
        below = path[len(record) :]
        steps = [path[: len(record) + depth] for depth in range(1, len(below) + 1)]
        if path[: len(record)] != record or any(paths[step] > paths[record] for step in steps):
            continue
        found += ["/".join((*below, f"@{name}")) for name in sorted(attributes[path])]
        if below and path not in inner:
            found.append("/".join(below))
    return found
