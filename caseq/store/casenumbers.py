"""Which cases a number means: the case number itself, an alias, or the query number that stands for a case number."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)

from caseq.store.columns import Moment
from caseq.store.database import insert_into
from caseq.store.tables import case_aliases, cases, query_numbers

Key = ColumnElement[str]


def numbered(key: Key) -> CompoundSelect[Any]:
    """The ids of the cases that have or had this number, live or withdrawn.

    A query number means what the number of its case means, now and after a merger or a new number: never more.
    """
    official = _stands_for(key).scalar_subquery()
    return union_all(
        *(of_number for number in (key, official) for of_number in _live_and_withdrawn(number)),
        *(select(case_aliases.c.case_id).where(case_aliases.c.alias_key == number) for number in (key, official)),
    )


def live_case(connection: Connection, case_key: str) -> int | None:
    """The live case with this number; None if there is none, or if it is only an alias, and of several."""
    key = literal(case_key)
    own = or_(cases.c.number_key == key, cases.c.number_key == _stands_for(key).scalar_subquery())
    wanted = select(cases.c.id, own.label("own")).where(cases.c.id.in_(numbered(key)), cases.c.withdrawn.is_(False))
    rows = connection.execute(wanted).all()
    found = [row.id for row in rows if row.own] or [row.id for row in rows]
    return int(found[0]) if len(found) == 1 else None


def query_number(connection: Connection, case_id: int, now: datetime, draw: Callable[[], str]) -> tuple[str, bool]:
    """The query number of a case, and whether it was made now, of what `draw` gives until one is free."""
    made = None
    while (number := _query_number_of(connection, case_id)) is None:
        made = _add(connection, case_id, draw(), now)
    return number, number == made


def _query_number_of(connection: Connection, case_id: int) -> str | None:
    of_case = select(query_numbers.c.number_key).where(query_numbers.c.case_id == case_id)
    return connection.execute(of_case).scalar_one_or_none()


def _add(connection: Connection, case_id: int, number: str, now: datetime) -> str | None:
    """`number`, as the query number of the case from now on; None if it has one, or if any case is called so."""
    row = select(literal(number), literal(case_id), literal(now, Moment)).where(
        ~select(numbered(literal(number)).subquery()).exists(),
    )
    adding = insert_into(connection, query_numbers).from_select(["number_key", "case_id", "created_at"], row)
    kept = adding.on_conflict_do_nothing().returning(query_numbers.c.number_key)
    return connection.execute(kept).scalar_one_or_none()


def _live_and_withdrawn(key: Key) -> tuple[Select[Any], Select[Any]]:
    """The ids of the live case with this number and of the withdrawn ones.

    Each has an index of its own, which SQLite finds only by the very words of its condition (`IS false`, not `IS 0`).
    """
    of_number = select(cases.c.id).where(cases.c.number_key == key)
    live, withdrawn = (of_number.where(cases.c.withdrawn.is_(literal_column(state))) for state in ("false", "true"))
    return live, withdrawn


def _stands_for(key: Key) -> Select[Any]:
    """The case number for which the query number `key` was made."""
    issued = cases.alias("issued")
    return (
        select(issued.c.number_key)
        .join(query_numbers, query_numbers.c.case_id == issued.c.id)
        .where(query_numbers.c.number_key == key)
    )
