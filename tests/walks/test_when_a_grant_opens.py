"""Time and state: from when and until when a grant opens, and what a state of the case leaves of it."""

from typing import Any

import pytest

from caseq.granting import Deed, Widened, do, widen
from tests.service import CASE, Service, case, event, milestone, party
from tests.walks.grants import names, page, tokens, views

A, B, C = "19911110001", "19911110002", "19911110003"


def measure(subject: str | None = "S1", key: str = "M1", **more: Any) -> dict[str, Any]:
    details = {"measure": "criminal_detention", "action": "imposed"}
    return event("milestone", milestone("compulsory_measure", key, subject=subject, details=details), **more)


def test_the_suspect_s_side_gets_in_from_the_day_of_appearance_and_not_before(service: Service) -> None:
    for role, phone in (("suspect", A), ("suspect_family", B), ("agent", C)):
        service.push(event("case", case()), event("party", party(role, phone=phone, appeared_on=None)), measure())
        assert views(service, phone) == {}
        service.push(event("party", party(role, phone=phone, appeared_on="2026-11-24"), sequence="2"))
        assert views(service, phone) == {}
    service.clock.advance(days=1)
    for role, phone in (("suspect", A), ("suspect_family", B), ("agent", C)):
        assert names(views(service, phone)[role]) == ["compulsory_measure"]


def test_an_agent_gets_in_while_the_authority_runs_and_an_open_session_ends_with_it(service: Service) -> None:
    running = party("agent", phone=A, valid_from="2026-11-24", valid_until="2026-11-24")
    service.push(event("case", case()), event("party", running), measure())
    assert tokens(service, A) == []
    service.clock.advance(days=1)
    (token,) = tokens(service, A)
    assert names(service.view(token)) == ["compulsory_measure"]
    service.push(event("party", {**running, "valid_until": "2026-11-23"}, sequence="2"))
    assert service.view(token) is None
    service.push(event("party", running, sequence="3"))
    service.clock.advance(days=1)
    assert views(service, A) == {}


def test_a_hold_has_a_reason_and_an_end_and_hides_from_everybody_until_then(service: Service) -> None:
    held = milestone("compulsory_measure", "M1", subject="S1", hold={"reason": "有碍侦查", "until": "2026-11-24"})
    service.push(event("case", case()), event("party", party("victim", phone=A)), event("milestone", held))
    service.push(event("party", party("suspect_family", phone=B)))
    assert [names(view) for phone in (A, B) for view in views(service, phone).values()] == [[], []]
    service.clock.advance(days=2)
    for phone in (A, B):
        (token,) = tokens(service, phone)
        assert names(service.view(token)) == ["compulsory_measure"]
        assert "有碍侦查" not in page(service, token)


def test_a_withheld_case_is_closed_to_everybody_at_once_and_opens_again(service: Service) -> None:
    service.push(event("case", case()), event("party", party("victim", phone=A)), event("milestone", milestone()))
    (token,) = tokens(service, A)
    service.push(event("case", case(state="withheld"), sequence="2"))
    assert service.view(token) is None
    assert views(service, A) == {}
    service.push(event("case", case(), sequence="3"))
    assert names(views(service, A)["victim"]) == ["case_filed"]


JUVENILE = [
    pytest.param({"juvenile": True}, {}, id="the case is flagged"),
    pytest.param({}, {"juvenile": True}, id="the suspect is flagged"),
]


@pytest.mark.parametrize(("of_case", "of_suspect"), JUVENILE)
def test_in_a_juvenile_case_others_see_what_concerns_the_whole_case_only(
    service: Service, of_case: dict[str, Any], of_suspect: dict[str, Any]
) -> None:
    people = [
        party("victim", phone=A),
        party("suspect", "S2", B, subject="S2"),
        party("suspect", "S1", "19911110009", subject="S1", **of_suspect),
        party("suspect_family", "F1", C, subject="S1"),
    ]
    service.push(event("case", case()), *(event("party", {**one, "juvenile": False}) for one in people))
    service.push(event("milestone", milestone()), measure("S1"), measure("S2", "M2"), measure(None, "M3"))
    assert names(views(service, A)["victim"]) == ["case_filed", "compulsory_measure"]
    (victim,) = tokens(service, A)
    service.work()
    told = len(service.messages(A))
    service.push(event("case", case(**of_case), sequence="2"), event("party", people[2], sequence="2"))
    service.push(event("milestone", milestone("compulsory_measure", "M4", subject="S1", occurred_on="2026-11-23")))
    service.work()
    assert len(service.messages(A)) == told
    assert names(service.view(victim)) == ["case_filed", "compulsory_measure"]
    assert [item.get("details") for item in views(service, A)["victim"]["milestones"]].count(
        {"measure": "criminal_detention"}
    ) == 1
    assert service.view(victim) is not None
    assert names(views(service, B)["suspect"]) == ["compulsory_measure"] * 2
    assert service.view(victim) is not None
    assert names(views(service, C)["suspect_family"]) == ["compulsory_measure"] * 3
    # Grown up, or a mistake? No push tells, so only staff open it again.
    told = len(service.messages(A))
    service.push(event("case", case(), sequence="3"), event("party", {**people[2], "juvenile": False}, sequence="3"))
    assert names(service.view(victim)) == ["case_filed", "compulsory_measure"]
    service.work()
    assert len(service.messages(A)) == told
    assert widen(service.runtime, CASE, "法制大队", "登记错误") is Widened.DONE
    assert len(names(service.view(victim))) == 3


TAKEN_BACK = [
    pytest.param([event("party", party("suspect", "S1", subject="S1"), sequence="2")], id="grown up"),
    pytest.param([event("withdrawal", {"record": "party", "key": "S1"}, sequence="2")], id="withdrawn"),
    pytest.param([event("case", case(), sequence="2")], id="the flag of the case cleared"),
    pytest.param(
        [event("withdrawal", {"record": "case", "key": CASE}, sequence="2"), event("case", case(), sequence="3")],
        id="the case withdrawn and pushed anew",
    ),
]


@pytest.mark.parametrize("later", TAKEN_BACK)
def test_what_was_sealed_for_a_minor_suspect_stays_sealed_whatever_is_pushed_later(
    service: Service, later: list[dict[str, Any]]
) -> None:
    minor = party("suspect", "S1", B, subject="S1", juvenile="S1" in str(later))
    service.push(event("case", case(juvenile=not minor["juvenile"])), event("party", party("victim", phone=A)))
    service.push(event("party", minor), measure("S1"), event("milestone", milestone()))
    assert names(views(service, A)["victim"]) == ["case_filed"]
    service.work()
    told = len(service.messages(A))
    service.push(*later, measure("S1", "M-later"))
    service.work()
    reopened = any(one["data"].get("record") == "case" for one in later)
    assert len(service.messages(A)) == told + reopened
    assert names(views(service, A)["victim"]) == ["case_filed"]


def test_what_moves_from_a_sealed_case_seals_the_case_it_goes_to(service: Service) -> None:
    other = "A6401215100002026110077"
    minor = party("suspect", "S1", B, subject="S1", juvenile=True)
    service.push(event("case", case()), event("party", minor), measure("S1"))
    service.push(event("party", {**minor, "juvenile": False}, sequence="2"))
    service.push(event("case", case(), case=other), event("party", party("victim", phone=A), case=other))
    service.push(event("withdrawal", {"record": "milestone", "key": "M1"}, sequence="3"))
    service.push(measure("S1", case=other, sequence="4"), event("milestone", milestone(), case=other))
    assert names(views(service, A, other)["victim"]) == ["case_filed"]


def test_staff_widen_a_case_only_when_no_source_speaks_of_a_minor_any_more(service: Service) -> None:
    minor = party("suspect", "S1", B, subject="S1", juvenile=True)
    service.push(event("case", case()), event("party", party("victim", phone=A)), event("party", minor), measure())

    def lift() -> Widened:
        return widen(service.runtime, CASE, "法制大队", "登记错误")

    assert lift() is Widened.HAS_MINOR
    service.push(event("party", {**minor, "juvenile": False}, sequence="2"))
    assert lift() is Widened.DONE
    assert lift() is Widened.NOT_NARROWED
    assert names(views(service, A)["victim"]) == ["compulsory_measure"]
    service.push(event("case", case(), sequence="2"), event("party", {**minor, "juvenile": False}, sequence="3"))
    assert names(views(service, A)["victim"]) == ["compulsory_measure"]
    service.push(event("party", minor, sequence="4"))
    assert names(views(service, A)["victim"]) == []
    service.push(event("withdrawal", {"record": "case", "key": CASE}, sequence="5"))
    assert lift() is Widened.NO_CASE


def test_the_guardian_asks_for_the_minor_and_at_eighteen_access_passes_after_a_new_check(service: Service) -> None:
    minor = party("victim", "V1", A, juvenile=True)
    service.push(event("case", case()), event("party", minor), event("milestone", milestone()))
    service.push(event("party", party("victim_family", "G1", B, valid_until="2026-11-23")))
    assert views(service, A) == {}
    assert names(views(service, B)["victim_family"]) == ["case_filed"]
    service.clock.advance(days=1)
    service.push(event("party", {**minor, "juvenile": False}, sequence="2"))
    assert views(service, B) == {}
    assert views(service, A) == {}
    confirm(service, "V1")
    assert names(views(service, A)["victim"]) == ["case_filed"]
    service.push(event("party", {**minor, "juvenile": False, "sms": False}, sequence="3"))
    assert names(views(service, A)["victim"]) == ["case_filed"]


def confirm(service: Service, key: str) -> None:
    assert do(service.runtime, Deed.CONFIRM, CASE, key, "窗口民警", "本人持身份证到窗口")


def test_a_concluded_case_closes_after_its_window_and_is_then_found_by_nobody(service: Service) -> None:
    ended = case(state="concluded", concluded_on="2026-11-20")
    service.push(event("case", case()), event("party", party("victim", phone=A)), event("milestone", milestone()))
    service.push(event("case", ended, sequence="2"))
    days = service.runtime.settings.policy.closing["criminal"]
    service.clock.advance(days=days - 3)
    (token,) = tokens(service, A)
    assert names(service.view(token)) == ["case_filed"]
    service.clock.advance(minutes=10)
    assert service.view(token) is not None
    service.clock.advance(days=1)
    before = len(service.messages())
    assert service.view(token) is None
    assert views(service, A) == {}
    assert len(service.messages()) == before


def test_a_correction_of_a_concluded_case_without_a_day_does_not_open_it_again(service: Service) -> None:
    service.push(event("case", case()), event("party", party("victim", phone=A)))
    service.push(event("case", case(state="concluded"), sequence="2"))
    service.clock.advance(days=service.runtime.settings.policy.closing["criminal"])
    assert set(views(service, A)) == {"victim"}
    service.clock.advance(days=1)
    later = service.clock.now.isoformat()
    service.push(event("case", case(state="concluded", trade=None), sequence="3", time=later))
    assert views(service, A) == {}


def test_a_transferred_case_says_where_it_is_and_whom_to_call_and_then_stops(service: Service) -> None:
    service.push(event("case", case()), event("party", party("victim", phone=A)), event("milestone", milestone()))
    service.work()
    told = len(service.messages(A))
    to = {"name": "示例市公安局", "phone": "0951-8022000", "on": "2026-11-23"}
    service.push(event("case", case(state="transferred", transferred_to=to), sequence="2"))
    service.work()
    assert len(service.messages(A)) == told + 1
    service.push(event("milestone", milestone("case_solved")))
    (token,) = tokens(service, A)
    view = service.view(token)
    assert view is not None
    assert view["transferred_to"] == {**to, "clause": "四(二)1(1)"}
    assert view["milestones"] == []
    assert not {"unit", "rights"} & set(view)
    text = page(service, token)
    assert "示例市公安局" in text
    assert "立案" not in text
    service.work()
    assert len([text for text in service.messages(A) if "进展" in text or "新内容" in text]) <= told + 1
    service.clock.advance(days=service.runtime.settings.policy.closing["criminal"] + 1)
    assert views(service, A) == {}


def test_a_transferred_case_without_a_new_authority_refers_to_the_help_line_and_to_nobody_below(
    service: Service,
) -> None:
    service.push(event("case", case(state="transferred")), event("party", party(phone=A)))
    (token,) = tokens(service, A)
    assert "请打查询帮助电话" in page(service, token)
    assert "请找下面的单位" not in page(service, token)
    assert "please call the help line" in page(service, token, "en")
