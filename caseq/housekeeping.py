"""Forgetting what is over: codes, challenges, sessions, guesses and link tokens, some time after their end."""

from datetime import timedelta

from caseq.runtime import Runtime
from caseq.store import guessing, links, logins, sessions, ways

KEPT = timedelta(days=2)


def tidy(runtime: Runtime) -> None:
    """Delete login records and link tokens that ended some days ago; the daily count of codes needs one day of them."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        logins.forget_old(connection, now - KEPT)
        sessions.forget_old(connection, now - KEPT)
        ways.forget_old(connection, now - KEPT)
        links.forget_old(connection, now - KEPT)
        guessing.forget_old(connection, int(now.timestamp()) // 3600)
