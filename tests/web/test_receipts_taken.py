"""What receipts do to a message, through the door: late, twice, in any order, before and after a worker's record."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select

from caseq import answering
from caseq.rules.delivery import Failure
from caseq.store.tables import audit, dead_numbers, tasks
from tests.provider import Line
from tests.service import CASE, PHONE, case, elsewhere, event, milestone, party
from tests.web.receipts import ACCOUNT, told

FAILED = {"ErrorCode": "30007"}
DEAD = {"ErrorCode": "30005"}
LATER = {"ErrorCode": "30003"}


@pytest.fixture
def line(service_with):
    """One piece of news waits."""
    return waiting(Line.of(service_with(**ACCOUNT)), "news")


@pytest.fixture
def code(service_with):
    """A code waits."""
    return waiting(Line.of(service_with(**ACCOUNT)), "code")


def waiting(line: Line, what: str) -> Line:
    line.service.push(event("case", case()), event("party", party(sms=what == "news")))
    if what == "news":
        line.service.push(event("milestone", milestone()))
    else:
        ask(line)
    return line


def ask(line: Line) -> None:
    body = {"case_number": CASE, "phone": PHONE}
    assert line.service.client.post("/api/v1/codes", json=body, environ_overrides=elsewhere()).status_code == 202
    while answering.resolve(line.service.runtime):
        pass


def sent(line: Line) -> str:
    ready = line.claim()
    line.send(ready)()
    return ready.sms.key


def say(line: Line, key: str, *statuses: str, **more: str) -> None:
    for status in statuses:
        assert told(line.service, key, status, **(more if status in ("failed", "undelivered") else {})) == 204


# In any order, any number of times


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        (("queued", "sending", "sent", "delivered"), "delivered"),
        (("delivered", "sent"), "delivered"),
        (("delivered", "queued", "sent", "delivered"), "delivered"),
        (("delivered", "failed"), "delivered"),
        (("delivered", "undelivered", "sent"), "delivered"),
        (("failed", "sent", "queued"), "failed"),
        (("undelivered", "delivered"), "delivered"),
        (("sent", "vaporised", "sent"), "sent"),
        (("canceled",), "failed"),
    ],
)
def test_a_message_only_ever_moves_on(line, statuses, state):
    key = sent(line)
    say(line, key, *statuses, **FAILED)
    assert line.states() == [state]
    line.rounds(8)
    assert len(line.provider.taken) == 1


def test_a_receipt_that_comes_again_changes_nothing(line):
    key = sent(line)
    say(line, key, "sent", "delivered")
    before = (line.messages(), line.outcomes())
    line.service.clock.advance(hours=1)
    say(line, key, *["sent", "delivered", "failed"] * 3, **DEAD)
    assert (line.messages(), line.outcomes()) == before
    assert rows(line, dead_numbers) == []


def test_of_receipts_at_the_same_moment_the_farthest_stays_and_counts_once(line):
    key = sent(line)
    statuses = ["delivered", "failed", "sent", "delivered", "failed", "sent"]
    start = Barrier(len(statuses))

    def at_once(status):
        start.wait()
        return told(line.service, key, status, **(FAILED if status == "failed" else {}))

    with ThreadPoolExecutor(len(statuses)) as pool:
        assert set(pool.map(at_once, statuses)) == {204}
    assert line.states() == ["delivered"]
    assert line.outcomes() == [("accepted", "delivered")]
    assert [task for task in rows(line, tasks) if task.done_at is None] == []


def test_two_failures_at_the_same_moment_make_one_task(line):
    key = sent(line)
    start = Barrier(2)

    def at_once(_):
        start.wait()
        return told(line.service, key, "failed", **DEAD)

    with ThreadPoolExecutor(2) as pool:
        assert set(pool.map(at_once, range(2))) == {204}
    assert len(rows(line, tasks)) == len(rows(line, dead_numbers)) == 1


# Before and after what the worker knows


@pytest.mark.parametrize(("status", "state"), [("sent", "sent"), ("delivered", "delivered"), ("failed", "failed")])
@pytest.mark.parametrize("is_lost", [False, True])
def test_a_receipt_before_the_workers_own_record_stays(line, status, state, is_lost):
    """It comes while the call still goes on; afterwards the worker has an acceptance, or nothing at all."""
    line.provider.is_lost = is_lost
    line.provider.during = lambda sms: say(line, sms.key, status, **FAILED)
    sent(line)
    assert line.states() == [state]
    line.rounds()
    assert len(line.provider.taken) == 1
    assert line.states() == [state]


def test_a_receipt_of_a_worker_that_was_lost_is_enough(line):
    ready = line.claim()
    line.send(ready)  # and never recorded
    say(line, ready.sms.key, "delivered")
    line.rounds()
    assert line.states() == ["delivered"]
    assert (len(line.provider.taken), line.provider.questions) == (1, 0)


@pytest.mark.parametrize("status", ["sent", "delivered"])
def test_after_a_reset_a_receipt_says_that_it_went_out_and_nobody_is_asked(line, status):
    line.provider.is_lost = True
    key = sent(line)
    assert line.states() == ["unknown"]
    say(line, key, status)
    assert line.states() == [status]
    line.service.clock.advance(minutes=5)
    line.service.work()
    line.service.ask()
    assert (len(line.provider.taken), line.provider.questions) == (1, 0)


def test_a_receipt_while_the_provider_is_being_asked_is_believed(line):
    line.provider.is_lost, line.provider.lists = True, False
    key = sent(line)
    find = line.provider.find

    def slowly(*about):
        say(line, key, "delivered")
        return find(*about)

    line.provider.find = slowly
    line.rounds()
    assert line.states() == ["delivered"]
    assert (len(line.provider.taken), line.provider.questions) == (1, 1)


@pytest.mark.parametrize("status", ["sent", "delivered"])
def test_what_was_not_found_and_waits_to_be_sent_again_is_not_if_a_receipt_comes(line, status):
    line.provider.is_lost, line.provider.lists = True, False
    key = sent(line)
    line.service.clock.advance(minutes=2)
    line.service.ask()
    assert (line.states(), line.messages()[0].reason) == (["queued"], "not found at the provider")
    say(line, key, status)
    line.rounds()
    assert line.states() == [status]
    assert len(line.provider.taken) == 1


def test_a_code_that_was_given_up_counts_as_delivered_if_it_was(code):
    code.provider.is_lost, code.provider.lists = True, False
    key = sent(code)
    code.service.clock.advance(minutes=2)
    code.service.ask()
    assert code.states() == ["failed"]
    say(code, key, "sent", "delivered")
    assert code.states() == ["delivered"]


# What failures lead to


def rows(line: Line, table):
    with line.service.runtime.database.autocommit() as connection:
        return list(connection.execute(select(table)).all())


@pytest.mark.parametrize("what", ["news", "code"])
def test_a_number_that_takes_no_messages_is_left_alone_and_somebody_calls(service_with, what):
    line = waiting(Line.of(service_with(**ACCOUNT)), what)
    say(line, sent(line), "undelivered", **DEAD)
    assert line.states() == ["failed"]
    (dead,) = rows(line, dead_numbers)
    assert (dead.reason, dead.works_since) == ("30005", None)
    assert [(task.kind, task.done_at) for task in rows(line, tasks)] == [("call", None)]
    assert [row.act for row in rows(line, audit)].count("number_dead") == 1
    for _ in range(3):
        line.service.clock.advance(minutes=20)
        ask(line)
        line.service.work()
    line.service.push(event("milestone", milestone("case_solved")))
    line.rounds(2)
    assert len(line.provider.taken) == 1
    assert {(row.state, row.reason) for row in line.messages()[1:]} == {("dropped", "number takes no messages")}


def test_news_that_may_arrive_later_are_sent_again_three_times_in_all_and_then_somebody_calls(line):
    for count in range(1, 4):
        (ready,) = line.due()
        line.send(ready)()
        say(line, ready.sms.key, "sent", "undelivered", **LATER)
        assert len(line.provider.taken) == count
        assert line.due() == []
        line.service.clock.advance(days=1)
    assert line.states() == ["failed"]
    assert [(task.kind, task.reason) for task in rows(line, tasks)] == [("call", "30003")]
    assert rows(line, dead_numbers) == []


def test_a_code_is_never_sent_again_whatever_the_failure_is(code):
    for failure in Failure:
        assert failure in (Failure.NUMBER, *OTHER)
    for number in OTHER.values():
        key = sent(code)
        count = len(code.provider.taken)
        say(code, key, "undelivered", ErrorCode=number)
        code.rounds(2)
        assert code.states()[-1] == "failed"
        assert len(code.provider.taken) == count
        ask(code)
    assert rows(code, dead_numbers) == []


#: A code of Twilio's for each kind of failure that does not condemn the number.
OTHER = {Failure.MESSAGE: "30007", Failure.LATER: "30003", Failure.ACCOUNT: "30002", Failure.UNKNOWN: "39999"}


def test_a_task_is_over_when_the_message_arrived_after_all(line):
    key = sent(line)
    say(line, key, "failed", **FAILED)
    assert [task.done_at for task in rows(line, tasks)] == [None]
    say(line, key, "delivered")
    (task,) = rows(line, tasks)
    assert (line.states(), task.done_by) == (["delivered"], "the provider's receipt")


def test_nothing_personal_gets_into_the_log(line, logged):
    key = sent(line)
    say(line, key, "sent", "undelivered", To=f"+86{PHONE}", Body="秘密", **DEAD)
    text = repr(logged)
    assert "message_heard" in text
    assert PHONE not in text
    assert "秘密" not in text
