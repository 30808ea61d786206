"""Many rows or values in one statement, whose text is the same for any number of them.

PostgreSQL takes them as one JSON text or one array, so that one round trip carries a batch and the statement stays
prepared. SQLite has no round trips: there the driver repeats one statement for every row.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Date,
    Dialect,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite

from caseq.store.prepared import Prepared

Rows = Sequence[Mapping[str, Any]]


def among(connection: Connection, searched: Column[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Whether the column holds one of the values, which are texts, whole numbers or days."""
    wanted = list(values)
    if connection.dialect.name == "postgresql":
        each = searched.type if isinstance(searched.type, (BigInteger, Date)) else Text()
        return searched == any_(literal(wanted, ARRAY(each)))
    return searched.in_(select(func.json_each(json.dumps(wanted, default=str)).table_valued("value").c.value))


def among_given(dialect: str, searched: Column[Any], name: str) -> ColumnElement[bool]:
    """As `among`, for a statement that is built once: the values come with every execution, as `given` makes them."""
    if dialect == "postgresql":
        each = BigInteger() if isinstance(searched.type, BigInteger) else Text()
        return searched == any_(bindparam(name, type_=ARRAY(each)))
    values = func.json_each(bindparam(name, type_=Text)).table_valued("value")
    return searched.in_(select(values.c.value))


def given(connection: Connection, values: Iterable[Any]) -> Any:
    """The values as the parameter that `among_given` names."""
    wanted = list(values)
    return wanted if connection.dialect.name == "postgresql" else json.dumps(wanted)


def each(connection: Connection, wanted: Select[Any], searched: Column[Any], keys: Iterable[str]) -> Select[Any]:
    """The rows of `wanted` in which the column holds one of the keys, if at most one row holds each.

    PostgreSQL is made to look up every key by itself: of a table without statistics, as every table is while a first
    load fills it, it would rather read all rows of a source for every batch.
    """
    if connection.dialect.name != "postgresql":
        return wanted.where(among(connection, searched, keys))
    texts = func.unnest(literal(list(keys), ARRAY(Text())))
    given = texts.table_valued(column("key", Text)).render_derived(name="given")
    found = wanted.where(searched == given.c.key).limit(1).lateral("found")
    return select(found).join_from(given, found, true())


def put(connection: Connection, table: Table, rows: Rows, *, key: tuple[str, ...] = (), replace: bool = False) -> None:
    """Insert the rows, all with the same columns. Where `key` is taken, `replace` the rest of the row or leave it."""
    if not rows:
        return
    names = tuple(rows[0])
    if connection.dialect.name == "postgresql":
        connection.execute(_from_json(table, names, key, replace), {"rows": _json(rows)})
    else:
        _repeated(table, names, key, replace, connection.dialect).run_many(connection, rows)


def put_and_tell(
    connection: Connection, table: Table, rows: Rows, *, key: tuple[str, ...]
) -> Sequence[tuple[int, str]]:
    """Insert the rows or replace those whose `key` is taken; returns (id, last column of the key) of every row.

    The rows differ in the last column of the key only.
    """
    if not rows:
        return []
    names, (*shared, last) = tuple(rows[0]), key
    told = select(table.c.id, table.c[last])
    if connection.dialect.name == "postgresql":
        statement = _from_json(table, names, key, True).returning(*told.selected_columns)
        found = connection.execute(statement, {"rows": _json(rows)})
    else:
        put(connection, table, rows, key=key, replace=True)
        same = [table.c[name] == rows[0][name] for name in shared]
        found = connection.execute(told.where(*same, among(connection, table.c[last], [row[last] for row in rows])))
    return [(row[0], row[1]) for row in found]


def _json(rows: Rows) -> str:
    """The rows as JSON; dates and moments as PostgreSQL reads them."""
    return orjson.dumps(rows).decode()


@lru_cache(maxsize=64)
def _from_json(table: Table, names: tuple[str, ...], key: tuple[str, ...], replace: bool) -> postgresql.Insert:
    given = func.json_to_recordset(cast(bindparam("rows"), JSON))
    rows = given.table_valued(*(column(name, table.c[name].type) for name in names)).render_derived(with_types=True)
    statement = postgresql.insert(table).from_select(names, select(*(rows.c[name] for name in names)))
    inserting: postgresql.Insert = _on_conflict(statement, names, key, replace)
    return inserting


@lru_cache(maxsize=64)
def _repeated(table: Table, names: tuple[str, ...], key: tuple[str, ...], replace: bool, dialect: Dialect) -> Prepared:
    statement = sqlite.insert(table).values({name: bindparam(name) for name in names}).inline()
    return Prepared(_on_conflict(statement, names, key, replace), dialect)


def _on_conflict(statement: Any, names: tuple[str, ...], key: tuple[str, ...], replace: bool) -> Any:
    if not key:
        return statement
    if not replace:
        return statement.on_conflict_do_nothing(index_elements=key)
    new = {name: statement.excluded[name] for name in names if name not in key}
    return statement.on_conflict_do_update(index_elements=key, set_=new)
