"""How much of the ledger a push reads: of a case with many milestones, those that the pushed one may read like."""

from typing import Any

import pytest

from caseq.store import ledger
from tests.service import Service, case, event, milestone, party


def measure(n: int, day: str, **more: str) -> dict[str, Any]:
    details = {"measure": "criminal_detention", "action": "imposed"}
    return event("milestone", milestone("compulsory_measure", f"M{n}", occurred_on=day, details=details, **more))


@pytest.fixture
def read(service: Service, monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """For each push from now on, the keys of the milestones that it read."""
    days = [f"2026-10-{n:02}" for n in range(1, 31)]
    service.push(event("case", case()), event("party", party()), *(measure(n, day) for n, day in enumerate(days)))
    service.push(event("milestone", milestone("case_filed", "F", occurred_on=days[0])))
    found: list[set[str]] = []
    opening = ledger.open_book

    def noted(*given: object) -> object:
        book = opening(*given)  # type: ignore[arg-type]
        found.append(set(book.milestones))
        return book

    monkeypatch.setattr(ledger, "open_book", noted)
    return found


def test_a_milestone_reads_those_of_its_name_and_day_and_its_own_former_state(
    service: Service, read: list[set[str]]
) -> None:
    service.push(measure(99, "2026-10-05"))
    assert read == [{"M4"}]
    service.push(event("milestone", measure(4, "2026-10-09")["data"], sequence="2"))
    assert read[1] == {"M4", "M8", "M99"}


def test_a_withdrawal_reads_those_that_read_like_what_is_withdrawn(service: Service, read: list[set[str]]) -> None:
    service.push(event("withdrawal", {"record": "milestone", "key": "M4"}, sequence="2"))
    assert read == [{"M4"}]


def test_a_change_of_the_case_or_of_a_party_reads_all(service: Service, read: list[set[str]]) -> None:
    service.push(event("case", case(state="concluded", concluded_on="2026-11-20"), sequence="2"))
    service.push(event("party", party(phone="19955556666"), sequence="2"))
    assert [len(keys) for keys in read] == [31, 31]
