"""The adapter's one SQLite file: state, bookmark and spool change together, in one transaction, or not at all."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

from caseq.rules.numbers import lookup_key

#: Kept in the file: 2 added what the file carrier needs, 3 the unknown codes, 4 put the outgoing events into packs, 5
#: the claims of case numbers. A file of an earlier layout is brought up to this one.
_LAYOUT = 5
#: The indexes of a large state are written all over: with SQLite's 2 MiB many pages are read and written again.
_CACHE_KIB = 16384
#: What is written over and over is brought into the file so much less often than with SQLite's 1,000 pages; 16 MiB.
_CHECKPOINT_PAGES = 4000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pending (position INTEGER PRIMARY KEY, case_number TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS record (
  source TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL, case_number TEXT NOT NULL, origin TEXT NOT NULL,
  fingerprint TEXT NOT NULL, sequence TEXT NOT NULL, UNIQUE (source, type, key));
CREATE INDEX IF NOT EXISTS record_case ON record (case_number);
CREATE INDEX IF NOT EXISTS record_origin ON record (origin);
CREATE TABLE IF NOT EXISTS history (
  origin TEXT NOT NULL, name TEXT NOT NULL, entries TEXT NOT NULL, PRIMARY KEY (origin, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outgoing (
  position INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, after TEXT, events INTEGER NOT NULL,
  about TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS outgoing_source ON outgoing (source, position);
CREATE TABLE IF NOT EXISTS refused (
  source TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL, case_number TEXT NOT NULL, event_id TEXT NOT NULL,
  reasons TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (source, type, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unreadable (
  case_number TEXT NOT NULL, origin TEXT NOT NULL, name TEXT NOT NULL, field TEXT NOT NULL, reason TEXT NOT NULL,
  code TEXT NOT NULL DEFAULT '', PRIMARY KEY (case_number, origin, name, field)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kept (
  position INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL,
  case_number TEXT NOT NULL, body BLOB NOT NULL, UNIQUE (source, type, key, case_number));
CREATE TABLE IF NOT EXISTS numbering (source TEXT PRIMARY KEY, batch INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS allotted (
  source TEXT PRIMARY KEY, batch INTEGER NOT NULL, message_id TEXT NOT NULL, stamp INTEGER NOT NULL,
  events INTEGER NOT NULL, last INTEGER NOT NULL, part INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS full_copy (
  source TEXT PRIMARY KEY, copy TEXT NOT NULL, begun_at TEXT NOT NULL, part INTEGER NOT NULL, parts INTEGER NOT NULL
  ) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS copy_part (
  source TEXT NOT NULL, part INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (source, part)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claim (
  case_number TEXT PRIMARY KEY, folded TEXT NOT NULL, is_claimed INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS claim_folded ON claim (folded);
"""
_CODES = "ALTER TABLE unreadable ADD COLUMN code TEXT NOT NULL DEFAULT '';"
#: The indexes go with their tables, so that the schema can make them anew.
_ASIDE = """
DROP INDEX IF EXISTS record_case;
DROP INDEX IF EXISTS record_origin;
DROP INDEX IF EXISTS outgoing_source;
DROP INDEX IF EXISTS kept_source;
ALTER TABLE record RENAME TO former_record;
ALTER TABLE outgoing RENAME TO former_outgoing;
"""
_TAKE_OVER = """
INSERT INTO record SELECT source, type, key, case_number, origin, fingerprint, sequence FROM former_record;
INSERT INTO outgoing SELECT position, source, after, 1,
  json_array(json_array(event_id, type, key, case_number, length(CAST(body AS BLOB)))), CAST(body AS BLOB)
  FROM former_outgoing ORDER BY position;
DROP TABLE former_record;
DROP TABLE former_outgoing;
"""
#: Every case that was ever known is a spelling of its number.
_CLAIMS = """
INSERT OR IGNORE INTO claim SELECT key, lookup_key(key), max(fingerprint <> 'withdrawn') FROM record WHERE type = 'case'
  GROUP BY key;
"""
#: What every layout had.
_FIRST_TABLES = {"setting", "pending", "record", "outgoing"}
_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

DAMAGED_ADVICE = "move it away and start anew; where files are written, put its backup back (docs/adapters.md)"

#: One process works on one state file. Its two threads wait for each other here, because SQLite would have them
#: sleep and ask again, and the one that is asleep would starve.
_turn = RLock()


class StateFileError(Exception):
    """The state file cannot be used."""


class StateBusyError(StateFileError):
    """Another adapter works on this state file."""


def is_full(error: sqlite3.Error) -> bool:
    """Whether the disk of the state file is full or fails to write: then the file is whole, and waiting helps."""
    return error.sqlite_errorcode & 0xFF in _FULL if hasattr(error, "sqlite_errorcode") else False


def open_state(path: Path) -> sqlite3.Connection:
    """A connection to the state file, made if it is missing and readable by its owner only.

    Another thread may use it, but never two at once.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, timeout=10, check_same_thread=False)
    try:
        _refuse_foreign(connection)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        _bring_up(connection)
    except StateFileError:
        connection.close()
        raise
    except sqlite3.Error as error:
        connection.close()
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
            raise StateFileError(f"{path} is damaged: {DAMAGED_ADVICE}") from error
        raise
    return connection


def _refuse_foreign(connection: sqlite3.Connection) -> None:
    """Nothing, if this is a state file or an empty one; it is looked at before anything is written."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if tables and not tables >= _FIRST_TABLES:
        reason = "is a database of another program: give the right path as --state, or as state in [adapter]"
        raise StateFileError(f"the state file {reason}")


def _bring_up(connection: sqlite3.Connection) -> None:
    _refuse_foreign(connection)
    (layout,) = connection.execute("PRAGMA user_version").fetchone()
    if layout > _LAYOUT:
        raise StateFileError("the state file was made by a newer version of this program")
    if layout < _LAYOUT:
        # The first layout had no number.
        connection.create_function("lookup_key", 1, lookup_key, deterministic=True)
        is_new = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'record'").fetchone() is None
        former = f"{_CODES if layout < 3 else ''} {_ASIDE} {_SCHEMA} {_TAKE_OVER}" if layout < 4 else _SCHEMA
        script = _SCHEMA if is_new else f"{former} {_CLAIMS}"
        connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {_LAYOUT}; COMMIT;")


def open_as_is(path: Path) -> sqlite3.Connection:
    """A connection that only reads and sees the state as it is at this moment, however long it takes.

    A state that is missing or of an earlier layout is a copy in memory.
    """
    connection = open_to_read(path)
    connection.execute("BEGIN")
    if connection.execute("PRAGMA user_version").fetchone() == (_LAYOUT,):
        return connection
    connection.close()
    return open_copy(path)


def open_to_read(path: Path) -> sqlite3.Connection:
    """A connection that sees the state as others change it, and changes nothing; a state that is missing is empty."""
    if not path.exists():
        return open_copy(path)
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=10)
    _refuse_foreign(connection)
    return connection


def open_copy(path: Path) -> sqlite3.Connection:
    """A connection to a copy of the state in memory, or to an empty state; the file is only read."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    if path.exists():
        with sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True) as original:
            original.backup(copy)
        original.close()
    _bring_up(copy)
    return copy


@contextmanager
def only_adapter(path: Path) -> Iterator[None]:
    """Holds the state file for this process; StateBusyError if another one does. A killed process lets go by itself."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = sqlite3.connect(path.with_name(path.name + ".lock"), isolation_level=None, timeout=0)
    try:
        # A journal on disk would need room, and a full disk must not look like another adapter.
        lock.execute("PRAGMA journal_mode = MEMORY")
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
    with _turn:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            # On a full disk SQLite has rolled back by itself.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
