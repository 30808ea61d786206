"""What `caseq-adapter check` finds: one line for each thing it looked at."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from adapters import bookmark, numbering, spool, statefile
from adapters.carriers.carrier import Carrier, Postponed
from adapters.carriers.files import FileCarrier
from adapters.carriers.https import Checkpoint, HttpsCarrier
from adapters.changes import changes
from adapters.comparing import MOST_NAMED, differences
from adapters.feed import Feed, sample_readings
from adapters.mapping import SystemMapping
from adapters.mapping_file import UNDECIDED
from adapters.masking import masked
from adapters.moments import local_stamp, moment
from adapters.reading import CASE, MILESTONE, PARTY
from adapters.sections import MappingError
from adapters.sources.source import SourceUnavailableError
from adapters.work import open_carrier, open_feed, open_source

_SAMPLE_CASES = 50
#: So many polls, and this time on top, may pass before a change of the source must have been read.
_LATE_POLLS, _LATE_SECONDS = 3, 120.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One line for the operator, and whether it is good."""

    text: str
    is_good: bool = True


def inspect(mapping: SystemMapping, path: Path) -> Iterator[Finding]:
    """Tests the case system and the service, names what both sides hold differently, and lists what is refused."""
    lines = ", ".join(map(str, mapping.undecided))
    verdict = f"guesses to be decided, marked {UNDECIDED}, in lines {lines}" if lines else "good"
    yield Finding(f"mapping   {mapping.file}: {verdict}", is_good=not lines)
    with ExitStack() as opened:
        state = opened.enter_context(closing(statefile.open_as_is(path)))
        now = opened.enter_context(closing(statefile.open_to_read(path)))
        yield from _source(mapping, state, path)
        try:
            carrier = open_carrier(mapping, os.environ)
        except MappingError as error:
            yield Finding(str(error), is_good=False)
        else:
            for source in dict.fromkeys(mapping.service.sources.values()):
                yield from _service(carrier, state, now, source)
        yield from _unmapped(mapping, state)
        yield from _refused(state)


def _source(mapping: SystemMapping, state: sqlite3.Connection, path: Path) -> Iterator[Finding]:
    try:
        with open_source(mapping, path, is_preview=True) as source:
            feed = open_feed(mapping, state, source)
            samples = list(_samples(feed))
            read = _read(feed)
    except (MappingError, SourceUnavailableError) as error:
        yield Finding(f"source    {error}", is_good=False)
        return
    yield Finding("source    answers, and has every mapped table and column")
    yield read
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


def _read(feed: Feed) -> Finding:
    """How far the source was read, and whether a poll is overdue."""
    last, pending = bookmark.last_poll(feed.state), bookmark.pending_count(feed.state)
    newest = feed.source.newest_change()
    text = f"read      up to {last or 'nothing'}; newest change {newest or 'not known'}; cases to read {pending}"
    found = moment(newest)
    if not last or found is None or newest <= last:
        return Finding(text)
    # A row stamped in the future counts as changed when it was last looked for.
    since = found if newest <= local_stamp(feed.clock()) else (moment(last) or found)
    late = (feed.clock() - since).total_seconds()
    if late <= _LATE_POLLS * feed.mapping.source.poll_seconds + _LATE_SECONDS:
        return Finding(f"{text}: to be read at the next poll")
    return Finding(f"{text}: a poll is overdue since {local_stamp(since)}", is_good=False)


def _differences(
    carrier: HttpsCarrier, state: sqlite3.Connection, now: sqlite3.Connection, source: str
) -> Iterator[Finding]:
    found = differences(carrier, state, now, source)
    for line in found.lines:
        yield Finding(f"differs   {line}", is_good=False)
    for record_type, count in found.counts.items():
        if count > MOST_NAMED:
            text = f"differs   {source} {record_type}: {count} records in all, the first {MOST_NAMED} are named"
            yield Finding(text, is_good=False)
    if found.no_answer:
        reason = f"its records could not be asked for: {found.no_answer.reason}"
        yield Finding(f"service   {source}: {reason}", is_good=False)


def _unmapped(mapping: SystemMapping, state: sqlite3.Connection) -> Iterator[Finding]:
    for name, column, code, count in bookmark.unknown_codes(state):
        table = mapping.by_name.get(name)
        lookup, _, looked_up = column.partition(".")
        places = {one.name: f"{one.table}.{looked_up}" for one in (table.lookups if table else ())}
        place = places.get(lookup) or f"{table.table if table else name}.{column}"
        told = f"code {code}" if code else "codes that may not be shown"
        yield Finding(f"unmapped  {place}: {told}: {count} record{'s' if count > 1 else ''}", is_good=False)


def _service(carrier: Carrier, state: sqlite3.Connection, now: sqlite3.Connection, source: str) -> Iterator[Finding]:
    if isinstance(carrier, HttpsCarrier):
        checkpoint = carrier.checkpoint(source)
        if isinstance(checkpoint, Postponed):
            hint = ": the key is not the service's" if checkpoint.is_key_refused else ""
            yield Finding(f"service   {source}: {checkpoint.reason}{hint}", is_good=False)
            return
        yield _checkpoint(checkpoint, state, source)
        yield from _differences(carrier, state, now, source)
        return
    assert isinstance(carrier, FileCarrier)
    fault = carrier.fault()
    last = numbering.last_number(state, source) or "none"
    counts = ", ".join(f"{name} {count}" for name, count in bookmark.live_counts(state, source).items())
    waiting = spool.waiting_count(state, source)
    text = f"service   {source}: files in {carrier.folder}: {fault or 'can be written'}; newest number {last}; "
    yield Finding(f"{text}should hold: {counts}; waiting {waiting}", is_good=not fault)


def _checkpoint(checkpoint: Checkpoint, state: sqlite3.Connection, source: str) -> Finding:
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
