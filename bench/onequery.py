"""The status query written by hand: the raw driver, as few statements as the engine allows, the bytes of the service.

It serves one role of one kind of case, worked out once at the start. There is nothing else here: no log line, no
metrics, no security headers, no second look at the policy. It is the floor that the service is measured against.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

import psycopg
from flask import Flask, Response, request
from psycopg.rows import dict_row

from bench.databases import SQLITE_PRAGMAS
from caseq.rules.case import BUREAU_TIME, COMMON_FIELDS
from caseq.settings import Settings, load

KIND, ROLE = "criminal", "victim"
_ENTERED = """
    SELECT s.id AS session_id, p.id AS party_id, c.id AS case_id, c.number, c.unit_name, c.unit_address, c.unit_phone,
           src.last_push_at
    FROM sessions s
    JOIN parties p ON p.id = s.party_id
    JOIN cases c ON c.id = p.case_id
    JOIN sources src ON src.name = c.source
    WHERE s.token_hash = :token AND s.ends_at > :now
      AND (SELECT max(a.at) FROM audit a WHERE a.session_id = s.id) > :idle_since
      AND p.role = s.role AND p.role = :role AND c.kind = :kind AND p.case_id = s.case_id
      AND NOT p.withdrawn AND NOT c.withdrawn AND c.state <> 'withheld'
      AND (p.valid_from IS NULL OR p.valid_from <= :today) AND (p.valid_until IS NULL OR p.valid_until >= :today)"""
_SEEN = """
    SELECT e.*, m.name, m.occurred_on, m.document_number, m.details, m.released_at
    FROM entered e
    LEFT JOIN milestones m ON m.case_id = e.case_id AND NOT m.withdrawn AND m.name IN ({names})
      AND (m.hidden_until IS NULL OR m.hidden_until < :today)
    ORDER BY m.occurred_on DESC, m.released_at DESC, m.id"""
_AUDIT = "INSERT INTO audit (at, act, session_id, party_id, case_id)"

Row = Mapping[str, Any]
Ask = Callable[[Mapping[str, Any]], Sequence[Row]]


def from_environment() -> Flask:
    """The application for the database in CASEQ_DATABASE_URL."""
    settings = load(os.environ)
    grant = settings.policy.grant(KIND, ROLE)
    seen = _SEEN.format(names=", ".join(f"'{name}'" for name in grant.milestones))
    ask = _sqlite(settings, seen) if settings.database_url.startswith("sqlite") else _postgresql(settings, seen)
    answer = _Answer(settings)
    app = Flask("onequery")

    @app.get("/api/v1/case")
    def case() -> Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        now = datetime.now(UTC)
        rows = ask(
            {
                "token": sha256(token.encode()).hexdigest(),
                "now": now,
                "idle_since": now - settings.login.session_idle,
                "today": now.astimezone(BUREAU_TIME).date(),
                "role": ROLE,
                "kind": KIND,
            }
        )
        if not rows:
            return Response(status=401)
        response = Response(answer.text(rows, now), mimetype="application/json")
        response.set_etag(sha256(response.get_data()).hexdigest()[:32])
        return response

    return app


def _postgresql(settings: Settings, seen: str) -> Ask:
    view = "SELECT :now, 'view', session_id, party_id, case_id FROM entered"
    statement = f"WITH entered AS ({_ENTERED}), audited AS ({_AUDIT} {view}) {seen}"
    for name, kind in _TYPES.items():
        statement = statement.replace(f":{name}", f"%({name})s::{kind}")
    url = settings.database_url.replace("+psycopg", "", 1)
    local = threading.local()

    def ask(values: Mapping[str, Any]) -> Sequence[Row]:
        if not hasattr(local, "cursor"):
            connection = psycopg.connect(url, autocommit=True, options="-c timezone=UTC")
            local.cursor = connection.cursor(row_factory=dict_row)
        rows: Sequence[Row] = local.cursor.execute(statement, values).fetchall()
        return rows

    return ask


_TYPES = {
    "token": "text",
    "now": "timestamptz",
    "idle_since": "timestamptz",
    "today": "date",
    "role": "text",
    "kind": "text",
}


def _sqlite(settings: Settings, seen: str) -> Ask:
    """SQLite has no INSERT inside a WITH: a second, short statement writes the audit row."""
    path = settings.database_url.removeprefix("sqlite:///")
    statement = f"WITH entered AS ({_ENTERED}) {seen}"
    audit = f"{_AUDIT} VALUES (?, 'view', ?, ?, ?)"
    local = threading.local()

    def ask(values: Mapping[str, Any]) -> Sequence[Row]:
        if not hasattr(local, "connection"):
            local.connection = sqlite3.connect(path, isolation_level=None, timeout=10)
            local.connection.row_factory = sqlite3.Row
            for pragma in SQLITE_PRAGMAS:
                local.connection.execute(pragma)
        texts = {name: _stored(value) for name, value in values.items()}
        rows: Sequence[Row] = local.connection.execute(statement, texts).fetchall()
        if rows:
            ids = (rows[0]["session_id"], rows[0]["party_id"], rows[0]["case_id"])
            local.connection.execute(audit, (texts["now"], *ids))
        return rows

    return ask


def _stored(value: Any) -> Any:
    """A value as SQLAlchemy stores it in SQLite."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return value.isoformat() if isinstance(value, date) else value


class _Answer:
    """The JSON of the case view, from rows."""

    def __init__(self, settings: Settings) -> None:
        self._grant = settings.policy.grant(KIND, ROLE)
        self._policy = settings.policy.name
        self._silent_after = settings.sources[KIND].silence.latest
        rights = settings.rights[KIND, ROLE, "zh"]
        self._rights = [{"title": right.title, "text": right.text} for right in rights]

    def text(self, rows: Sequence[Row], now: datetime) -> str:
        first = rows[0]
        as_of = _moment(first["last_push_at"])
        unit = self._grant.unit
        assert unit is not None
        assert self._grant.rights is not None
        body = {
            "case_number": first["number"],
            "kind": KIND,
            "role": ROLE,
            "as_of": _bureau(as_of),
            "source_silent": now - as_of > self._silent_after,
            "unit": {**{name: first[f"unit_{name}"] for name in unit.fields}, "clause": unit.clause},
            "rights": self._rights,
            "rights_clause": self._grant.rights.clause,
            "milestones": [self._milestone(row) for row in rows if row["name"] is not None],
            "policy": self._policy,
        }
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True)

    def _milestone(self, row: Row) -> dict[str, Any]:
        rule = self._grant.milestones[row["name"]]
        details = row["details"] if isinstance(row["details"], dict) else json.loads(row["details"])
        body: dict[str, Any] = {"name": row["name"], "released_at": _bureau(_moment(row["released_at"]))}
        shown: dict[str, str] = {}
        for name in rule.fields:
            value = row[name] if name in COMMON_FIELDS else details.get(name)
            if value is None:
                continue
            (body if name in COMMON_FIELDS else shown)[name] = value if isinstance(value, str) else value.isoformat()
        if shown:
            body["details"] = shown
        body["clause"] = rule.clause
        return body


def _moment(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if isinstance(value, str) else value


def _bureau(moment: datetime) -> str:
    return moment.astimezone(BUREAU_TIME).isoformat(timespec="seconds")
