"""The numbers of the files: a number belongs to one parcel from before it is written until it stands in the folder.

Everything that tells the file's bytes is kept with the number, so that a process killed in between writes the same
file again: the bytes themselves, or for a batch of the spool its place there, where it stays as it is until it is
settled. Functions that write need a transaction.
"""

import sqlite3
from dataclasses import replace

from adapters import spool
from adapters.carriers.carrier import Parcel


def allotted(connection: sqlite3.Connection, source: str) -> Parcel | None:
    """The parcel of this source that has its number and is not known to stand in the folder."""
    row = connection.execute(
        "SELECT source, message_id, body, events, batch, stamp, last, part FROM allotted WHERE source = ?", (source,)
    ).fetchone()
    if row is None:
        return None
    message_id, body, events, batch, stamp, last, part = row[1:]
    parcel = Parcel(source, message_id, body, events, batch=batch, stamp=stamp, last=last, part=part)
    return parcel if body else replace(parcel, body=spool.body_of(connection, parcel))


def last_number(connection: sqlite3.Connection, source: str) -> int | None:
    """The newest number given to a file of this source, None if there never was one."""
    row = connection.execute("SELECT batch FROM numbering WHERE source = ?", (source,)).fetchone()
    return row[0] if row else None


def allot(connection: sqlite3.Connection, parcel: Parcel) -> None:
    """Gives the parcel its number for good."""
    connection.execute("INSERT OR REPLACE INTO numbering VALUES (?, ?)", (parcel.source, parcel.batch))
    row = (parcel.source, parcel.batch, parcel.message_id, parcel.stamp, parcel.events, parcel.last, parcel.part)
    body = b"" if parcel.last else parcel.body
    connection.execute("INSERT INTO allotted VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, body))


def keep_bytes(connection: sqlite3.Connection) -> None:
    """Keeps the bytes of every numbered file with its number: what is still in the spool may leave another way."""
    for (source,) in connection.execute("SELECT source FROM allotted").fetchall():
        if parcel := allotted(connection, source):
            connection.execute("UPDATE allotted SET body = ? WHERE source = ?", (parcel.body, source))


def settle(connection: sqlite3.Connection, parcel: Parcel) -> None:
    """Notes that the parcel's file stands in the folder."""
    connection.execute("DELETE FROM allotted WHERE source = ?", (parcel.source,))
