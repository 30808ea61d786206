"""Finds rows by keys as the database compares them, and those whose key is written otherwise than the one asked for."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    and_,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.sql.expression import ColumnClause
from sqlalchemy.types import BINARY, VARBINARY, BigInteger, Integer, LargeBinary, NullType, SmallInteger, String

from adapters.sources.cells import HEX, as_it_is, bytes_of, text_row
from adapters.sources.engines import trimmed, values_at_once
from adapters.sources.keys import KeyForm
from adapters.sources.schema import MappedTable, is_number

#: How a database writes a whole number in a text otherwise than as its digits.
_ODD_NUMBERS = ("0%", "+%", "-0%", "%.%")
_WHOLE = re.compile(r"-?[0-9]{1,38}", re.ASCII)
_FRACTION = re.compile(r"-?[0-9]{1,38}\.[0-9]{1,38}", re.ASCII)

#: A row while it is put together: its columns and those of its lookups.
Cells = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Place:
    """A column that is searched for keys, and the form in which they are compared."""

    mapped: MappedTable
    column: str
    form: KeyForm

    @property
    def clause(self) -> ColumnClause[Any]:
        """The column as the database has it."""
        return self.mapped.columns[self.column]

    @property
    def named(self) -> tuple[str, str, KeyForm]:
        """The table and column in the database, and the form: the same for every part of a mapping that reads it."""
        return (self.mapped.clause.fullname, self.clause.name, self.form)


class Search:
    """Searches the tables of one database by key; remembers what is odd about the columns that it searched."""

    def __init__(self, engine: Engine, zone: tzinfo) -> None:
        self.engine = engine
        self.zone = zone
        self._forms: dict[tuple[str, str, bool], KeyForm] = {}
        self._odd: dict[tuple[str, str, KeyForm], dict[str, set[str]]] = {}

    def forget_odd(self) -> None:
        """Looks anew, at the next search of a column, for keys that are written oddly there."""
        self._odd.clear()

    def place(self, connection: Connection, mapped: MappedTable, column: str, other: ColumnClause[Any]) -> Place:
        """The searched column with the form in which its keys are compared with those of `other`."""
        searched = mapped.columns[column]
        has_numbers = is_number(searched) or is_number(other)
        named = (mapped.clause.fullname, searched.name, has_numbers)
        if named not in self._forms:
            is_caseless = not has_numbers and _is_caseless(connection, mapped, searched)
            self._forms[named] = KeyForm(has_numbers, is_caseless)
        return Place(mapped, column, self._forms[named])

    def rows(
        self,
        connection: Connection,
        place: Place,
        names: Sequence[str],
        keys: Iterable[str],
        labels: Sequence[str],
        raw: frozenset[str],
    ) -> Iterator[Cells]:
        """The rows with one of these keys, as texts by label; some may have another key that the database holds equal.

        `raw` are the labels of columns whose every value is kept apart, see `text_row`.
        """
        compared, values = self._compared(place, self._spelled(connection, place, keys))
        chosen = select(*(as_it_is(place.mapped.columns[name]).label(f"c{index}") for index, name in enumerate(names)))
        size = values_at_once(self.engine)
        for start in range(0, len(values), size):
            for cells in connection.execute(chosen.where(compared.in_(values[start : start + size]))):
                yield text_row(labels, cells, self.zone, raw)

    def note(self, mapped: MappedTable, column: str, key: str | None) -> None:
        """Remembers how this key is written in this column, if that is odd and the column is searched."""
        if key and (key[0].isspace() or key[-1].isspace() or not key.isalnum() or key[0] == "0"):
            named = (mapped.clause.fullname, mapped.columns[column].name)
            for (*searched, form), odd in self._odd.items():
                if tuple(searched) == named and _is_odd(form, key):
                    odd.setdefault(form.of(key), set()).add(key)

    def _spelled(self, connection: Connection, place: Place, keys: Iterable[str]) -> list[str]:
        """These keys, stripped, and every other way in which the searched column writes them."""
        odd = self.odd_keys(connection, place)
        found: dict[str, None] = {}
        for key in map(str.strip, keys):
            found[key] = None
            if odd or place.form.is_number:
                form = place.form.of_stripped(key)
                found |= dict.fromkeys((form, *odd.get(form, ())) if place.form.is_number else odd.get(form, ()))
        return list(found)

    def odd_keys(self, connection: Connection, place: Place) -> Mapping[str, set[str]]:
        """By form, the keys in this column that are written oddly."""
        named = place.named
        if named not in self._odd:
            self._odd[named] = self._look_for_odd(connection, place)
        return self._odd[named]

    def _look_for_odd(self, connection: Connection, place: Place) -> dict[str, set[str]]:
        """By form, the keys of the searched column that are no form themselves: with space around, zeros before."""
        column, is_sqlite = place.clause, self.engine.dialect.name == "sqlite"
        if is_number(column) or not (is_sqlite or isinstance(column.type, String)):
            return {}
        is_odd: ColumnElement[bool] = column != trimmed(connection, column)
        if place.form.is_number:
            is_odd = or_(is_odd, *(column.like(pattern) for pattern in _ODD_NUMBERS))
        if is_sqlite:
            is_odd = and_(func.typeof(column) == "text", is_odd)
        found: dict[str, set[str]] = {}
        for (key,) in connection.execute(select(column).where(is_odd).distinct()):
            if isinstance(key, str) and _is_odd(place.form, key):
                found.setdefault(place.form.of(key), set()).add(key)
        return found

    def _compared(self, place: Place, texts: list[str]) -> tuple[ColumnElement[Any], list[Any]]:
        """What these keys are compared with in the searched column, and as what values of its type."""
        column, dialect = place.clause, self.engine.dialect.name
        if dialect == "sqlite":
            # A column may hold values of any type there, whatever it was declared as.
            return type_coerce(column, NullType()), [value for text in texts for value in _of_each_type(column, text)]
        if is_number(column):
            most = _most_whole(column) if dialect == "postgresql" else 10**38
            return column, list(_numbers(column, texts, most))
        if isinstance(column.type, LargeBinary | BINARY | VARBINARY):
            return column, [bytes_of(text) for text in texts]
        return (column if isinstance(column.type, String) else cast(column, String)), texts


def _is_odd(form: KeyForm, key: str) -> bool:
    """Whether a search for the stripped key, or for its form, would miss this one."""
    stripped = key.strip()
    return key != stripped or (form.is_number and key != form.of_stripped(stripped))


def _is_caseless(connection: Connection, mapped: MappedTable, column: ColumnClause[Any]) -> bool:
    """Whether the database compares this column without regard to letter case, as it says itself."""
    if not isinstance(column.type, String):
        return False
    letter = select(column.label("letter")).select_from(mapped.clause).where(false())
    letters = union_all(letter, select(literal("A", column.type).label("letter"))).subquery()
    return connection.execute(select(letters.c.letter).where(letters.c.letter == "a")).first() is not None


def _of_each_type(column: ColumnClause[Any], text: str) -> Iterator[str | int | float | bytes]:
    """The values of SQLite that are this text in a row."""
    yield text
    if _WHOLE.fullmatch(text) and -(2**63) <= int(text) < 2**63 and str(int(text)) == text:
        yield int(text)
    if _FRACTION.fullmatch(text):
        yield float(text)
    if text.startswith(HEX) or isinstance(column.type, LargeBinary | BINARY | VARBINARY | NullType):
        yield bytes_of(text)


def _most_whole(column: ColumnClause[Any]) -> int:
    """What numbers are as large as no number of this column of PostgreSQL, which refuses to compare larger ones."""
    if isinstance(column.type, SmallInteger):
        return 2**15
    if isinstance(column.type, BigInteger):
        return 2**63
    return 2**31 if isinstance(column.type, Integer) else 10**38


def _numbers(column: ColumnClause[Any], texts: Iterable[str], most: int) -> Iterator[int | Decimal]:
    """The texts that are numbers of this column and smaller than `most`; the others equal none of it.

    All are of one type: of several, PostgreSQL takes them all for that of the first.
    """
    is_whole = isinstance(column.type, Integer)
    for text in texts:
        if _WHOLE.fullmatch(text) and abs(int(text)) < most:
            yield int(text) if is_whole else Decimal(text)
        elif not is_whole and _FRACTION.fullmatch(text):
            yield Decimal(text)
