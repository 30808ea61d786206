"""The gateways of one worker: which of them takes a message, and how far each is trusted at the moment."""

import random
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import structlog

from caseq.errors import AccountProblem, OutcomeUnknown, SmsError, TooLate, TryLater
from caseq.rules.health import Health
from caseq.rules.routes import Route, route_of
from caseq.sms.gateway import Accepted, Sms, SmsGateway

log = structlog.get_logger("caseq.sms")


class Router:
    """Chooses among the gateways of a number's route by their health. Safe to be used by many threads."""

    def __init__(
        self,
        gateways: Mapping[str, SmsGateway],
        routes: Sequence[Route],
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.gateways = gateways
        self._routes = routes
        self._clock = clock
        self._chance = chance
        self._health = {name: Health() for name in gateways}
        self._lock = threading.Lock()

    def room(self, wanted: int) -> int:
        """How many messages may be claimed: none while every gateway is closed, one to probe with, else as wanted."""
        with self._lock:
            now = self._clock()
            if any(not health.is_paused for health in self._health.values()):
                return wanted
            return min(wanted, sum(health.may_try(now) for health in self._health.values()))

    def has_route(self, number: str) -> bool:
        """Whether any gateway here carries messages to this number."""
        return any(True for _ in self._of(number))

    def choose(self, number: str, but: Collection[str] = ()) -> str | None:
        """The gateway for a message to this number, none of `but`; None if none of them is open now.

        The first choice gets its share of the messages, the next one its share of the rest, and so on.
        """
        with self._lock:
            now = self._clock()
            open_ = [name for name in self._of(number) if name not in but and self._health[name].may_try(now)]
            if not open_:
                return None
            taken = (name for name in open_ if self._chance() < self._health[name].share)
            chosen = next(taken, None) or max(open_, key=lambda name: self._health[name].share)
            self._health[chosen].begin(now)
            return chosen

    def opens_in(self, number: str) -> float:
        """In how many seconds a gateway for this number may be tried again, at the soonest."""
        with self._lock:
            now = self._clock()
            return max(1.0, min((self._health[name].closed_until - now for name in self._of(number)), default=60.0))

    def send(self, name: str, sms: Sms) -> Accepted:
        """Send through this gateway and remember how it did; raises what the gateway raises."""
        began = self._clock()
        try:
            accepted = self.gateways[name].send(sms)
        except TooLate:  # that says something of this worker, nothing of the gateway
            raise
        except SmsError as error:
            self._note(name, began, error)
            raise
        self._note(name, began, None)
        return accepted

    def _of(self, number: str) -> Iterator[str]:
        route = route_of(self._routes, number)
        return (name for name in (route.gateways if route else ()) if name in self.gateways)

    def _note(self, name: str, began: float, error: SmsError | None) -> None:
        with self._lock:
            now, health = self._clock(), self._health[name]
            if not isinstance(error, (TryLater, OutcomeUnknown)):
                was_paused = health.is_paused
                health.went_well(now - began)
                if was_paused:
                    log.info("gateway_open", gateway=name)
            elif health.had_trouble(now, at_once=isinstance(error, AccountProblem), wait=error.retry_after):
                seconds = round(health.closed_until - now)
                log.error("gateway_closed", gateway=name, code=error.code, seconds=seconds)

    def shares(self) -> Mapping[str, float]:
        """Each gateway's share of the traffic at the moment, 0 while it is closed."""
        with self._lock:
            return {name: 0.0 if health.is_paused else health.share for name, health in self._health.items()}
