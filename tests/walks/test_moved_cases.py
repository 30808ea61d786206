"""Merged, split and renumbered cases: every old number finds its people, and nobody sees more for it."""

from typing import Any

import pytest

from caseq import granting
from tests.service import CASE, Service, case, event, milestone, party
from tests.walks.grants import names, tokens, views

A, B, C = "19911110001", "19911110002", "19911110003"
NEW = "A6401215100002026110099"
THIRD = "A6401215100002026110100"


def withdrawal(record: str, key: str, sequence: str = "2", **more: Any) -> dict[str, Any]:
    return event("withdrawal", {"record": record, "key": key, "reason": "并案"}, sequence=sequence, **more)


def moved(data: dict[str, Any], to: str, sequence: str = "2") -> list[dict[str, Any]]:
    """A party taken out of the first case and entered in another, as a source does it."""
    later = str(int(sequence) + 1)
    out = withdrawal("party", data["party"], sequence)
    return [out, event("party", data, case=to, sequence=later)]


def test_a_merged_case_is_found_by_its_old_number_and_shows_no_more_than_the_grant(service: Service) -> None:
    family = party("suspect_family", "F1", A, subject="S1")
    others = party("suspect_family", "F9", B, subject="S9")
    service.push(event("case", case()), event("party", family), measure("S1", "M1"))
    there = {"case": NEW}
    service.push(event("case", case(), **there), event("party", others, **there), measure("S9", "M9", **there))
    (open_session,) = tokens(service, A)
    service.push(event("case", case(merged_into=NEW), sequence="2"), *moved(family, NEW))
    service.push(withdrawal("milestone", "M1"), measure("S1", "M1", case=NEW, sequence="3"))
    assert service.view(open_session) is None
    for number in (CASE, NEW):
        seen = views(service, A, number)
        assert {role: (view["case_number"], numbers(view)) for role, view in seen.items()} == {
            "suspect_family": (NEW, ["拘M1"])
        }
    assert numbers(views(service, B, NEW)["suspect_family"]) == ["拘M9"]


def test_who_was_not_in_the_old_case_does_not_learn_from_its_number_that_it_was_merged_with_theirs(
    service: Service,
) -> None:
    victim = party("victim", "V1", A)
    service.push(event("case", case()), event("party", victim))
    service.push(event("case", case(), case=NEW), event("party", party("victim", "V2", B), case=NEW))
    service.push(event("case", case(merged_into=NEW), sequence="2"), *moved(victim, NEW))
    assert set(views(service, A)) == {"victim"}
    before = len(service.messages(B))
    assert views(service, B) == {}
    assert len(service.messages(B)) == before


@pytest.mark.parametrize("alias_first", [True, False])
def test_a_former_number_that_is_pushed_as_an_alias_of_the_merged_case_tells_nobody_else(
    service: Service, alias_first: bool
) -> None:
    victim, document = party("victim", "V1", A), "示公（刑）立字〔2026〕7号"
    merged = [event("case", case(aliases=[CASE, document]), case=NEW)]
    merged.append(event("party", party("victim", "V2", B), case=NEW))
    old = [event("case", case()), event("party", victim)]
    for batch in (merged, old) if alias_first else (old, merged):
        service.push(*batch)
    service.push(event("case", case(merged_into=NEW), sequence="2"), *moved(victim, NEW))
    assert set(views(service, A)) == set(views(service, A, document)) == {"victim"}
    assert set(views(service, B, document)) == {"victim"}
    assert views(service, B) == {}


def test_a_case_that_went_to_another_source_is_found_by_its_old_number_as_an_alias(service: Service) -> None:
    service.push(event("case", case()), event("party", party("victim", "V1", A)))
    service.push(withdrawal("party", "V1"), event("case", case(merged_into=NEW), sequence="2"))
    there = {"case": NEW, "source": "administrative"}
    again = [event("case", case("administrative", aliases=[CASE]), **there), event("party", party(phone=A), **there)]
    service.push(*again, source="administrative")
    assert {role: view["case_number"] for role, view in views(service, A).items()} == {"victim": NEW}


def test_who_was_left_in_a_merged_case_keeps_what_it_had_and_gets_nothing_of_the_other(service: Service) -> None:
    service.push(event("case", case()), event("party", party("victim", "V1", A)), event("milestone", milestone()))
    service.push(event("case", case(), case=NEW), measure("S9", "M9", case=NEW))
    service.push(event("case", case(merged_into=NEW), sequence="2"))
    seen = views(service, A)["victim"]
    assert (seen["case_number"], names(seen)) == (CASE, ["case_filed"])
    assert views(service, A, NEW) == {}
    assert [(row.party, row.case_number) for row in granting.left_behind(service.runtime)] == [("V1", CASE)]


def test_a_split_case_moves_grants_by_subject_and_the_old_number_finds_each_where_it_is(service: Service) -> None:
    first = party("suspect_family", "F1", A, subject="S1")
    second = party("suspect_family", "F2", B, subject="S2")
    service.push(event("case", case()), event("party", first), event("party", second))
    service.push(measure("S1", "M1"), measure("S2", "M2"))
    service.push(event("case", case(), case=NEW), *moved(second, NEW))
    service.push(withdrawal("milestone", "M2"), measure("S2", "M2", case=NEW, sequence="3"))
    seen = {phone: views(service, phone)["suspect_family"] for phone in (A, B)}
    assert {phone: (view["case_number"], numbers(view)) for phone, view in seen.items()} == {
        A: (CASE, ["拘M1"]),
        B: (NEW, ["拘M2"]),
    }
    assert views(service, A, NEW) == {}


def test_a_renumbered_case_is_found_by_every_number_it_ever_had(service: Service) -> None:
    victim = party("victim", "V1", A)
    document = "示公（刑）立字〔2026〕7号"
    service.push(event("case", case(aliases=[document])), event("party", victim))
    for old, new, sequence in ((CASE, NEW, "2"), (NEW, THIRD, "4")):
        out = withdrawal("party", "V1", sequence, case=old)
        put = event("party", victim, case=new, sequence=str(int(sequence) + 1))
        service.push(event("case", case(), case=new), out, put, withdrawal("case", old, "9", case=old))
    service.push(event("milestone", milestone(), case=THIRD))
    for number in (CASE, NEW, THIRD, document):
        seen = views(service, A, number)["victim"]
        assert (seen["case_number"], names(seen)) == (THIRD, ["case_filed"])


def measure(subject: str, key: str, sequence: str = "1", **more: Any) -> dict[str, Any]:
    details = {"measure": "criminal_detention", "action": "imposed"}
    data = milestone("compulsory_measure", key, subject=subject, document_number=f"拘{key}", details=details)
    return event("milestone", data, sequence=sequence, **more)


def numbers(view: dict[str, Any]) -> list[str]:
    return sorted(item["document_number"] for item in view["milestones"])
