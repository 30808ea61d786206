"""Telephone numbers that take no messages, or belong to a stranger now: nothing is sent there until staff say so."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from caseq.store import bulk
from caseq.store.database import insert_into
from caseq.store.sealing import Sealer
from caseq.store.tables import dead_numbers

#: What a dead number is sealed for.
PHONE = "dead_numbers.phone"


def among(connection: Connection, phone_hashes: Collection[str]) -> set[str]:
    """Which of these fingerprints are those of dead numbers."""
    is_dead = dead_numbers.c.works_since.is_(None)
    wanted = select(dead_numbers.c.phone_hash).where(is_dead)
    return set(
        connection.execute(wanted.where(bulk.among(connection, dead_numbers.c.phone_hash, phone_hashes))).scalars()
    )


def note(connection: Connection, sealer: Sealer, phone: str, reason: str, now: datetime) -> None:
    """From now on nothing goes to this number."""
    row = {
        "phone_hash": sealer.fingerprint("phone", phone),
        "phone_sealed": sealer.seal(PHONE, phone.encode()),
        "reason": reason,
        "since": now,
        "works_since": None,
    }
    statement = insert_into(connection, dead_numbers).values(row)
    again = {name: statement.excluded[name] for name in ("reason", "since", "works_since")}
    connection.execute(statement.on_conflict_do_update(index_elements=["phone_hash"], set_=again))


def works(connection: Connection, phone_hashes: Collection[str], now: datetime) -> bool:
    """Messages go to this number again; whether it was dead."""
    mine = update(dead_numbers).where(dead_numbers.c.phone_hash.in_(phone_hashes), dead_numbers.c.works_since.is_(None))
    return connection.execute(mine.values(works_since=now).returning(dead_numbers.c.id)).first() is not None


def count(connection: Connection) -> int:
    """How many numbers are dead."""
    dead = select(func.count()).select_from(dead_numbers).where(dead_numbers.c.works_since.is_(None))
    return int(connection.execute(dead).scalar_one())
