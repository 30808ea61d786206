"""Puts the parts of one adapter together and lets them work."""

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Event
from typing import TypeVar

import structlog

from adapters import bookmark, copies, holding, numbering, spool, statefile
from adapters.adoption import adopt
from adapters.carriers.carrier import Carrier
from adapters.carriers.files import FileCarrier
from adapters.carriers.https import HttpsCarrier
from adapters.feed import Feed, find_changes, read_chunk
from adapters.loop import Poller, run_once, run_until_stopped
from adapters.mapping import ServiceSettings, SystemMapping
from adapters.masking import masked
from adapters.sections import Fault, MappingError
from adapters.sender import Sender
from adapters.sending import DiskNews
from adapters.sources.engines import open_engine
from adapters.sources.source import Source
from adapters.sources.sql import SqlSource
from caseq.rules import signing

#: `--once` gives up after so many failures in a row.
_TRIES_ONCE = 5

_T = TypeVar("_T")

log = structlog.get_logger()


def run(mapping: SystemMapping, path: Path, since: str | None, once: bool, stopped: Event) -> bool:
    """Polls and sends until stopped, or once: whether all was sent, nothing refused or held, and every file taken."""
    carrier = open_carrier(mapping, os.environ)
    disk = DiskNews()
    with statefile.only_adapter(path), ExitStack() as opened:
        # Each thread has a connection of its own, or a rollback of one would undo the other's work.
        found = _with_room(lambda: _open_twice(path), disk, mapping.service, once, stopped)
        if found is None:
            return not once
        states = [opened.enter_context(closing(state)) for state in found]
        _refuse_unnamed_sources(states[0], mapping.service)
        source = opened.enter_context(open_source(mapping, path))
        poller = Poller(open_feed(mapping, states[0], source), since, disk=disk)
        sender = Sender(states[1], carrier, mapping.service, time.monotonic)
        log.info("started", adapter=mapping.name, waiting=spool.waiting_count(states[0]))
        is_done = work(poller, sender, once, stopped) and not (once and _is_kept(poller.feed))
        log.info("stopped", adapter=mapping.name, waiting=spool.waiting_count(states[0]))
    return is_done


def _refuse_unnamed_sources(state: sqlite3.Connection, settings: ServiceSettings) -> None:
    """StateFileError if records of a push source are left that the mapping does not name: nothing of it could leave,
    and what moves from there to another source would wait for it for ever."""
    left = {*spool.waiting_counts(state), *bookmark.sources(state)}
    if unnamed := sorted(left - set(settings.sources.values())):
        names = ", ".join(unnamed)
        advice = "name it again until they are withdrawn, or move the state file away and begin anew"
        raise statefile.StateFileError(
            f"the state file holds records of {names}, which [push.sources] does not name: {advice}"
        )


def _is_kept(feed: Feed) -> bool:
    return bool(spool.refused_events(feed.state) or holding.held_counts(feed.state) or feed.untaken())


def work(poller: Poller, sender: Sender, once: bool, stopped: Event) -> bool:
    """Gets the state ready, then polls and sends until stopped, or once; whether everything could be sent."""
    state, settings = poller.feed.state, sender.settings
    is_ready = _with_room(lambda: _prepare(state, settings), poller.disk, settings, once, stopped)
    if not is_ready or not adopt(state, sender.carrier, settings, poller.disk, stopped, once):
        return not once
    if once:
        return run_once(poller, sender, stopped)
    run_until_stopped(poller, sender, stopped)
    return True


def _open_twice(path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    return statefile.open_state(path), statefile.open_state(path)


def _prepare(state: sqlite3.Connection, settings: ServiceSettings) -> bool:
    """True, once the state fits the way to the service, and looks again for what is held back."""
    with statefile.transaction(state):
        if settings.files:
            copies.prepare(state)
        else:
            copies.forget(state)
            numbering.keep_bytes(state)
        holding.look_again(state)
    return True


def _with_room(
    act: Callable[[], _T], disk: DiskNews, settings: ServiceSettings, once: bool, stopped: Event
) -> _T | None:
    """What `act` gives, tried again later and later while the disk of the state is full; None if given up."""
    pause = settings.retry_first_seconds
    for tried in count(1):
        try:
            found = act()
        except sqlite3.Error as error:
            if not statefile.is_full(error):
                raise
            disk.full("start", error)
            if (once and tried >= _TRIES_ONCE) or stopped.wait(pause):
                break
            pause = min(2 * pause, settings.retry_most_seconds)
            continue
        disk.good("start")
        return found
    return None


def dry_run(mapping: SystemMapping, path: Path, since: str | None) -> Iterator[str]:
    """The events one poll would send, masked, as JSON lines; nothing is sent, and no file is written."""
    state = statefile.open_copy(path)
    state.execute("DELETE FROM outgoing")
    with open_source(mapping, path, is_preview=True) as source:
        feed = open_feed(mapping, state, source)
        find_changes(feed, since)
        while read_chunk(feed):
            for event in spool.waiting_events(state):
                yield json.dumps(masked(json.loads(event.body)), ensure_ascii=False)
            state.execute("DELETE FROM outgoing")


def open_feed(mapping: SystemMapping, state: sqlite3.Connection, source: Source) -> Feed:
    """The feed from this source into this state; no connection is made yet."""
    if not mapping.source.inbox:
        return Feed(mapping, source, state, _now)
    from adapters.sources.files import FileSource

    assert isinstance(source, FileSource)
    return Feed(mapping, source, state, _now, source.untaken)


def _now() -> datetime:
    return datetime.now(UTC)


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
