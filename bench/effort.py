"""How much one run of the benchmark does."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """Sizes and numbers of rounds; what is measured stays the same."""

    cases: int
    rounds: int
    load_seconds: float
    blocks: int
    batches: int
    memory_batches: int = 0

    @property
    def readers(self) -> int:
        return min(500, self.cases // 4)


CONNECTIONS = 8
BATCH_EVENTS = 1000


def effort(quick: bool, full: bool, cases: int | None) -> Effort:
    """The effort that the options ask for."""
    if quick:
        return Effort(cases or 200, rounds=2, load_seconds=0.5, blocks=6, batches=1)
    return Effort(cases or 2000, rounds=5, load_seconds=2.0, blocks=30, batches=10, memory_batches=200 if full else 0)
