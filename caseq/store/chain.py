"""The chain over the audit as rows: which rows are not linked yet, appending links, reading them with their rows."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select

from caseq.rules.chain import Link, Row
from caseq.store.database import insert_into
from caseq.store.tables import audit, audit_anchors, audit_links

#: A row that is not there so long after a later one never comes: statements and pauses of a transaction end in 30 s.
LATEST = timedelta(minutes=15)
_ROW = tuple(audit.c[name] for name in Row.__dataclass_fields__)
_LINK = tuple(audit_links.c[name] for name in Link.__dataclass_fields__)


def head(connection: Connection) -> Link | None:
    """The last link, None if nothing was ever linked."""
    row = connection.execute(select(*_LINK).order_by(audit_links.c.position.desc()).limit(1)).first()
    return None if row is None else Link(*row)


def settled(connection: Connection, before: datetime) -> int:
    """The id up to which every row is linked that ever will be: that of the last link whose row is older than this
    moment, which no transaction outlives. 0 if there is none."""
    linked = select(audit.c.id).join(audit_links, audit_links.c.audit_id == audit.c.id).where(audit.c.at <= before)
    return connection.execute(linked.order_by(audit_links.c.position.desc()).limit(1)).scalar_one_or_none() or 0


def _unlinked(columns: Sequence[Any], after: int, most: int) -> Select[Any]:
    joined = select(*columns).outerjoin(audit_links, audit_links.c.audit_id == audit.c.id)
    return joined.where(audit.c.id > after, audit_links.c.audit_id.is_(None)).order_by(audit.c.id).limit(most)


def unlinked(connection: Connection, after: int, most: int) -> list[Row]:
    """The first rows above this id that have no link, by id."""
    return [Row(*row) for row in connection.execute(_unlinked(_ROW, after, most))]


def oldest_unlinked(connection: Connection, after: int) -> datetime | None:
    """When the first row above this id that has no link was written, None if all have one."""
    moment: datetime | None = connection.execute(_unlinked((audit.c.at,), after, 1)).scalar_one_or_none()
    return moment


def count_unlinked(connection: Connection, after: int) -> int:
    """How many rows above this id have no link."""
    found = _unlinked((audit.c.id,), after, 1_000_000).subquery()
    return int(connection.execute(select(func.count()).select_from(found)).scalar_one())


def append(connection: Connection, links: Sequence[Link]) -> bool:
    """Put these links behind the last; False, and nothing is written, if somebody else's stand there already."""
    rows = [{name: getattr(link, name) for name in Link.__dataclass_fields__} for link in links]
    claim = insert_into(connection, audit_links).values(rows[0]).on_conflict_do_nothing()
    if connection.execute(claim.returning(audit_links.c.position)).first() is None:
        return False
    if rows[1:]:
        connection.execute(insert(audit_links), rows[1:])
    return True


def stretches(connection: Connection, most: int) -> Iterator[list[tuple[Link, Row | None]]]:
    """All links in their order, each with its row (None: it is gone), so many at a time."""
    after = -1
    joined = select(*_LINK, *_ROW).outerjoin(audit, audit.c.id == audit_links.c.audit_id)
    while True:
        wanted = joined.where(audit_links.c.position > after).order_by(audit_links.c.position).limit(most)
        found = [_linked(tuple(row)) for row in connection.execute(wanted)]
        if not found:
            return
        yield found
        after = found[-1][0].position


def _linked(row: tuple[Any, ...]) -> tuple[Link, Row | None]:
    link, of_row = row[: len(_LINK)], row[len(_LINK) :]
    return Link(*link), None if of_row[0] is None else Row(*of_row)


def strange(connection: Connection, up_to: int, most: int) -> list[int]:
    """The ids up to this one of rows that have no link, the first of them."""
    wanted = _unlinked((audit.c.id,), 0, most).where(audit.c.id <= up_to)
    return list(connection.execute(wanted).scalars())


def note_anchor(connection: Connection, position: int, now: datetime) -> None:
    """Note that the hash at this position was written down outside."""
    anchored = insert_into(connection, audit_anchors).values(position=position, at=now)
    connection.execute(anchored.on_conflict_do_update(index_elements=["position"], set_={"at": now}))


def newest_anchor(connection: Connection) -> tuple[int, datetime] | None:
    """The last position that was written down outside, and when; None if none was."""
    wanted = select(audit_anchors.c.position, audit_anchors.c.at).order_by(audit_anchors.c.position.desc())
    row = connection.execute(wanted.limit(1)).first()
    return None if row is None else (row[0], row[1])
