"""Events as they may be printed: without names and phones of persons."""

from collections.abc import Mapping
from typing import Any

HIDDEN = "＊＊＊"


def masked(event: Mapping[str, Any]) -> dict[str, Any]:
    """This event with the name and phone of a party hidden; a unit's are public and stay."""
    data = event["data"]
    if event["type"] != "caseq.party.v1":
        return dict(event)
    return {**event, "data": {key: HIDDEN if key in ("name", "phone") else value for key, value in data.items()}}
