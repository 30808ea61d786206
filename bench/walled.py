"""The status query behind the wall in PostgreSQL against the same query without it, in process."""

import secrets
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from bench.databases import Place
from bench.dataset import Reader
from bench.effort import Effort
from bench.results import Row, ratios
from bench.status import PATH, block, called
from caseq import runtime as runtimes
from caseq.app import create_app
from caseq.runtime import Runtime
from caseq.store import wall


def compare(place: Place, parts: Runtime, readers: Sequence[Reader], effort: Effort) -> list[Row]:
    """How many times dearer one request is behind the wall; no line for SQLite, which has none."""
    if place.is_sqlite:
        return []
    with _behind(place, parts) as behind:
        apps = {"without": create_app(parts), "behind": create_app(behind)}
        first = {name: called(app, readers[0].token) for name, app in apps.items()}
        assert first["without"] == first["behind"], f"{PATH}: the answer behind the wall is another"
        took: dict[str, list[float]] = {name: [] for name in apps}
        for number in range(effort.blocks + 1):
            for name, app in apps.items():
                seconds = block(app, readers, number)
                if number:
                    took[name].append(seconds)
    values = ratios(took["behind"], took["without"])
    what = "status query behind the wall, in process: how many times dearer"
    return [Row(what, "without the wall", place.engine, values, unit=" ×")]


@contextmanager
def _behind(place: Place, parts: Runtime) -> Iterator[Runtime]:
    """The same service with its case query behind the wall; role and wall are gone at the end."""
    role, password = f"caseq_bench_{uuid.uuid4().hex[:12]}", secrets.token_hex(16)
    name = sql.Identifier(role)
    with psycopg.connect(place.raw, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(password)))
        try:
            settings = parts.settings
            wall.apply(parts.database, wall.sql(settings.policy, settings.login.session_idle, role))
            url = make_url(place.url).set(username=role, password=password).render_as_string(hide_password=False)
            behind = runtimes.build(replace(settings, query_database_url=url))
            try:
                yield behind
            finally:
                behind.database.close()
                if behind.behind_wall is not None:
                    behind.behind_wall.close()
        finally:
            admin.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(name))
            admin.execute("DROP SCHEMA IF EXISTS caseq_wall CASCADE")
