"""How a case system is reached, as checked values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """How the case system is reached and polled: a database at `url`, or files in `inbox`."""

    url: str
    inbox: str
    schema: str
    is_utc: bool
    poll_seconds: float
    overlap_minutes: float
    chunk_cases: int
    full_read_hours: float
    settle_seconds: float
    keep_days: int
