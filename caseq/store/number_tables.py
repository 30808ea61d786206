"""The table of the query numbers, which stand for case numbers on paper."""

from sqlalchemy import Column, ForeignKey, String, Table

from caseq.rules.querynumbers import DIGITS
from caseq.store.columns import Id, Moment, metadata

query_numbers = Table(
    "query_numbers",
    metadata,
    Column("number_key", String(DIGITS), primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False, unique=True),
    Column("created_at", Moment, nullable=False),
)
