"""Going through the shelves a batch at a time, to seal all of it anew under the newest key; and counting what is left.

Values are computed outside any transaction, and each is written only where the old one still stands: a push in between
wins. Rows that somebody holds are left for the next pass, so that a batch never waits with locks of its own. Nothing is
kept about how far it came: a sealed value says itself which key and which cipher sealed it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, delete, func, or_, select, tuple_, update

from caseq.store import bulk, contacts
from caseq.store.sealing import KEY_CHARACTERS, SM4_MARK, Sealer
from caseq.store.shelves import Shelf, Values
from caseq.store.tables import challenges, codes, file_batches, outbox, parties, quarantine, sources

Key = tuple[Any, ...]
_KEY_ID_CHARACTERS = 8


@dataclass(frozen=True)
class Renewal:
    """A row as it was read, and what is to stand in it; `is_whole` if nothing of it has to stay as it is."""

    key: Key
    row: Any
    values: Values
    is_whole: bool


def is_old(shelf: Shelf, sealer: Sealer) -> ColumnElement[bool]:
    """Whether something in a row is not under the newest key and the cipher chosen."""
    mark, signed = sealer.mark, shelf.signed
    old = [and_(column.is_not(None), func.substr(column, 1, len(mark)) != mark) for column in shelf.sealed]
    if signed is not None:
        old.append(or_(signed.is_(None), func.substr(signed, 1, _KEY_ID_CHARACTERS) != sealer.key_id))
    return or_(*old)


def count_old(connection: Connection, sealer: Sealer, shelf: Shelf) -> int:
    """How many rows are to be sealed anew."""
    wanted = select(func.count()).select_from(shelf.table).where(is_old(shelf, sealer))
    return int(connection.execute(wanted).scalar_one())


def read(connection: Connection, sealer: Sealer, shelf: Shelf, after: Key | None, most: int) -> Sequence[Any]:
    """The next rows that are to be sealed anew, in the order of their key."""
    columns = dict.fromkeys((*shelf.key, *shelf.written, *shelf.read))
    wanted = select(*columns).where(is_old(shelf, sealer))
    if after is not None:
        wanted = wanted.where(tuple_(*shelf.key) > tuple_(*after))
    return connection.execute(wanted.order_by(*shelf.key).limit(most)).all()


def renewed(sealer: Sealer, shelf: Shelf, rows: Sequence[Any], is_unbound_good: bool) -> list[Renewal]:
    """What is to stand in these rows."""
    made = []
    for row in rows:
        values = shelf.renew(sealer, row, is_unbound_good)
        key = tuple(getattr(row, column.name) for column in shelf.key)
        made.append(Renewal(key, row, values, shelf.is_whole(row, values)))
    return made


def write(connection: Connection, shelf: Shelf, renewals: Sequence[Renewal]) -> None:
    """Put the new values where the old ones still stand and nobody holds the row."""
    changed = [renewal for renewal in renewals if renewal.values]
    if shelf.behind_pushes:
        _wait_for_pushes(connection, {renewal.row.source for renewal in changed})
        changed = _without_doubles(connection, changed)
    if not changed:
        return
    free = _free(connection, shelf, [renewal.key for renewal in changed])
    rows = [_parameters(shelf, renewal) for renewal in changed if renewal.key in free]
    same = [column.is_not_distinct_from(bindparam(f"old_{column.name}")) for column in shelf.written]
    mine = [column == bindparam(f"key_{column.name}") for column in shelf.key]
    new: dict[str, Any] = {column.name: bindparam(f"new_{column.name}") for column in shelf.written}
    if rows:
        connection.execute(update(shelf.table).where(*mine, *same).values(**new), rows)


def _parameters(shelf: Shelf, renewal: Renewal) -> dict[str, Any]:
    keys = {f"key_{column.name}": value for column, value in zip(shelf.key, renewal.key, strict=True)}
    old = {column.name: getattr(renewal.row, column.name) for column in shelf.written}
    new = {**old, **renewal.values}
    return keys | {f"old_{name}": old[name] for name in old} | {f"new_{name}": new[name] for name in old}


def _free(connection: Connection, shelf: Shelf, keys: Sequence[Key]) -> set[Key]:
    """Those of the rows that nobody holds; they are held from now on."""
    wanted = select(*shelf.key).where(tuple_(*shelf.key).in_(keys))
    rows = connection.execute(wanted.with_for_update(skip_locked=True, key_share=True))
    return {tuple(row) for row in rows}


def _wait_for_pushes(connection: Connection, names: set[str]) -> None:
    """Wait until the pushes of these sources are through; the next ones queue behind this transaction."""
    held = select(sources.c.name).where(sources.c.name.in_(names)).order_by(sources.c.name)
    connection.execute(held.with_for_update(key_share=True)).all()


def _without_doubles(connection: Connection, renewals: Sequence[Renewal]) -> list[Renewal]:
    """The refused events that are not there already under their new hash; the others are forgotten: an event that is
    refused again is kept once, as it was refused last."""
    hashes = {renewal.values["event_hash"] for renewal in renewals}
    wanted = select(quarantine.c.source, quarantine.c.event_hash, quarantine.c.id)
    there = connection.execute(wanted.where(bulk.among(connection, quarantine.c.event_hash, hashes)))
    taken = {(row.source, row.event_hash): row.id for row in there}
    kept: list[Renewal] = []
    doubles: list[Renewal] = []
    for renewal in reversed(renewals):
        place = (renewal.row.source, renewal.values["event_hash"])
        is_free = taken.setdefault(place, renewal.row.id) == renewal.row.id
        (kept if is_free else doubles).append(renewal)
    ids = [renewal.row.id for renewal in doubles]
    connection.execute(delete(quarantine).where(quarantine.c.id.in_(ids)))
    return kept


def follow(connection: Connection, renewals: Sequence[Renewal]) -> None:
    """Let codes and messages name the same telephone numbers by their new fingerprints."""
    pairs = [(renewal.row.phone_hash, renewal.values.get("phone_hash")) for renewal in renewals]
    new: dict[str, str] = {was: now for was, now in pairs if was and now and was != now}
    if not new:
        return
    for table in (codes, outbox):
        keys = tuple(table.primary_key.columns)
        wanted = select(*keys, table.c.phone_hash).where(bulk.among(connection, table.c.phone_hash, new))
        rows = connection.execute(wanted.with_for_update(skip_locked=True, key_share=True)).all()
        mine = [column == bindparam(f"key_{column.name}") for column in keys]
        found = [
            {f"key_{column.name}": getattr(row, column.name) for column in keys} | {"new": new[row.phone_hash]}
            for row in rows
        ]
        if found:
            connection.execute(update(table).where(*mine).values(phone_hash=bindparam("new")), found)


def note_broken(connection: Connection, sealer: Sealer, renewals: Sequence[Renewal], now: datetime) -> None:
    """Look once more at the parties that could not be sealed anew, and note those whose contact was edited by hand."""
    ids = [renewal.row.id for renewal in renewals if not renewal.is_whole]
    if ids:
        for row in connection.execute(select(*contacts.COLUMNS).where(parties.c.id.in_(ids))).all():
            contacts.checked(connection, sealer, row, now)


@dataclass(frozen=True, slots=True)
class Under:
    """How many values of one column begin alike: `mark` is the start of a seal, or the id of a key."""

    column: str
    mark: str | None
    count: int


def seals(connection: Connection, shelf: Shelf) -> Iterator[Under]:
    """How many values of each sealed column there are by mark."""
    for column in shelf.sealed:
        start = len(SM4_MARK) + KEY_CHARACTERS
        mark = case(
            (func.substr(column, 1, len(SM4_MARK)) == SM4_MARK, func.substr(column, 1, start)),
            else_=func.substr(column, 1, KEY_CHARACTERS),
        ).label("mark")
        # Grouped outside: PostgreSQL would take the parameters of two equal expressions for different ones.
        marked = select(mark).where(column.is_not(None)).subquery()
        counted = select(marked.c.mark, func.count()).group_by(marked.c.mark).order_by(marked.c.mark)
        yield from (Under(str(column), row[0], row[1]) for row in connection.execute(counted))


def signatures(connection: Connection, shelf: Shelf) -> Iterator[Under]:
    """How many signatures of the shelf there are by the id of their key; None: rows without one."""
    if shelf.signed is not None:
        key_id = select(func.substr(shelf.signed, 1, _KEY_ID_CHARACTERS).label("mark")).subquery()
        counted = select(key_id.c.mark, func.count()).group_by(key_id.c.mark).order_by(key_id.c.mark)
        yield from (Under(str(shelf.signed), row[0], row[1]) for row in connection.execute(counted))


def open_requests(connection: Connection, now: datetime) -> Mapping[str, tuple[int, datetime]]:
    """How many requests for a code are within their time, and the end of the last one, by the id of their key."""
    wanted = select(challenges.c.key_id, func.count(), func.max(challenges.c.expires_at))
    rows = connection.execute(wanted.where(challenges.c.expires_at > now).group_by(challenges.c.key_id))
    return {row[0]: (row[1], row[2]) for row in rows}


def count_lasting_files(connection: Connection) -> int:
    """How many files were taken before 0007: their fingerprints cannot be made anew."""
    wanted = select(func.count()).select_from(file_batches).where(file_batches.c.body_sealed.is_(None))
    return int(connection.execute(wanted).scalar_one())


def all_contacts(connection: Connection, most: int) -> Iterator[Sequence[Any]]:
    """Every party with contacts.COLUMNS, so many at a time."""
    last = 0
    wanted = select(*contacts.COLUMNS).order_by(parties.c.id).limit(most)
    while rows := connection.execute(wanted.where(parties.c.id > last)).all():
        yield rows
        last = rows[-1].id
