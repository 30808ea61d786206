"""The background worker: sends what waits in the outbox, asks what became of it, forgets what is over."""

import os
import queue
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

import structlog

from caseq import answering, chaining, guarding, housekeeping, quarantine, voicing, watching
from caseq.errors import DatabaseUnavailable
from caseq.intake import alerting
from caseq.runtime import Runtime
from caseq.sms.route import Router
from caseq.store.outbox import Job, Lane
from caseq.texting import sending, tracing
from caseq.texting.sending import Done, Ready

log = structlog.get_logger("caseq.worker")

BEAT_SECONDS = 10
TIDY_SECONDS = 600
LISTEN_SECONDS = 60
GUARD_SECONDS = 60
ALERT_SECONDS = 60
#: The calendar is read when a worker starts; what intake counts with an older one is counted again by then.
RECOUNT_SECONDS = 3600
ASK_SECONDS = 1
RESOLVE_SECONDS = 0.05
#: For each thread so many messages are claimed: one that it sends, and more so that it never waits for the next claim.
#: News are claimed again when there is room for one a thread: a claim of many costs little more than one of few.
CLAIMED_AHEAD = 3
#: While messages are under way, results are gathered for so long before they are recorded together.
GATHER_SECONDS = 0.01


@dataclass
class _Duty:
    """What is done again so many seconds after it was done."""

    seconds: float
    act: Callable[[], None]
    due_at: float = 0.0

    def do_if_due(self) -> None:
        if time.monotonic() >= self.due_at:
            self.act()
            self.due_at = time.monotonic() + self.seconds


class Worker:
    """One worker process: a loop that claims and records, and threads that call gateways, apart for codes and news.

    Codes never wait for a thread that news occupy.
    """

    def __init__(self, runtime: Runtime, router: Router) -> None:
        self._runtime = runtime
        self._router = router
        self._name = f"worker {socket.gethostname()} {os.getpid()}"
        self._stopping = threading.Event()
        self._finished: queue.SimpleQueue[Done] = queue.SimpleQueue()
        self._unrecorded: list[Done] = []
        self._under_way: Counter[Lane] = Counter()
        self._asking = threading.Semaphore(runtime.settings.worker.threads)
        self._ask_at = 0.0
        self._resolved_at = 0.0
        self._alarm: dict[str, datetime] | None = None

    def stop(self, *_signal: object) -> None:
        """Finish what is under way and end `run`."""
        self._stopping.set()

    def run(self) -> None:
        """Work until stopped."""
        settings = self._runtime.settings.worker
        threads = {Lane.CODES: settings.code_threads, Lane.NEWS: settings.threads}
        log.info("worker_started", threads=settings.threads, code_threads=settings.code_threads)
        with ExitStack() as pools:
            self._pools = {
                lane: pools.enter_context(ThreadPoolExecutor(count, thread_name_prefix=lane.name.lower()))
                for lane, count in threads.items()
            }
            self._asker = pools.enter_context(ThreadPoolExecutor(settings.threads, thread_name_prefix="ask"))
            keeper = pools.enter_context(ThreadPoolExecutor(1, thread_name_prefix="chain"))
            keeper.submit(chaining.keep, self._runtime, self._stopping)
            duties = self._duties()
            while not self._stopping.is_set():
                self._guarded(lambda: self._round(duties, threads))
            while self._under_way.total() or self._unrecorded:
                self._guarded(lambda: self._gather(settings.poll_seconds))
        log.info("worker_stopped")

    def _duties(self) -> tuple[_Duty, ...]:
        return (
            _Duty(BEAT_SECONDS, lambda: watching.beat(self._runtime, self._name)),
            _Duty(TIDY_SECONDS, lambda: housekeeping.tidy(self._runtime)),
            _Duty(TIDY_SECONDS, lambda: quarantine.end_overtaken(self._runtime)),
            _Duty(LISTEN_SECONDS, self.listen),
            _Duty(GUARD_SECONDS, lambda: guarding.look(self._runtime)),
            _Duty(RECOUNT_SECONDS, lambda: alerting.recount(self._runtime)),
            _Duty(RECOUNT_SECONDS, lambda: voicing.recount(self._runtime)),
            _Duty(ALERT_SECONDS, lambda: alerting.alert(self._runtime)),
        )

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except DatabaseUnavailable as error:
            log.error("database_unavailable", cause=str(error))
            self._stopping.wait(self._runtime.settings.worker.poll_seconds)
            time.sleep(0.1)

    def listen(self) -> None:
        """Sound the alarm for sources that are silent too long; the first time also name those that never
        spoke, and the days ahead of which nobody knows whether they are working days."""
        if self._alarm is None:
            watching.warn_of_the_mute(self._runtime)
            watching.warn_of_unknown_days(self._runtime)
        self._alarm = watching.sound_alarm(self._runtime, self._alarm or {})

    def _round(self, duties: Iterable[_Duty], threads: dict[Lane, int]) -> None:
        """One look at everything; waits a moment if there was nothing to do."""
        for duty in duties:
            duty.do_if_due()
        self._ask_providers()
        resolved = self._resolve()
        room = {lane: CLAIMED_AHEAD * count - self._under_way[lane] for lane, count in threads.items()}
        most = {lane: room[lane] for lane in threads if room[lane] >= (1 if lane is Lane.CODES else threads[lane])}
        ready = sending.claim(self._runtime, self._router, most)
        self._submit(ready)
        is_idle = not (ready or resolved)
        self._gather(self._runtime.settings.worker.poll_seconds if is_idle else 0)

    def _resolve(self) -> int:
        if time.monotonic() < self._resolved_at + RESOLVE_SECONDS:
            return 0
        self._resolved_at = time.monotonic()
        return answering.resolve(self._runtime)

    def _submit(self, ready: Iterable[Ready]) -> None:
        for one in ready:
            self._under_way[one.job.lane] += 1
            self._pools[one.job.lane].submit(self._send, one)

    def _send(self, ready: Ready) -> None:
        self._finished.put(sending.send(self._router, ready))

    def _gather(self, seconds: float) -> None:
        """Record what is finished, after at most so many seconds of waiting for it; keep it if that fails."""
        if self._under_way.total():
            seconds = max(seconds, GATHER_SECONDS)
        try:
            self._unrecorded.append(self._finished.get(timeout=seconds) if seconds else self._finished.get_nowait())
            if self._under_way.total() > 1:
                time.sleep(GATHER_SECONDS)
        except queue.Empty:
            pass
        while not self._finished.empty():
            self._unrecorded.append(self._finished.get())
        if not self._unrecorded:
            return
        again = sending.record(self._runtime, self._router, self._unrecorded)
        self._under_way.subtract(one.ready.job.lane for one in self._unrecorded)
        self._unrecorded = []
        self._submit(again)

    def _ask_providers(self) -> None:
        """Have the providers asked what became of messages, as many at a time as there are threads for it."""
        if time.monotonic() < self._ask_at:
            return
        free = 0
        while free < self._runtime.settings.worker.threads and self._asking.acquire(blocking=False):
            free += 1
        jobs: list[Job] = []
        try:
            jobs = tracing.claim_to_ask(self._runtime, free)
        finally:  # also if the database is away just now: whoever asks later needs the threads
            for _ in range(free - len(jobs)):
                self._asking.release()
        self._ask_at = time.monotonic() + (ASK_SECONDS if len(jobs) < max(free, 1) else RESOLVE_SECONDS)
        for job in jobs:
            self._asker.submit(self._ask, job)

    def _ask(self, job: Job) -> None:
        try:
            tracing.ask(self._runtime, self._router, job)
        except Exception as error:
            log.error("asking_failed", message=job.id, kind=type(error).__name__, exc_info=error)
        finally:
            self._asking.release()


def run(runtime: Runtime, router: Router) -> None:
    """Run one worker until SIGTERM or SIGINT; what is under way is finished first."""
    worker = Worker(runtime, router)
    signal.signal(signal.SIGTERM, worker.stop)
    signal.signal(signal.SIGINT, worker.stop)
    worker.run()
    runtime.database.close()
