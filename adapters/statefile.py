"""The adapter's one SQLite file: state, bookmark and spool change together, in one transaction, or not at all."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pending (position INTEGER PRIMARY KEY, case_number TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS record (
  source TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL, case_number TEXT NOT NULL, origin TEXT NOT NULL,
  fingerprint TEXT NOT NULL, sequence TEXT NOT NULL, PRIMARY KEY (source, type, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS record_case ON record (case_number);
CREATE INDEX IF NOT EXISTS record_origin ON record (origin);
CREATE TABLE IF NOT EXISTS history (
  origin TEXT NOT NULL, name TEXT NOT NULL, entries TEXT NOT NULL, PRIMARY KEY (origin, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outgoing (
  position INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, event_id TEXT NOT NULL, type TEXT NOT NULL,
  key TEXT NOT NULL, case_number TEXT NOT NULL, after INTEGER, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS outgoing_source ON outgoing (source, position);
CREATE TABLE IF NOT EXISTS refused (
  source TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL, case_number TEXT NOT NULL, event_id TEXT NOT NULL,
  reasons TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (source, type, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unreadable (
  case_number TEXT NOT NULL, origin TEXT NOT NULL, name TEXT NOT NULL, field TEXT NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY (case_number, origin, name, field)) WITHOUT ROWID;
"""


class StateBusyError(Exception):
    """Another adapter works on this state file."""


def open_state(path: Path) -> sqlite3.Connection:
    """A connection to the state file, made if it is missing and readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.executescript(_SCHEMA)
    return connection


def open_copy(path: Path) -> sqlite3.Connection:
    """A connection to a copy of the state in memory, or to an empty state; the file is only read."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    if path.exists():
        with sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True) as original:
            original.backup(copy)
        original.close()
    copy.executescript(_SCHEMA)
    return copy


@contextmanager
def only_adapter(path: Path) -> Iterator[None]:
    """Holds the state file for this process; StateBusyError if another one does. A killed process lets go by itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = sqlite3.connect(path.with_name(path.name + ".lock"), isolation_level=None, timeout=0)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        raise StateBusyError(f"another adapter is running on {path}") from error
    try:
        yield
    finally:
        lock.close()


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commits everything inside together, or nothing if it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
