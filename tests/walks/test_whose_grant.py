"""Access is per person, role, subject and case: every corner in which two people or two roles meet."""

from typing import Any

import pytest

from tests.service import CASE, Service, case, event, milestone, party
from tests.walks.grants import View, answer_in_full, names, page, tokens, views

A, B, C = "19911110001", "19911110002", "19911110003"
OTHER_CASE = "A6401215100002026110013"
ADMINISTRATIVE = "A6401215100002026110014"


def details(view: View, name: str) -> list[str]:
    """The document numbers of the milestones of this name, sorted."""
    return sorted(item.get("document_number", "-") for item in view["milestones"] if item["name"] == name)


def penalty(subject: str) -> dict[str, object]:
    penalties = [{"kind": "fine", "amount": 200}]
    more = {"document_number": f"行罚{subject}", "details": {"penalties": penalties}}
    return event("milestone", milestone("penalty_decision", f"D-{subject}", subject=subject, **more), **to_beating)


def notice(subject: str) -> dict[str, object]:
    more = {"document_number": f"告知{subject}", "details": {"statement_until": "2026-11-30"}}
    return event("milestone", milestone("pre_penalty_notice", f"N-{subject}", subject=subject, **more), **to_beating)


to_beating = {"case": ADMINISTRATIVE, "source": "administrative"}


def test_in_a_mutual_assault_each_role_of_each_person_sees_its_own_matter_and_never_the_union(service: Service) -> None:
    people = [
        party("victim", "A-victim", A),
        party("suspect", "A-suspect", A, subject="SA"),
        party("victim", "B-victim", B),
        party("suspect", "B-suspect", B, subject="SB"),
    ]
    service.push(
        event("case", case("administrative"), **to_beating),
        *(event("party", one, **to_beating) for one in people),
        *(made(subject) for subject in ("SA", "SB") for made in (penalty, notice)),
        source="administrative",
    )
    for phone, own in ((A, "SA"), (B, "SB")):
        seen = views(service, phone, ADMINISTRATIVE)
        assert set(seen) == {"victim", "suspect"}
        assert details(seen["victim"], "penalty_decision") == ["行罚SA", "行罚SB"]
        assert details(seen["victim"], "pre_penalty_notice") == []
        assert details(seen["suspect"], "penalty_decision") == [f"行罚{own}"]
        assert details(seen["suspect"], "pre_penalty_notice") == [f"告知{own}"]


def measure(subject: str, key: str, kind: str = "criminal_detention", day: str = "2026-11-21") -> dict[str, Any]:
    more = {"subject": subject, "occurred_on": day, "details": {"measure": kind, "action": "imposed"}}
    return event("milestone", milestone("compulsory_measure", key, document_number=f"拘{key}", **more))


def test_co_suspects_and_their_families_see_their_own_suspect_only(service: Service) -> None:
    people = [
        party("suspect", "S1", A, subject="S1"),
        party("suspect_family", "F1", B, subject="S1"),
        party("suspect_family", "F2", C, subject="S2"),
    ]
    service.push(event("case", case()), *(event("party", one) for one in people))
    service.push(measure("S1", "M1"), measure("S2", "M2", "arrest"))
    for phone, role, number in ((A, "suspect", "拘M1"), (B, "suspect_family", "拘M1"), (C, "suspect_family", "拘M2")):
        seen = views(service, phone)
        assert set(seen) == {role}
        assert details(seen[role], "compulsory_measure") == [number]


def test_co_victims_see_the_same_and_nothing_of_each_other(service: Service) -> None:
    unit = case()["unit"]
    service.push(event("case", case()), event("party", party("victim", "V1", A)), event("milestone", milestone()))
    alone = views(service, A)["victim"]
    assert service.push(*(event("party", party("victim", f"V{n}", f"1991112000{n}", name="别人")) for n in range(2, 9)))
    together = views(service, A)["victim"]
    assert together == {**alone, "as_of": together["as_of"]}
    assert together["unit"]["name"] == unit["name"]


def test_one_family_on_both_sides_sees_one_side_in_each_session(service: Service) -> None:
    people = [party("victim_family", "VF", A), party("suspect_family", "SF", A, subject="S1")]
    service.push(event("case", case()), *(event("party", one) for one in people))
    service.push(event("milestone", milestone()), measure("S1", "M1"))
    seen = views(service, A)
    assert set(seen) == {"victim_family", "suspect_family"}
    assert names(seen["victim_family"]) == ["case_filed", "compulsory_measure"]
    assert details(seen["victim_family"], "compulsory_measure") == ["-"]
    assert names(seen["suspect_family"]) == ["compulsory_measure"]
    assert details(seen["suspect_family"], "compulsory_measure") == ["拘M1"]


def test_who_is_a_suspect_here_and_a_victim_there_opens_one_case_at_a_time(service: Service) -> None:
    service.push(event("case", case()), event("party", party("suspect", "P1", A)), event("milestone", milestone()))
    there = {"case": OTHER_CASE}
    service.push(event("case", case(), **there), event("party", party("victim", "P2", A), **there))
    service.push(event("milestone", milestone(key="M2"), **there))
    assert {role: view["case_number"] for role, view in views(service, A).items()} == {"suspect": CASE}
    seen = views(service, A, OTHER_CASE)
    assert {role: view["case_number"] for role, view in seen.items()} == {"victim": OTHER_CASE}
    assert names(seen["victim"]) == ["case_filed"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nobody_learns_how_many_suspects_or_victims_there_are(service: Service, language: str) -> None:
    people = [party("victim", "V1", A), party("suspect", "S1", B, subject="S1")]
    service.push(event("case", case()), *(event("party", one) for one in people))
    service.push(event("milestone", milestone()), measure("S1", "M1"))
    (victim,), (suspect,) = tokens(service, A), tokens(service, B)
    service.push(event("case", case(), case=OTHER_CASE))  # "Data as of" is when the source last spoke, of whatever.
    before = [(answer_in_full(service, token), page(service, token, language)) for token in (victim, suspect)]
    service.work()
    told = len(service.messages())
    assert all(text for _, text in before)
    # Nothing of this is another word on anybody's page: the same measure on the same day, and people without pages.
    crowd = [party("suspect", f"S{n}", f"1991112000{n}", subject=f"S{n}") for n in range(2, 7)]
    crowd += [party("victim", f"V{n}", f"1991113000{n}") for n in range(2, 7)]
    service.push(*(event("party", {**one, "sms": False}) for one in crowd))
    service.push(*(measure(f"S{n}", f"M{n}") for n in range(2, 7)))
    service.work()
    assert len(service.messages()) == told
    after = [(answer_in_full(service, token), page(service, token, language)) for token in (victim, suspect)]
    assert after == before
    service.push(event("withdrawal", {"record": "milestone", "key": "M3", "reason": "录入错误"}, sequence="2"))
    service.work()
    assert len(service.messages()) == told
    assert answer_in_full(service, victim) == before[0][0]


def test_a_second_measure_that_reads_otherwise_is_one_more_line_and_one_sms(service: Service) -> None:
    service.push(event("case", case()), event("party", party("victim", "V1", A)), measure("S1", "M1"))
    service.work()
    told = len(service.messages(A))
    service.push(measure("S2", "M2", "arrest"))
    service.work()
    assert len(service.messages(A)) == told + 1
    assert names(views(service, A)["victim"]) == ["compulsory_measure", "compulsory_measure"]


def since(service: Service, token: str) -> list[str]:
    """When the victim's lines were published."""
    view = service.view(token)
    assert view is not None
    return [item["released_at"] for item in view["milestones"]]


#: What happens later to one of two alike measures, which a victim reads as one line.
LATER = {
    "the first is withdrawn": [event("withdrawal", {"record": "milestone", "key": "M1"}, sequence="2")],
    "the second is withdrawn": [event("withdrawal", {"record": "milestone", "key": "M2"}, sequence="2")],
    "the first was another's": [("M1", {"subject": "S9"})],
    "the first is of the whole case": [("M1", {"subject": None})],
    "the first is held": [("M1", {"hold": {"reason": "有碍侦查"}})],
    "the first reads otherwise to its suspect": [("M1", {"action": "extended"})],
    "the first is another measure": [("M1", {"occurred_on": "2026-11-01"})],
    "the second is held and shown again": [("M2", {"hold": {"reason": "有碍侦查"}}), ("M2", {})],
    "the first goes, and comes again": [
        event("withdrawal", {"record": "milestone", "key": "M1"}, sequence="2"),
        ("M1", {}),
    ],
}


@pytest.mark.parametrize("later", LATER.values(), ids=LATER.keys())
def test_the_day_of_a_line_does_not_tell_that_two_suspects_make_it(service: Service, later: list[Any]) -> None:
    service.push(event("case", case()), event("party", party("victim", "V1", A)), measure("S1", "M1"))
    (token,) = tokens(service, A)
    (first,) = since(service, token)
    service.clock.advance(minutes=3)
    service.push(measure("S2", "M2"))
    assert since(service, token) == [first]
    for n, step in enumerate(later, start=2):
        service.clock.advance(minutes=1)
        service.push(step if isinstance(step, dict) else corrected(step[0], step[1], str(n + 1)))
        assert first in since(service, token)


def corrected(key: str, change: dict[str, Any], sequence: str) -> dict[str, Any]:
    pushed = measure({"M1": "S1", "M2": "S2"}[key], key)
    data = {**pushed["data"], **{name: value for name, value in change.items() if name != "action"}}
    if "action" in change:
        data["details"] = {**data["details"], "action": change["action"]}
    return {**pushed, "data": data, "sequence": sequence}


def test_the_day_of_a_line_stays_when_one_whose_hold_is_over_is_left_alone_in_it(service: Service) -> None:
    held = corrected("M2", {"hold": {"reason": "有碍侦查", "until": "2026-11-24"}}, "1")
    people = [party("victim", "V1", A), party("suspect", "P2", B, subject="S2")]
    service.push(event("case", case()), *(event("party", one) for one in people), measure("S1", "M1"), held)
    (first,) = since(service, tokens(service, A)[0])
    service.clock.advance(days=2)
    service.push(event("withdrawal", {"record": "milestone", "key": "M1"}, sequence="2"))
    assert since(service, tokens(service, A)[0]) == [first]
    # The suspect's own page says when the suspect's own measure could first be read.
    assert since(service, tokens(service, B)[0]) == ["2026-11-25T00:00:00+08:00"]


def test_the_day_of_a_line_does_not_tell_that_another_one_is_held(service: Service) -> None:
    held = corrected("M1", {"hold": {"reason": "有碍侦查"}}, "1")
    service.push(event("case", case()), event("party", party("victim", "V1", A)), held)
    service.clock.advance(minutes=3)
    service.push(measure("S2", "M2"))
    assert since(service, tokens(service, A)[0]) == ["2026-11-23T12:03:00+08:00"]


def test_a_suspect_does_not_learn_from_a_day_that_another_came_first(service: Service) -> None:
    service.push(event("case", case()), event("party", party("suspect", "P2", B, subject="S2")), measure("S1", "M1"))
    service.clock.advance(minutes=3)
    service.push(measure("S2", "M2"))
    assert since(service, tokens(service, B)[0]) == ["2026-11-23T12:03:00+08:00"]


def test_an_empty_subject_says_what_none_says_and_is_no_suspect_of_its_own(service: Service) -> None:
    service.push(
        event("case", case()),
        event("party", party("victim", "V", A)),
        event("milestone", milestone("transferred_for_prosecution_review", subject="")),
    )
    assert names(views(service, A)["victim"]) == ["transferred_for_prosecution_review"]
