"""A TOML file that knows the line of every key, so that a fault can say where it stands."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError

from caseq.errors import ConfigurationError, Fault

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_.\"'-]+)\s*=")
_SYNTAX_LINE = re.compile(r"\(at line (\d+)")
_NOT_READ: Mapping[type[OSError], str] = {
    FileNotFoundError: "there is no such file",
    IsADirectoryError: "it is a folder, not a file",
    PermissionError: "this account may not read it",
}


class TomlFile:
    """One parsed TOML file; ConfigurationError if it is missing or not TOML."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.text = path.read_text(encoding="utf-8")
            self.data: dict[str, Any] = tomllib.loads(self.text)
        except (OSError, UnicodeDecodeError) as error:
            reason = f"cannot be read: {_in_words(error)}"
            raise ConfigurationError([Fault(str(path), None, "file", reason)]) from error
        except tomllib.TOMLDecodeError as error:
            found = _SYNTAX_LINE.search(str(error))
            line = int(found.group(1)) if found else len(self.text.splitlines()) or 1  # "at end of document"
            raise ConfigurationError([Fault(str(path), line, "syntax", str(error))]) from error

    def fault(self, keys: Sequence[str | int], reason: str) -> Fault:
        """A fault at the key reached by `keys`: table names, positions in arrays of tables, key names."""
        return Fault(str(self.path), self.line(keys), ".".join(map(str, keys)) or "file", reason)

    def line(self, keys: Sequence[str | int]) -> int | None:
        """The line on which the key, or the nearest table above it, is written; None for the file itself."""
        places = _places(self.text)
        for length in range(len(keys), 0, -1):
            if (place := places.get(tuple(keys[:length]))) is not None:
                return place
        return None

    def checked(self, schema: Schema, data: Mapping[str, Any], above: Sequence[str | int] = ()) -> dict[str, Any]:
        """`data` loaded by the schema; ConfigurationError with every fault and its line."""
        try:
            loaded: dict[str, Any] = schema.load(data)
        except ValidationError as error:
            faults = [self.fault([*above, *keys], reason) for keys, reason in leaves(error.messages)]
            raise ConfigurationError(faults) from error
        return loaded


def _in_words(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8: save it as UTF-8"
    for kind, words in _NOT_READ.items():
        if isinstance(error, kind):
            return words
    return error.strerror or type(error).__name__


def leaves(messages: Any, above: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], str]]:
    """marshmallow's nested messages as (keys, reason) pairs."""
    if isinstance(messages, Mapping):
        return [leaf for key, below in messages.items() for leaf in leaves(below, (*above, key))]
    if isinstance(messages, str):
        return [(above, messages)]
    return [leaf for below in messages for leaf in leaves(below, above)]


def _places(text: str) -> dict[tuple[str | int, ...], int]:
    """Where every table and key of a TOML text is written: keys to line, counted from 1."""
    places: dict[tuple[str | int, ...], int] = {}
    counts: dict[tuple[str | int, ...], int] = {}
    table: tuple[str | int, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = tuple(part.strip(" \"'") for part in header.group(2).split("."))
            if header.group(1) == "[[":
                places.setdefault(table, number)
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            places.setdefault(table, number)
        elif key := _KEY.match(line):
            path = (*table, *(part.strip("\"'") for part in key.group(1).split(".")))
            places.setdefault(path, number)
    return places
