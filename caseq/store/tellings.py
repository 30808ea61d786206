"""That staff told a party of a milestone themselves: on the telephone, at the counter, on paper."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select

from caseq.store import bulk
from caseq.store.tables import tellings


class By(StrEnum):
    """How staff told it."""

    IN_PERSON = "in person"
    TELEPHONE = "telephone"
    PAPER = "paper"


@dataclass(frozen=True, slots=True)
class Telling:
    """One telling; `shown_hash` is the fingerprint of what the party saw of the milestone when it was recorded."""

    party_id: int
    key: str
    channel: By
    shown_hash: str | None
    told_at: datetime
    by: str


def add(connection: Connection, telling: Telling, now: datetime) -> None:
    """Record that it was told."""
    row = {
        "party_id": telling.party_id,
        "key": telling.key,
        "channel": telling.channel.value,
        "shown_hash": telling.shown_hash,
        "told_at": telling.told_at,
        "recorded_at": now,
        "by": telling.by,
    }
    connection.execute(insert(tellings), row)


def of_party(connection: Connection, party_id: int) -> Sequence[Telling]:
    """What staff told this party, oldest first."""
    rows = connection.execute(select(tellings).where(tellings.c.party_id == party_id).order_by(tellings.c.id))
    return [Telling(row.party_id, row.key, By(row.channel), row.shown_hash, row.told_at, row.by) for row in rows]


def hashes(connection: Connection, party_ids: Collection[int]) -> Mapping[tuple[int, str], str | None]:
    """The fingerprint of what staff told these parties last, by party and key of the milestone."""
    wanted = select(tellings.c.party_id, tellings.c.key, tellings.c.shown_hash).order_by(tellings.c.id)
    rows = connection.execute(wanted.where(bulk.among(connection, tellings.c.party_id, party_ids)))
    return {(row.party_id, row.key): row.shown_hash for row in rows}
