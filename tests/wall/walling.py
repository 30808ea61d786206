"""What the tests of the wall share: a service on both sides of it, and cases in which every field is marked."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg
from sqlalchemy.engine import make_url

from caseq.rules.case import bureau_date
from caseq.rules.disclosure import CaseView, StoredCase, project
from caseq.runtime import Runtime
from caseq.store import wall
from caseq.store.views import CaseQuery
from tests.service import Service
from tests.test_no_leak import Markers, everything


def plain(url: str) -> str:
    """The URL as the driver takes it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def apply(runtime: Runtime, url: str | None = None) -> None:
    """Make the wall for the policy of these settings, as the owner of the tables or with that URL."""
    assert runtime.behind_wall is not None
    settings = runtime.settings
    role = runtime.behind_wall.url.username or ""
    statements = wall.sql(settings.policy, settings.login.session_idle, role)
    if url is None:
        wall.apply(runtime.database, statements)
        return
    with psycopg.connect(plain(url)) as connection:
        connection.execute(statements.encode())


class Urls(NamedTuple):
    """The ways to the walled database: as a superuser, as the owner of the tables, as the role behind the wall."""

    admin: str
    owner: str
    reader: str


@dataclass
class Walled:
    """A service whose query runs behind the wall, and the ways to its database."""

    service: Service
    urls: Urls

    @property
    def role(self) -> str:
        return make_url(self.urls.reader).username or ""

    def do(self, statement: str, *values: Any, url: str | None = None) -> list[Any]:
        """The rows of what is done to the database, as the owner of the tables or with that URL."""
        with psycopg.connect(plain(url or self.urls.owner), autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def stored(self, token: str | None, *, behind: bool = True) -> StoredCase | None:
        """What the query gives, behind the wall or without it."""
        runtime = self.service.runtime
        query = runtime.case_query if behind else CaseQuery(runtime.settings.policy, {})
        idle = runtime.settings.login.session_idle
        return query.load(runtime.database, str(token), self.service.clock(), idle)

    def view(self, token: str | None, *, behind: bool = True) -> CaseView | None:
        """What of it reaches the reader."""
        stored = self.stored(token, behind=behind)
        policy = self.service.runtime.settings.policy
        return project(stored, policy, (), bureau_date(self.service.clock())) if stored is not None else None

    def both(self, token: str | None) -> CaseView | None:
        """The view, which must be the same on both sides of the wall."""
        behind = self.view(token)
        assert behind == self.view(token, behind=False)
        return behind


def marked(markers: Markers, kind: str, role: str, case: str) -> list[dict[str, Any]]:
    """The events of a case in which every field is marked, its parties having appeared long ago."""
    events = everything(markers, kind, role)
    for one in events:
        one["subject"] = case
        for key in ("party", "milestone"):
            if key in one["data"]:
                one["data"][key] += f"-{case}"
        if "appeared_on" in one["data"]:
            one["data"]["appeared_on"] = "2020-01-01"
    return events
