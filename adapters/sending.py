"""The second thread: it sends while the first one reads, so that neither waits for the other."""

import sqlite3
from collections.abc import Callable
from threading import Event, Thread

import structlog

from adapters.sender import Sender
from adapters.statefile import is_full

#: An idle thread looks again this often, and then sends heartbeats that have become due.
_IDLE_SECONDS = 0.5
_LEAST_SECONDS = 0.02

log = structlog.get_logger()


class DiskNews:
    """Says once that the state file cannot be written, and once that it can again."""

    def __init__(self) -> None:
        self.waiting: set[str] = set()

    def full(self, who: str, error: sqlite3.Error) -> None:
        """Notes that this one cannot write."""
        if not self.waiting:
            log.error("state_full", reason=error.sqlite_errorname)
        self.waiting.add(who)

    def good(self, who: str) -> None:
        """Notes that this one could write."""
        if who in self.waiting:
            self.waiting.remove(who)
            if not self.waiting:
                log.info("state_writable")


class SendingThread:
    """Sends until it is ended. What goes wrong in it sets `stopped`, and is raised again by `end`.

    `may_beat` tells whether the case system was read to its end: only then an empty batch is true.
    """

    def __init__(self, sender: Sender, disk: DiskNews, may_beat: Callable[[], bool], stopped: Event) -> None:
        self.sender = sender
        self.disk = disk
        self.may_beat = may_beat
        self.stopped = stopped
        self.error: BaseException | None = None
        self._news = Event()
        self._ended = Event()
        self._full = 0
        self._thread = Thread(target=self._run, name="sending", daemon=True)

    def start(self) -> None:
        """Begins to send."""
        self._thread.start()

    def wake(self) -> None:
        """Tells that there is something new to send."""
        self._news.set()

    def end(self) -> None:
        """Waits until what is being sent is done; raises what went wrong."""
        self._ended.set()
        self._news.set()
        self._thread.join()
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                wait = self._step()
                if wait:
                    self._news.wait(wait)
            self._finish()
        except BaseException as error:
            self.error = error
            self.stopped.set()

    def _finish(self) -> None:
        try:
            self.sender.end()
        except sqlite3.Error as error:
            # What cannot be noted now is sent once more by the next start, and is known there.
            if not is_full(error):
                raise

    def _step(self) -> float:
        """Sends what is due; how long to wait before the next time."""
        self._news.clear()
        try:
            went = self.sender.send_due()
            if self.may_beat():
                self.sender.send_heartbeats()
            wait = 0.0 if went else min(max(self.sender.seconds_to_wait(), _LEAST_SECONDS), _IDLE_SECONDS)
        except sqlite3.Error as error:
            return self._wait_for_room(error)
        if self._full:
            self.disk.good("sender")
        self._full = 0
        return wait

    def _wait_for_room(self, error: sqlite3.Error) -> float:
        if not is_full(error):
            raise error
        self.disk.full("sender", error)
        self._full += 1
        settings = self.sender.settings
        pause = min(settings.retry_first_seconds * 2 ** min(self._full, 30), settings.retry_most_seconds)
        self._ended.wait(pause)
        return _LEAST_SECONDS
