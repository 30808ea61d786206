"""What `caseq-adapter check` finds: one line for each thing it looked at."""

import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from adapters import bookmark, numbering, spool, statefile
from adapters.carriers.carrier import Carrier, Postponed
from adapters.carriers.files import FileCarrier
from adapters.carriers.https import HttpsCarrier
from adapters.changes import changes
from adapters.feed import Feed, sample_readings
from adapters.mapping import SystemMapping
from adapters.masking import masked
from adapters.reading import CASE, MILESTONE, PARTY
from adapters.sections import MappingError
from adapters.sources.source import SourceUnavailableError
from adapters.work import open_carrier, open_feed, open_source

_SAMPLE_CASES = 50


@dataclass(frozen=True, slots=True)
class Finding:
    """One line for the operator, and whether it is good."""

    text: str
    is_good: bool = True


def inspect(mapping: SystemMapping, path: Path) -> Iterator[Finding]:
    """Tests the case system and the service, compares what both sides hold, and lists what is refused."""
    yield Finding(f"mapping   {mapping.file}: good")
    state = statefile.open_copy(path)
    yield from _source(mapping, state, path)
    try:
        carrier = open_carrier(mapping, os.environ)
    except MappingError as error:
        yield Finding(str(error), is_good=False)
    else:
        for source in dict.fromkeys(mapping.service.sources.values()):
            yield _service(carrier, state, source)
    yield from _refused(state)


def _source(mapping: SystemMapping, state: sqlite3.Connection, path: Path) -> Iterator[Finding]:
    try:
        with open_source(mapping, path, is_preview=True) as source:
            samples = list(_samples(open_feed(mapping, state, source)))
    except (MappingError, SourceUnavailableError) as error:
        yield Finding(f"source    {error}", is_good=False)
        return
    yield Finding("source    answers, and has every mapped table and column")
    for sample in samples:
        yield Finding(f"sample    {sample}")


def _samples(feed: Feed) -> Iterator[str]:
    """One masked event of each type, if the first cases have one."""
    missing = {CASE, MILESTONE, PARTY}
    for reading in sample_readings(feed, _SAMPLE_CASES):
        for change in changes(reading, [], feed.clock()):
            if change.known.type in missing:
                missing.remove(change.known.type)
                yield json.dumps(masked(json.loads(change.body)), ensure_ascii=False)


def _service(carrier: Carrier, state: sqlite3.Connection, source: str) -> Finding:
    if isinstance(carrier, HttpsCarrier):
        return _checkpoint(carrier, state, source)
    assert isinstance(carrier, FileCarrier)
    fault = carrier.fault()
    last = numbering.last_number(state, source) or "none"
    counts = ", ".join(f"{name} {count}" for name, count in bookmark.live_counts(state, source).items())
    waiting = spool.waiting_count(state, source)
    text = f"service   {source}: files in {carrier.folder}: {fault or 'can be written'}; newest number {last}; "
    return Finding(f"{text}should hold: {counts}; waiting {waiting}", is_good=not fault)


def _checkpoint(carrier: HttpsCarrier, state: sqlite3.Connection, source: str) -> Finding:
    checkpoint = carrier.checkpoint(source)
    if isinstance(checkpoint, Postponed):
        hint = ": the key is not the service's" if checkpoint.is_key_refused else ""
        return Finding(f"service   {source}: {checkpoint.reason}{hint}", is_good=False)
    waiting = spool.waiting_count(state, source)
    here, there = bookmark.live_counts(state, source), dict(checkpoint.records)
    counts = ", ".join(f"{name} {count}/{there.get(name, 0)}" for name, count in here.items())
    is_good = waiting > 0 or all(there.get(name, 0) == count for name, count in here.items())
    verdict = "" if is_good else " (they differ)"
    return Finding(f"service   {source}: held here/there: {counts}; waiting {waiting}{verdict}", is_good)


def _refused(state: sqlite3.Connection) -> Iterator[Finding]:
    for event in spool.refused_events(state):
        fields = "; ".join(f"{field}: {', '.join(reasons)}" for field, reasons in event.reasons.items())
        text = f"refused   by the service: {event.source} {event.type} of case {event.case_number}: {fields}"
        yield Finding(text, is_good=False)
    for number, place, name, column, reason in bookmark.unreadable_records(state):
        yield Finding(f"refused   here: {name} of case {number}, {place}: {column} {reason}", is_good=False)
