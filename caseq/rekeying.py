"""Changing the keys of what is sealed, while the service works; and finding contacts that were edited by hand."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from caseq.errors import DatabaseUnavailable
from caseq.rules.ciphers import Cipher
from caseq.runtime import Runtime
from caseq.store import auditing, chain, contacts, rotation
from caseq.store.contacts import Standing
from caseq.store.database import Connection
from caseq.store.rotation import Key, Renewal
from caseq.store.shelves import SHELVES, Shelf

log = structlog.get_logger("caseq.rekeying")

ROWS_AT_ONCE = 200
_PASSES = 20
_PAUSE_SECONDS = 0.2
_TRIES = 6


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of a table's rows that were to be sealed anew have been dealt with."""

    table: str
    done: int
    of: int


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """What became of one table: rows sealed anew, rows that cannot be opened, rows to be done by another run."""

    table: str
    renewed: int
    broken: int
    left: int


@dataclass(frozen=True, slots=True)
class KeyLost:
    """So many values are sealed with a key that is not in CASEQ_SECRET_KEY; nothing was done."""

    values: int


@dataclass(frozen=True, slots=True)
class Use:
    """How many values of a column are under one key (None: under none that is known) and cipher (None: hashed)."""

    column: str
    key_id: str | None
    cipher: Cipher | None
    count: int


@dataclass(frozen=True)
class Status:
    """What is under which key. `requests` are those for a code that are within their time: (how many, until when).

    `unbound_are_good`: contacts of before 0007 are still taken, because no rotation went through. `audit_key` is what
    the end of the audit's chain is sealed with; a worker seals the next end with the newest key.
    """

    key_ids: Sequence[str]
    cipher: Cipher
    uses: Sequence[Use]
    requests: Mapping[str, tuple[int, datetime]]
    old_files: int
    unbound_are_good: bool
    audit_key: str | None

    @property
    def newest_is_enough(self) -> bool:
        """Whether every older key could be taken out now."""
        older = set(self.key_ids[1:])
        in_use = {use.key_id for use in self.uses} | self.requests.keys() | {self.audit_key}
        return not older & in_use and not self.lost

    @property
    def lost(self) -> int:
        """How many values are sealed with a key that is not in CASEQ_SECRET_KEY, if they are sealed at all."""
        return sum(use.count for use in self.uses if use.key_id is None and use.column.endswith("_sealed"))


def status(runtime: Runtime) -> Status:
    """What is sealed or fingerprinted under which key at this moment."""
    sealer, uses = runtime.sealer, []
    with runtime.database.autocommit() as connection:
        for shelf in SHELVES:
            for found in rotation.seals(connection, shelf):
                key_id, cipher = sealer.marks.get(found.mark or "", (None, None))
                uses.append(Use(found.column, key_id, cipher, found.count))
            for found in rotation.signatures(connection, shelf):
                known = found.mark if found.mark and sealer.has(found.mark) else None
                uses.append(Use(found.column, known, None, found.count))
        return Status(
            sealer.key_ids,
            runtime.settings.data.cipher,
            uses,
            rotation.open_requests(connection, runtime.clock()),
            rotation.count_lasting_files(connection),
            contacts.are_unbound_good(connection, sealer),
            _audit_key(connection),
        )


def _audit_key(connection: Connection) -> str | None:
    last = chain.head(connection)
    return last.seal.partition(".")[0] if last is not None and last.seal is not None else None


def rotate(runtime: Runtime, tell: Callable[[Progress], None], leave_lost: bool = False) -> list[Rekeyed] | KeyLost:
    """Seal and fingerprint everything under the newest key and the cipher chosen, in short transactions.

    It may be killed and run again at any time, by several at once too. `leave_lost` goes on although a key is missing.
    """
    lost = status(runtime).lost
    if lost and not leave_lost:
        return KeyLost(lost)
    done = [_table(runtime, shelf, tell) for shelf in SHELVES]
    with runtime.database.transaction() as connection:
        if not any(one.left for shelf, one in zip(SHELVES, done, strict=True) if shelf.has_contacts):
            contacts.end_unbound(connection)
        facts = {"key": runtime.sealer.key_id, "rows": sum(one.renewed for one in done)}
        auditing.record(connection, "rotate_keys", runtime.clock(), facts=facts)
    return done


def _table(runtime: Runtime, shelf: Shelf, tell: Callable[[Progress], None]) -> Rekeyed:
    """Go through a table until only rows are left that cannot be opened; somebody may hold others for a while."""
    first = left = _count(runtime, shelf)
    broken = 0
    for turn in range(_PASSES):
        if turn:
            time.sleep(_PAUSE_SECONDS * turn)
        broken = _go_through(runtime, shelf, tell, first)
        left = max(0, _count(runtime, shelf) - broken)
        if not left:
            break
    return Rekeyed(shelf.table.name, max(0, first - left - broken), broken, left)


def _count(runtime: Runtime, shelf: Shelf) -> int:
    with runtime.database.autocommit() as connection:
        return rotation.count_old(connection, runtime.sealer, shelf)


def _go_through(runtime: Runtime, shelf: Shelf, tell: Callable[[Progress], None], of: int) -> int:
    """Seal what is old in a table anew; how many rows could not be opened as a whole."""
    after: Key | None = None
    done = broken = 0
    while batch := _read(runtime, shelf, after):
        began = time.monotonic()
        _persist(partial(_write, runtime, shelf, batch))
        after = batch[-1].key
        done += len(batch)
        broken += sum(not renewal.is_whole for renewal in batch)
        tell(Progress(shelf.table.name, min(done, of), of))
        time.sleep(min(time.monotonic() - began, 1.0))  # Half of the time belongs to everybody else.
    return broken


def _read(runtime: Runtime, shelf: Shelf, after: Key | None) -> list[Renewal]:
    with runtime.database.autocommit() as connection:
        rows = rotation.read(connection, runtime.sealer, shelf, after, ROWS_AT_ONCE)
        is_unbound_good = shelf.has_contacts and contacts.are_unbound_good(connection, runtime.sealer)
    return rotation.renewed(runtime.sealer, shelf, rows, is_unbound_good)


def _write(runtime: Runtime, shelf: Shelf, batch: Sequence[Renewal]) -> None:
    """Two transactions, the codes and messages first: their hashes are right whether or not a push wins the party."""
    if shelf.has_contacts:
        with runtime.database.transaction() as connection:
            rotation.follow(connection, batch)
    with runtime.database.transaction() as connection:
        rotation.write(connection, shelf, batch)
        if shelf.has_contacts:
            rotation.note_broken(connection, runtime.sealer, batch, runtime.clock())


def _persist(act: Callable[[], None]) -> None:
    """Do it again, a few times, if the database was too busy."""
    for attempt in range(_TRIES):
        try:
            act()
        except DatabaseUnavailable as error:
            if attempt == _TRIES - 1:
                raise
            log.warning("rotation_waits", cause=str(error))
            time.sleep(_PAUSE_SECONDS * 2**attempt)
        else:
            return


def suspicious_contacts(runtime: Runtime) -> list[tuple[int, Standing]]:
    """Every party whose contact was edited by hand or cannot be read, by id; nothing is changed."""
    found: list[tuple[int, Standing]] = []
    with runtime.database.autocommit() as connection:
        is_unbound_good = contacts.are_unbound_good(connection, runtime.sealer)
        for rows in rotation.all_contacts(connection, ROWS_AT_ONCE * 10):
            for row in rows:
                standing = contacts.read(runtime.sealer, row, is_unbound_good).standing
                if standing is not Standing.INTACT:
                    found.append((row.id, standing))
    return found
