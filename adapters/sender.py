"""From the spool to the service: batches in order per source, sent until the service has answered for them."""

import random
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import structlog

from adapters.carriers.carrier import Answer, Answered, Carrier, Parcel, Postponed, Unacceptable
from adapters.departures import open_departures
from adapters.mapping import ServiceSettings

_SLOWEST_KEY_SECONDS = 60.0
#: So long one source waits for the answer to another one's batch before it looks for its own.
_LOOK_SECONDS = 0.1
#: The service takes 5 MiB: if fewer are too many, it is something between here and there that refuses them.
_SURELY_TAKEN_BYTES = 4 * 1024 * 1024

log = structlog.get_logger()


@dataclass(slots=True)
class Line:
    """How it goes with one push source: when to try next, how often it failed, and how large a batch may be.

    `under_way` is what has left, with its answer to come, and `behind` what leaves as soon as that has arrived;
    `answered` is what has arrived and could not be noted yet, because the disk of the state is full.
    """

    source: str
    most: int
    due_at: float = 0.0
    failures: int = 0
    spoke_at: float | None = None
    told: str = ""
    under_way: tuple[Parcel, Future[Answer]] | None = None
    behind: Parcel | None = None
    answered: list[tuple[Parcel, Answered]] = field(default_factory=list)
    is_key_refused: bool = False

    def is_behind(self, other: "Line") -> bool:
        """Whether the other one works, and did so after this one did last."""
        if other.failures or other.spoke_at is None:
            return False
        return self.spoke_at is None or self.spoke_at < other.spoke_at


class Sender:
    """Sends what the spool holds; `clock` counts seconds and never steps back, `chance` gives 0 to 1."""

    def __init__(
        self,
        state: sqlite3.Connection,
        carrier: Carrier,
        settings: ServiceSettings,
        clock: Callable[[], float],
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.state = state
        self.carrier = carrier
        self.settings = settings
        self.clock = clock
        self.chance = chance
        self.departures = open_departures(state, carrier, settings)
        self._carrying = ThreadPoolExecutor(len(settings.sources), thread_name_prefix="carrying")
        self.lines = [Line(source, self.departures.most_events) for source in dict.fromkeys(settings.sources.values())]

    def send_due(self) -> bool:
        """Lets a batch of each source leave whose turn it is; whether any that had left before or now went through.

        Those of several sources are under way side by side: while the service stores one it can check another.
        """
        for line in self.lines:
            self._note(line)
            if line.under_way is None and self.clock() >= line.due_at:
                self._leave(line, self.departures.next(line.source, line.most))
        for line in self.lines:
            if line.under_way and line.behind is None:
                line.behind = self.departures.behind(line.under_way[0], line.most)
        wait([line.under_way[1] for line in self.lines if line.under_way], _LOOK_SECONDS, FIRST_COMPLETED)
        landed = [self._land(line) for line in self.lines]
        return any(landed)

    def end(self) -> None:
        """Waits for the answers to what is under way, and notes them."""
        wait([line.under_way[1] for line in self.lines if line.under_way])
        for line in self.lines:
            line.behind = None
            self._land(line)

    def _leave(self, line: Line, parcel: Parcel | None) -> None:
        """Has this batch leave, if there is one."""
        if parcel is not None:
            line.under_way = parcel, self._carrying.submit(self.carrier.send, parcel)

    def _land(self, line: Line) -> bool:
        """Does what follows from the answer to what is under way, if it is there; whether that went through.

        What went through is noted when the next batch has left: to note it takes the disk its time. Whatever is sent
        once more because it could not be noted any more, the service knows by its id.
        """
        if line.under_way is None or not line.under_way[1].done():
            return False
        parcel, answered = line.under_way
        answer, behind = _judged(answered.result(), parcel), line.behind
        line.under_way = line.behind = None
        if isinstance(answer, Answered) and not line.answered:
            self._leave(line, behind)
        return self._take(line, parcel, answer)

    def send_heartbeats(self) -> None:
        """Sends an empty batch for each source with nothing to send that has not spoken for a while."""
        for line in self.lines:
            now = self.clock()
            is_silent = line.spoke_at is None or now - line.spoke_at >= self.settings.heartbeat_seconds
            if is_silent and now >= line.due_at and not self.departures.has_more(line.source):
                heartbeat = self.departures.heartbeat(line.source)
                self._take(line, heartbeat, _judged(self.carrier.send(heartbeat), heartbeat))

    def has_more(self) -> bool:
        """Whether any source has something to send."""
        return any(line.answered or self.departures.has_more(line.source) for line in self.lines)

    def seconds_to_wait(self) -> float:
        """How long until a source with something to send has its turn; infinite if there is none."""
        now = self.clock()
        waits = [max(line.due_at - now, 0) for line in self.lines if self.departures.has_more(line.source)]
        return min(waits, default=float("inf"))

    def most_failures(self) -> int:
        """How often in a row the worst source has failed."""
        return max(line.failures for line in self.lines)

    def stuck_sources(self) -> set[str]:
        """The sources whose key is refused, or that fail again and again while another one does not."""
        return {line.source for line in self.lines if line.is_key_refused or self._is_left_behind(line)}

    def _is_left_behind(self, line: Line) -> bool:
        return line.failures > 1 and any(map(line.is_behind, self.lines))

    def _take(self, line: Line, parcel: Parcel, answer: Answer) -> bool:
        """Does what follows from this answer; whether the next parcel may leave at once."""
        if isinstance(answer, Answered):
            line.answered.append((parcel, answer))
            self._note(line)
            line.most = min(self.departures.most_events, line.most * 2)
        elif isinstance(answer, Postponed):
            self._postpone(line, answer)
        elif parcel.events > 1:
            line.most = max(1, parcel.events // 2)
        elif parcel.events:
            line.answered.append((parcel, Answered({parcel.ids[0]: {"event": [answer.reason]}})))
            self._note(line)
            line.most = self.departures.most_events
        else:
            self._postpone(line, Postponed(answer.reason))
        return not isinstance(answer, Postponed)

    def _note(self, line: Line) -> None:
        """Notes in the state what has arrived; until that is done, only the batch behind it leaves."""
        while line.answered:
            parcel, answer = line.answered[0]
            types = self.departures.settle(parcel, answer.refused)
            del line.answered[0]
            self._tell(line, parcel, answer, types)

    def _tell(self, line: Line, parcel: Parcel, answer: Answered, types: Mapping[str, str]) -> None:
        """Logs what became of a parcel that has arrived."""
        if line.failures:
            log.info(self.carrier.up_event, source=line.source)
        line.failures, line.told, line.spoke_at = 0, "", self.clock()
        line.is_key_refused = False
        if parcel.events or parcel.part:
            more = {"batch": parcel.batch} if parcel.batch else {}
            log.info("sent", source=line.source, events=parcel.events, refused=len(answer.refused), **more)
        for event_id, reasons in answer.refused.items():
            log.error("event_refused", source=line.source, id=event_id, type=types.get(event_id), fields=reasons)

    def _postpone(self, line: Line, answer: Postponed) -> None:
        line.failures += 1
        line.is_key_refused = answer.is_key_refused
        most = self.settings.retry_most_seconds
        pause = min(self.settings.retry_first_seconds * 2 ** min(line.failures - 1, 30), most)
        if answer.is_key_refused:
            pause = max(pause, min(_SLOWEST_KEY_SECONDS, most))
        pause *= 0.5 + self.chance() / 2
        line.due_at = self.clock() + max(pause, answer.after_seconds or 0)
        if answer.reason != line.told:
            line.told = answer.reason
            tell_failure(self.carrier, line.source, answer)


def _judged(answer: Answer, parcel: Parcel) -> Answer:
    """The answer; one event that is said to be too large and is not is to be sent again."""
    is_one_too_large = isinstance(answer, Unacceptable) and answer.is_too_large and parcel.events == 1
    if is_one_too_large and len(parcel.body) < _SURELY_TAKEN_BYTES:
        return Postponed(f"HTTP 413 for one event of {len(parcel.body)} bytes: look at what is in between")
    return answer


def tell_failure(carrier: Carrier, source: str, answer: Postponed) -> None:
    """Logs that this source cannot send; a refused key under the name of its variable."""
    if answer.is_key_refused:
        log.error("key_refused", source=source, variable=f"CASEQ_PUSH_KEY_{source.upper()}")
    else:
        log.warning(carrier.down_event, source=source, reason=answer.reason)
