"""Checked reading of a TOML file: every fault is collected with file, line, key and reason."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

KeyPath = tuple[str | int, ...]

_PART = r"(?:[\w-]+|\"[^\"]*\"|'[^']*')"
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=")
_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)(?::-([^}]*))?\}")
_PLAIN = r"""[^\s.{};'"`\[\]\\\x00-\x1f](?:[^.{};'"`\[\]\\\x00-\x1f]{0,126}[^\s.{};'"`\[\]\\\x00-\x1f])?"""
#: A column or table of a database; a column may be that of a lookup, a table that of a schema.
_IDENTIFIER = re.compile(rf"{_PLAIN}(\.{_PLAIN})?")
#: A column of a file is called whatever its header says.
_HEADING = re.compile(r"[^\x00-\x1f{}]{1,200}")

#: Where a key stands: line and column, counted from 1.
Place = tuple[int, int]


def plain(text: str) -> str:
    """A code or word without the space around it and with full-width letters and digits as ordinary ones."""
    return unicodedata.normalize("NFKC", text).strip()


def _one_of(allowed: Collection[str]) -> str:
    return "one of " + ", ".join(name or '""' for name in sorted(allowed))


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a mapping: where it stands (line and column, if that is known) and why."""

    file: str
    place: Place | None
    key: str
    reason: str

    def __str__(self) -> str:
        where = ":".join([self.file, *map(str, self.place or ())])
        return f"{where}: {self.key}: {self.reason}"


class MappingError(Exception):
    """A mapping cannot be used; `faults` names every fault found."""

    def __init__(self, faults: Collection[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


def key_places(text: str) -> dict[KeyPath, Place]:
    """Where every table header and key stands; entries of arrays of tables carry their index."""
    places: dict[KeyPath, Place] = {}
    counts: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _table_path(_parts(header[2]), header[1] == "[[", counts)
            places.setdefault(table, (number, header.start(2) + 1))
        elif key := _KEY.match(line):
            path = table
            for part in _parts(key[1]):
                path = (*path, part)
                places.setdefault(path, (number, key.start(1) + 1))
    return places


def _parts(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in re.findall(_PART, dotted)]


def _table_path(parts: list[str], is_array: bool, counts: dict[KeyPath, int]) -> KeyPath:
    path: KeyPath = ()
    for position, part in enumerate(parts):
        path = (*path, part)
        if is_array and position == len(parts) - 1:
            counts[path] = counts.get(path, 0) + 1
        if path in counts:
            path = (*path, counts[path] - 1)
    return path


@dataclass(slots=True)
class Report:
    """Collects the faults of one file; `environment` fills ${NAME} and ${NAME:-otherwise} in its texts.

    With `has_headings`, columns are called by the headings of files, not by the names of a database.
    """

    file: str
    places: Mapping[KeyPath, Place]
    environment: Mapping[str, str]
    faults: list[Fault] = field(default_factory=list)
    has_headings: bool = False

    def add(self, path: KeyPath, reason: str) -> None:
        """Records a fault at the place of the key, or of the nearest table around it that has one."""
        at = path
        while at and at not in self.places:
            at = at[:-1]
        name = ".".join(str(part + 1) if isinstance(part, int) else part for part in path)
        # A section that is missing altogether is missing at the beginning.
        fault = Fault(self.file, self.places.get(at, (1, 1)), name, reason)
        if fault not in self.faults:
            self.faults.append(fault)


class Section:
    """One table of the file: each reading method checks its key, and `close` refuses the keys nobody read.

    A faulty key gives an empty value, so that reading goes on and finds the other faults too.
    """

    def __init__(self, values: Mapping[str, Any], path: KeyPath, report: Report) -> None:
        self.values = values
        self.path = path
        self.report = report
        self._read: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def fault(self, key: str, reason: str) -> None:
        """Records a fault of one key."""
        self.report.add((*self.path, key), reason)

    def _take(self, key: str, kind: type, what: str, default: Any) -> Any:
        self._read.add(key)
        if key not in self.values:
            if default is None:
                self.fault(key, "is missing")
            return kind() if default is None else default
        value = self.values[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.fault(key, f"must be {what}")
            return kind() if default is None else default
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """The text of this key, environment variables filled in; required without a default."""
        value: str = self._take(key, str, "a text", default)
        return _VARIABLE.sub(lambda found: self._variable(key, found), value)

    def _variable(self, key: str, found: re.Match[str]) -> str:
        name, otherwise = found[1], found[2]
        value = self.report.environment.get(name) or otherwise
        if value is None:
            self.fault(key, f"the environment variable {name} is not set and has no default")
        return value or ""

    def number(self, key: str, default: float, least: float) -> float:
        """The number of this key, at least `least`."""
        self._read.add(key)
        value = self.values.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or value < least:
            self.fault(key, f"must be a number of at least {least:g}")
            return default
        return value

    def flag(self, key: str, default: bool | None) -> bool:
        """The true or false of this key; required without a default."""
        return bool(self._take(key, bool, "true or false", default))

    def name(self, key: str, default: str | None = None) -> str:
        """The name of a table or column of the case system; '' for an optional one that is left out."""
        value: str = self._take(key, str, "a text", default)
        if key in self.values and isinstance(self.values[key], str):
            self.check_name(key, value)
        return value

    def names(self, key: str, default: Collection[str] | None = None) -> tuple[str, ...]:
        """The columns of this key: one name, or a list of names."""
        if isinstance(self.values.get(key), str):
            return (self.name(key),)
        found = self.texts(key, default)
        for value in found:
            self.check_name(key, value)
        if not found and default is None:
            self.fault(key, "must not be empty")
        return found

    def check_name(self, key: str, value: str) -> None:
        """Records a fault if this is not the name of a table or column."""
        if not value:
            self.fault(key, "must not be empty")
        elif self.report.has_headings:
            if not _HEADING.fullmatch(value) or value != value.strip():
                self.fault(key, "must be a heading as it stands in the file, without braces and space around it")
        elif not _IDENTIFIER.fullmatch(value):
            self.fault(key, "must be one plain name, without quotation marks, brackets, semicolons and space around it")

    def texts(self, key: str, default: Collection[str] | None = None) -> tuple[str, ...]:
        """The list of texts of this key."""
        found: list[Any] = self._take(key, list, "a list of texts", list(default) if default is not None else None)
        if not all(isinstance(value, str) for value in found):
            self.fault(key, "must be a list of texts")
        return tuple(value for value in found if isinstance(value, str))

    def choice(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        """The text of this key, one of `allowed`."""
        value: str = self._take(key, str, "a text", default)
        if value not in allowed and isinstance(self.values.get(key), str):
            self.fault(key, f"must be {_one_of(allowed)}")
        return value

    def choices(self, key: str, allowed: Collection[str], default: Collection[str]) -> frozenset[str]:
        """The texts of this key, each one of `allowed`."""
        values = frozenset(self.texts(key, default))
        if values - frozenset(allowed):
            self.fault(key, f"must name only {', '.join(sorted(allowed))}")
        return values

    def section(self, key: str, required: bool = True) -> "Section":
        """The table under this key; an empty one if it is missing."""
        values: dict[str, Any] = self._take(key, dict, "a table", None if required else {})
        return Section(values, (*self.path, key), self.report)

    def one_or_more(self, key: str) -> list["Section"]:
        """The table under this key, or the tables of the array under it; none if the key is missing."""
        return [self.section(key)] if isinstance(self.values.get(key), dict) else self.sections(key)

    def sections(self, key: str) -> list["Section"]:
        """The tables of the array of tables under this key, in order."""
        found: list[Any] = self._take(key, list, "an array of tables", [])
        for index, values in enumerate(found):
            if not isinstance(values, dict):
                self.report.add((*self.path, key, index), "must be a table")
        return [
            Section(values, (*self.path, key, index), self.report)
            for index, values in enumerate(found)
            if isinstance(values, dict)
        ]

    def codes(self, key: str, allowed: Collection[str] | None) -> dict[str, str]:
        """The code table under this key, from the source's codes to values of `allowed` (None: any text)."""
        inner = self.section(key)
        codes: dict[str, str] = {}
        for code, value in inner.values.items():
            if not isinstance(value, str) or (allowed is not None and value not in allowed):
                inner.fault(code, f"must be {'a text' if allowed is None else _one_of(allowed)}")
                continue
            if plain(code) in codes:
                inner.fault(code, "is the same code as another one")
            codes[plain(code)] = value
        return codes

    def close(self) -> None:
        """Records a fault for every key that no reading method asked for."""
        for key in self.values:
            if key not in self._read:
                self.fault(key, f"is not known here; known are {', '.join(sorted(self._read))}")
