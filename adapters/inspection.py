"""What `caseq-adapter check` finds: one line for each thing it looked at."""

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from adapters import bookmark, holding, numbering, repairing, rereading, spool, statefile
from adapters.carriers.carrier import Carrier, Postponed
from adapters.carriers.files import FileCarrier
from adapters.carriers.https import Checkpoint, HttpsCarrier
from adapters.changes import changes
from adapters.comparing import MOST_NAMED, differences
from adapters.feed import Feed, sample_readings
from adapters.mapping import SystemMapping
from adapters.mapping_file import UNDECIDED
from adapters.masking import masked, shown
from adapters.moments import local_stamp, moment
from adapters.reading import CASE, MILESTONE, PARTY
from adapters.rereading import Missed
from adapters.sections import MappingError
from adapters.sources.source import SourceUnavailableError, unavailable
from adapters.work import open_carrier, open_feed, open_source

_SAMPLE_CASES = 50
#: So many polls, and this time on top, may pass before a change of the source must have been read.
_LATE_POLLS, _LATE_SECONDS = 3, 120.0

_WHY_HELD = "wrong database, or another adapter's push source? If they are to go, stop the adapter and check --release"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line for the operator, and whether it is good."""

    text: str
    is_good: bool = True


@dataclass(frozen=True, slots=True)
class _States:
    """The state as it was at first, as others change it meanwhile, and, to be repaired, one that can be written."""

    first: sqlite3.Connection
    now: sqlite3.Connection
    written: sqlite3.Connection | None


def inspect(
    mapping: SystemMapping,
    path: Path,
    is_repair: bool = False,
    is_release: bool = False,
    tell: Callable[[int], None] | None = None,
) -> Iterator[Finding]:
    """Tests the case system and the service, names what both sides hold differently, and lists what is refused.

    With `is_repair` it marks what differs, so that the next run pushes it again; with `is_release` it lets the next run
    withdraw what is held. `tell` gets the number of cases read so far; without it the case system is not compared
    record by record. StateBusyError while an adapter runs.
    """
    lines = ", ".join(map(str, mapping.undecided))
    verdict = f"guesses to be decided, marked {UNDECIDED}, in lines {lines}" if lines else "good"
    yield Finding(f"mapping   {mapping.file}: {verdict}", is_good=not lines)
    with ExitStack() as opened:
        states = _open(path, is_repair or is_release, opened)
        if not path.exists():
            is_good = not (is_repair or is_release)
            yield Finding(f"state     {path}: not there yet; the first run makes it", is_good)
        yield from _source(mapping, states, path, tell, is_repair)
        try:
            carrier = open_carrier(mapping, os.environ)
        except MappingError as error:
            yield Finding(str(error), is_good=False)
        else:
            for source in dict.fromkeys(mapping.service.sources.values()):
                yield from _service(carrier, states, source, is_repair)
        yield from _held(states, is_release)
        yield from _unmapped(mapping, states.first)
        yield from _refused_there(states.first)
        yield from _refused_here(states.first)


def _open(path: Path, is_written: bool, opened: ExitStack) -> _States:
    written = None
    if is_written and path.exists():
        opened.enter_context(statefile.only_adapter(path))
        written = opened.enter_context(closing(statefile.open_state(path)))
    first = opened.enter_context(closing(statefile.open_as_is(path)))
    now = opened.enter_context(closing(statefile.open_to_read(path)))
    layout = "PRAGMA user_version"
    # In a file of another layout no adapter of this version is at work.
    is_alike = now.execute(layout).fetchone() == first.execute(layout).fetchone()
    return _States(first, now if is_alike else first, written)


def _source(
    mapping: SystemMapping, states: _States, path: Path, tell: Callable[[int], None] | None, is_repair: bool
) -> Iterator[Finding]:
    try:
        with open_source(mapping, path, is_preview=True) as source:
            feed = open_feed(mapping, states.first, source)
            samples = list(_samples(feed))
            read = _read(feed)
            doubtful = source.doubtful_changes()
            missed = rereading.missed(feed, states.now, tell) if tell else None
            untaken = feed.untaken()
    except (MappingError, SourceUnavailableError) as error:
        text = unavailable(error) if isinstance(error, SourceUnavailableError) else str(error)
        yield Finding(f"source    {text}", is_good=False)
        return
    yield Finding("source    answers, and has every mapped table and column")
    yield read
    for line in untaken:
        yield Finding(f"file      {line}", is_good=False)
    for column, count in doubtful.items():
        reason = f"is not written as changed_form says (rows: {count}): polls overlook their changes"
        yield Finding(f"changed   {column} {reason}", is_good=False)
    for sample in samples:
        yield Finding(f"sample    {sample}")
    yield from _missed(missed)
    if missed and missed.counts and is_repair and states.written is not None:
        with statefile.transaction(states.written):
            holding.read_all(states.written)
        yield Finding("repaired  the next run reads everything")


def _missed(found: Missed | None) -> Iterator[Finding]:
    """The records that the case system has otherwise than the state, though no poll will notice."""
    for line in found.lines if found else ():
        yield Finding(f"missed    {line}", is_good=False)
    for (source, record_type), count in (found.counts if found else Counter()).items():
        if count > MOST_NAMED:
            text = f"missed    {source} {record_type}: {count} records in all, the first {MOST_NAMED} are named"
            yield Finding(text, is_good=False)


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


def _differences(carrier: HttpsCarrier, states: _States, source: str, is_repair: bool) -> Iterator[Finding]:
    written = states.written if is_repair else None
    if written is None:
        found = differences(carrier, states.first, states.now, source)
    else:
        with statefile.transaction(written):
            mark = partial(repairing.mark, written)
            found = differences(carrier, states.first, states.now, source, mark)
    for line in found.lines:
        yield Finding(f"differs   {line}", is_good=False)
    for record_type, count in found.counts.items():
        if count > MOST_NAMED:
            text = f"differs   {source} {record_type}: {count} records in all, the first {MOST_NAMED} are named"
            yield Finding(text, is_good=False)
    if written is not None and found.counts:
        count = sum(found.counts.values())
        yield Finding(f"repaired  {source}: {count} records are marked; the next run brings both sides together")
    if found.no_answer:
        reason = f"its records could not be asked for: {_no_answer(found.no_answer)}"
        yield Finding(f"service   {source}: {reason}", is_good=False)


def _held(states: _States, is_release: bool) -> Iterator[Finding]:
    """What the last full read missed and did not withdraw, because it was most of what there was."""
    for source, count in holding.held_counts(states.first).items():
        text = f"{source}: {count} records are gone from the case system and not withdrawn; {_WHY_HELD}"
        yield Finding(f"held      {text}", is_good=False)
    if is_release and states.written is not None:
        with statefile.transaction(states.written):
            released = holding.release(states.written)
        for source, count in released.items():
            yield Finding(
                f"released  {source}: {count} records; the next run withdraws what the case system still lacks"
            )


def _unmapped(mapping: SystemMapping, state: sqlite3.Connection) -> Iterator[Finding]:
    for name, column, code, count in bookmark.unknown_codes(state):
        table = mapping.by_name.get(name)
        lookup, _, looked_up = column.partition(".")
        places = {one.name: f"{one.table}.{looked_up}" for one in (table.lookups if table else ())}
        place = places.get(lookup) or f"{table.table if table else name}.{column}"
        told = f"code {code}" if code else "codes that may not be shown"
        yield Finding(f"unmapped  {place}: {told}: {count} record{'s' if count > 1 else ''}", is_good=False)


def _service(carrier: Carrier, states: _States, source: str, is_repair: bool) -> Iterator[Finding]:
    state = states.first
    if isinstance(carrier, HttpsCarrier):
        checkpoint = carrier.checkpoint(source)
        if isinstance(checkpoint, Postponed):
            yield Finding(f"service   {source}: {_no_answer(checkpoint)}", is_good=False)
            return
        yield _checkpoint(checkpoint, state, source)
        yield from _differences(carrier, states, source, is_repair)
        return
    assert isinstance(carrier, FileCarrier)
    fault = carrier.fault()
    last = numbering.last_number(state, source) or "none"
    counts = ", ".join(f"{name} {count}" for name, count in bookmark.live_counts(state, source).items())
    waiting = spool.waiting_count(state, source)
    text = f"service   {source}: files in {carrier.folder}: {fault or 'can be written'}; newest number {last}; "
    yield Finding(f"{text}should hold: {counts}; waiting {waiting}", is_good=not fault)


def _no_answer(answer: Postponed) -> str:
    """Why the service did not answer, and where to look."""
    if answer.is_key_refused:
        return f"{answer.reason}: the key is not the service's, or the clocks differ"
    return f"does not answer as it should: {answer.reason}; look at its address, its network, ca_file and its own log"


def _checkpoint(checkpoint: Checkpoint, state: sqlite3.Connection, source: str) -> Finding:
    waiting = spool.waiting_count(state, source)
    here, there = bookmark.live_counts(state, source), dict(checkpoint.records)
    counts = ", ".join(f"{name} {count}/{there.get(name, 0)}" for name, count in here.items())
    is_good = waiting > 0 or all(there.get(name, 0) == count for name, count in here.items())
    verdict = "" if is_good else " (they differ)"
    return Finding(f"service   {source}: held here/there: {counts}; waiting {waiting}{verdict}", is_good)


def _refused_there(state: sqlite3.Connection) -> Iterator[Finding]:
    events = spool.refused_events(state)
    for event in islice(events, MOST_NAMED):
        fields = "; ".join(f"{field}: {', '.join(reasons)}" for field, reasons in event.reasons.items())
        text = f"refused   by the service: {event.source} {event.type} of case {shown(event.case_number)}: {fields}"
        yield Finding(text, is_good=False)
    if len(events) > MOST_NAMED:
        text = f"refused   by the service: {len(events)} records in all, the first {MOST_NAMED} are named"
        yield Finding(text, is_good=False)


def _refused_here(state: sqlite3.Connection) -> Iterator[Finding]:
    for one in bookmark.unreadable_records(state, MOST_NAMED):
        why = f"{one.column} {one.reason}"
        place = f"{one.name} of case {shown(one.case_number)}, {shown(one.origin)}"
        yield Finding(f"refused   here: {place}: {why}", is_good=False)
        if one.rank == MOST_NAMED < one.count:
            text = f"refused   here: {one.name}: {why}: {one.count} records in all, the first {MOST_NAMED} are named"
            yield Finding(text, is_good=False)
