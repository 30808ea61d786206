"""What providers say of messages, against what workers record and do at the same time: nothing goes out twice, and
nothing that is known is forgotten."""

import pytest

from caseq.errors import TryLater
from caseq.rules.delivery import Failure, Receipt, Status
from caseq.store import attempts
from caseq.texting import tracing
from tests.provider import Line, sid
from tests.service import CASE, PHONE, event, milestone, party
from tests.service import case as case_data


@pytest.fixture
def line(service):
    """One piece of news waits."""
    line = Line.of(service)
    service.push(event("case", case_data()), event("party", party()), event("milestone", milestone()))
    return line


def lost(line: Line) -> str:
    """The provider takes the message, its answer is lost, and a search does not find it: it waits again. Its key."""
    line.provider.is_lost, line.provider.lists = True, False
    ready = line.claim()
    line.send(ready)()
    line.service.clock.advance(minutes=2)
    line.service.ask()
    line.provider.is_lost = False
    assert line.states() == ["queued"]
    return ready.sms.key


@pytest.mark.parametrize("said", [Status.SENT, Status.DELIVERED])
def test_what_an_earlier_call_brought_is_not_sent_again(line, said):
    first = lost(line)
    line.provider.faults.append(TryLater("20429"))
    line.send(line.claim())()
    assert line.outcomes() == [("not found", None), ("later", None)]
    assert line.hear(first, said)
    line.rounds()
    assert len(line.provider.taken) == 1
    assert line.states() == [said.value]


def test_an_earlier_call_that_failed_says_nothing_of_a_later_one(line):
    first = lost(line)
    line.send(line.claim())()
    assert line.hear(first, Status.FAILED, Failure.LATER, "30003")
    assert line.states() == ["sent"]
    line.rounds(1)
    assert len(line.provider.taken) == 2


def test_a_later_call_that_failed_says_nothing_of_an_earlier_one_on_its_way(line):
    first = lost(line)
    second = line.claim()
    line.send(second)()
    assert line.hear(first, Status.SENT)
    assert line.hear(second.sms.key, Status.FAILED, Failure.LATER, "30003")
    assert line.states() == ["sent"]
    line.rounds()
    assert len(line.provider.taken) == 2
    assert line.hear(first, Status.DELIVERED)
    assert line.states() == ["delivered"]


def test_the_provider_is_asked_of_the_call_that_it_took(line):
    first = lost(line)
    line.provider.faults.append(TryLater("20429"))
    line.send(line.claim())()
    assert line.hear(first, Status.SENT)
    before = line.provider.questions
    line.rounds(40, minutes=10)
    assert line.provider.questions - before == 3
    assert (line.states(), line.messages()[0].reason) == (["sent"], "no receipt")


def test_an_id_that_another_call_has_stays_there_and_breaks_nothing(line):
    first = lost(line)
    second = line.claim()
    line.send(second)()
    runtime = line.service.runtime
    with runtime.database.transaction() as connection:
        now = runtime.clock()
        receipt = Receipt(sid(second.sms.key), Status.DELIVERED)
        assert attempts.hear(connection, "twilio", attempts.id_of(first), receipt, now) is None
    assert line.outcomes() == [("not found", None), ("accepted", None)]


def test_a_worker_that_records_too_late_is_still_believed(line):
    """The database was away for longer than the lease; the search must not be asked for what is known by then."""
    record = line.send(line.claim())
    line.service.clock.advance(minutes=1)
    line.service.work()
    assert line.states() == ["unknown"]
    record()
    assert line.states() == ["sent"]
    line.rounds()
    assert len(line.provider.taken) == 1


def test_a_worker_that_records_after_the_search_found_nothing_is_still_believed(line):
    line.provider.lists = False
    record = line.send(line.claim())
    line.service.clock.advance(minutes=1)
    line.service.work()
    line.service.clock.advance(minutes=2)
    line.service.ask()
    assert line.states() == ["queued"]
    record()
    assert line.outcomes() == [("accepted", None)]
    line.rounds()
    assert len(line.provider.taken) == 1


def test_a_late_record_does_not_undo_that_the_message_waits_to_be_sent_again(line):
    ready = line.claim()
    record = line.send(ready)
    assert line.hear(ready.sms.key, Status.FAILED, Failure.LATER, "30003")
    record()
    assert line.states() == ["queued"]
    assert line.outcomes() == [("accepted", "failed")]


def test_a_record_with_an_id_that_another_call_has_breaks_nothing(line):
    first = lost(line)
    second = line.claim()
    record = line.send(second)
    runtime = line.service.runtime
    with runtime.database.transaction() as connection:
        receipt = Receipt(sid(second.sms.key), Status.ACCEPTED)
        assert attempts.hear(connection, "twilio", attempts.id_of(first), receipt, runtime.clock())
    record()
    assert line.states() == ["sent"]
    assert line.outcomes() == [("accepted", "accepted"), ("accepted", None)]


def test_a_hint_has_the_provider_asked_and_takes_no_question_away(line):
    ready = line.claim()
    line.send(ready)()
    for _ in range(5):
        line.service.clock.advance(seconds=30)
        tracing.hint(line.service.runtime, [ready.sms.key, "caseq-77", "somebody else's"])
        line.service.ask()
    assert line.provider.questions == 5
    line.rounds(50, minutes=10)
    assert line.provider.questions == 5 + 3
    tracing.hint(line.service.runtime, [ready.sms.key])
    line.rounds(1)
    assert line.provider.questions == 5 + 3


def test_a_hint_does_not_have_the_provider_asked_too_early_of_a_message_that_may_have_gone_out(line):
    """It would not list the message yet, and the SMS would go out a second time."""
    line.provider.is_lost, line.provider.lists = True, False
    ready = line.claim()
    line.send(ready)()
    line.service.clock.advance(seconds=5)
    tracing.hint(line.service.runtime, [ready.sms.key])
    line.service.ask()
    assert line.provider.questions == 0
    line.provider.lists = True
    line.rounds()
    assert len(line.provider.taken) == 1


def test_a_code_does_not_wait_for_news_of_which_nobody_knows_whether_they_went_out(line):
    line.provider.is_lost = True
    line.send(line.claim())()
    assert line.states() == ["unknown"]
    line.provider.is_lost = False
    line.service.client.post("/api/v1/codes", json={"case_number": CASE, "phone": PHONE})
    line.service.work()
    assert line.provider.taken[-1].template == "code"
    assert line.states() == ["unknown", "sent"]
