"""A database as a thief would have it, and what can be read in it."""

import json
from collections.abc import Iterable
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from caseq.store.tables import metadata
from tests.service import Service


def raw_bytes(service: Service, database_url: str) -> bytes:
    """Every byte of the SQLite files, or every row of every table as COPY writes it."""
    if service.runtime.database.is_sqlite:
        path = Path(str(make_url(database_url).database))
        return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    url = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    dump = b""
    with psycopg.connect(url) as connection:
        for table in metadata.tables:
            with connection.cursor().copy(f"COPY {table} TO STDOUT") as copy:
                dump += b"".join(map(bytes, copy))
    return dump


def shown(secrets: Iterable[str], found: bytes) -> list[str]:
    """Those of the secrets that stand there, in whatever spelling."""
    return [
        secret
        for secret in secrets
        for spelling in {secret.encode(), json.dumps(secret).strip('"').encode(), secret.encode("utf-16-le")}
        if spelling in found
    ]
