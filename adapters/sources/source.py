"""What every source of rows can do, whatever the case system is made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from adapters.reading import CaseRows


class SourceUnavailableError(Exception):
    """The case system does not answer, or is locked; nothing was read, try again later."""


def unavailable(error: SourceUnavailableError) -> str:
    """One line for an operator: why the case system does not answer, and where to look."""
    return f"cannot be read: {error}; look at its address, its network and the rights there"


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """One row that may have changed: where it is, its case ('' if it belongs to none), and its change stamp.

    One that `is_lost` points to a row that is not there, or to one that belongs to no case.
    """

    origin: str
    case_number: str
    changed: str
    is_lost: bool = False


class Source(Protocol):
    """A case system: a database, or registers that arrive as files. Its methods raise SourceUnavailableError."""

    def changed_rows(self, since: str | None) -> Iterator[ChangedRow]:
        """Every row changed at this stamp or later; for None, the root row of every case."""
        ...

    def newest_change(self) -> str:
        """The stamp of the newest change of any row; '' if there is none."""
        ...

    def doubtful_changes(self) -> dict[str, int]:
        """In how many rows each change column (table.column) is not as the mapping says: polls overlook these."""
        ...

    def cases(self, numbers: Sequence[str]) -> list[CaseRows]:
        """All rows of these cases, as they were at one moment, in the order asked for."""
        ...
