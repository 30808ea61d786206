"""The audit: one row for every act, written in the act's own transaction. Ids and counts, never personal data."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, insert

from caseq.store.tables import audit


def record(
    connection: Connection,
    act: str,
    at: datetime,
    *,
    source: str | None = None,
    session_id: int | None = None,
    party_id: int | None = None,
    case_id: int | None = None,
    facts: Mapping[str, object] | None = None,
    staff_id: int | None = None,
) -> None:
    """Write one audit row; `staff_id` is who of the bureau did it at the console."""
    row = {"at": at, "act": act, "source": source, "session_id": session_id, "staff_id": staff_id}
    connection.execute(insert(audit), {**row, "party_id": party_id, "case_id": case_id, "facts": facts})
