"""Where in a mapping file a column or a table of the case system is named."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from adapters.mapping import CASE_TABLE
from adapters.sections import Fault, KeyPath, Place, key_places


def fault_of(file: str, table: str, name: str, called: str, reason: str) -> Fault:
    """The fault of a column or table `name` that the mapping's `table` names, with its place if that can be found."""
    found = named_at(Path(file).read_text(encoding="utf-8-sig"), table, name) if Path(file).exists() else None
    if found is None:
        return Fault(file, None, called, reason)
    path, place = found
    key = ".".join(str(part + 1) if isinstance(part, int) else part for part in path)
    return Fault(file, place, key, f"{called} {reason}")


def named_at(text: str, table: str, name: str) -> tuple[KeyPath, Place] | None:
    """The first key that names this column or table of the mapping's `table`, and where; None if none is found."""
    values = tomllib.loads(text)
    found = list(_keys_around(text, name))
    mine = [one for one in found if _concerns(values, one[0], table)]
    return next(iter(mine), None)


def _keys_around(text: str, name: str) -> Iterator[tuple[KeyPath, Place]]:
    """Every key in whose value the name stands between quotation marks or braces."""
    keys = sorted((place, path) for path, place in key_places(text).items())
    pattern = re.compile(rf"""["'{{]{re.escape(name)}["'}}]""")
    for number, line in enumerate(text.splitlines(), start=1):
        for match in pattern.finditer(line):
            before = [(place, path) for place, path in keys if place <= (number, match.start() + 1)]
            if before:
                yield before[-1][1], (number, match.start() + 2)


def _concerns(values: Mapping[str, Any], path: KeyPath, table: str) -> bool:
    """Whether a key at this path is about the mapping's `table`, or about a table that hangs on it."""
    section, *rest = path
    if section == "tables":
        return table in rest[:1] or "parent" in rest
    if section in ("milestones", "parties") and rest and isinstance(rest[0], int):
        return bool(values[str(section)][rest[0]].get("table", CASE_TABLE) == table)
    return section == "case" and table == CASE_TABLE
