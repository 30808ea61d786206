"""Compares the whole case system with the state, and names what the next full read would push or withdraw."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice

from adapters import bookmark
from adapters.changes import Change
from adapters.claims import Claims
from adapters.comparing import MOST_NAMED
from adapters.feed import FULL_READ, Feed, expected
from adapters.masking import shown
from adapters.reading import CASE

_NUMBERS_AT_ONCE = 5000
#: On disk, however many cases and differences there are.
_SCHEMA = """
CREATE TABLE number (position INTEGER PRIMARY KEY, case_number TEXT NOT NULL UNIQUE);
CREATE TABLE found (source TEXT, type TEXT, key TEXT, case_number TEXT, origin TEXT, is_live INTEGER);
CREATE TABLE fresh (text TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_FOUND = """
SELECT source, type, key, case_number, is_live FROM found
WHERE case_number NOT IN (SELECT text FROM fresh) AND origin NOT IN (SELECT text FROM fresh)
GROUP BY 1, 2, 3, 4, 5 ORDER BY source, type, key
"""
_KNOWN = "SELECT source, key, case_number, origin FROM record WHERE type = 'case' AND case_number = ?"
_OF_KEY = "SELECT case_number, sequence, fingerprint FROM record WHERE source = ? AND type = ? AND key = ?"
_PENDING = "SELECT 1 FROM pending WHERE case_number = ?"


@dataclass(slots=True)
class Missed:
    """What the polls missed: the first few as lines, and how many there are by source and type."""

    lines: list[str] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)


def missed(feed: Feed, now: sqlite3.Connection, tell: Callable[[int], None] = lambda _: None) -> Missed | None:
    """What the next full read would change, and no poll; None before the first full read. `tell` gets cases read.

    The feed's state is as it was at first, `now` as it becomes: what an adapter reads meanwhile, or with its next
    poll, was not missed.
    """
    if bookmark.setting(feed.state, FULL_READ) is None:
        return None
    with closing(sqlite3.connect("", isolation_level=None)) as notes:
        notes.executescript(_SCHEMA)
        _note_numbers(feed, notes)
        read = 0
        for numbers in _pages(notes, feed.mapping.source.chunk_cases):
            made, claimed = expected(feed, numbers)
            notes.executemany("INSERT INTO found VALUES (?, ?, ?, ?, ?, ?)", _rows(feed, made, claimed))
            read += len(numbers)
            tell(read)
        _note_fresh(feed, notes)
        return _told(feed, now, notes)


def _note_numbers(feed: Feed, notes: sqlite3.Connection) -> None:
    """Notes every case that the case system has, and every one that the state knows."""
    found = (row.case_number for row in feed.source.changed_rows(None) if row.case_number)
    known = (number for (number,) in feed.state.execute("SELECT DISTINCT case_number FROM record"))
    notes.execute("BEGIN")
    for numbers in (found, known):
        rows = ((number,) for number in numbers)
        notes.executemany("INSERT OR IGNORE INTO number (case_number) VALUES (?)", rows)
    notes.execute("COMMIT")


def _pages(notes: sqlite3.Connection, size: int) -> Iterator[list[str]]:
    last = 0
    query = "SELECT position, case_number FROM number WHERE position > ? ORDER BY position LIMIT ?"
    while rows := notes.execute(query, (last, size)).fetchall():
        last = rows[-1][0]
        yield [number for _, number in rows]


def _rows(feed: Feed, made: list[Change], claimed: Claims) -> Iterator[tuple[str, str, str, str, str, bool]]:
    """One row for each record that would change; also cases that go because another one now reads alike."""
    for change in made:
        source, record_type, key, number, origin, *_ = change.known
        yield source, record_type, key, number, origin, change.known.is_live
    for number in claimed.to_read:
        for source, key, case_number, origin in feed.state.execute(_KNOWN, (number,)):
            yield source, CASE, key, case_number, origin, False


def _note_fresh(feed: Feed, notes: sqlite3.Connection) -> None:
    """Notes the cases and rows that were changed after the bookmark: they wait for a poll."""
    last = bookmark.last_poll(feed.state)
    rows = feed.source.changed_rows(last) if last else iter(())
    while some := list(islice(rows, _NUMBERS_AT_ONCE)):
        fresh = ((text,) for row in some if row.changed > last for text in (row.case_number, row.origin) if text)
        notes.executemany("INSERT OR IGNORE INTO fresh VALUES (?)", fresh)


def _told(feed: Feed, now: sqlite3.Connection, notes: sqlite3.Connection) -> Missed:
    found = Missed()
    for source, record_type, key, number, is_live in notes.execute(_FOUND):
        place = (source, record_type, key)
        if now.execute(_OF_KEY, place).fetchone() != feed.state.execute(_OF_KEY, place).fetchone():
            continue
        if any(state.execute(_PENDING, (number,)).fetchone() for state in (feed.state, now)):
            continue
        found.counts[source, record_type] += 1
        if found.counts[source, record_type] <= MOST_NAMED:
            deed = "push" if is_live else "withdraw"
            text = f"{source} {record_type} {shown(key)} of case {shown(number)}"
            found.lines.append(f"{text}: the next full read would {deed} it")
    return found
