"""The adapter's life: poll, read, send, wait; until it is stopped, or once."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

import structlog

from adapters import spool
from adapters.feed import Feed, find_changes, read_chunk
from adapters.sender import Sender
from adapters.sources.sql import SourceUnavailableError

#: `--once` gives up after this many failures in a row of the case system or of one push source.
_TRIES_ONCE = 5

log = structlog.get_logger()


@dataclass(slots=True)
class Poller:
    """Reads the case system; while that is down, tries again later and later and says so once."""

    feed: Feed
    since: str | None
    clock: Callable[[], float] = time.monotonic
    due_at: float = 0.0
    failures: int = 0
    is_reading: bool = field(default=False)

    def step(self) -> bool:
        """Polls if it is time, reads one chunk if any is waiting; whether there is more to read at once."""
        if self.clock() < self.due_at:
            return False
        try:
            if not self.is_reading:
                find_changes(self.feed, self.since)
                self.since, self.is_reading = None, True
            self.is_reading = read_chunk(self.feed) > 0
        except SourceUnavailableError as error:
            self._postpone(str(error))
            return False
        if self.failures:
            log.info("source_up")
        self.failures = 0
        if not self.is_reading:
            self.due_at = self.clock() + self.feed.mapping.source.poll_seconds
        return self.is_reading

    def _postpone(self, reason: str) -> None:
        self.failures += 1
        if self.failures == 1:
            log.warning("source_down", reason=reason)
        settings = self.feed.mapping.service
        pause = settings.retry_first_seconds * 2 ** min(self.failures - 1, 30)
        self.due_at = self.clock() + min(pause, settings.retry_most_seconds)


def run_until_stopped(poller: Poller, sender: Sender, stopped: Event) -> None:
    """Polls and sends until `stopped` is set; what is being done then is done to its end."""
    while not stopped.is_set():
        has_more = poller.step()
        went = sender.send_due()
        if not has_more and not poller.failures:
            sender.send_heartbeats()
        if not (has_more or went):
            wait = min(poller.due_at - poller.clock(), sender.seconds_to_wait())
            stopped.wait(max(wait, 0.01))


def run_once(poller: Poller, sender: Sender, stopped: Event) -> bool:
    """Polls once and sends everything; False if the case system or the service gave no answer in five tries."""
    while not stopped.is_set():
        has_more = poller.step()
        if not has_more and not poller.failures:
            break
        if poller.failures >= _TRIES_ONCE:
            return False
        sender.send_due()
        if not has_more:
            stopped.wait(max(poller.due_at - poller.clock(), 0.01))
    while not stopped.is_set() and spool.waiting_count(sender.state):
        if not sender.send_due():
            if sender.most_failures() >= _TRIES_ONCE:
                return False
            stopped.wait(max(sender.seconds_to_wait(), 0.01))
    if not stopped.is_set():
        sender.send_heartbeats()
    return sender.most_failures() == 0 and not spool.waiting_count(sender.state)
