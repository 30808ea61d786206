"""The one query behind every case view: it reads only what the policy in force opens to the reader.

On PostgreSQL the audit row is written by the same statement; SQLite needs a second one, because it has no
INSERT inside a WITH. Both run in autocommit, so no BEGIN or COMMIT travels.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.types import NullType

from caseq.rules.case import Unit, bureau_date
from caseq.rules.disclosure import Policy, StoredCase, StoredMilestone
from caseq.rules.silence import Bounds
from caseq.store.access import may_enter, may_see
from caseq.store.database import Database
from caseq.store.prepared import Prepared, driver_connection
from caseq.store.tables import Moment, audit, cases, milestones, parties, sessions, sources

ACT = "view"
_NOW = bindparam("now", type_=Moment)
_IDLE_SINCE = bindparam("idle_since", type_=Moment)
_ACT: ColumnElement[str] = literal_column(f"'{ACT}'")
_AUDITED = ("at", "act", "session_id", "party_id", "case_id")


class _Entered(NamedTuple):
    """The first columns of every row: the session that entered, and its case."""

    session_id: int
    party_id: int
    case_id: int
    role: str
    subject: str | None
    number: str
    kind: str
    source: str
    unit_name: str
    unit_address: str | None
    unit_phone: str | None
    last_push_at: datetime
    usual_seconds: float | None


class _Statements(NamedTuple):
    """What one engine runs; `audit` is None where the view writes its audit row itself."""

    view: Prepared
    audit: Prepared | None


class CaseQuery:
    """The case query of one policy, built once and compiled once."""

    def __init__(self, policy: Policy, silence: Mapping[str, Bounds]) -> None:
        self._silence = silence
        self._entered = _entered(policy)
        self._select = _with_milestones(policy, self._entered)
        self._statements: dict[bool, _Statements] = {}

    def load(self, database: Database, token_hash: str, now: datetime, idle: timedelta) -> StoredCase | None:
        """The case of the session with this token; None if there is no such session, any more or at all."""
        asked = {"token_hash": token_hash, "now": now, "idle_since": now - idle, "today": bureau_date(now)}
        view, audit_it = self._statements.get(database.is_sqlite) or self._prepare(database)
        with driver_connection(database) as driver:
            rows = view.run(driver, asked).fetchall()
            if not rows:
                return None
            entered = _Entered(*view.load(rows[0], 0, len(_Entered._fields)))
            if audit_it is not None:
                audit_it.run(driver, {"now": now, **entered._asdict()})
        return self._stored(entered, _milestones(view, rows), now)

    def _prepare(self, database: Database) -> _Statements:
        dialect, entered = database.engine.dialect, self._entered.c
        ids = (entered.session_id, entered.party_id, entered.case_id)
        if database.is_sqlite:
            values = {"at": _NOW, "act": _ACT, **{column.name: bindparam(column.name) for column in ids}}
            statements = _Statements(
                Prepared(self._select, dialect), Prepared(insert(audit).values(values).inline(), dialect)
            )
        else:
            written = insert(audit).from_select(_AUDITED, select(_NOW, _ACT, *ids)).cte("audited")
            statements = _Statements(Prepared(self._select.add_cte(written), dialect), None)
        self._statements[database.is_sqlite] = statements
        return statements

    def _stored(self, entered: _Entered, seen: Sequence[StoredMilestone], now: datetime) -> StoredCase:
        bounds = self._silence.get(entered.source)
        silent_after = bounds.silent_after(entered.usual_seconds) if bounds else timedelta.max
        return StoredCase(
            number=entered.number,
            kind=entered.kind,
            role=entered.role,
            subject=entered.subject,
            unit=Unit(entered.unit_name, None, entered.unit_address, entered.unit_phone),
            milestones=seen,
            as_of=entered.last_push_at,
            source_silent=now - entered.last_push_at > silent_after,
            source=entered.source,
        )


def _milestones(view: Prepared, rows: Sequence[Sequence[Any]]) -> list[StoredMilestone]:
    """The milestones in the rows, whose last columns stand in the order of StoredMilestone; no name: there is none."""
    first = len(_Entered._fields)
    return [StoredMilestone(*view.load(row, first, len(row))) for row in rows if row[first] is not None]


def _entered(policy: Policy) -> CTE:
    """The session, its party and its case, if all three still allow the reader in."""
    last_act = select(func.max(audit.c.at)).where(audit.c.session_id == sessions.c.id).scalar_subquery()
    return (
        select(
            sessions.c.id.label("session_id"),
            sessions.c.party_id,
            sessions.c.case_id,
            parties.c.role,
            parties.c.subject,
            cases.c.number,
            cases.c.kind,
            cases.c.source,
            cases.c.unit_name,
            cases.c.unit_address,
            cases.c.unit_phone,
            sources.c.last_push_at,
            # Both drivers give a float; the type that says so wants to know from the engine which kind of float.
            type_coerce(sources.c.usual_seconds, NullType()).label("usual_seconds"),
        )
        .join(parties, parties.c.id == sessions.c.party_id)
        .join(cases, cases.c.id == parties.c.case_id)
        .join(sources, sources.c.name == cases.c.source)
        .where(
            sessions.c.token_hash == bindparam("token_hash"),
            sessions.c.ends_at > _NOW,
            last_act > _IDLE_SINCE,
            parties.c.role == sessions.c.role,
            parties.c.subject.is_not_distinct_from(sessions.c.subject),
            parties.c.case_id == sessions.c.case_id,
            may_enter(policy),
        )
        .cte("entered")
    )


def _with_milestones(policy: Policy, entered: CTE) -> Select[Any]:
    visible = may_see(policy, entered.c.kind, entered.c.role, entered.c.subject)
    return select(
        entered,
        milestones.c.name,
        milestones.c.subject.label("milestone_subject"),
        milestones.c.occurred_on,
        milestones.c.document_number,
        milestones.c.details,
        milestones.c.hidden_until,
        milestones.c.released_at,
    ).select_from(entered.outerjoin(milestones, (milestones.c.case_id == entered.c.case_id) & visible))
