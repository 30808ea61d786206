"""The disclosure matrix read by itself, without the project's policy code: the oracle of the tests."""

import csv
from dataclasses import dataclass
from pathlib import Path

MATRIX = Path(__file__).parent / "data" / "matrix.csv"


@dataclass(frozen=True)
class Cell:
    """One role, one kind, one item: what of it may be seen."""

    kind: str
    role: str
    item: str
    online: bool
    clause: str
    scope: str
    fields: tuple[str, ...]


def cells() -> list[Cell]:
    """Every cell of the matrix."""
    with MATRIX.open(encoding="utf-8") as file:
        return [
            Cell(
                kind=row["kind"],
                role=role,
                item=row["item"],
                online=row["online"] == "yes",
                clause=row["clause"],
                scope=row["subject_scope"],
                fields=tuple(row["fields"].split()),
            )
            for row in csv.DictReader(file)
            for role in row["roles"].split()
        ]


CELLS = {(cell.kind, cell.role, cell.item): cell for cell in cells()}
KINDS = sorted({cell.kind for cell in CELLS.values()})
ROLES = sorted({cell.role for cell in CELLS.values()})
ONLINE = sorted({(cell.kind, cell.role) for cell in CELLS.values() if cell.online})


def may_see(kind: str, role: str, name: str, own: str | None, subject: str | None) -> Cell | None:
    """The cell that opens a milestone about `subject` to this role, None if nothing does."""
    cell = CELLS.get((kind, role, name))
    if cell is None or not cell.online:
        return None
    if subject is None or cell.scope == "every subject" or (cell.scope == "own" and subject == own):
        return cell
    return None
