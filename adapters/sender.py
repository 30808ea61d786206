"""From the spool to the service: batches in order per source, sent until the service has answered for them."""

import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from adapters import spool
from adapters.carriers.https import Answered, HttpsCarrier, Postponed, Unacceptable
from adapters.mapping import ServiceSettings
from adapters.spool import Batch
from adapters.statefile import transaction

_SLOWEST_KEY_SECONDS = 60.0

log = structlog.get_logger()


@dataclass(slots=True)
class Line:
    """How it goes with one push source: when to try next, how often it failed, and how large a batch may be."""

    source: str
    due_at: float = 0.0
    failures: int = 0
    most: int = spool.MOST_EVENTS
    spoke_at: float | None = None
    told: str = ""


class Sender:
    """Sends what the spool holds; `clock` counts seconds and never steps back, `chance` gives 0 to 1."""

    def __init__(
        self,
        state: sqlite3.Connection,
        carrier: HttpsCarrier,
        settings: ServiceSettings,
        clock: Callable[[], float],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.state = state
        self.carrier = carrier
        self.settings = settings
        self.clock = clock
        self.chance = chance
        self.lines = [Line(source) for source in dict.fromkeys(settings.sources.values())]

    def send_due(self) -> bool:
        """Sends one batch of each source whose turn it is; whether any went through."""
        went = False
        for line in self.lines:
            if self.clock() >= line.due_at:
                batch = spool.next_batch(self.state, line.source, line.most)
                went = (batch is not None and self._send(line, batch)) or went
        return went

    def send_heartbeats(self) -> None:
        """Sends an empty batch for each source with nothing to send that has not spoken for a while."""
        for line in self.lines:
            now = self.clock()
            is_silent = line.spoke_at is None or now - line.spoke_at >= self.settings.heartbeat_seconds
            if is_silent and now >= line.due_at and not spool.waiting_count(self.state, line.source):
                self._send(line, Batch(line.source, ()), f"heartbeat-{line.source}-{random.getrandbits(64):016x}")

    def seconds_to_wait(self) -> float:
        """How long until a source with something to send has its turn; infinite if there is none."""
        now = self.clock()
        waits = [max(line.due_at - now, 0) for line in self.lines if spool.waiting_count(self.state, line.source)]
        return min(waits, default=float("inf"))

    def most_failures(self) -> int:
        """How often in a row the worst source has failed."""
        return max(line.failures for line in self.lines)

    def _send(self, line: Line, batch: Batch, batch_id: str = "") -> bool:
        ids = [event.event_id for event in batch.events]
        answer = self.carrier.send(line.source, batch_id or batch.id, batch.body, ids)
        if isinstance(answer, Postponed):
            self._postpone(line, answer)
        elif isinstance(answer, Answered):
            self._settle(line, batch, answer)
        elif len(batch.events) > 1:
            line.most = max(1, len(batch.events) // 2)
        elif batch.events:
            self._refuse(line, batch, answer)
        else:
            self._postpone(line, Postponed(answer.reason))
        return not isinstance(answer, Postponed)

    def _settle(self, line: Line, batch: Batch, answer: Answered) -> None:
        with transaction(self.state):
            spool.settle(self.state, batch, answer.refused)
        if line.failures:
            log.info("service_up", source=line.source)
        line.failures, line.told, line.spoke_at = 0, "", self.clock()
        line.most = min(spool.MOST_EVENTS, line.most * 2)
        if batch.events:
            log.info("sent", source=line.source, events=len(batch.events), refused=len(answer.refused))
        for event in batch.events:
            if event.event_id in answer.refused:
                reasons = answer.refused[event.event_id]
                log.error("event_refused", source=line.source, id=event.event_id, type=event.type, fields=reasons)

    def _refuse(self, line: Line, batch: Batch, answer: Unacceptable) -> None:
        event = batch.events[0]
        with transaction(self.state):
            spool.settle(self.state, batch, {event.event_id: {"event": [answer.reason]}})
        log.error("event_refused", source=line.source, id=event.event_id, type=event.type, fields=answer.reason)
        line.most = spool.MOST_EVENTS

    def _postpone(self, line: Line, answer: Postponed) -> None:
        line.failures += 1
        most = self.settings.retry_most_seconds
        pause = min(self.settings.retry_first_seconds * 2 ** min(line.failures - 1, 30), most)
        if answer.is_key_refused:
            pause = max(pause, min(_SLOWEST_KEY_SECONDS, most))
        pause *= 0.5 + self.chance() / 2
        line.due_at = self.clock() + max(pause, answer.after_seconds or 0)
        if answer.reason != line.told:
            self._tell(line, answer)

    def _tell(self, line: Line, answer: Postponed) -> None:
        line.told = answer.reason
        if answer.is_key_refused:
            variable = f"CASEQ_PUSH_KEY_{line.source.upper()}"
            log.error("key_refused", source=line.source, variable=variable, waiting=spool.waiting_count(self.state))
        else:
            log.warning("service_down", source=line.source, reason=answer.reason)
