"""Which gateway takes a message: by route and health, probed after a pause, safe from several threads."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from caseq.errors import AccountProblem, OutcomeUnknown, Rejected, SmsError, TryLater
from caseq.rules.routes import Route
from caseq.sms.gateway import Accepted, Sms
from caseq.sms.route import Router

CHINA, ABROAD = "+8619912345678", "+4915112345678"
ROUTES = (Route("+86", ("a", "b")), Route("+", ("b",)))


def sms(to: str = CHINA) -> Sms:
    return Sms("caseq-1", to, "有新内容", 300)


@dataclass
class Gateway:
    """Fails with `error` as long as there is one."""

    name: str
    error: SmsError | None = None
    sent: list[Sms] = field(default_factory=list)

    def send(self, sms: Sms) -> Accepted:
        if self.error:
            raise self.error
        self.sent.append(sms)
        return Accepted(self.name, "1")


class Steady:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Lines:
    """A router on two gateways; the dice always show `chance`."""

    def __init__(self, chance: float = 0.5) -> None:
        self.a, self.b, self.clock, self.chance = Gateway("a"), Gateway("b"), Steady(), chance
        self.router = Router({"a": self.a, "b": self.b}, ROUTES, self.clock, lambda: self.chance)  # type: ignore[dict-item]

    def go(self, to: str = CHINA) -> str | None:
        """Send one message the way a worker does; by which gateway it was tried."""
        name = self.router.choose(to)
        if name is not None:
            with suppress(SmsError):
                self.router.send(name, sms(to))
        return name

    def close(self, gateway: Gateway, error: SmsError) -> None:
        gateway.error = error
        for _ in range(5):
            with pytest.raises(SmsError):
                self.router.send(gateway.name, sms())


def test_the_first_of_the_route_sends_as_long_as_it_is_well() -> None:
    lines = Lines(chance=0.999)
    assert {lines.go() for _ in range(50)} == {"a"}
    assert lines.go(ABROAD) == "b"


def test_a_number_without_a_route_has_no_gateway() -> None:
    lines = Lines()
    router = Router({"a": lines.a}, (Route("+86", ("a",)),), lines.clock)  # type: ignore[dict-item]
    assert router.choose(ABROAD) is None
    assert not router.has_route(ABROAD)
    assert router.has_route(CHINA)


def test_troubles_take_traffic_from_the_first_and_successes_give_it_back() -> None:
    lines = Lines(chance=0.6)
    lines.a.error = TryLater("429")
    assert lines.go() == "a"
    assert lines.router.shares() == {"a": 0.7, "b": 1.0}
    assert lines.go() == "a"
    assert lines.go() == "b", "its share is less than a half now"
    lines.a.error, lines.chance = None, 0.1
    for _ in range(20):
        lines.go()
    assert lines.router.shares()["a"] == 1.0


def test_a_rejected_message_says_nothing_against_its_gateway() -> None:
    lines = Lines()
    lines.a.error = Rejected("21211")
    for _ in range(20):
        assert lines.go() == "a"
    assert lines.router.shares()["a"] == 1.0


@pytest.mark.parametrize("error", [TryLater("429"), OutcomeUnknown("reset")])
def test_a_closed_gateway_gets_nothing_and_the_next_one_everything(error: SmsError) -> None:
    lines = Lines()
    lines.close(lines.a, error)
    assert lines.router.shares() == {"a": 0.0, "b": 1.0}
    assert {lines.go() for _ in range(20)} == {"b"}
    assert lines.router.room(10) == 10


def test_a_problem_of_the_account_closes_at_once() -> None:
    lines = Lines()
    lines.a.error = AccountProblem("20003")
    assert [lines.go(), lines.go()] == ["a", "b"]


def test_when_all_are_closed_one_probe_each_after_the_pause() -> None:
    lines = Lines(chance=0.0)
    lines.close(lines.a, TryLater("429"))
    lines.close(lines.b, TryLater("429"))
    assert lines.router.room(10) == 0
    assert lines.router.choose(CHINA) is None
    assert lines.router.opens_in(CHINA) == 5.0
    lines.clock.now += 5
    assert lines.router.room(10) == 2
    assert [lines.router.choose(CHINA) for _ in range(3)] == ["a", "b", None]
    assert lines.router.room(10) == 0


def test_a_probe_that_goes_through_opens_the_gateway_again() -> None:
    lines = Lines(chance=0.0)
    lines.close(lines.a, TryLater("429"))
    lines.clock.now += 5
    lines.a.error = None
    assert lines.go() == "a"
    assert lines.router.shares()["a"] > 0
    assert {lines.go() for _ in range(5)} == {"a"}


def test_a_probe_that_fails_closes_it_for_longer() -> None:
    lines = Lines(chance=0.0)
    lines.close(lines.a, TryLater("429"))
    lines.clock.now += 5
    assert lines.go() == "a"
    lines.clock.now += 5
    assert lines.go() == "b"
    lines.clock.now += 5
    assert lines.go() == "a"


def test_a_probe_whose_worker_was_lost_does_not_close_the_gateway_for_ever() -> None:
    lines = Lines(chance=0.0)
    lines.close(lines.a, TryLater("429"))
    lines.clock.now += 5
    assert lines.router.choose(CHINA) == "a"  # and it is never sent
    assert lines.router.choose(CHINA) == "b"
    lines.clock.now += 31
    assert lines.router.choose(CHINA) == "a"


def test_what_was_tried_is_not_chosen_again() -> None:
    lines = Lines()
    assert lines.router.choose(CHINA, but={"a"}) == "b"
    assert lines.router.choose(CHINA, but={"a", "b"}) is None


def test_of_many_threads_exactly_one_probes() -> None:
    for _ in range(50):
        lines = Lines(chance=0.0)
        router = Router({"a": lines.a}, (Route("+", ("a",)),), lines.clock)  # type: ignore[dict-item]
        lines.a.error = TryLater("429")
        for _ in range(5):
            with pytest.raises(TryLater):
                router.send("a", sms())
        lines.clock.now += 5
        together = threading.Barrier(8)

        def choose(router: Router = router, together: threading.Barrier = together) -> str | None:
            together.wait()
            return router.choose(CHINA)

        with ThreadPoolExecutor(8) as pool:
            chosen = Counter(one.result() for one in [pool.submit(choose) for _ in range(8)])
        assert chosen == {"a": 1, None: 7}


def test_health_is_counted_right_by_many_threads() -> None:
    lines = Lines()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: lines.router.send("a", sms()), range(400)))
    assert len(lines.a.sent) == 400
    assert lines.router.shares()["a"] == 1.0
