"""The one query behind every case view: it reads only what the policy in force opens to the reader.

On PostgreSQL the audit row is written by the same statement; SQLite needs a second one, because it has no
INSERT inside a WITH. Both run in autocommit, so no BEGIN or COMMIT travels.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CTE, Row, Select, bindparam, func, insert, literal_column, select

from caseq.rules.case import Unit, bureau_date
from caseq.rules.disclosure import Policy, StoredCase, StoredMilestone
from caseq.store.access import may_enter, may_see
from caseq.store.database import Database
from caseq.store.tables import Moment, audit, cases, milestones, parties, sessions, sources

ACT = "view"
_NOW = bindparam("now", type_=Moment)
_IDLE_SINCE = bindparam("idle_since", type_=Moment)
_AUDITED = ("at", "act", "session_id", "party_id", "case_id")


class CaseQuery:
    """The case query of one policy, built once and compiled once."""

    def __init__(self, policy: Policy, silent_after: Mapping[str, timedelta]) -> None:
        self._silent_after = silent_after
        entered = _entered(policy)
        self._select = _with_milestones(policy, entered)
        view = select(_NOW, literal_column(f"'{ACT}'"), entered.c.session_id, entered.c.party_id, entered.c.case_id)
        self._select_and_audit = self._select.add_cte(insert(audit).from_select(_AUDITED, view).cte("audited"))

    def load(self, database: Database, token_hash: str, now: datetime, idle: timedelta) -> StoredCase | None:
        """The case of the session with this token; None if there is no such session, any more or at all."""
        asked = {"token_hash": token_hash, "now": now, "idle_since": now - idle, "today": bureau_date(now)}
        with database.autocommit() as connection:
            if not database.is_sqlite:
                rows = connection.execute(self._select_and_audit, asked).all()
            elif rows := connection.execute(self._select, asked).all():
                seen = rows[0]
                row = {"session_id": seen.session_id, "party_id": seen.party_id, "case_id": seen.case_id}
                connection.execute(insert(audit), {"at": now, "act": ACT, **row})
        return self._stored(rows, now) if rows else None

    def _stored(self, rows: Sequence[Row[Any]], now: datetime) -> StoredCase:
        first = rows[0]
        return StoredCase(
            number=first.number,
            kind=first.kind,
            role=first.role,
            subject=first.subject,
            unit=Unit(first.unit_name, None, first.unit_address, first.unit_phone),
            milestones=[_milestone(row) for row in rows if row.name is not None],
            as_of=first.last_push_at,
            source_silent=now - first.last_push_at > self._silent_after.get(first.source, timedelta.max),
        )


def _milestone(row: Row[Any]) -> StoredMilestone:
    return StoredMilestone(
        name=row.name,
        subject=row.milestone_subject,
        occurred_on=row.occurred_on,
        document_number=row.document_number,
        details=row.details,
        hidden_until=row.hidden_until,
        released_at=row.released_at,
    )


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
