"""How XML from outside is parsed: no document type, no entity, nothing from the network, nothing kept once read."""

from typing import Any, Final

from lxml import etree

from adapters.sources.fileformat import BadFileError

#: Options for every parser of lxml.
SAFE: Final[dict[str, Any]] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}


def refuse_document_type(element: etree._Element) -> None:
    """Nothing, if the document has no DOCTYPE; otherwise the file is refused, because entities are declared there."""
    if element.getroottree().docinfo.internalDTD is not None:
        raise BadFileError("has a document type (DTD), which is not read")


def line_of(element: etree._Element) -> int:
    """The line where the element begins, 0 if the parser did not note it."""
    line: Any = element.sourceline
    return int(line or 0)


def forget_before(element: etree._Element) -> None:
    """Frees what stands before the element; the element itself stays, because the parser goes on from there."""
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]
