"""Two providers on one route: the second takes what the first surely did not, and nothing else."""

from dataclasses import dataclass
from functools import cached_property

import pytest

from caseq.errors import AccountProblem, OutcomeUnknown, Rejected, TryLater
from caseq.rules.routes import Route
from caseq.sms.route import Router
from tests.provider import Line, Provider
from tests.service import PHONE, Service, event, milestone, party
from tests.service import case as case_data


@dataclass
class Two(Service):
    """A service whose messages go by "twilio", and by "aliyun" where that cannot; the dice favour the first."""

    @cached_property
    def second(self) -> Provider:
        return Provider("aliyun")

    @cached_property
    def router(self) -> Router:
        gateways = {"twilio": self.gateway, "aliyun": self.second}
        return Router(gateways, (Route("+", ("twilio", "aliyun")),), self.seconds, lambda: 0.0)  # type: ignore[arg-type]


@pytest.fixture
def line(service: Service) -> Line:
    first = Provider("twilio")
    two = Two(service.runtime, service.clock, first)  # type: ignore[arg-type]
    two.push(event("case", case_data()), event("party", party()), event("milestone", milestone()))
    return Line(two, first)


def second(line: Line) -> Provider:
    assert isinstance(line.service, Two)
    return line.service.second


@pytest.mark.parametrize("error", [TryLater("429"), AccountProblem("20003")])
def test_what_the_first_refuses_for_now_goes_by_the_second_at_once(line: Line, error: Exception) -> None:
    line.provider.faults.append(error)
    line.service.work()
    assert (len(line.provider.taken), len(second(line).taken)) == (0, 1)
    assert line.states() == ["sent"]
    assert second(line).taken[0].key == "caseq-2", "each call has a key of its own"


def test_what_both_refuse_waits_and_each_was_tried_once(line: Line) -> None:
    line.provider.faults, second(line).faults = [TryLater("429")] * 9, [TryLater("isp")] * 9
    line.service.work()
    assert [len(one.faults) for one in (line.provider, second(line))] == [8, 8]
    assert line.states() == ["queued"]


@pytest.mark.parametrize("error", [OutcomeUnknown("reset"), Rejected("21610")])
def test_what_the_first_may_have_taken_or_refused_for_good_never_goes_by_the_second(
    line: Line, error: Exception
) -> None:
    line.provider.is_lost = isinstance(error, OutcomeUnknown)
    line.provider.faults = [] if line.provider.is_lost else [error]
    line.service.work()
    line.provider.is_lost = False
    line.rounds()
    assert second(line).taken == []
    assert len(line.provider.taken) == isinstance(error, OutcomeUnknown)


def test_a_worker_that_is_lost_while_the_second_is_called_has_the_second_asked(line: Line) -> None:
    line.provider.faults.append(TryLater("429"))
    ready = line.claim()
    from caseq.texting import sending

    (again,) = sending.record(line.service.runtime, line.service.router, [sending.send(line.service.router, ready)])
    sending.send(line.service.router, again)  # and the worker is lost
    line.rounds()
    assert (line.provider.questions, len(line.provider.taken), len(second(line).taken)) == (0, 0, 1)
    assert line.states() in (["sent"], ["delivered"])


def test_a_first_that_fails_for_long_is_left_alone_and_gets_its_traffic_back(line: Line) -> None:
    line.provider.faults = [TryLater("429")] * 1000
    for n in range(40):
        one = milestone("compulsory_measure", key=f"M{n}", subject="S1", occurred_on=f"2026-11-{1 + n % 20:02}")
        line.service.push(event("milestone", {**one, "details": {"measure": "arrest"}}))
        line.service.work()
    refused = 1000 - len(line.provider.faults)
    assert refused <= 6
    assert line.service.router.shares()["twilio"] == 0.0
    line.provider.faults = []
    line.service.clock.advance(minutes=1)
    line.service.push(event("milestone", milestone("case_solved")))
    line.service.work()
    assert len(line.provider.taken) == 1
    assert line.service.router.shares()["twilio"] > 0


def test_every_number_is_told_by_one_of_them_only(line: Line) -> None:
    line.provider.faults = [TryLater("429"), OutcomeUnknown("reset"), TryLater("429")]
    line.rounds(5)
    both = [*line.provider.taken, *second(line).taken]
    assert [sms.to for sms in both] == [f"+86{PHONE}"]
