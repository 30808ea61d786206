"""Forgetting what is over: codes, challenges, sessions (of staff too), guesses and link tokens, when they are over."""

from datetime import timedelta

from caseq.runtime import Runtime
from caseq.store import complaints, corrections, guessing, links, logins, outcomes, sessions, staffing, voices, ways

KEPT = timedelta(days=2)
#: So long the outbox tells what became of a code; what became of news is the proof that somebody was told, and stays.
CODES_KEPT = timedelta(days=90)
#: So many codes are forgotten in one transaction, so that no push waits for long.
_MOST = 2000


def tidy(runtime: Runtime) -> None:
    """Delete login records and link tokens that ended some days ago, the daily count of codes needs one day of them;
    and what the outbox has of requests and codes of some months ago, and what people said of the service long ago."""
    now, said = runtime.clock(), runtime.settings.voices
    with runtime.database.transaction() as connection:
        logins.forget_old(connection, now - KEPT)
        sessions.forget_old(connection, now - KEPT)
        ways.forget_old(connection, now - KEPT)
        links.forget_old(connection, now - KEPT)
        staffing.forget_sessions(connection, now)
        guessing.forget_old(connection, int(now.timestamp()) // 3600)
        corrections.forget_old(connection, now)
    with runtime.database.transaction() as connection:
        outcomes.forget_old(connection, now - CODES_KEPT, _MOST)
    with runtime.database.transaction() as connection:
        before = now - timedelta(days=said.kept_days)
        voices.forget_texts(connection, before)
        complaints.forget(connection, now - timedelta(days=said.second_within_days), before)
