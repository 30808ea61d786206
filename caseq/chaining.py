"""The audit is chained behind those who write it, anchored outside the database, and verified."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog

from caseq.errors import DatabaseUnavailable
from caseq.rules.chain import BEGINNING, SEAL, Anchor, Broken, Fault, Link, Row, anchor_line, link_hash, sealed_text
from caseq.runtime import Runtime
from caseq.store import chain
from caseq.store.sealing import Sealer

log = structlog.get_logger("caseq.chaining")

#: So many rows get their links in one transaction.
ROWS_AT_ONCE = 1000
LOOK_SECONDS = 2.0
#: So often also rows are looked for that committed after others with higher ids.
SWEEP_SECONDS = 20.0
_ROWS_VERIFIED_AT_ONCE = 5000
MOST_BROKEN = 20


@dataclass(frozen=True, slots=True)
class Linked:
    """How many rows were linked, and the highest id of them: of a look that began there, later ones are all above."""

    rows: int
    up_to: int | None


def link(runtime: Runtime, after: int | None = None) -> Linked:
    """Put every row of the audit that has no link behind the last one, in batches.

    `after`: only rows above this id; None: also those below others that committed earlier. Several may try at once: who
    claims the next position first writes the batch, the others leave it at that.
    """
    done = 0
    while batch := link_some(runtime, after):
        done, after = done + len(batch), max(one.audit_id for one in batch)
    return Linked(done, after)


def link_some(runtime: Runtime, after: int | None = None) -> Sequence[Link]:
    """Link one batch; nothing if nothing is left, or if somebody else was faster."""
    with runtime.database.autocommit() as connection:
        last = chain.head(connection)
        floor = chain.settled(connection, runtime.clock() - chain.LATEST) if after is None else after
        rows = chain.unlinked(connection, floor, ROWS_AT_ONCE)
    if not rows:
        return ()
    links = _links(runtime.sealer, last, rows)
    with runtime.database.transaction() as connection:
        return links if chain.append(connection, links) else ()


def _links(sealer: Sealer, last: Link | None, rows: Iterable[Row]) -> list[Link]:
    """The links of these rows behind the last one; the end of them is sealed."""
    links, before, position = [], last.hash if last else BEGINNING, last.position if last else 0
    for row in rows:
        position += 1
        before = link_hash(before, position, row)
        links.append(Link(position, row.id, before))
    links[-1] = Link(position, links[-1].audit_id, before, sealer.signature(SEAL, sealed_text(position, before)))
    return links


def anchor(runtime: Runtime) -> Anchor | None:
    """Write the newest position with its hash into the anchor file, to the disk, and into the log; None if it stands
    there already. Raises OSError if the file cannot be written."""
    with runtime.database.autocommit() as connection:
        last, newest = chain.head(connection), chain.newest_anchor(connection)
    if last is None or (newest and newest[0] >= last.position):
        return None
    now = runtime.clock()
    made = Anchor(last.position, last.hash, now.isoformat())
    _append(runtime.settings.audit.anchor_file, anchor_line(made))
    log.info("audit_anchored", position=made.position, hash=made.hash, at=made.at)
    with runtime.database.transaction() as connection:
        chain.note_anchor(connection, made.position, now)
    return made


def _append(path: Path, line: str) -> None:
    """The line is at the end of the file and on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line.encode() + b"\n")
        os.fsync(file)
    finally:
        os.close(file)


def keep(runtime: Runtime, stopping: threading.Event) -> None:
    """Link and anchor again and again, until told to stop; whatever fails is tried again."""
    pause = runtime.settings.audit.anchor_minutes * 60
    swept_at = anchored_at = -float("inf")
    after: int | None = None
    while not stopping.is_set():
        try:
            if time.monotonic() - swept_at >= SWEEP_SECONDS:
                swept_at, after = time.monotonic(), None
            after = link(runtime, after).up_to
            if time.monotonic() - anchored_at >= pause:
                anchored_at = time.monotonic()
                anchor(runtime)
        except DatabaseUnavailable as error:
            log.error("database_unavailable", cause=str(error))
        except OSError as error:
            log.error("audit_not_anchored", file=str(runtime.settings.audit.anchor_file), cause=error.strerror)
        except Exception as error:
            log.error("audit_not_linked", kind=type(error).__name__, exc_info=error)
        stopping.wait(LOOK_SECONDS)


@dataclass(frozen=True, slots=True)
class State:
    """The last link, since how many seconds a row waits for its own, the newest anchor and when it was made."""

    last: Link | None
    waiting_seconds: float
    anchored: tuple[int, datetime] | None


def state(runtime: Runtime) -> State:
    """How far the chain has come."""
    now = runtime.clock()
    with runtime.database.autocommit() as connection:
        oldest = chain.oldest_unlinked(connection, chain.settled(connection, now - chain.LATEST))
        waiting = max((now - oldest).total_seconds(), 0.0) if oldest else 0.0
        return State(chain.head(connection), waiting, chain.newest_anchor(connection))


@dataclass
class Verified:
    """What was found: how many links, the last one, how many rows wait for theirs, how many anchors agree, how many
    seals are of keys that are not there any more, and what is broken, the first MOST_BROKEN places."""

    links: int = 0
    last: Link | None = None
    waiting: int = 0
    anchors: int = 0
    seals_unknown: int = 0
    broken: list[Broken] = field(default_factory=list)


def verify(runtime: Runtime, anchors: Iterable[Anchor], tell: Callable[[int], None]) -> Verified:
    """Compute the whole chain again and hold it against seals and anchors; `tell` hears how many links are done."""
    named: dict[int, set[str]] = {}
    for one in anchors:
        named.setdefault(one.position, set()).add(one.hash)
    found = Verified()
    with runtime.database.autocommit() as connection:
        for stretch in chain.stretches(connection, _ROWS_VERIFIED_AT_ONCE):
            for link_, row in stretch:
                _check(runtime.sealer, found, link_, row, named)
                if len(found.broken) >= MOST_BROKEN:
                    return found
            tell(found.links)
        _check_end(runtime.sealer, found, named)
        floor = chain.settled(connection, runtime.clock() - chain.LATEST)
        found.waiting = chain.count_unlinked(connection, floor)
        strangers = chain.strange(connection, floor, MOST_BROKEN - len(found.broken))
    found.broken += [Broken(Fault.STRANGE, None, id_) for id_ in strangers]
    return found


def _check(sealer: Sealer, found: Verified, one: Link, row: Row | None, named: Mapping[int, set[str]]) -> None:
    """Count this link, after noting what is wrong with it. The chain goes on with the hash as it is stored, so that
    one changed row is one broken place."""
    before, expected = (found.last.hash, found.last.position + 1) if found.last else _beginning(one, named)
    if one.position != expected:
        found.broken.append(Broken(Fault.CUT, expected, None))
    elif row is None:
        found.broken.append(Broken(Fault.LOST, one.position, one.audit_id))
    elif link_hash(before, one.position, row) != one.hash:
        found.broken.append(Broken(Fault.CHANGED, one.position, one.audit_id))
    if one.seal is not None:
        if not sealer.has(one.seal.partition(".")[0]):
            found.seals_unknown += 1
        elif not sealer.is_signature(SEAL, sealed_text(one.position, one.hash), one.seal):
            found.broken.append(Broken(Fault.FORGED, one.position, one.audit_id))
    if (hashes := named.get(one.position)) is not None:
        if hashes != {one.hash}:
            found.broken.append(Broken(Fault.ANCHORED, one.position, one.audit_id))
        else:
            found.anchors += 1
    found.links += 1
    found.last = one


def _beginning(first: Link, named: Mapping[int, set[str]]) -> tuple[str, int]:
    """The hash before the first link, and its position: what was taken away at the front is known by an anchor."""
    (before, *others) = named.get(first.position - 1, {BEGINNING})
    is_known = first.position - 1 in named and not others
    return (before, first.position) if is_known else (BEGINNING, 1)


def _check_end(sealer: Sealer, found: Verified, named: Mapping[int, set[str]]) -> None:
    """Note if the end is not sealed with a key that is there, or if an anchor lies behind it."""
    last = found.last
    if last is not None and (last.seal is None or not sealer.has(last.seal.partition(".")[0])):
        found.broken.append(Broken(Fault.UNSEALED, last.position, last.audit_id))
    behind = [position for position in named if position > (last.position if last else 0)]
    if behind:
        found.broken.append(Broken(Fault.ANCHORED, min(behind), None))
