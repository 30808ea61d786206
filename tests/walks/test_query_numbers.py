"""A query number lets in exactly whom the number of its case lets in, whatever became of the case."""

from typing import Any

import pytest

from caseq import numbering
from caseq.rules.querynumbers import nth, printed
from tests.service import CASE, PHONE, Service, case, event, milestone, party
from tests.walks.grants import views
from tests.walks.test_moved_cases import NEW, THIRD, A, B, C, measure, moved, withdrawal
from tests.web.pagesamples import without_token
from tests.web.visitor import Visitor

PEOPLE = (A, B, C)


def number_of(service: Service, case_number: str = CASE) -> str:
    number = numbering.query_number(service.runtime, case_number, "窗口", "打印")
    assert number is not None
    return number


def who(service: Service, number: str) -> dict[str, Any]:
    """What each person sees who logs in with this number; only those whom it lets in."""
    return {phone: seen for phone in PEOPLE if (seen := views(service, phone, number))}


def alike(service: Service, number: str, case_number: str = CASE) -> dict[str, Any]:
    """Whom the query number lets in; fails unless the case number lets in the same people to the same pages."""
    seen = who(service, printed(number))
    assert seen == who(service, case_number)
    return {phone: {role: view["case_number"] for role, view in roles.items()} for phone, roles in seen.items()}


def two_parties(service: Service) -> tuple[dict[str, Any], dict[str, Any]]:
    first, second = (party("suspect_family", f"F{n}", phone, subject=f"S{n}") for n, phone in ((1, A), (2, B)))
    service.push(event("case", case()), event("party", first), event("party", second))
    service.push(measure("S1", "M1"), measure("S2", "M2"))
    return first, second


def test_a_query_number_lets_in_exactly_the_parties_of_its_case(service: Service) -> None:
    two_parties(service)
    service.push(event("case", case(), case=NEW), event("party", party("victim", "V3", C), case=NEW))
    numbers = number_of(service), number_of(service, NEW)
    assert alike(service, numbers[0]) == {A: {"suspect_family": CASE}, B: {"suspect_family": CASE}}
    assert alike(service, numbers[1], NEW) == {C: {"victim": NEW}}


def test_after_a_merger_it_finds_those_who_were_there_and_nobody_of_the_other_case(service: Service) -> None:
    first, second = two_parties(service)
    service.push(event("case", case(), case=NEW), event("party", party("victim", "V3", C), case=NEW))
    old, new = number_of(service), number_of(service, NEW)
    service.push(event("case", case(merged_into=NEW), sequence="2"), *moved(first, NEW), *moved(second, NEW))
    assert alike(service, old) == {A: {"suspect_family": NEW}, B: {"suspect_family": NEW}}
    assert set(alike(service, new, NEW)) == {A, B, C}
    service.push(withdrawal("case", CASE, "9"))
    assert alike(service, old) == {A: {"suspect_family": NEW}, B: {"suspect_family": NEW}}


def test_after_a_split_it_finds_each_where_they_are(service: Service) -> None:
    _, second = two_parties(service)
    old = number_of(service)
    service.push(event("case", case(), case=NEW), *moved(second, NEW))
    assert alike(service, old) == {A: {"suspect_family": CASE}, B: {"suspect_family": NEW}}
    assert alike(service, number_of(service, NEW), NEW) == {B: {"suspect_family": NEW}}


@pytest.mark.parametrize("aliases", [[], [CASE]], ids=["without an alias", "with the old number as an alias"])
def test_every_query_number_that_a_renumbered_case_had_finds_it(service: Service, aliases: list[str]) -> None:
    victim = party("victim", "V1", A)
    service.push(event("case", case()), event("party", victim))
    numbers = {CASE: number_of(service)}
    for old, new, sequence in ((CASE, NEW, "2"), (NEW, THIRD, "4")):
        out = withdrawal("party", "V1", sequence, case=old)
        put = event("party", victim, case=new, sequence=str(int(sequence) + 1))
        newest = event("case", case(aliases=aliases), case=new)
        service.push(newest, out, put, withdrawal("case", old, "9", case=old))
        numbers[new] = number_of(service, new)
    assert len(set(numbers.values())) == 3
    for official, number in numbers.items():
        assert alike(service, number, official) == {A: {"victim": THIRD}}


def test_who_came_after_the_case_was_renumbered_is_not_found_by_the_old_query_number(service: Service) -> None:
    """Not even where the source calls the case so too: a number of a case of its own is no alias."""
    victim = party("victim", "V1", A)
    service.push(event("case", case()), event("party", victim))
    old = number_of(service)
    service.push(event("case", case(), case=NEW), *moved(victim, NEW), withdrawal("case", CASE, "9"))
    service.push(event("party", party("victim", "V2", B), case=NEW))
    assert alike(service, old) == {A: {"victim": NEW}}
    service.push(event("case", case(aliases=[CASE]), case=NEW, sequence="5"))
    assert alike(service, old) == {A: {"victim": NEW}}


def test_a_withdrawn_case_is_closed_to_its_query_number_and_opens_again_with_it(service: Service) -> None:
    service.push(event("case", case()), event("party", party("victim", "V1", A)))
    number = number_of(service)
    service.push(withdrawal("case", CASE))
    assert alike(service, number) == {}
    service.push(event("case", case(), sequence="3"))
    assert alike(service, number) == {A: {"victim": CASE}}
    assert number_of(service) == number


def test_a_case_that_another_source_took_over_is_found_as_by_its_case_number(service: Service) -> None:
    service.push(event("case", case()), event("party", party("victim", "V1", A)))
    number = number_of(service)
    service.push(withdrawal("case", CASE))
    there = {"source": "administrative"}
    service.push(
        event("case", case("administrative"), **there), event("party", party("victim", "V1", A), **there), **there
    )
    assert alike(service, number) == {A: {"victim": CASE}}


def test_a_query_number_opens_no_more_than_the_grant(service: Service) -> None:
    """Who is taken out, or has another telephone now, is not let in by the paper they still hold."""
    service.push(event("case", case()), event("party", party("victim", "V1", A)))
    number = number_of(service)
    service.push(event("party", party("victim", "V1", B), sequence="2"))
    assert set(alike(service, number)) == {B}
    service.push(withdrawal("party", "V1", "3"))
    assert alike(service, number) == {}


def test_every_answer_is_the_same_for_known_unknown_and_mistyped_query_numbers(service: Service) -> None:
    service.push(event("case", case()), event("milestone", milestone()), event("party", party(sms=False)))
    number = number_of(service)
    known = (printed(number), CASE)
    unknown = next(nth(n) for n in range(2) if nth(n) != number)
    mistyped = number[:-1] + str((int(number[-1]) + 1) % 10)
    told = []
    for number in (*known, printed(unknown), printed(mistyped)):
        for phone in (PHONE, "13900000000"):
            answer = service.client.post("/api/v1/codes", json={"case_number": number, "phone": phone})
            before = len(service.messages())
            service.work()
            sent = len(service.messages()) - before
            assert sent == (number in known and phone == PHONE)
            service.clock.advance(minutes=2)
            body = answer.get_json()
            wrong = {"challenge": body.pop("challenge"), "code": "00000000"}
            refused = service.client.post("/api/v1/sessions", json=wrong)
            told.append((answer.status_code, body, refused.status_code, refused.get_json()))
    assert all(one == told[0] for one in told)


def test_no_page_tells_whether_a_query_number_is_known(service: Service) -> None:
    service.push(event("case", case()), event("milestone", milestone()), event("party", party(sms=False)))
    known = number_of(service)
    unknown = next(nth(n) for n in range(2) if nth(n) != known)
    told = []
    for number in (known, unknown):
        visitor = Visitor(service)
        visitor.ask(printed(number))
        service.work()
        answer = visitor.send("/code", code="0000 0000")
        pages = [visitor.get("/code"), str((answer.status_code, answer.headers["Location"]))]
        told.append([without_token(page) for page in pages])
    assert told[0] == told[1]


def test_the_right_person_walks_from_the_paper_to_the_case(service: Service) -> None:
    service.push(event("case", case()), event("milestone", milestone()), event("party", party(sms=False)))
    visitor = Visitor(service)
    visitor.client.get(f"/q/{number_of(service)}")
    visitor.ask(printed(number_of(service)))
    assert visitor.send("/code", code=visitor.newest_code()).headers["Location"] == "/case"
    assert CASE in visitor.get("/case")
