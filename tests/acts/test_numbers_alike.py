"""Two case numbers that people cannot tell apart are never one case: nobody is let into another case by a spelling."""

import pytest

from tests.service import Service, case, event, milestone, party

PAIRS = [
    ("Z〔2026〕7号", "Z〔2026〕007号"),
    ("Z2026-1", "z2026-1"),
    ("A6401215100002026110001", "A640121510000-202611-0001"),
]
OTHER_PHONE = "19912345679"


def withdrawal(record: str, key: str, number: str, sequence: str = "2") -> dict[str, object]:
    return event("withdrawal", {"record": record, "key": key, "reason": "x"}, case=number, sequence=sequence)


def reads_like(number: str) -> dict[str, list[str]]:
    return {"subject": [f"reads like {number}, which is another case"]}


@pytest.mark.parametrize(("first", "second"), PAIRS)
@pytest.mark.parametrize("is_one_batch", [True, False])
def test_a_case_whose_number_reads_like_that_of_another_is_refused_with_its_parties(
    service: Service, first: str, second: str, is_one_batch: bool
) -> None:
    one = [event("case", case(), case=first), event("party", party(), case=first)]
    two = [
        event("case", case(), case=second, sequence="0"),
        event("party", party(key="P2", phone=OTHER_PHONE), case=second),
        event("milestone", milestone(), case=second),
    ]
    results = service.push(*one, *two)[2:] if is_one_batch else (service.push(*one), service.push(*two))[1]
    assert [result["outcome"] for result in results] == ["refused"] * 3
    assert all(result["errors"] == reads_like(first) for result in results)
    assert service.log_in(OTHER_PHONE, first) is None
    assert service.log_in(case=second), "people still type it as they like"


def test_parties_that_came_before_their_case_do_not_hang_on_one_that_reads_alike(service: Service) -> None:
    assert service.outcomes(event("party", party(), case="z2026-1")) == ["parked"]
    assert service.outcomes(event("case", case(), case="Z2026-1")) == ["accepted"]
    assert service.log_in(case="Z2026-1") is None


def test_a_case_is_not_withdrawn_under_the_number_of_another(service: Service) -> None:
    service.push(event("case", case(), case="Z2026-1"), event("party", party(), case="Z2026-1"))
    (result,) = service.push(withdrawal("case", "z2026-1", "z2026-1"))
    assert result["errors"] == reads_like("Z2026-1")
    assert service.log_in(case="Z2026-1")


def test_a_number_may_be_written_anew_once_the_case_and_its_records_are_withdrawn(service: Service) -> None:
    service.push(event("case", case(), case="Z2026-01"), event("party", party(), case="Z2026-01"))
    anew = event("case", case(), case="Z2026-1", sequence="3")
    service.push(withdrawal("case", "Z2026-01", "Z2026-01"))
    assert service.push(anew)[0]["errors"] == reads_like("Z2026-01"), "its party would be let into the new one"
    assert service.outcomes(event("party", party(key="P2", phone=OTHER_PHONE), case="Z2026-1")) == ["parked"]
    gone = withdrawal("party", "P-victim", "Z2026-01")
    assert service.outcomes(gone, anew) == ["accepted", "accepted"]
    assert service.log_in(case="Z2026-01") is None
    assert service.log_in(OTHER_PHONE, "Z2026-01")


def test_a_case_that_names_its_former_number_may_be_written_anew(service: Service) -> None:
    service.push(event("case", case(), case="z2026-1"), event("party", party(), case="z2026-1"))
    anew = event("case", case(aliases=["z2026-1"]), case="Z2026-1", sequence="2")
    assert service.outcomes(anew) == ["accepted"]
    assert service.log_in(case="Z2026-1")
