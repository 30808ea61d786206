"""The adapter's life: poll and read in one thread, send in another, wait; until it is stopped, or once."""

import sqlite3
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from threading import Event

import structlog

from adapters import spool
from adapters.feed import Feed, find_changes, read_chunk
from adapters.sender import Sender
from adapters.sending import DiskNews, SendingThread
from adapters.sources.source import SourceUnavailableError
from adapters.statefile import is_full

#: `--once` gives up after this many failures in a row of the case system, of the state's disk or of one push source.
_TRIES_ONCE = 5
#: Reading pauses while more events wait: a case that waits to be read takes bytes on disk, its events thousands.
MOST_WAITING = 20_000
#: So many times as much may wait if it waits for one source (a key that is refused) while the others go on.
_MOST_STUCK = 10
_PAUSE_SECONDS = 0.2

log = structlog.get_logger()


@dataclass(slots=True)
class Poller:
    """Reads the case system; while that is down, tries again later and later and says so once."""

    feed: Feed
    since: str | None
    clock: Callable[[], float] = time.monotonic
    disk: DiskNews = field(default_factory=DiskNews)
    most_waiting: int = MOST_WAITING
    stuck: Callable[[], Collection[str]] = frozenset
    spooled: Callable[[], None] = lambda: None
    due_at: float = 0.0
    poll_at: float = 0.0
    failures: int = 0
    is_reading: bool = False
    is_current: bool = False
    is_whole: bool = True
    is_held: bool = False
    is_source_down: bool = False

    def step(self) -> bool:
        """Polls if it is time, reads one chunk if any is waiting; whether there is more to read at once."""
        if self.clock() < self.due_at:
            return False
        try:
            self._work()
        except SourceUnavailableError as error:
            if not self.is_source_down:
                log.warning("source_down", reason=str(error))
            self.is_source_down = True
            self._postpone()
            return False
        except sqlite3.Error as error:
            if not is_full(error):
                raise
            self.disk.full("reader", error)
            self._postpone()
            return False
        self._go_on()
        return self.is_reading and not self.is_held

    def _work(self) -> None:
        """Polls and reads; while too many events wait it only polls, so that no change is overlooked meanwhile."""
        self.is_held = self._is_too_much()
        if not self.is_reading or (self.is_held and self.clock() >= self.poll_at):
            self.is_current = False
            find_changes(self.feed, self.since)
            self.is_whole = not self.feed.untaken()
            self.since, self.is_reading = None, True
            self.poll_at = self.clock() + self.feed.mapping.source.poll_seconds
        if not self.is_held:
            self.is_reading = read_chunk(self.feed, self.spooled) > 0

    def may_beat(self) -> bool:
        """Whether the case system was read to its end, and no file of it was left out: only then silence is no news."""
        return self.is_current and self.is_whole

    def _is_too_much(self) -> bool:
        """Whether too many events wait; a source that is stuck does not keep the others waiting so soon."""
        counts = spool.waiting_counts(self.feed.state)
        stuck = self.stuck()
        moving = sum(count for source, count in counts.items() if source not in stuck)
        return moving > self.most_waiting or sum(counts.values()) > _MOST_STUCK * self.most_waiting

    def _go_on(self) -> None:
        if self.is_source_down:
            log.info("source_up")
        self.disk.good("reader")
        self.failures, self.is_source_down, self.is_current = 0, False, not self.is_reading
        if not self.is_reading:
            self.due_at = self.clock() + self.feed.mapping.source.poll_seconds
        elif self.is_held:
            self.due_at = self.clock() + _PAUSE_SECONDS

    def _postpone(self) -> None:
        self.failures += 1
        self.is_current = False
        settings = self.feed.mapping.service
        pause = settings.retry_first_seconds * 2 ** min(self.failures - 1, 30)
        self.due_at = self.clock() + min(pause, settings.retry_most_seconds)


def run_until_stopped(poller: Poller, sender: Sender, stopped: Event) -> None:
    """Polls and sends until `stopped` is set; what is being done then is done to its end."""
    poller.stuck = sender.stuck_sources
    thread = SendingThread(sender, poller.disk, poller.may_beat, stopped)
    poller.spooled = thread.wake
    thread.start()
    try:
        while not stopped.is_set():
            has_more = poller.step()
            thread.wake()
            if not has_more:
                stopped.wait(max(poller.due_at - poller.clock(), 0.01))
    finally:
        thread.end()


def run_once(poller: Poller, sender: Sender, stopped: Event) -> bool:
    """Polls once and sends everything; False if the case system or the service gave no answer in five tries."""
    if not _read_once(poller, sender, stopped):
        return False
    failures = 0
    while not stopped.is_set() and failures < _TRIES_ONCE:
        try:
            if not sender.has_more():
                if poller.is_whole:
                    sender.send_heartbeats()
                return sender.most_failures() == 0 and not sender.has_more()
            went = sender.send_due()
            failures = sender.most_failures()
        except sqlite3.Error as error:
            if not is_full(error):
                raise
            poller.disk.full("sender", error)
            went, failures = False, failures + 1
        if not went:
            stopped.wait(min(max(sender.seconds_to_wait(), 0.01), sender.settings.retry_most_seconds))
    return False


def _read_once(poller: Poller, sender: Sender, stopped: Event) -> bool:
    """Reads everything while it is sent; False if that was given up."""
    poller.stuck = sender.stuck_sources
    thread = SendingThread(sender, poller.disk, lambda: False, stopped)
    poller.spooled = thread.wake
    thread.start()
    try:
        while not stopped.is_set():
            has_more = poller.step()
            thread.wake()
            if poller.is_current:
                return True
            if poller.failures >= _TRIES_ONCE or (poller.is_held and sender.most_failures() >= _TRIES_ONCE):
                return False
            if not has_more:
                stopped.wait(max(poller.due_at - poller.clock(), 0.01))
        return False
    finally:
        thread.end()
