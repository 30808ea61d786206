"""The figures of a year: which moments belong to it, what is counted by which dimensions, what may be published."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from caseq.rules.case import BUREAU_TIME

#: A figure about so few may tell who they are.
FEW = range(1, 5)


class Status(StrEnum):
    """How something stands that is to be done by a moment: OPEN has time left, OVERDUE has none."""

    IN_TIME = "in_time"
    LATE = "late"
    OPEN = "open"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class Span:
    """A year of the bureau, or some other time, as UTC moments: where its months begin; `until` belongs to the next."""

    year: int
    months: Sequence[datetime]
    until: datetime

    @property
    def since(self) -> datetime:
        return self.months[0]


def span(year: int) -> Span:
    """The year, from midnight at the bureau to midnight."""
    return Span(year, [_midnight(year, month) for month in range(1, 13)], _midnight(year + 1, 1))


def _midnight(year: int, month: int) -> datetime:
    return datetime(year, month, 1, tzinfo=BUREAU_TIME).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Figure:
    """How many rows there are, by every combination of the dimensions that occurs."""

    dimensions: tuple[str, ...]
    cells: Mapping[tuple[object, ...], int]

    def by(self, *dimensions: str, **only: object) -> dict[tuple[object, ...], int]:
        """The counts by these dimensions, of those rows that are as `only` says, in the order of the values."""
        places = [self.dimensions.index(name) for name in dimensions]
        summed: dict[tuple[object, ...], int] = {}
        for keys, count in self._only(only):
            kept = tuple(keys[place] for place in places)
            summed[kept] = summed.get(kept, 0) + count
        return dict(sorted(summed.items(), key=lambda item: tuple(map(_sortable, item[0]))))

    def total(self, **only: object) -> int:
        return sum(count for _, count in self._only(only))

    def _only(self, only: Mapping[str, object]) -> Iterator[tuple[tuple[object, ...], int]]:
        wanted = {self.dimensions.index(name): value for name, value in only.items()}
        for keys, count in self.cells.items():
            if all(keys[place] == value for place, value in wanted.items()):
                yield keys, count


def _sortable(value: object) -> tuple[bool, int, str]:
    """Numbers in their order, texts in theirs, nothing at the end."""
    return value is None, value if isinstance(value, int) else 0, str(value)


@dataclass(frozen=True, slots=True)
class Annual:
    """All figures of a year as they stood when they were made; `units` are the names of the handling units by code.

    `figures` has one for every name of store/reporting.py.
    """

    span: Span
    made_at: datetime
    figures: Mapping[str, Figure]
    units: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One row behind a figure: its table, its id there and the values by which it is counted."""

    record: str
    id: int
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class OnTime:
    """How a unit tells: what was due in a time, and what waits now; `due_today` and `due_soon` are part of `open`."""

    unit: str
    name: str
    in_time: int
    late: int
    open: int
    overdue: int
    due_today: int
    due_soon: int


@dataclass(frozen=True, slots=True)
class Opinions:
    """What people said of the service in a year: how many rated it, and complained, and were answered."""

    ratings: int
    satisfied: int
    complaints: int
    answered: int


@dataclass(frozen=True, slots=True)
class Performance:
    """The totals of a year that are published."""

    year: int
    queries: int
    in_time: int
    late: int
    overdue: int
    delivered: int
    opinions: Opinions


def is_few(count: int) -> bool:
    """Whether a count is so small that it is not published."""
    return count in FEW


def share(part: int, whole: int) -> str | None:
    """A part of a whole in percent with one place, None of nothing; rounded so that 100.0 and 0.0 are only said of all
    and of none."""
    if whole == 0:
        return None
    tenths = round(1000 * part / whole)
    if 0 < part < whole:
        tenths = min(max(tenths, 1), 999)
    return f"{tenths // 10}.{tenths % 10}%"
