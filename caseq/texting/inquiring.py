"""Was this person's code delivered? What the rows say about it, for the help desk; every look is in the audit.

Nothing here gives a telephone number, a name or a code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from caseq.rules import fairness
from caseq.rules.fairness import DAY, Asking, Withheld
from caseq.runtime import Runtime
from caseq.store import attempts, deadnumbers, logins, recipients, requests
from caseq.store.attempts import Attempt
from caseq.store.database import Connection
from caseq.store.grants import GrantRow
from caseq.store.outbox import State
from caseq.store.recipients import Recipient
from caseq.store.requests import Request
from caseq.texting.overseeing import Refused
from caseq.texting.persons import NOBODY, grant_of, note, without_number

#: So far back a code is looked for.
LOOKED_BACK = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Sent:
    """One code that was made, with the calls of providers; `asked_at` is when it was asked for, as long as known."""

    message_id: int
    asked_at: datetime
    state: State
    reason: str | None
    attempts: Sequence[Attempt]


@dataclass(frozen=True, slots=True)
class Codes:
    """What became of the codes of a party. `unanswered` are requests with its number for which none was made (so far).

    `why_not` says why nothing could reach it now, None if it could; `limits` why no code would be made at this moment,
    for a browser that is not known and for one that is.
    """

    party_id: int
    sent: Sequence[Sent]
    unanswered: Sequence[Request]
    why_not: str | None
    limits: tuple[Withheld | None, Withheld | None]


def codes(runtime: Runtime, case_number: str, party: str, by: str, reason: str) -> Codes | Refused:
    """What became of the codes of this party in the last three days; the look is in the audit."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        grant = grant_of(runtime, connection, case_number, party)
        if grant is None:
            return NOBODY
        note(connection, "code_looked_up", grant, now, {"by": by, "reason": reason})
        to = recipients.recipient(connection, runtime.sealer, runtime.settings.policy, grant.party_id, now)
        why_not, limits = _why_not(runtime, connection, to), _limits(runtime, connection, grant, to, now)
    with runtime.database.autocommit() as connection:
        since = now - LOOKED_BACK
        made = attempts.codes_of_party(connection, grant.party_id, since)
        asked = requests.of_party(connection, runtime.sealer, grant.party_id, to.phone, since) if to.phone else ()
        calls = attempts.of_messages(connection, [row.id for row in made])
    times = {one.challenge_id: one.asked_at for one in asked}
    sent = [
        Sent(row.id, times.get(row.challenge_id, row.created_at), State(row.state), row.reason, calls.get(row.id, ()))
        for row in made
    ]
    answered = {row.challenge_id for row in made}
    return Codes(grant.party_id, sent, [one for one in asked if one.challenge_id not in answered], why_not, limits)


def _why_not(runtime: Runtime, connection: Connection, to: Recipient) -> str | None:
    if not to.may_enter:
        return "This party may not enter the case: no code is made."
    if to.phone is None:
        return without_number(to)
    if deadnumbers.among(connection, to.phone_hashes):
        return "The number is dead: nothing is sent there until `caseq messages works`."
    if not to.phone.startswith(runtime.settings.sending.prefixes):
        return "The number is in a country that nothing is sent to."
    return None


def _limits(
    runtime: Runtime, connection: Connection, grant: GrantRow, to: Recipient, now: datetime
) -> tuple[Withheld | None, Withheld | None]:
    since = now - DAY
    made = logins.codes_made(connection, grant.party_id, since)
    of_phone = logins.codes_of_phone(connection, to.phone_hash or "", since)
    of_case = logins.codes_of_case(connection, grant.case_id, since)
    askings = [Asking(grant.role, is_known, "nobody's", made, of_phone, of_case) for is_known in (False, True)]
    stranger, known = (fairness.withheld(runtime.settings.codes, asking, now) for asking in askings)
    return stranger, known
