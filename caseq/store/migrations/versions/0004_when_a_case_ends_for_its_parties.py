"""When a case ends for its parties, minors, and who is barred until somebody has checked who they are"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_DAY_OF_THE_EVENT = {
    "postgresql": "(formed_at AT TIME ZONE 'Asia/Shanghai')::date",
    "sqlite": "date(formed_at, '+8 hours')",
}
_DAY_IT_WENT = {
    "postgresql": "(transferred_to ->> 'on')::date",
    "sqlite": "json_extract(transferred_to, '$.on')",
}


def upgrade() -> None:
    op.add_column("cases", sa.Column("ended_on", sa.Date(), nullable=True))
    op.add_column("cases", sa.Column("narrowed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("parties", sa.Column("barred", sa.String(20), nullable=True))
    cases = sa.table("cases", sa.column("ended_on"), sa.column("concluded_on"), sa.column("state"))
    engine = op.get_bind().dialect.name
    day: sa.ColumnElement[Any] = sa.literal_column(_DAY_OF_THE_EVENT[engine])
    went: sa.ColumnElement[Any] = sa.literal_column(_DAY_IT_WENT[engine])
    for state, named in (("concluded", cases.c.concluded_on), ("transferred", went)):
        op.execute(cases.update().where(cases.c.state == state).values(ended_on=sa.func.coalesce(named, day)))
    op.execute(
        "UPDATE cases SET narrowed = true WHERE juvenile OR EXISTS (SELECT 1 FROM parties WHERE case_id = cases.id"
        " AND parties.juvenile AND NOT parties.withdrawn"
        " AND role IN ('suspect', 'suspect_family', 'agent', 'third_party'))"
    )


def downgrade() -> None:
    op.drop_column("parties", "barred")
    op.drop_column("cases", "narrowed")
    op.drop_column("cases", "ended_on")
