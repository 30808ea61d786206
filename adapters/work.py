"""Puts the parts of one adapter together and lets them work."""

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import structlog

from adapters import spool, statefile
from adapters.carriers.https import HttpsCarrier
from adapters.feed import Feed, find_changes, read_chunk
from adapters.loop import Poller, run_once, run_until_stopped
from adapters.mapping import SystemMapping
from adapters.masking import masked
from adapters.sections import Fault, MappingError
from adapters.sender import Sender
from adapters.sources.sql import SqlSource, open_engine
from caseq.rules import signing

log = structlog.get_logger()


def run(mapping: SystemMapping, path: Path, since: str | None, once: bool, stopped: Event) -> bool:
    """Polls and sends until stopped, or once; whether everything could be sent."""
    carrier = open_carrier(mapping, os.environ)
    with statefile.only_adapter(path):
        state = statefile.open_state(path)
        poller = Poller(open_feed(mapping, state), since)
        sender = Sender(state, carrier, mapping.service, time.monotonic)
        log.info("started", adapter=mapping.name, waiting=spool.waiting_count(state))
        is_done = True
        if once:
            is_done = run_once(poller, sender, stopped)
        else:
            run_until_stopped(poller, sender, stopped)
        log.info("stopped", adapter=mapping.name, waiting=spool.waiting_count(state))
        state.close()
    return is_done


def dry_run(mapping: SystemMapping, path: Path, since: str | None) -> Iterator[str]:
    """The events one poll would send, masked, as JSON lines; nothing is sent, and no file is written."""
    state = statefile.open_copy(path)
    feed = open_feed(mapping, state)
    state.execute("DELETE FROM outgoing")
    find_changes(feed, since)
    while read_chunk(feed):
        for (body,) in state.execute("SELECT body FROM outgoing ORDER BY position"):
            yield json.dumps(masked(json.loads(body)), ensure_ascii=False)
        state.execute("DELETE FROM outgoing")


def open_feed(mapping: SystemMapping, state: sqlite3.Connection) -> Feed:
    """The feed from this case system into this state; no connection is made yet."""
    return Feed(mapping, SqlSource(mapping, open_engine(mapping.source.url)), state, lambda: datetime.now(UTC))


def open_carrier(mapping: SystemMapping, environment: Mapping[str, str]) -> HttpsCarrier:
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
    return HttpsCarrier(mapping.service.url, keys, mapping.service.ca_file)
