"""Puts the parts of one adapter together and lets them work."""

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import structlog

from adapters import copies, spool, statefile
from adapters.adoption import adopt
from adapters.carriers.carrier import Carrier
from adapters.carriers.files import FileCarrier
from adapters.carriers.https import HttpsCarrier
from adapters.feed import Feed, find_changes, read_chunk
from adapters.loop import Poller, run_once, run_until_stopped
from adapters.mapping import SystemMapping
from adapters.masking import masked
from adapters.sections import Fault, MappingError
from adapters.sender import Sender
from adapters.sending import DiskNews
from adapters.sources.engines import open_engine
from adapters.sources.source import Source
from adapters.sources.sql import SqlSource
from caseq.rules import signing

log = structlog.get_logger()


def run(mapping: SystemMapping, path: Path, since: str | None, once: bool, stopped: Event) -> bool:
    """Polls and sends until stopped, or once; whether everything could be sent."""
    carrier = open_carrier(mapping, os.environ)
    disk = DiskNews()
    with statefile.only_adapter(path), ExitStack() as opened:
        # Each thread has a connection of its own, or a rollback of one would undo the other's work.
        states = [opened.enter_context(closing(state)) for state in _open_twice(path, disk, mapping, stopped)]
        if len(states) < 2:
            return False
        source = opened.enter_context(open_source(mapping, path))
        poller = Poller(open_feed(mapping, states[0], source), since, disk=disk)
        sender = Sender(states[1], carrier, mapping.service, time.monotonic)
        log.info("started", adapter=mapping.name, waiting=spool.waiting_count(states[0]))
        is_done = work(poller, sender, once, stopped)
        log.info("stopped", adapter=mapping.name, waiting=spool.waiting_count(states[0]))
    return is_done


def work(poller: Poller, sender: Sender, once: bool, stopped: Event) -> bool:
    """Gets the state ready, then polls and sends until stopped, or once; whether everything could be sent."""
    state, settings = poller.feed.state, sender.settings
    with statefile.transaction(state):
        if settings.files:
            copies.prepare(state)
        else:
            copies.forget(state)
    if not adopt(state, sender.carrier, settings, stopped, once):
        return not once
    if once:
        return run_once(poller, sender, stopped)
    run_until_stopped(poller, sender, stopped)
    return True


def _open_twice(path: Path, disk: DiskNews, mapping: SystemMapping, stopped: Event) -> list[sqlite3.Connection]:
    """Two connections to the state file; waits while its disk is full, and gives none if stopped meanwhile."""
    while not stopped.is_set():
        try:
            found = [statefile.open_state(path), statefile.open_state(path)]
        except sqlite3.Error as error:
            if not statefile.is_full(error):
                raise
            disk.full("start", error)
            stopped.wait(mapping.service.retry_most_seconds)
            continue
        disk.good("start")
        return found
    return []


def dry_run(mapping: SystemMapping, path: Path, since: str | None) -> Iterator[str]:
    """The events one poll would send, masked, as JSON lines; nothing is sent, and no file is written."""
    state = statefile.open_copy(path)
    state.execute("DELETE FROM outgoing")
    with open_source(mapping, path, is_preview=True) as source:
        feed = open_feed(mapping, state, source)
        find_changes(feed, since)
        while read_chunk(feed):
            for (body,) in state.execute("SELECT body FROM outgoing ORDER BY position"):
                yield json.dumps(masked(json.loads(body)), ensure_ascii=False)
            state.execute("DELETE FROM outgoing")


def open_feed(mapping: SystemMapping, state: sqlite3.Connection, source: Source) -> Feed:
    """The feed from this source into this state; no connection is made yet."""
    return Feed(mapping, source, state, lambda: datetime.now(UTC))


@contextmanager
def open_source(mapping: SystemMapping, path: Path, is_preview: bool = False) -> Iterator[Source]:
    """The case system of this mapping; `path` is the state file, and the staging file of registers is beside it.

    A preview reads copies, so that no file of an inbox moves.
    """
    if not mapping.source.inbox:
        yield SqlSource(mapping, open_engine(mapping.source.url))
        return
    from adapters.sources.files import FileSource, preview

    rows, clock = path.with_name(path.name + ".rows"), lambda: datetime.now(UTC)
    source, folder = preview(mapping, rows, clock) if is_preview else (FileSource(mapping, rows, clock), None)
    try:
        yield source
    finally:
        source.close()
        if folder is not None:
            folder.cleanup()


def open_carrier(mapping: SystemMapping, environment: Mapping[str, str]) -> Carrier:
    """The carrier to the service with the first key of each source; MappingError names keys that are missing."""
    keys: dict[str, str] = {}
    faults: list[Fault] = []
    for source in dict.fromkeys(mapping.service.sources.values()):
        variable = f"CASEQ_PUSH_KEY_{source.upper()}"
        keys[source] = environment.get(variable, "").split(",")[0].strip()
        try:
            signing.key_bytes(keys[source])
        except ValueError as error:
            reason = str(error) if keys[source] else "is not set"
            faults.append(Fault("environment", None, variable, reason))
    if faults:
        raise MappingError(faults)
    if mapping.service.files:
        return FileCarrier(Path(mapping.service.files), keys)
    return HttpsCarrier(mapping.service.url, keys, mapping.service.ca_file)
