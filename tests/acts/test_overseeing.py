"""What staff see of messages and do to them, with who and why in the audit."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from caseq.rules.delivery import Failure, Receipt, Status
from caseq.rules.telling import Channel, Line, Manner
from caseq.store import attempts, message_views, tasks
from caseq.store.message_views import Wanted
from caseq.store.outbox import Purpose, State
from caseq.store.tables import audit, outbox, tellings
from caseq.store.tellings import By
from caseq.texting import inquiring, overseeing, persons, tracing
from caseq.texting.overseeing import Refused
from tests.service import CASE, NOON, PHONE, UNIT, Service, case, event, milestone, party

WHO = {"by": "窗口民警", "reason": "当事人来电"}
OTHER_CASE = "A6401215100002026110099"
STAFF = (By.TELEPHONE, NOON, "窗口民警")


def with_manner(service: Service, how: Manner) -> Service:
    settings = replace(service.runtime.settings, telling=(Line(None, None, how),))
    return Service(replace(service.runtime, settings=settings), service.clock, service.gateway)


def telling_first(service: Service) -> Service:
    """The service, with a table by which staff tell first."""
    return with_manner(service, Manner(Channel.SMS, timedelta(minutes=10), None, tell_first=True))


def a_case(service: Service, *names: str) -> None:
    """A case with a victim who knows of it, and news of these milestones."""
    service.push(event("case", case()), event("party", party()))
    for name in names:
        service.push(event("milestone", milestone(name)))


def row(service: Service, message_id: int = 1) -> Any:
    with service.runtime.database.autocommit() as connection:
        return connection.execute(select(outbox).where(outbox.c.id == message_id)).one()


def change(service: Service, **values: Any) -> None:
    with service.runtime.database.transaction() as connection:
        connection.execute(update(outbox).values(**values))


def acts(service: Service, *names: str) -> list[tuple[str, dict[str, Any]]]:
    with service.runtime.database.autocommit() as connection:
        rows = connection.execute(select(audit).where(audit.c.act.in_(names)).order_by(audit.c.id)).all()
    assert all(row.party_id for row in rows if row.act not in ("news_stopped", "news_released", "task_done"))
    return [(row.act, row.facts) for row in rows]


def to_do(service: Service) -> list[tuple[str, str | None, str | None]]:
    return [(task.kind.value, task.party, task.milestone) for task in overseeing.to_do(service.runtime, None)]


# Looking


def test_what_needs_eyes_comes_by_urgency_and_what_goes_its_way_does_not(service, monkeypatch):
    monkeypatch.setattr(message_views.page, "__defaults__", (2,))
    a_case(service)
    states = ("delivered", "held", "queued", "failed", "failed", "needs_human", "unknown", "claimed", "sent", "queued")
    now = service.clock()
    with service.runtime.database.transaction() as connection:
        for n, state in enumerate(states):
            long_ago = now - timedelta(days=8) if n == 3 else now
            due = now + timedelta(hours=1) if n == 9 else now - timedelta(minutes=6)
            values = {"purpose": "news", "cause": f"c{n}", "lane": 1, "state": state, "attempts": 1}
            connection.execute(outbox.insert().values(**values, created_at=now, due_at=due, finished_at=long_ago))
    found = [(one.id, one.state.value) for one in overseeing.listed(service.runtime, Wanted())]
    expected = [(6, "needs_human"), (5, "failed"), (7, "unknown"), (8, "claimed"), (3, "queued"), (2, "held")]
    assert found == expected
    all_ = list(overseeing.listed(service.runtime, Wanted(states=tuple(State))))
    assert sorted(one.id for one in all_) == list(range(1, 11))


def test_messages_are_found_by_state_purpose_reason_and_age(service):
    a_case(service, "case_filed")
    service.code_for()
    change(service, reason="50% off_")

    def ids(**wanted: Any) -> list[int]:
        return [one.id for one in overseeing.listed(service.runtime, Wanted(states=tuple(State), **wanted))]

    assert len(ids()) == 3
    assert [row(service, id_).purpose for id_ in ids(purposes=(Purpose.NEWS,))] == ["news"]
    assert len(ids(reason="50%")) == 3
    assert ids(reason="50_") == []
    assert ids(created_before=NOON - timedelta(seconds=1)) == []
    (news,) = overseeing.listed(service.runtime, Wanted((State.SENT,), (Purpose.NEWS,)))
    assert (news.case_number, news.party, news.gateway, news.attempts) == (CASE, "P-victim", "file", 1)


def test_a_message_is_shown_with_every_call_and_what_was_told_with_it(service):
    a_case(service, "case_filed", "case_solved")
    service.work()
    service.clock.advance(minutes=11)
    service.ask()
    found = overseeing.show(service.runtime, 1)
    assert found is not None
    message, (call,) = found
    assert (message.state, message.purpose, message.party) == (State.DELIVERED, Purpose.NEWS, "P-victim")
    assert [(told.id, told.key) for told in message.told] == [(2, "M-case_solved")]
    assert (message.facts["template"], message.facts["template_version"]) == ("news", 1)
    assert message.facts["legal_end_at"] is not None
    assert (call.outcome, call.status, call.provider_id) == ("accepted", "delivered", attempts.key_of(call.id))
    assert overseeing.show(service.runtime, 99) is None


# Once more, held, released


@pytest.mark.parametrize("state", ["failed", "needs_human"])
def test_what_failed_or_needs_a_human_is_sent_once_more(service, state):
    a_case(service, "case_filed")
    change(service, state=state, finished_at=NOON)
    assert not isinstance(overseeing.retry(service.runtime, 1, **WHO), Refused)
    service.work()
    assert row(service).state == "sent"
    assert acts(service, "message_retried") == [("message_retried", {**WHO, "message": 1, "was": state})]


@pytest.mark.parametrize(
    ("purpose", "state", "why"),
    [
        ("code", "failed", "a code is never sent again"),
        ("resolve", "resolved", "a code is never sent again"),
        ("number", "failed", "erased"),
        ("news", "sent", "it is sent"),
        ("news", "queued", "it is queued"),
        ("news", "dropped", "it is dropped"),
    ],
)
def test_nothing_else_is_and_it_is_said_why(service, purpose, state, why):
    a_case(service, "case_filed")
    change(service, state=state, purpose=purpose)
    refused = overseeing.retry(service.runtime, 1, **WHO)
    assert isinstance(refused, Refused)
    assert why in refused.why
    assert row(service).state == state
    assert acts(service, "message_retried") == []
    assert isinstance(overseeing.retry(service.runtime, 99, **WHO), Refused)


def test_a_held_message_waits_until_it_is_released(service):
    a_case(service, "case_filed")
    assert not isinstance(overseeing.hold(service.runtime, 1, **WHO), Refused)
    assert isinstance(overseeing.hold(service.runtime, 1, **WHO), Refused)
    service.clock.advance(days=1)
    service.work()
    assert service.messages() == []
    assert not isinstance(overseeing.release(service.runtime, 1, **WHO), Refused)
    assert isinstance(overseeing.release(service.runtime, 1, **WHO), Refused)
    service.work()
    assert len(service.messages()) == 1
    for act in (overseeing.hold, overseeing.release):
        assert isinstance(act(service.runtime, 1, **WHO), Refused)
        assert isinstance(act(service.runtime, 99, **WHO), Refused)
    assert [act for act, _ in acts(service, "message_held", "message_released")] == ["message_held", "message_released"]


def test_what_waits_for_its_time_is_not_released_by_staff(service):
    service = telling_first(service)
    a_case(service, "case_filed")
    refused = overseeing.release(service.runtime, 1, **WHO)
    assert isinstance(refused, Refused)
    assert "told in person first" in refused.why


def test_all_news_stop_and_codes_go_on(service):
    a_case(service, "case_filed")
    assert overseeing.stop_news(service.runtime, **WHO) is None
    assert isinstance(overseeing.stop_news(service.runtime, **WHO), Refused)
    _, code = service.code_for()
    assert code != "00000000"
    assert row(service).state == "queued"
    assert overseeing.let_news_go(service.runtime, **WHO) is None
    assert isinstance(overseeing.let_news_go(service.runtime, **WHO), Refused)
    service.work()
    assert row(service).state == "sent"
    assert acts(service, "news_stopped", "news_released") == [("news_stopped", WHO), ("news_released", WHO)]


# Tasks


def test_tasks_come_by_unit_and_the_one_that_is_due_first_in_front(service):
    service = telling_first(service)
    elsewhere = case(unit={**UNIT, "code": "640121500000"})
    a_case(service, "case_solved")
    service.push(event("milestone", milestone("case_filed"), time="2026-11-22T09:00:00+08:00"))
    service.push(event("case", elsewhere, case=OTHER_CASE), event("party", party(key="P2"), case=OTHER_CASE))
    service.push(event("milestone", milestone(key="M2"), case=OTHER_CASE))
    found = [task.milestone for task in overseeing.to_do(service.runtime, None)]
    assert found == ["M2", "M-case_filed", "M-case_solved"]
    assert [task.milestone for task in overseeing.to_do(service.runtime, UNIT["code"])] == found[1:]
    assert overseeing.to_do(service.runtime, "x") == []


def test_a_task_is_done_once_and_its_message_rests(service):
    a_case(service, "case_filed")
    change(service, state="needs_human")
    with service.runtime.database.transaction() as connection:
        tasks.make(connection, tasks.Kind.CALL, "x", "x", NOON, party_id=1, message_id=1)
    ((task_id),) = [task.id for task in overseeing.to_do(service.runtime, None)]
    done = overseeing.finish(service.runtime, task_id, "窗口民警", "电话告知")
    assert not isinstance(done, Refused)
    assert row(service).state == "failed"
    assert overseeing.to_do(service.runtime, None) == []
    assert isinstance(overseeing.finish(service.runtime, task_id, "窗口民警", "电话告知"), Refused)
    facts = {"by": "窗口民警", "reason": "电话告知", "task": task_id, "kind": "call"}
    assert acts(service, "task_done") == [("task_done", facts)]


# Told by staff


def test_what_staff_told_is_not_sent_and_its_task_is_done(service):
    service = telling_first(service)
    a_case(service, "case_filed")
    assert to_do(service) == [("tell", "P-victim", "M-case_filed")]
    done = persons.told(service.runtime, CASE, "P-victim", "case_filed", *STAFF)
    assert done == persons.Recorded("M-case_filed", 1, task_done=True)
    assert to_do(service) == []
    assert (row(service).state, row(service).reason) == ("dropped", "told in person")
    service.clock.advance(days=20)
    service.work()
    assert service.messages() == []
    facts = {"by": "窗口民警", "milestone": "M-case_filed", "channel": "telephone", "at": NOON.isoformat(), "ended": 1}
    assert acts(service, "told") == [("told", facts)]


def test_what_changes_after_staff_told_it_is_told_again(service):
    service = telling_first(service)
    a_case(service, "case_filed")
    persons.told(service.runtime, CASE, "P-victim", "M-case_filed", *STAFF)
    service.clock.advance(hours=1)
    service.push(event("milestone", milestone(occurred_on="2026-11-20"), sequence="2"))
    assert to_do(service) == [("tell", "P-victim", "M-case_filed")]
    refused = persons.told(service.runtime, CASE, "P-victim", "M-case_filed", *STAFF)
    assert isinstance(refused, Refused)
    assert "changed after that" in refused.why
    service.clock.advance(days=20)
    service.work()
    assert len(service.messages()) == 1


def test_what_was_told_before_the_clerk_entered_it_counts(service):
    service = telling_first(service)
    a_case(service, "case_filed")
    yesterday = NOON - timedelta(days=1)
    done = persons.told(service.runtime, CASE, "P-victim", "M-case_filed", By.IN_PERSON, yesterday, "窗口民警")
    assert not isinstance(done, Refused)
    with service.runtime.database.autocommit() as connection:
        (telling,) = connection.execute(select(tellings)).all()
    assert (telling.told_at, telling.recorded_at) == (yesterday, NOON)


@pytest.mark.parametrize(
    ("of", "named", "ahead", "why"),
    [
        ("P-victim", "M-expert_opinion", 0, "may not see"),
        ("P-suspect", "M-case_filed", 0, "may not see"),
        ("P-victim", "M-held", 0, "may not see"),
        ("P-victim", "M-none", 0, "no such milestone"),
        ("P-victim", "case_filed", 0, "several"),
        ("P-nobody", "M-case_filed", 0, "No such party"),
        ("P-victim", "M-case_filed", 10, "lies ahead"),
    ],
)
def test_what_a_person_may_not_see_is_not_told_and_nothing_is_recorded(service, of, named, ahead, why):
    service = telling_first(service)
    a_case(service, "case_filed", "expert_opinion")
    held = milestone("case_filed", "M-held", hold={"reason": "有碍侦查"})
    service.push(event("party", party("suspect", phone="19987654321")), event("milestone", held))
    at = NOON + timedelta(minutes=ahead)
    refused = persons.told(service.runtime, CASE, of, named, By.PAPER, at, "窗口民警")
    assert isinstance(refused, Refused)
    assert why in refused.why
    assert acts(service, "told") == []
    assert row(service).state == "held"


def test_who_may_not_enter_the_case_is_told_nothing_unless_only_the_page_was_closed(service):
    service = telling_first(service)
    a_case(service, "case_filed")
    service.push(event("party", party(juvenile=True), sequence="2"))
    assert isinstance(persons.told(service.runtime, CASE, "P-victim", "M-case_filed", *STAFF), Refused)
    service.push(event("party", party(), sequence="3"))  # a minor who grew up: barred until staff have checked
    assert not isinstance(persons.told(service.runtime, CASE, "P-victim", "M-case_filed", *STAFF), Refused)


# Numbers


def test_nothing_goes_to_a_number_that_staff_say_is_a_stranger_s_until_it_works_again(service):
    a_case(service)
    service.push(event("case", case(), case=OTHER_CASE), event("party", party(key="P2"), case=OTHER_CASE))
    assert persons.dead(service.runtime, CASE, "P-victim", **WHO) == 2
    assert to_do(service) == [("call", "P-victim", None)]
    assert isinstance(persons.dead(service.runtime, CASE, "P-victim", **WHO), Refused)
    service.push(event("milestone", milestone()))
    assert service.code_for()[1] == "00000000"
    service.work()
    assert service.gateway.messages() == []
    assert persons.works(service.runtime, CASE, "P-victim", **WHO) is None
    assert isinstance(persons.works(service.runtime, CASE, "P-victim", **WHO), Refused)
    service.clock.advance(minutes=2)
    assert service.code_for()[1] != "00000000"
    assert acts(service, "number_dead", "number_works") == [("number_dead", WHO), ("number_works", WHO)]


def test_a_party_without_a_number_has_none_that_could_be_dead(service):
    a_case(service)
    service.push(event("party", party(phone="无"), sequence="2"))
    for act in (persons.dead, persons.works):
        refused = act(service.runtime, CASE, "P-victim", **WHO)
        assert isinstance(refused, Refused)
        assert "no number" in refused.why
        assert act(service.runtime, CASE, "P-nobody", **WHO) is persons.NOBODY


# Was the code delivered?


def asked(service: Service, phone: str = PHONE, number: str = CASE) -> None:
    service.client.post("/api/v1/codes", json={"case_number": number, "phone": phone})


def codes(service: Service) -> inquiring.Codes:
    found = inquiring.codes(service.runtime, CASE, "P-victim", **WHO)
    assert not isinstance(found, Refused)
    return found


def test_a_code_is_followed_to_what_the_provider_said(service):
    a_case(service)
    assert (codes(service).sent, codes(service).unanswered) == ([], [])
    asked(service)
    (waits,) = codes(service).unanswered
    assert not waits.is_resolved
    service.clock.advance(seconds=3)
    service.work()
    (sent,) = codes(service).sent
    assert (sent.state, sent.asked_at, codes(service).unanswered) == (State.SENT, NOON, [])
    (call,) = sent.attempts
    receipt = Receipt(call.provider_id or "", Status.FAILED, "30003", Failure.NUMBER)
    service.clock.advance(seconds=3)
    assert tracing.hear(service.runtime, "file", attempts.key_of(call.id), receipt)
    (sent,) = codes(service).sent
    assert (sent.state, sent.attempts[0].status_code) == (State.FAILED, "30003")
    assert sent.attempts[0].status_at == NOON + timedelta(seconds=6)
    assert "dead" in (codes(service).why_not or "")
    assert len(acts(service, "code_looked_up")) == 7
    service.clock.advance(hours=73)
    assert codes(service).sent == []


def test_a_request_that_got_no_code_is_told_of_with_the_limit_that_is_reached(service):
    a_case(service)
    for _ in range(6):
        service.code_for()
        service.clock.advance(minutes=6)
    found = codes(service)
    assert [len(found.sent), len(found.unanswered)] == [5, 1]
    assert found.unanswered[0].is_resolved
    assert found.limits == ("hour", None)


def test_only_requests_with_this_person_s_number_for_this_case_are_told_of(service):
    a_case(service)
    service.push(event("case", case(aliases=["别名第1号"]), sequence="2"))
    service.push(event("case", case(), case=OTHER_CASE), event("party", party(key="P2"), case=OTHER_CASE))
    asked(service, phone="19987654321")
    asked(service, number=OTHER_CASE)
    assert codes(service).unanswered == []
    asked(service, number="别名第1号")
    assert len(codes(service).unanswered) == 1


def test_who_may_not_enter_or_has_no_number_gets_no_code_and_that_is_said(service):
    a_case(service)
    service.push(event("party", party(phone="无"), sequence="2"))
    assert "no number" in (codes(service).why_not or "")
    service.push(event("case", case(state="withheld"), sequence="3"))
    assert "may not enter" in (codes(service).why_not or "")
    assert inquiring.codes(service.runtime, CASE, "P-nobody", **WHO) is persons.NOBODY
