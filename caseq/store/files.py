"""Files that crossed an air gap: which were taken, and which batch numbers are missing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update

from caseq.rules.pushfile import Header, Part, Span
from caseq.store.sealing import Sealer, bound
from caseq.store.tables import file_batches, file_gaps, sources

BODY = "file_batches.body"


@dataclass(frozen=True, slots=True)
class Gap:
    """Batches of one source that did not come although later ones did."""

    source: str
    missing: Span
    noticed_at: datetime


@dataclass(frozen=True, slots=True)
class TakenFile:
    """What is remembered of a file that was taken."""

    batch: int
    message_id: str
    body_hash: str


def taken_span(connection: Connection, source: str) -> Span | None:
    """From the first batch of this source that was taken to the newest; None if none was."""
    number = file_batches.c.batch
    # Two sub-queries: SQLite finds either end in the index, but not both in one.
    first, last = (select(end(number)).where(file_batches.c.source == source) for end in (func.min, func.max))
    row = connection.execute(select(first.scalar_subquery().label("a"), last.scalar_subquery().label("b"))).one()
    return None if row.a is None else Span(row.a, row.b)


def taken_like(connection: Connection, header: Header) -> list[TakenFile]:
    """The files of this source that were taken under this batch number or this id: none, one or two."""
    is_alike = or_(file_batches.c.batch == header.batch, file_batches.c.message_id == header.message_id)
    found = select(file_batches).where(file_batches.c.source == header.source, is_alike)
    return [TakenFile(row.batch, row.message_id, row.body_hash) for row in connection.execute(found)]


def note(connection: Connection, sealer: Sealer, header: Header, digest: str, now: datetime) -> None:
    """Remember that this file is taken; `digest` is that of its body."""
    part = header.part
    row = {
        "source": header.source,
        "batch": header.batch,
        "message_id": header.message_id,
        "body_hash": sealer.fingerprint(BODY, digest),
        "body_sealed": sealer.seal(bound(BODY, header.source, header.batch), digest.encode()),
        "taken_at": now,
        "copy_id": part.copy_id if part else None,
        "part": part.part if part else None,
        "parts": part.parts if part else None,
    }
    connection.execute(insert(file_batches).values(row))
    is_newest = or_(sources.c.last_batch.is_(None), sources.c.last_batch < header.batch)
    newest = update(sources).where(sources.c.name == header.source, is_newest)
    connection.execute(newest.values(last_batch=header.batch))


def is_body_of(sealer: Sealer, taken: TakenFile, digest: str) -> bool:
    """Whether the file that was taken had the body with this digest."""
    return taken.body_hash in sealer.fingerprints(BODY, digest)


def remember_missing(connection: Connection, source: str, missing: Iterable[Span], noticed_at: datetime) -> None:
    rows = [{"source": source, "first": s.first, "last": s.last, "noticed_at": noticed_at} for s in missing]
    if rows:
        connection.execute(insert(file_gaps), rows)


def take_gap_around(connection: Connection, source: str, batch: int) -> Gap | None:
    """The gap that this batch belongs to, which is no longer remembered; None if it is missing nowhere."""
    around = delete(file_gaps).where(
        file_gaps.c.source == source, file_gaps.c.first <= batch, file_gaps.c.last >= batch
    )
    row = connection.execute(around.returning(*file_gaps.c)).one_or_none()
    return _gap(row) if row else None


def heal(connection: Connection, source: str, part: Part) -> list[Gap]:
    """If the full copy is complete: the gaps before its first batch, which are no longer remembered."""
    of_copy = (
        file_batches.c.source == source,
        file_batches.c.copy_id == part.copy_id,
        file_batches.c.parts == part.parts,
    )
    seen = select(func.count(file_batches.c.part.distinct()).label("parts"), func.min(file_batches.c.batch).label("a"))
    copy = connection.execute(seen.where(*of_copy)).one()
    if copy.parts < part.parts:
        return []
    older = delete(file_gaps).where(file_gaps.c.source == source, file_gaps.c.last < copy.a)
    return _ordered(_gap(row) for row in connection.execute(older.returning(*file_gaps.c)))


def gaps(connection: Connection) -> list[Gap]:
    """Every gap that is open, by source and number."""
    return _ordered(_gap(row) for row in connection.execute(select(file_gaps)))


def missing_counts(connection: Connection) -> dict[str, int]:
    """How many batches are missing, for each source that has sent files."""
    senders = select(sources.c.name).where(sources.c.last_batch.is_not(None))
    counts = dict.fromkeys(connection.execute(senders).scalars(), 0)
    for gap in gaps(connection):
        counts[gap.source] += gap.missing.last - gap.missing.first + 1
    return counts


def _gap(row: Row[tuple[str, int, int, datetime]]) -> Gap:
    return Gap(row.source, Span(row.first, row.last), row.noticed_at)


def _ordered(found: Iterable[Gap]) -> list[Gap]:
    return sorted(found, key=lambda gap: (gap.source, gap.missing.first))
