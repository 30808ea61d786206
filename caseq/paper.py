"""Codes on paper: a sheet for a person without a telephone, or one code given at the counter after an ID check."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from caseq.rules import papercodes
from caseq.rules.case import bureau_date
from caseq.rules.duties import Staff
from caseq.rules.numbers import lookup_key
from caseq.rules.papercodes import Line
from caseq.runtime import Runtime
from caseq.store import auditing, grants, ways
from caseq.store.database import Connection
from caseq.store.grants import GrantRow


@dataclass(frozen=True, slots=True)
class Issued:
    """Codes that were made: printed or said once, and stored only as keyed hashes."""

    lines: Sequence[Line] = field(repr=False)
    made_at: datetime
    expires_at: datetime
    grant: GrantRow
    letter: str


class Failed(StrEnum):
    """Why no code was made."""

    NOBODY = "nobody"  # no such party in a live case of this number
    ONE_PERSON = "one person"  # two members of staff have to be named


def print_sheet(runtime: Runtime, case_number: str, party: str, by: str, reason: str) -> Issued | Failed:
    """Make a sheet of ten lines for this party; the sheet it had until now works no more."""
    life = timedelta(days=runtime.settings.login.paper_days)
    return _issue(runtime, case_number, party, ways.SHEET, life, papercodes.LINES, {"by": by, "reason": reason})


def print_for(runtime: Runtime, by: Staff, case_number: str, party: str, reason: str) -> Issued | Failed:
    """As `print_sheet`, by one of the staff at the counter, who is named in the audit."""
    life = timedelta(days=runtime.settings.login.paper_days)
    who = {"by": by.badge, "reason": reason}
    return _issue(runtime, case_number, party, ways.SHEET, life, papercodes.LINES, who, by.id)


def issue_at_counter(
    runtime: Runtime, case_number: str, party: str, by: str, second: str, reason: str
) -> Issued | Failed:
    """Make one code for a person whose papers two members of staff have seen; an earlier one works no more."""
    if by.strip().casefold() == second.strip().casefold():
        return Failed.ONE_PERSON
    life = timedelta(hours=runtime.settings.login.counter_hours)
    who = {"by": by, "second": second, "reason": reason}
    return _issue(runtime, case_number, party, ways.COUNTER, life, 1, who)


def _issue(
    runtime: Runtime,
    case_number: str,
    party: str,
    kind: str,
    life: timedelta,
    count: int,
    who: dict[str, str],
    staff_id: int | None = None,
) -> Issued | Failed:
    now = runtime.clock()
    lines = papercodes.make(secrets.token_bytes, count)
    with runtime.database.transaction() as connection:
        grant = _grant(runtime, connection, case_number, party, now)
        if grant is None:
            return Failed.NOBODY
        stored = [ways.stored(runtime.sealer, line) for line in lines]
        before = ways.new_lines(connection, grant.party_id, kind, stored, now, now + life)
        facts = {**who, "kind": kind, "lines": count}
        auditing.record(
            connection,
            "paper_codes",
            now,
            party_id=grant.party_id,
            case_id=grant.case_id,
            facts=facts,
            staff_id=staff_id,
        )
    return Issued(lines, now, now + life, grant, papercodes.letter(before))


def _grant(runtime: Runtime, connection: Connection, case_number: str, party: str, now: datetime) -> GrantRow | None:
    key = lookup_key(case_number)
    return grants.named(grants.of_case(connection, runtime.settings.policy, key, bureau_date(now)), key, party)
