"""Proof of notice: what a party could see, by when it had to be told, by what it was told first, if in time."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from caseq import granting, proving
from caseq.rules import proof as documents
from caseq.rules.delivery import Failure, Receipt, Status
from caseq.rules.notice import Channel, Silence, Told, Verdict
from caseq.rules.replay import Opening
from caseq.rules.telling import Channel as Way
from caseq.rules.telling import Line, Manner
from caseq.store import tellings
from caseq.store.tables import attempts, outbox
from caseq.store.tellings import By, Telling
from caseq.texting import tracing
from tests.service import CASE, PHONE, UNIT, Service, case, event, milestone, party

OTHER = "19911110002"
#: Monday 2026-11-23, noon here; five working days end with Monday 2026-11-30.
END = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)


def known_case(service: Service, **more: Any) -> None:
    """A case with a victim whom nothing was told yet."""
    old = {"time": "2026-01-05T09:00:00+08:00"}
    service.push(event("case", case(), **old), event("party", party(**more), **old))
    service.clock.advance(minutes=1)


def proof(service: Service, key: str = "P-victim") -> proving.Proof:
    found = proving.proof(service.runtime, CASE, key, "张三", "投诉答复")
    assert found is not None
    return found


def only(service: Service, key: str = "P-victim") -> Any:
    (line,) = proof(service, key).notices
    return line


def told(service: Service, at: datetime, by: By = By.IN_PERSON, key: str = "M-case_filed") -> None:
    """Staff record now that they told the victim then."""
    with service.runtime.database.transaction() as connection:
        tellings.add(connection, Telling(1, key, by, None, at, "李警官"), service.clock())


def receipt(service: Service, status: Status, **more: Any) -> None:
    """The provider of the file gateway says what became of its newest message."""
    key = service.gateway.messages()[-1]["key"]
    assert tracing.hear(service.runtime, "file", key, Receipt(key, status, **more))


# By what


def test_a_delivered_sms_proves_when_it_was_handed_over_and_when_its_receipt_came(service: Service) -> None:
    known_case(service)
    service.push(event("milestone", milestone()))
    service.clock.advance(minutes=5)
    service.work()
    handed = service.clock.now
    service.clock.advance(minutes=10)
    service.ask()
    line = only(service)
    (message,) = line.messages
    (call,) = message.calls
    assert (line.verdict, line.first) == (Verdict.IN_TIME, Told(Channel.SMS, handed))
    assert (call.gateway, call.handed_at, call.heard_at) == ("file", handed, service.clock.now)
    assert (message.template, message.version, message.language, message.state) == ("news", 1, "zh", "delivered")
    assert call.receipt_id == service.gateway.messages()[-1]["key"]
    assert line.due.at == END
    assert not line.due.is_provisional


def test_without_a_receipt_an_sms_counts_and_is_said_to_be_unconfirmed(service: Service) -> None:
    known_case(service)
    service.push(event("milestone", milestone()))
    service.work()
    assert only(service).first.is_confirmed is False


def test_what_was_told_with_others_has_the_sms_it_was_told_in(service: Service) -> None:
    known_case(service)
    service.push(event("milestone", milestone()))
    service.push(event("milestone", milestone("case_solved")))
    service.work()
    assert len(service.messages()) == 1
    lines = proof(service).notices
    assert [line.showing.name for line in lines] == ["case_filed", "case_solved"]
    calls = {call.receipt_id for line in lines for message in line.messages for call in message.calls}
    assert len(calls) == 1
    assert all(line.messages[0].together for line in lines)
    assert {line.first and line.first.channel for line in lines} == {Channel.SMS}


def test_a_failed_sms_tells_nobody(service: Service) -> None:
    known_case(service)
    service.push(event("milestone", milestone()))
    service.work()
    receipt(service, Status.FAILED, code="UNDELIV", failure=Failure.NUMBER)
    line = only(service)
    assert (line.verdict, line.first, line.messages[0].state) == (Verdict.OPEN, None, "failed")
    assert line.messages[0].calls[0].code == "UNDELIV"
    service.clock.now = END
    assert only(service).verdict is Verdict.OVERDUE


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"phone": "无"}, "no number that may be sent to"),
        ({"sms": False}, "not wanted"),
    ],
)
def test_a_dropped_sms_says_why(service: Service, change: dict[str, Any], reason: str) -> None:
    known_case(service)
    service.push(event("milestone", milestone()))
    service.push(event("party", party(**change), sequence="2"))
    service.work()
    line = only(service)
    assert [(message.state, message.reason) for message in line.messages] == [("dropped", reason)]
    assert line.first is None


@pytest.mark.parametrize(
    ("how", "silence"), [({"phone": "无"}, Silence.NO_NUMBER), ({"sms": False}, Silence.NOT_WANTED)]
)
def test_whoever_gets_no_sms_is_shown_as_not_told_and_why(
    service: Service, how: dict[str, Any], silence: Silence
) -> None:
    known_case(service, **how)
    service.push(event("milestone", milestone()))
    service.work()
    line = only(service)
    assert (line.messages, line.first, line.silence, line.verdict) == ([], None, silence, Verdict.OPEN)


def test_what_staff_are_to_tell_first_waits_and_says_until_when(service: Service) -> None:
    first = Line(None, None, Manner(Way.SMS, timedelta(), None, tell_first=True))
    service.runtime = replace(service.runtime, settings=replace(service.runtime.settings, telling=(first,)))
    known_case(service)
    service.push(event("milestone", milestone()))
    service.work()
    (message,) = only(service).messages
    assert (message.state, message.reason) == ("held", "told in person first")
    assert message.waits_until == END - timedelta(hours=2)


@pytest.mark.parametrize(
    ("at", "verdict"), [(END - timedelta(seconds=1), Verdict.IN_TIME), (END, Verdict.LATE)], ids=["before", "after"]
)
def test_told_in_person_before_the_legal_end_is_in_time_and_after_it_late(
    service: Service, at: datetime, verdict: Verdict
) -> None:
    known_case(service, sms=False)
    service.push(event("milestone", milestone()))
    service.clock.now = END + timedelta(hours=1)
    told(service, at)
    line = only(service)
    assert (line.first.channel, line.first.at, line.verdict) == (Channel.IN_PERSON, at, verdict)
    assert line.by_staff[0].by == "李警官"


def test_a_telling_of_before_the_information_was_formed_proves_nothing(service: Service) -> None:
    known_case(service, sms=False)
    service.push(event("milestone", milestone()))
    told(service, service.clock.now - timedelta(days=3))
    assert only(service).first is None


def test_seen_first_on_the_page_counts_from_the_first_look_that_surely_saw_it(service: Service) -> None:
    known_case(service, sms=False)
    token = service.log_in()
    assert service.view(token)
    service.push(event("milestone", milestone()))
    released = service.clock.now
    service.view(token)
    assert only(service).first is None
    service.clock.advance(minutes=3)
    service.view(token)
    seen = service.clock.now
    service.clock.advance(minutes=3)
    service.view(token)
    line = only(service)
    assert (line.showing.since, line.seen_at, line.first.channel) == (released, seen, Channel.PAGE)


def test_a_provisional_end_says_so(service: Service) -> None:
    service.clock.now = datetime(2026, 12, 28, 4, 0, tzinfo=UTC)
    known_case(service)
    service.push(event("milestone", milestone(), time="2026-12-28T09:00:00+08:00"))
    service.work()
    line = only(service)
    assert line.due.is_provisional
    assert line.verdict is Verdict.IN_TIME


# Of what


def test_a_later_state_that_the_party_sees_is_a_line_of_its_own(service: Service) -> None:
    known_case(service)
    service.push(event("milestone", milestone(occurred_on="2026-11-20")))
    service.work()
    service.clock.advance(hours=1)
    service.push(event("milestone", milestone(occurred_on="2026-11-21"), sequence="2"))
    corrected = service.clock.now
    service.clock.advance(hours=1)
    service.push(event("milestone", milestone(occurred_on="2026-11-21"), sequence="3"))
    first, second = proof(service).notices
    assert (first.showing.until, second.showing.since, second.showing.replaces) == (corrected, corrected, 0)
    assert (first.first and first.first.channel, second.first) == (Channel.SMS, None)
    assert second.messages[0].state == "queued"


def test_what_was_corrected_in_time_before_anybody_told_it_is_gone(service: Service) -> None:
    known_case(service, sms=False)
    service.push(event("milestone", milestone()))
    service.clock.advance(minutes=3)
    service.push(event("withdrawal", {"record": "milestone", "key": "M-case_filed"}, sequence="2"))
    service.clock.now = END + timedelta(days=1)
    assert only(service).verdict is Verdict.GONE


def test_what_a_hold_hides_is_no_line_until_the_hold_is_over_and_then_runs_from_there(service: Service) -> None:
    known_case(service)
    service.push(event("milestone", milestone(hold={"reason": "有碍侦查", "until": "2026-11-25"})))
    assert proof(service).notices == []
    service.clock.now = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
    line = only(service)
    over = datetime(2026, 11, 25, 16, 0, tzinfo=UTC)
    assert (line.showing.opened_by, line.showing.since, line.showing.begins_at) == (Opening.DAY, over, over)
    assert line.silence is Silence.BY_DAY
    assert str(line.due.on) == "2026-12-03"


def test_the_sms_of_another_change_proves_nothing_of_what_had_none(service: Service) -> None:
    known_case(service)
    service.push(event("milestone", milestone(hold={"reason": "有碍侦查", "until": "2026-11-25"})))
    service.clock.now = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
    service.push(event("case", case(unit={**UNIT, "phone": "0951-8011099"}), sequence="2"))
    service.work()
    assert len(service.messages()) == 1
    assert only(service).first is None


def test_whoever_comes_later_is_told_from_then_on_and_by_the_sms_of_that(service: Service) -> None:
    service.push(event("case", case()), event("milestone", milestone()))
    service.clock.advance(days=1)
    service.push(event("party", party(), time="2026-11-24T11:00:00+08:00"))
    service.work()
    line = only(service)
    assert (line.showing.opened_by, line.showing.since) == (Opening.PARTY, service.clock.now)
    assert str(line.due.on) == "2026-12-01"
    assert line.first.channel is Channel.SMS


def test_a_suspect_sees_nothing_that_was_before_the_day_of_appearing(service: Service) -> None:
    suspect = party("suspect", phone=OTHER, appeared_on="2026-11-25")
    service.push(event("case", case()), event("party", suspect), event("milestone", milestone("case_withdrawn")))
    assert proof(service, "P-suspect").notices == []
    service.clock.now = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
    assert only(service, "P-suspect").showing.since == datetime(2026, 11, 24, 16, 0, tzinfo=UTC)


def test_while_a_case_is_withheld_or_a_party_revoked_nothing_opens(service: Service) -> None:
    known_case(service)
    granting.do(service.runtime, granting.Deed.REVOKE, CASE, "P-victim", "a", "b")
    service.clock.advance(minutes=1)
    service.push(event("milestone", milestone()))
    assert proof(service).notices == []
    service.clock.advance(minutes=1)
    granting.do(service.runtime, granting.Deed.CONFIRM, CASE, "P-victim", "a", "b")
    assert only(service).showing.since == service.clock.now
    service.clock.advance(minutes=1)
    service.push(event("case", case(state="withheld"), sequence="2"))
    assert only(service).showing.until == service.clock.now


# The document


def test_the_hash_changes_with_any_value_and_the_audit_confirms_it(service: Service) -> None:
    known_case(service)
    service.push(event("milestone", milestone()))
    service.work()
    made = proof(service)
    (found,) = proving.verify(service.runtime, made.hash)
    assert (found.case_number, found.party, found.at) == (CASE, "P-victim", service.clock.now)
    assert (found.facts["by"], found.facts["reason"]) == ("张三", "投诉答复")
    text = documents.canonical(made.document)
    assert proving.hashes_of(text)[1] == made.hash
    assert proving.hashes_of(json.dumps(json.loads(text), indent=2).encode())[1] == made.hash
    for n in range(len(text)):
        changed = bytes([*text[:n], text[n] ^ 1, *text[n + 1 :]])
        assert made.hash not in proving.hashes_of(changed), n
    assert proving.verify(service.runtime, documents.digest({"a": 1})) == []


def test_a_document_holds_no_telephone_number_no_name_and_no_text_of_an_sms(service: Service) -> None:
    known_case(service)
    service.push(event("milestone", milestone()))
    service.work()
    text = documents.canonical(proof(service).document).decode()
    assert "测试人" not in text
    assert PHONE not in text
    assert service.messages()[0] not in text
    assert service.messages()[0][10:20] not in text
    assert "+08:00" in text


def test_nobody_gets_a_proof_of_a_party_that_is_not_in_the_case(service: Service) -> None:
    known_case(service)
    assert proving.proof(service.runtime, CASE, "P-other", "a", "b") is None
    assert proving.proof(service.runtime, CASE + "9", "P-victim", "a", "b") is None


def test_moments_of_messages_from_before_the_outbox_knew_the_record_are_found_by_their_cause(service: Service) -> None:
    known_case(service)
    service.push(event("milestone", milestone()))
    service.work()
    with service.runtime.database.transaction() as connection:
        connection.execute(update(outbox).values(record=None, key=None))
    assert only(service).first.channel is Channel.SMS


# Overdue


def urgent(service: Service, unit: str | None = None) -> list[tuple[str, str, str]]:
    found = proving.overdue(service.runtime, unit)
    return [(one.of.party, one.notice.showing.name, one.notice.verdict.value) for one in found]


def test_the_bureau_sees_what_is_overdue_or_due_with_the_next_working_day(service: Service) -> None:
    known_case(service)
    service.push(event("party", party("victim_family", phone="无")))
    service.push(event("milestone", milestone()))
    service.work()
    with service.runtime.database.transaction() as connection:
        connection.execute(update(outbox).values(state="failed"))
        connection.execute(update(attempts).values(status="failed"))
    assert urgent(service) == []
    service.clock.now = datetime(2026, 11, 27, 4, 0, tzinfo=UTC)  # a Friday; the limit ends with the Monday
    both = [("P-victim", "case_filed", "open"), ("P-victim_family", "case_filed", "open")]
    assert urgent(service) == both
    assert urgent(service, "640121510000") == both
    assert urgent(service, "640121510001") == []
    told(service, service.clock.now)
    service.clock.now = END
    assert urgent(service) == [("P-victim_family", "case_filed", "overdue")]


def test_nobody_is_overdue_who_was_told_by_sms_or_has_looked(service: Service) -> None:
    known_case(service)
    service.push(event("party", party("victim_family", phone=OTHER, sms=False)))
    service.push(event("milestone", milestone()))
    service.work()
    service.clock.advance(minutes=2)
    service.seen_by(OTHER)
    service.clock.now = END
    assert urgent(service) == []


def test_what_a_hold_let_out_by_itself_and_a_newcomer_whom_no_sms_reached_are_overdue_too(service: Service) -> None:
    known_case(service)
    service.push(event("milestone", milestone(hold={"reason": "有碍侦查", "until": "2026-11-25"})))
    service.push(event("party", party("victim_family", phone=OTHER), time="2026-11-24T11:00:00+08:00"))
    service.clock.now = datetime(2026, 12, 3, 4, 0, tzinfo=UTC)
    service.push(
        event("milestone", milestone("case_solved", occurred_on="2026-12-02"), time="2026-12-02T09:00:00+08:00")
    )
    service.push(event("party", party("complainant", phone="19911110003"), time="2026-11-26T11:00:00+08:00"))
    names = {("P-victim", "case_filed"), ("P-victim_family", "case_filed"), ("P-complainant", "case_filed")}
    assert {one[:2] for one in urgent(service)} == names
    service.work()
    service.clock.advance(minutes=2)
    assert service.seen_by()
    assert {one[:2] for one in urgent(service)} == {("P-victim_family", "case_filed")}


def test_what_a_new_case_system_brings_from_before_is_not_overdue(service: Service) -> None:
    old = {"time": "2026-08-05T09:00:00+08:00"}
    service.push(event("case", case(), **old), event("party", party(sms=False), **old))
    service.push(event("milestone", milestone(), **old))
    line = only(service)
    assert line.verdict is Verdict.OVERDUE
    assert urgent(service) == []
