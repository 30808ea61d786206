"""What was measured, and the table of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from rich.table import Table

_COLUMNS = ("what", "against", "engine", "median", "min–max", "must", "stretch", "")


@dataclass(frozen=True)
class Target:
    """What must hold and what would be better still; `most` means that less is better."""

    must: float
    stretch: float | None = None
    most: bool = False

    def is_met(self, value: float) -> bool:
        return value <= self.must if self.most else value >= self.must

    def texts(self) -> tuple[str, str]:
        sign = "≤" if self.most else "≥"
        return f"{sign} {self.must:g}", f"{sign} {self.stretch:g}" if self.stretch is not None else ""


@dataclass(frozen=True)
class Row:
    """One line: the values of all rounds, or why there are none."""

    what: str
    against: str
    engine: str
    values: Sequence[float]
    target: Target | None = None
    unit: str = ""
    note: str = ""

    @property
    def middle(self) -> float:
        return median(self.values)

    def cells(self) -> tuple[str, ...]:
        """The cells in the order of the columns."""
        must, stretch = self.target.texts() if self.target else ("", "")
        if not self.values:
            return (self.what, self.against, self.engine, "–", "", must, stretch, self.note)
        verdict = ("met" if self.target.is_met(self.middle) else "NOT met") if self.target else ""
        spread = f"{_short(min(self.values))}–{_short(max(self.values))}" if len(self.values) > 1 else ""
        last = "; ".join(filter(None, (verdict, self.note)))
        return (self.what, self.against, self.engine, _short(self.middle) + self.unit, spread, must, stretch, last)


@dataclass
class Results:
    """All lines of one run, the machine first."""

    machine: str
    programs: str
    rows: list[Row] = field(default_factory=list)

    def add(self, rows: Sequence[Row]) -> None:
        self.rows += rows

    def table(self) -> Table:
        table = Table(title=f"{self.machine}\n{self.programs}", title_justify="left")
        for column in _COLUMNS:
            table.add_column(column, justify="right" if column in ("median", "must", "stretch") else "left")
        for row in self.rows:
            table.add_row(*row.cells())
        return table

    def markdown(self) -> str:
        """The same table for a README."""
        lines = ["| " + " | ".join(_COLUMNS) + " |", "|---" * len(_COLUMNS) + "|"]
        lines += ["| " + " | ".join(row.cells()) + " |" for row in self.rows]
        return f"{self.machine}; {self.programs}.\n\n" + "\n".join(lines) + "\n"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def _short(value: float) -> str:
    """Three significant digits, without an exponent."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 0.1 else 3
    return f"{value:,.{digits}f}"


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """The ratio of every round; what was measured in one round stands at one place in both."""
    return [a / b for a, b in zip(above, below, strict=True)]
