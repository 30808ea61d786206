"""The table of alerts: somebody's turn to sign, and the end of the limit is near."""

from sqlalchemy import Column, ForeignKey, String, Table, UniqueConstraint

from caseq.store.columns import Id, Moment, metadata

#: One for each person, change and stage (soon, today, overdue), whatever often anybody looks; it stays after it was
#: seen, so that it is never made again.
alerts = Table(
    "alerts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("staff_id", Id, ForeignKey("staff.id"), nullable=False),
    Column("release_id", Id, ForeignKey("releases.id"), nullable=False, index=True),
    Column("stage", String(10), nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("seen_at", Moment),
    UniqueConstraint("staff_id", "release_id", "stage"),
)
