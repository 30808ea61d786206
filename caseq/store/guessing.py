"""The guess ledger: what was tried at each person's record in the last day. One statement decides on every guess.

A row is one share of one person, with a bucket of units for each hour; an hour that is a day old falls out by itself.
"""

from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import Any
from zlib import crc32

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    delete,
    literal,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from caseq.rules.guesses import HOURS, Budget, Share
from caseq.store.tables import HOUR_NAMES, guesses

#: Stands for whoever is not there: a guess at nobody writes a row like one at somebody, and takes as much time.
NOBODY = bindparam("nobody", type_=BigInteger)
_NOBODIES = 1_000_000
#: Stands for all strangers at the whole site.
_SITE = 0

_hour = bindparam("hour", type_=BigInteger)
_limit = bindparam("limit", type_=BigInteger)
_after, _few = bindparam("after", type_=Integer), bindparam("few", type_=Integer)


class Stake:
    """Whom a guess of one kind is at: a query for (party_id, cost in units), one row a party, built once."""

    def __init__(self, wanted: Any) -> None:
        self._wanted = wanted
        self._statements: dict[str, Any] = {}

    def spend(
        self,
        connection: Connection,
        values: Mapping[str, Any],
        share: str,
        limit: int,
        hour: int,
        few: tuple[int, int] = (2**31 - 1, 0),
    ) -> set[int]:
        """The parties whose share had room for one more guess, which is taken.

        `values` are the parameters of the query. `few`: after so many guesses, all wrong, only so many a day.
        """
        engine = connection.dialect.name
        if engine not in self._statements:
            self._statements[engine] = _spending(self._wanted, engine)
        own = {"share": share, "limit": limit, "hour": hour, "after": few[0], "few": few[1]}
        return set(connection.execute(self._statements[engine], {**values, **own}).scalars())


def _spending(wanted: Select[Any], engine: str) -> Any:
    asked = wanted.subquery("asked")
    cost = cast(asked.c.cost, Integer)
    taken = [case((_hour % HOURS == n, cost), else_=0) for n in range(HOURS)]
    share = bindparam("share", type_=String)
    given = select(asked.c.party_id, share, _hour, literal(1, Integer), *taken).where(cost <= _limit, true())
    insert = postgresql.insert if engine == "postgresql" else sqlite.insert
    statement = insert(guesses).from_select(["party_id", "share", "hour", "in_a_row", *HOUR_NAMES], given)
    more = [statement.excluded[name] for name in HOUR_NAMES]
    sums = [_kept(n) + each for n, each in enumerate(more)]
    most = case((guesses.c.in_a_row >= _after, _few * reduce(add, more)), else_=_limit)
    newest = case((guesses.c.hour > _hour, guesses.c.hour), else_=_hour)
    new = {"hour": newest, "in_a_row": guesses.c.in_a_row + 1, **dict(zip(HOUR_NAMES, sums, strict=True))}
    taking = statement.on_conflict_do_update(
        index_elements=["party_id", "share"], set_=new, where=reduce(add, sums) <= most
    )
    return taking.returning(guesses.c.party_id)


def _kept(n: int) -> ColumnElement[int]:
    """What still counts of the n-th bucket: nothing if its hour is a day old by now."""
    age = _hour - guesses.c.hour + (guesses.c.hour - n) % HOURS
    return case((age < HOURS, guesses.c[HOUR_NAMES[n]]), else_=0)


def _of_site() -> Any:
    return select(literal(_SITE, BigInteger).label("party_id"), literal(1, Integer).label("cost"))


_OF_SITE = Stake(_of_site())


def spend_of_site(connection: Connection, budget: Budget, hour: int) -> bool:
    """Whether strangers may make one more guess at this site today, which is taken."""
    return bool(_OF_SITE.spend(connection, {}, Share.SITE, budget.site, hour))


def nobody(what: str) -> int:
    """The id of the nobody who stands in for this number or request."""
    return -1 - crc32(what.encode()) % _NOBODIES


def forgive(connection: Connection, party_id: int) -> None:
    """Note that one of the guesses was right: those after it count from none."""
    mine = update(guesses).where(guesses.c.party_id == party_id)
    connection.execute(mine.values(in_a_row=0))


def forget_old(connection: Connection, hour: int) -> None:
    """Delete the rows at which nothing was tried for a day, but for strangers' guesses in a row at somebody."""
    is_needed = and_(guesses.c.share == Share.STRANGERS, guesses.c.party_id > 0, guesses.c.in_a_row > 0)
    connection.execute(delete(guesses).where(guesses.c.hour < hour - HOURS, ~is_needed))
