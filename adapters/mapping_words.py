"""Which words a mapping expects in a column: those of its conditions and of its code tables."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

from adapters.mapping import CASE_TABLE, Condition, MilestoneMapping, PartyMapping, SystemMapping, Table, Value

#: What a yes or no of the case system is in a row.
YES, NO = "1", "0"


def compared(mapping: SystemMapping, table: Table) -> Iterator[tuple[str, frozenset[str]]]:
    """For each condition on rows of this table, its column and the words that it names."""
    for part in _parts(mapping, table):
        if isinstance(part, Condition):
            yield part.column, part.values - {""}


def coded(mapping: SystemMapping, table: Table) -> Iterator[tuple[str, frozenset[str]]]:
    """For each code table for one column of this table, the column and its codes; of several, each has its own."""
    for part in _parts(mapping, table):
        if isinstance(part, Value) and part.codes and len(part.columns) == 1:
            yield part.columns[0], frozenset(part.codes) - {""}


def _parts(mapping: SystemMapping, table: Table) -> Iterator[object]:
    records: tuple[MilestoneMapping | PartyMapping, ...] = (*mapping.milestones, *mapping.parties)
    yield from _inside((table.deleted, table.secret))
    yield from _inside(tuple(record for record in records if record.table == table.name))
    if table.name == CASE_TABLE:
        yield from _inside(mapping.case)


def _inside(part: object) -> Iterator[object]:
    """This part of a mapping and all that it is made of."""
    yield part
    inner: Iterator[object] = iter(())
    if isinstance(part, tuple):
        inner = iter(part)
    elif isinstance(part, Mapping):
        inner = iter(part.values())
    elif is_dataclass(part):
        inner = (getattr(part, one.name) for one in fields(part))
    for one in inner:
        yield from _inside(one)
