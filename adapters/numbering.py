"""The numbers of the files: a number belongs to one parcel from before it is written until it stands in the folder.

Everything that tells the file's bytes is kept with the number, so that a process killed in between writes the same
file again. Functions that write need a transaction.
"""

import sqlite3

from adapters.carriers.carrier import Parcel


def allotted(connection: sqlite3.Connection, source: str) -> Parcel | None:
    """The parcel of this source that has its number and is not known to stand in the folder."""
    row = connection.execute(
        "SELECT source, message_id, body, events, batch, stamp, last, part FROM allotted WHERE source = ?", (source,)
    ).fetchone()
    if row is None:
        return None
    message_id, body, events, batch, stamp, last, part = row[1:]
    return Parcel(source, message_id, body, events, batch=batch, stamp=stamp, last=last, part=part)


def last_number(connection: sqlite3.Connection, source: str) -> int | None:
    """The newest number given to a file of this source, None if there never was one."""
    row = connection.execute("SELECT batch FROM numbering WHERE source = ?", (source,)).fetchone()
    return row[0] if row else None


def allot(connection: sqlite3.Connection, parcel: Parcel) -> None:
    """Gives the parcel its number for good."""
    connection.execute("INSERT OR REPLACE INTO numbering VALUES (?, ?)", (parcel.source, parcel.batch))
    row = (parcel.source, parcel.batch, parcel.message_id, parcel.stamp, parcel.events, parcel.last, parcel.part)
    connection.execute("INSERT INTO allotted VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, parcel.body))


def settle(connection: sqlite3.Connection, parcel: Parcel) -> None:
    """Notes that the parcel's file stands in the folder."""
    connection.execute("DELETE FROM allotted WHERE source = ?", (parcel.source,))
