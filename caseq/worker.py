"""The background worker: sends what waits in the outbox, asks what became of the unknown, forgets what is over."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import structlog

from caseq import answering, housekeeping, texting, watching
from caseq.errors import DatabaseUnavailable
from caseq.runtime import Runtime
from caseq.sms.gateway import SmsGateway
from caseq.store.outbox import Job

log = structlog.get_logger("caseq.worker")

BEAT_SECONDS = 10
TIDY_SECONDS = 600
LISTEN_SECONDS = 60


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
    """One worker process: a loop that claims and a pool of threads that send."""

    def __init__(self, runtime: Runtime, gateway: SmsGateway) -> None:
        self._runtime = runtime
        self._gateway = gateway
        self._name = f"worker {socket.gethostname()} {os.getpid()}"
        self._stopping = threading.Event()
        self._under_way: set[Future[None]] = set()
        self._alarm: dict[str, datetime] | None = None

    def stop(self, *_signal: object) -> None:
        """Finish what is under way and end `run`."""
        self._stopping.set()

    def run(self) -> None:
        """Work until stopped."""
        settings = self._runtime.settings.worker
        duties = (
            _Duty(BEAT_SECONDS, lambda: watching.beat(self._runtime, self._name)),
            _Duty(TIDY_SECONDS, lambda: housekeeping.tidy(self._runtime)),
            _Duty(LISTEN_SECONDS, self.listen),
        )
        log.info("worker_started", threads=settings.threads)
        with ThreadPoolExecutor(settings.threads, thread_name_prefix="send") as pool:
            while not self._stopping.is_set():
                try:
                    for duty in duties:
                        duty.do_if_due()
                    busy = self.round(pool)
                except DatabaseUnavailable as error:
                    log.error("database_unavailable", cause=str(error))
                    busy = False
                if not busy:
                    self._stopping.wait(settings.poll_seconds)
        log.info("worker_stopped")

    def listen(self) -> None:
        """Sound the alarm for sources that are silent too long; the first time also name those that never spoke."""
        if self._alarm is None:
            watching.warn_of_the_mute(self._runtime)
        self._alarm = watching.sound_alarm(self._runtime, self._alarm or {})

    def round(self, pool: ThreadPoolExecutor) -> bool:
        """One look at the outbox: claim for the threads that are free; whether there was anything to do."""
        resolved = answering.resolve(self._runtime)
        self._under_way = {future for future in self._under_way if not future.done()}
        free = self._runtime.settings.worker.threads - len(self._under_way)
        if free <= 0:
            self._stopping.wait(0.01)
            return True
        jobs = texting.claim(self._runtime, free)
        for job in jobs:
            self._under_way.add(pool.submit(self._send, job))
        unknown = texting.claim_unknown(self._runtime, free - len(jobs)) if len(jobs) < free else []
        for job in unknown:
            self._under_way.add(pool.submit(self._ask, job))
        return bool(resolved or jobs or unknown)

    def _send(self, job: Job) -> None:
        try:
            texting.send(self._runtime, self._gateway, job)
        except Exception as error:
            log.error("sending_failed", message=job.id, kind=type(error).__name__, exc_info=error)

    def _ask(self, job: Job) -> None:
        try:
            texting.ask_provider(self._runtime, self._gateway, job)
        except Exception as error:
            log.error("asking_failed", message=job.id, kind=type(error).__name__, exc_info=error)


def run(runtime: Runtime, gateway: SmsGateway) -> None:
    """Run one worker until SIGTERM or SIGINT; what is under way is finished first."""
    worker = Worker(runtime, gateway)
    signal.signal(signal.SIGTERM, worker.stop)
    signal.signal(signal.SIGINT, worker.stop)
    worker.run()
    runtime.database.close()
