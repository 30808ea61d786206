"""Forgetting what is over: codes, challenges, sessions and link tokens, some days after their end."""

from datetime import timedelta

from caseq.runtime import Runtime
from caseq.store import links, logins

KEPT = timedelta(days=2)


def tidy(runtime: Runtime) -> None:
    """Delete login records and link tokens that ended some days ago; the daily count of codes needs one day of them."""
    with runtime.database.transaction() as connection:
        logins.forget_old(connection, runtime.clock() - KEPT)
        links.forget_old(connection, runtime.clock() - KEPT)
