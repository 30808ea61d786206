"""The one query behind every case view: it reads only what the policy in force opens to the reader.

On PostgreSQL the audit row is written by the same statement; SQLite needs a second one, because it has no
INSERT inside a WITH. Both run in autocommit, so no BEGIN or COMMIT travels. Behind the wall of store/wall.py a
function in the database does all of it, with the database's own clock.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    Text,
    bindparam,
    column,
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
from caseq.store.access import Reader, days, may_enter, may_see
from caseq.store.database import Database
from caseq.store.prepared import Prepared, driver_connection
from caseq.store.sealing import token_hash
from caseq.store.tables import Moment, audit, cases, milestones, parties, sessions, sources

ACT = "view"
_NOW = bindparam("now", type_=Moment)
_IDLE_SINCE = bindparam("idle_since", type_=Moment)
_ACT: ColumnElement[str] = literal_column(f"'{ACT}'")
AUDITED = ("at", "act", "session_id", "party_id", "case_id")


class Entered(NamedTuple):
    """The first columns of every row: the session that entered, and its case."""

    session_id: int
    party_id: int
    case_id: int
    role: str
    subject: str | None
    narrowed: bool
    number: str
    kind: str
    state: str
    transferred_to: Mapping[str, str] | None
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
    """The case query of one policy, built once and compiled once; with `behind` it runs as the role of that database
    and reads through the wall only."""

    def __init__(self, policy: Policy, silence: Mapping[str, Bounds], behind: Database | None = None) -> None:
        self._policy = policy
        self._silence = silence
        self._behind = behind
        self._entered = entered_by(policy)
        self._select = _with_milestones(policy, self._entered)
        self._statements: dict[bool, _Statements] = {}
        self._look: Prepared | None = None

    def load(self, database: Database, token: str, now: datetime, idle: timedelta) -> StoredCase | None:
        """The case of the session with this token; None if there is no such session, any more or at all."""
        if self._behind is not None:
            return self._looked(self._behind, token, now)
        asked = {"token_hash": token_hash(token), "now": now, "idle_since": now - idle}
        asked |= days(self._policy, bureau_date(now))
        view, audit_it = self._statements.get(database.is_sqlite) or self._prepare(database)
        with driver_connection(database) as driver:
            rows = view.run(driver, asked).fetchall()
            if not rows:
                return None
            entered = Entered(*view.load(rows[0], 0, len(Entered._fields)))
            if audit_it is not None:
                audit_it.run(driver, {"now": now, **entered._asdict()})
        return self._stored(entered, _milestones(view, rows), now)

    def _looked(self, behind: Database, token: str, now: datetime) -> StoredCase | None:
        if not (token.isascii() and token.isprintable()):
            return None  # no token ever looks so, and PostgreSQL takes no NUL
        if self._look is None:
            self._look = Prepared(_look(self._select), behind.engine.dialect)
        with driver_connection(behind) as driver:
            rows = self._look.run(driver, {"token": token}).fetchall()
        if not rows:
            return None
        entered = Entered(*self._look.load(rows[0], 0, len(Entered._fields)))
        return self._stored(entered, _milestones(self._look, rows), now)

    def _prepare(self, database: Database) -> _Statements:
        dialect, entered = database.engine.dialect, self._entered.c
        ids = (entered.session_id, entered.party_id, entered.case_id)
        if database.is_sqlite:
            values = {"at": _NOW, "act": _ACT, **{column.name: bindparam(column.name) for column in ids}}
            statements = _Statements(
                Prepared(self._select, dialect), Prepared(insert(audit).values(values).inline(), dialect)
            )
        else:
            written = insert(audit).from_select(AUDITED, select(_NOW, _ACT, *ids)).cte("audited")
            statements = _Statements(Prepared(self._select.add_cte(written), dialect), None)
        self._statements[database.is_sqlite] = statements
        return statements

    def _stored(self, entered: Entered, seen: Sequence[StoredMilestone], now: datetime) -> StoredCase:
        bounds = self._silence.get(entered.source)
        silent_after = bounds.silent_after(entered.usual_seconds) if bounds else timedelta.max
        return StoredCase(
            number=entered.number,
            kind=entered.kind,
            state=entered.state,
            role=entered.role,
            subject=entered.subject,
            narrowed=entered.narrowed,
            unit=Unit(entered.unit_name, None, entered.unit_address, entered.unit_phone),
            transferred_to=entered.transferred_to,
            milestones=seen,
            as_of=entered.last_push_at,
            source_silent=now - entered.last_push_at > silent_after,
            source=entered.source,
        )


def _milestones(view: Prepared, rows: Sequence[Sequence[Any]]) -> list[StoredMilestone]:
    """The milestones in the rows, whose last columns stand in the order of StoredMilestone; no name: there is none."""
    first = len(Entered._fields)
    return [StoredMilestone(*view.load(row, first, len(row))) for row in rows if row[first] is not None]


def _look(unwalled: Select[Any]) -> Select[Any]:
    """The one statement behind the wall: the same columns, given by the wall's function."""
    columns = [column(of.key, of.type) for of in unwalled.selected_columns if of.key is not None]
    return select(*func.caseq_wall.look(bindparam("token", type_=Text)).table_valued(*columns).c)


def entered_by(policy: Policy) -> CTE:
    """The session, its party and its case, if all three still allow the reader in."""
    last_act = select(func.max(audit.c.at)).where(audit.c.session_id == sessions.c.id).scalar_subquery()
    return (
        select(
            sessions.c.id.label("session_id"),
            sessions.c.party_id,
            sessions.c.case_id,
            parties.c.role,
            parties.c.subject,
            cases.c.narrowed,
            cases.c.number,
            cases.c.kind,
            cases.c.state,
            cases.c.transferred_to,
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
    columns = entered.c
    reader = Reader(columns.kind, columns.state, columns.role, columns.subject, columns.narrowed)
    return select(
        entered,
        milestones.c.name,
        milestones.c.subject.label("milestone_subject"),
        milestones.c.occurred_on,
        milestones.c.document_number,
        milestones.c.details,
        milestones.c.hidden_until,
        milestones.c.released_at,
        milestones.c.line_since,
    ).select_from(entered.outerjoin(milestones, (milestones.c.case_id == columns.case_id) & may_see(policy, reader)))
