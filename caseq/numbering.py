"""Query numbers: a case gets one when it is first printed on somebody's paper."""

import secrets

from caseq.rules import querynumbers
from caseq.rules.numbers import lookup_key
from caseq.runtime import Runtime
from caseq.store import auditing, casenumbers


def query_number(runtime: Runtime, case_number: str, by: str, reason: str) -> str | None:
    """The query number of the live case that has or had this number, made at the first time; None without such a case.

    The audit notes who asked and why, and not the number.
    """
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        case_id = casenumbers.live_case(connection, lookup_key(case_number))
        if case_id is None:
            return None
        number, is_new = casenumbers.query_number(connection, case_id, now, drawn)
        facts = {"by": by, "reason": reason, "made": is_new}
        auditing.record(connection, "query_number", now, case_id=case_id, facts=facts)
    return number


def drawn() -> str:
    """A query number that nobody can foresee."""
    return querynumbers.nth(secrets.randbelow(querynumbers.POSSIBLE))
