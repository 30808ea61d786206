"""How a text of rules came into force beside the plan's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Adoption:
    """An overlay that is in force: its titles by language, and who adopted it, when and why."""

    overlay: str
    title: Mapping[str, str]
    by: str
    on: date
    reason: str
