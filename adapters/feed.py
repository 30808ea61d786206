"""From the case system into the spool: find what changed, read those cases whole, append what must be pushed."""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice

import structlog

from adapters import bookmark, claims, copies, holding, spool
from adapters.changes import Change, Known, changes
from adapters.claims import Claims
from adapters.mapping import CASE_TABLE, SystemMapping
from adapters.moments import LOCAL_TIME, local_stamp, moment
from adapters.reading import CaseRows, Reading, origin
from adapters.records import read_case
from adapters.sources.source import Source
from adapters.statefile import transaction

FULL_READ, _FOUND = "full_read", "full_read_found"
_ROWS_AT_ONCE = 5000
#: Cases whose events are kept together: many commits would cost more, and few keep the sending thread waiting.
_CASES_AT_ONCE = 500

log = structlog.get_logger()


@dataclass(frozen=True)
class Feed:
    """One case system and the state file beside it; `clock` gives the aware time.

    `untaken` says of registers why their newest files were not taken.
    """

    mapping: SystemMapping
    source: Source
    state: sqlite3.Connection
    clock: Callable[[], datetime]
    untaken: Callable[[], Sequence[str]] = tuple


def find_changes(feed: Feed, since: str | None = None) -> None:
    """Marks the cases of all rows changed since the bookmark less the overlap (or `since`) as to be read.

    The first time, and again every `full_read_hours`, all cases are marked, and what was refused is tried
    again: whatever slipped through then comes to light.
    """
    start, began = since or _start(feed), local_stamp(feed.clock())
    if start is None:
        for column, rows_of_another_form in feed.source.doubtful_changes().items():
            log.error("changed_form_wrong", column=column, rows=rows_of_another_form)
    newest = max(
        bookmark.setting(feed.state, bookmark.BOOKMARK) or "", feed.source.newest_change() if start is None else ""
    )
    without_number = 0
    rows, leading = feed.source.changed_rows(start), _leading_columns(feed.mapping)
    if start is None:
        with transaction(feed.state):
            bookmark.forget_rows_without_case(feed.state)
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        without_number += sum(not row.case_number for row in some)
        newest = max(newest, *(row.changed for row in some))
        with transaction(feed.state):
            bookmark.add_pending(feed.state, [(row.origin, row.case_number) for row in some])
            lost = [(row.origin, leading[row.origin.partition(":")[0]] if row.is_lost else "") for row in some]
            bookmark.keep_rows_without_case(feed.state, lost)
    with transaction(feed.state):
        if start is None:
            bookmark.add_all_known(feed.state)
            bookmark.keep_setting(feed.state, FULL_READ, feed.clock().isoformat())
            bookmark.keep_setting(feed.state, _FOUND, json.dumps({"cases": 0, "events": 0, "withdrawn": 0}))
            holding.begin(feed.state)
            holding.has_looked(feed.state)
        if start is None or since:
            bookmark.try_refused_again(feed.state)
        # A row stamped in the future must not move the bookmark past the rows that are still to come.
        # What is stamped after this poll began may have company in a table that was read before.
        bookmark.keep_setting(feed.state, bookmark.BOOKMARK, min(newest, began) if _is_polled(feed.mapping) else began)
    if without_number:
        log.warning("rows_without_case_number", rows=without_number)


def _leading_columns(mapping: SystemMapping) -> dict[str, str]:
    """By table, the column that leads from a row to its case."""
    return {table.name: table.case_number or (table.parent.column if table.parent else "") for table in mapping.tables}


def _is_polled(mapping: SystemMapping) -> bool:
    """Whether any table says when its rows changed; without that, only full reads find changes."""
    columns = [table.changed for table in mapping.tables]
    columns += [lookup.changed for table in mapping.tables for lookup in table.lookups]
    return bool(mapping.source.inbox) or any(columns)


def _start(feed: Feed) -> str | None:
    """The stamp to read from, or None if everything is to be read."""
    newest, read = moment(bookmark.setting(feed.state, bookmark.BOOKMARK)), bookmark.setting(feed.state, FULL_READ)
    if newest is None or read is None or holding.is_to_look_again(feed.state):
        return None
    settings = feed.mapping.source
    hours = settings.full_read_hours
    if hours and not timedelta() <= feed.clock() - datetime.fromisoformat(read) < timedelta(hours=hours):
        return None
    return local_stamp(newest - timedelta(minutes=settings.overlap_minutes))


def read_chunk(feed: Feed, spooled: Callable[[], None] = lambda: None) -> int:
    """Reads the next cases that are to be read and appends their events to the spool; how many cases they were.

    They are compared and appended some at a time, each time followed by `spooled`, so that they leave meanwhile.
    """
    numbers = bookmark.pending_cases(feed.state, feed.mapping.source.chunk_cases)
    if not numbers:
        return _end_full_read(feed)
    cases = feed.source.cases(numbers)
    events, faults = 0, Counter[tuple[str, str, str]]()
    for start in range(0, len(cases), _CASES_AT_ONCE):
        some = cases[start : start + _CASES_AT_ONCE]
        readings = _readings(feed, some)
        claimed = claims.settle(feed.state, readings, feed.mapping.table(CASE_TABLE).case_number)
        made, held = _compared(feed, some, readings, claimed)
        _keep(feed, readings, made, held, claimed)
        spooled()
        events += len(made)
        faults.update((fault.name, fault.column, fault.reason) for reading in readings for fault in reading.refusals)
    if events:
        log.info("read", cases=len(numbers), events=events)
    _tell_refused(faults)
    return len(numbers)


def _keep(
    feed: Feed, readings: Sequence[Reading], made: Sequence[Change], held: Sequence[Known], claimed: Claims
) -> None:
    """Notes what was found of these cases, all at once: what is known, the events, and that they have been read."""
    with transaction(feed.state):
        bookmark.keep_known(feed.state, [*held, *(change.known for change in made)])
        bookmark.keep_readings(feed.state, readings)
        claims.keep(feed.state, claimed)
        spool.append(feed.state, made)
        if feed.mapping.service.files:
            copies.keep(feed.state, made)
        bookmark.drop_pending(feed.state, [reading.number for reading in readings])
        _count_full_read(feed, len(readings), made)


def _count_full_read(feed: Feed, cases: int, made: Sequence[Change]) -> None:
    """Adds what was found to the count of the full read that is under way, if there is one."""
    if found := bookmark.setting(feed.state, _FOUND):
        counts = json.loads(found)
        withdrawn = sum(not change.known.is_live for change in made)
        more = {"cases": cases, "events": len(made), "withdrawn": withdrawn}
        added = {name: counts[name] + count for name, count in more.items()}
        bookmark.keep_setting(feed.state, _FOUND, json.dumps(added))


def _end_full_read(feed: Feed) -> int:
    """Decides what becomes of what a full read has missed, then says once what it found; how many cases to read yet."""
    found = bookmark.setting(feed.state, _FOUND)
    if not found:
        return 0
    counts = json.loads(found)
    if holding.is_under_way(feed.state):
        with transaction(feed.state):
            cases, held = holding.settle(feed.state)
            # They are read a second time.
            bookmark.keep_setting(feed.state, _FOUND, json.dumps({**counts, "cases": counts["cases"] - cases}))
        for one in held:
            log.error("withdrawals_held", source=one.source, records=one.records, of=one.of)
        if cases:
            return cases
    log.info("full_read", **counts)
    with transaction(feed.state):
        bookmark.drop_setting(feed.state, _FOUND)
    return 0


def _tell_refused(counts: Mapping[tuple[str, str, str], int]) -> None:
    """Tells what could not be read by column, so that a new code of the case system is noticed the same day."""
    for (name, column, reason), count in counts.items():
        log.error("unreadable", record=name, column=column, reason=reason, records=count)


def _compared(
    feed: Feed, cases: Sequence[CaseRows], readings: Sequence[Reading], claimed: Claims
) -> tuple[list[Change], list[Known]]:
    """The events that bring the service up to these readings, in order, and the records that are held back."""
    sources = dict.fromkeys(feed.mapping.service.sources.values())
    ids = [
        [*(record.id for record in reading.records), *claimed.cases_beside(reading.number, sources)]
        for reading in readings
    ]
    known = bookmark.known_records(feed.state, [reading.number for reading in readings], chain.from_iterable(ids))
    marks = holding.is_under_way(feed.state)
    made: list[Change] = []
    held: list[Known] = []
    # A number is given free before it is taken in another spelling.
    for case, reading, own in sorted(zip(cases, readings, ids, strict=True), key=lambda item: bool(item[1].records)):
        around = known.around(reading.number, own)
        found = changes(reading, around, feed.clock())
        leaving, kept = holding.sift(feed.mapping, case, reading, around, found, marks)
        known.put([*kept, *(change.known for change in leaving)])
        made += leaving
        held += kept
    return made, held


def _readings(feed: Feed, cases: Sequence[CaseRows]) -> list[Reading]:
    tables = [feed.mapping.table(part.table) for part in feed.mapping.milestones if part.history]
    rows = [(table, row) for case in cases for table in tables for row in case.tables.get(table.name, ())]
    kept = bookmark.histories(feed.state, {origin(table, row) for table, row in rows})
    today = feed.clock().astimezone(LOCAL_TIME).date()
    return [read_case(feed.mapping, case, kept, today) for case in cases]


def expected(feed: Feed, numbers: Sequence[str]) -> tuple[list[Change], Claims]:
    """The events that reading these cases now would make, and what they claim; nothing is kept."""
    cases = feed.source.cases(numbers)
    readings = _readings(feed, cases)
    claimed = claims.settle(feed.state, readings, feed.mapping.table(CASE_TABLE).case_number)
    made, _ = _compared(feed, cases, readings, claimed)
    return made, claimed


def sample_readings(feed: Feed, most: int) -> Iterator[Reading]:
    """The readings of up to this many cases of the source, whatever the state says; nothing is kept."""
    rows = islice(feed.source.changed_rows(None), most)
    numbers = dict.fromkeys(row.case_number for row in rows if row.case_number)
    yield from _readings(feed, feed.source.cases(list(numbers)))
