"""How much one run of the benchmark does."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Effort:
    """Sizes and numbers of rounds; what is measured stays the same."""

    cases: int
    rounds: int
    load_seconds: float
    blocks: int
    batches: int
    memory_batches: int = 0
    adapter_rows: tuple[int, ...] = (10_000,)

    @property
    def readers(self) -> int:
        return min(500, self.cases // 4)


CONNECTIONS = 8
BATCH_EVENTS = 1000
_FULL_ADAPTER_ROWS = (10_000, 100_000, 1_000_000)


def effort(quick: bool, full: bool, cases: int | None, adapter_rows: int | None = None) -> Effort:
    """The effort that the options ask for."""
    if quick:
        rows = adapter_rows or 1000
        return Effort(cases or 200, rounds=2, load_seconds=0.5, blocks=6, batches=1, adapter_rows=(rows,))
    usual = Effort(cases or 2000, rounds=5, load_seconds=2.0, blocks=30, batches=10)
    if full:
        usual = replace(usual, memory_batches=200, adapter_rows=_FULL_ADAPTER_ROWS)
    return replace(usual, adapter_rows=(adapter_rows,)) if adapter_rows else usual
