"""What a service holds, and what it must hold by the rows of the case system: without what names anybody."""

from collections import Counter
from typing import Any

from sqlalchemy import create_engine, text

from tests.walks import oracle

Holding = Counter[tuple[Any, ...]]

_LIVE = (
    "SELECT number, kind, unit_name FROM cases WHERE withdrawn IS false",
    "SELECT number, name, subject, CAST(occurred_on AS TEXT) FROM milestones JOIN cases ON cases.id = case_id"
    " WHERE milestones.withdrawn IS false",
    "SELECT number, role, subject, CASE WHEN phone_hash IS NULL THEN 'no phone' ELSE 'phone' END, 'party'"
    " FROM parties JOIN cases ON cases.id = case_id WHERE parties.withdrawn IS false",
)


def held(database_url: str) -> Holding:
    """The live cases, milestones and parties of a service, each with how often it is there."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        found = Counter(tuple(row) for statement in _LIVE for row in connection.execute(text(statement)))
    engine.dispose()
    return found


def there(cases: dict[str, oracle.Case]) -> Holding:
    """The same by the oracle."""
    found: Holding = Counter()
    for number, case in cases.items():
        found[number, case.kind, case.unit["name"]] += 1
        for milestone in case.milestones.values():
            found[number, milestone.name, milestone.subject, milestone.values["occurred_on"]] += 1
        for party in case.parties.values():
            found[number, party.role, party.subject, "phone" if party.phone else "no phone", "party"] += 1
    return found
