"""Many rows or values in one statement, whose text is the same for any number of them.

PostgreSQL takes new rows as a binary COPY, rows of which some may be there already as one JSON text, and values as
another: one round trip carries a batch, and the statement stays prepared. SQLite has no round trips: there the driver
repeats one statement for every row.
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
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Date,
    Dialect,
    Integer,
    Select,
    String,
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

from caseq.store.columns import Moment
from caseq.store.prepared import Prepared, raised_by_sqlalchemy

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
    value = values_given(dialect, name)
    if dialect != "postgresql":
        return searched.in_(select(value))
    typed = cast(value, BigInteger) if isinstance(searched.type, BigInteger) else value
    return searched == any_(func.array(select(typed).scalar_subquery()))


def values_given(dialect: str, name: str) -> ColumnElement[Any]:
    """A column of the values that come with every execution, as `given` makes them: on PostgreSQL as texts."""
    texts = bindparam(name, type_=Text)
    if dialect != "postgresql":
        value: ColumnElement[Any] = func.json_each(texts).table_valued("value").c.value
        return value
    each = func.json_array_elements_text(cast(texts, JSON)).table_valued(column("value", Text))
    return each.render_derived(name="given").c.value


def given(values: Iterable[Any]) -> str:
    """The values as the parameter that `among_given` and `each` name."""
    return orjson.dumps(list(values)).decode()


def each(dialect: str, wanted: Select[Any], searched: Column[Any], name: str) -> Select[Any]:
    """The rows of `wanted` in which the column holds one of the texts that are `given`, if at most one row holds each.

    PostgreSQL is made to look up every one by itself: of a table without statistics, as every table is while a first
    load fills it, it would rather read all rows of a source for every batch.
    """
    if dialect != "postgresql":
        return wanted.where(among_given(dialect, searched, name))
    value = values_given(dialect, name)
    found = wanted.where(searched == value).limit(1).lateral("found")
    return select(found).join_from(value.table, found, true())


def put(connection: Connection, table: Table, rows: Rows, *, key: tuple[str, ...] = (), replace: bool = False) -> None:
    """Insert the rows, all with the same columns. Where `key` is taken, `replace` the rest of the row or leave it.

    Without a `key` all rows must be new.
    """
    if not rows:
        return
    names = tuple(rows[0])
    if connection.dialect.name != "postgresql":
        _repeated(table, names, key, replace, connection.dialect).run_many(connection, rows)
    elif key:
        connection.execute(_from_json(table, names, key, replace), {"rows": orjson.dumps(rows).decode()})
    else:
        _copy(connection, table, names, rows)


def new_ids(connection: Connection, table: Table, count: int) -> Sequence[int]:
    """So many ids for new rows of this table; on SQLite they are those that it would give by itself."""
    if not count:
        return []
    if connection.dialect.name == "postgresql":
        return connection.execute(_next_ids(table), {"count": count}).scalars().all()
    last = connection.execute(_last_id(table)).scalar_one() or 0
    return range(last + 1, last + 1 + count)


@lru_cache(maxsize=16)
def _next_ids(table: Table) -> Select[Any]:
    owned = select(func.pg_get_serial_sequence(table.name, "id")).scalar_subquery()
    sequence = func.coalesce(owned, f"{table.name}_id_seq")  # a database copied by hand may not own it
    return select(func.nextval(sequence)).select_from(func.generate_series(1, bindparam("count", type_=Integer)))


@lru_cache(maxsize=16)
def _last_id(table: Table) -> Select[Any]:
    return select(func.max(table.c.id))


#: The types of PostgreSQL that the columns have; what is a kind of another one stands before it.
_COPIED = (
    (Moment, "timestamptz"),
    (Text, "text"),
    (String, "varchar"),
    (BigInteger, "int8"),
    (Integer, "int4"),
    (Boolean, "bool"),
    (Date, "date"),
    (JSON, "text"),
)


def _copy(connection: Connection, table: Table, names: tuple[str, ...], rows: Rows) -> None:
    statement, types, documents = _copying(table, names, connection.dialect)
    with raised_by_sqlalchemy(connection) as driver, driver.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            values = list(map(row.__getitem__, names))
            for place in documents:
                values[place] = None if values[place] is None else orjson.dumps(values[place]).decode()
            copy.write_row(values)


@lru_cache(maxsize=64)
def _copying(table: Table, names: tuple[str, ...], dialect: Dialect) -> tuple[str, Sequence[str], Sequence[int]]:
    """The statement, the type of every column, and the places of those that hold JSON, which travels as text."""
    quote = dialect.identifier_preparer.quote
    columns = ", ".join(quote(name) for name in names)
    types = [next(type_ for kind, type_ in _COPIED if isinstance(table.c[name].type, kind)) for name in names]
    documents = [place for place, name in enumerate(names) if isinstance(table.c[name].type, JSON)]
    return f"COPY {quote(table.name)} ({columns}) FROM STDIN (FORMAT BINARY)", types, documents


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
