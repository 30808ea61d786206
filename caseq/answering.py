"""Answering who asked for a code: the worker finds out whether there is anybody, and whether a code is due."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from caseq.rules import codes, fairness
from caseq.rules.fairness import DAY, HOUR, Asking, Withheld
from caseq.runtime import Runtime
from caseq.store import logins, outbox, outbox_figures
from caseq.store.database import Connection
from caseq.store.logins import Challenge, Reachable

log = structlog.get_logger("caseq.answering")

_DAYS_OF_MEDIAN = 7


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A party that the code could be made for; `wait_until` is when the pause after its last code is over."""

    n: int
    party: Reachable
    asking: Asking
    wait_until: datetime


def resolve(runtime: Runtime, most: int = 50) -> int:
    """Find out whom requested codes go to and queue those codes; returns how many requests were dealt with."""
    now = runtime.clock()
    with runtime.database.transaction() as connection:
        challenge_ids = outbox.take_resolves(connection, most, now)
        for challenge_id in challenge_ids:
            asked = logins.challenge(connection, runtime.sealer, challenge_id)
            if asked is not None and codes.is_in_time(asked.asked_at, asked.expires_at, now):
                _queue_codes(runtime, connection, asked, now)
    return len(challenge_ids)


def _queue_codes(runtime: Runtime, connection: Connection, asked: Challenge, now: datetime) -> None:
    policy = runtime.settings.policy
    found = logins.reachable(connection, runtime.sealer, policy, asked, now, codes.MOST_GRANTS + 1)
    if len(found) > codes.MOST_GRANTS:
        log.error("grants_left_out", challenge=asked.id, most=codes.MOST_GRANTS)
    candidates = [
        _candidate(runtime, connection, asked, n, party, now) for n, party in enumerate(found[: codes.MOST_GRANTS])
    ]
    wait_until = max((one.wait_until for one in candidates), default=now)
    if wait_until > now and outbox.postpone_resolve(connection, asked.id, wait_until):
        log.info("code_postponed", challenge=asked.id)
        return
    for one in candidates:
        reason = _withheld(runtime, connection, one, now)
        if one.wait_until > now or reason is not None:
            why = reason or "too soon"
            log.info("code_withheld", party=one.party.party_id, why=why, made_today=len(one.asking.made))
            continue
        # The pause runs from the asking, as the page says, not from the moment a worker came to it.
        made_at = max(asked.asked_at, one.wait_until)
        logins.add_code(connection, asked, one.n, one.party, fairness.share(one.asking.is_known), made_at)
        outbox.add_code(connection, asked.id, one.n, one.party.party_id, one.party.phone_hash, now)


def _candidate(
    runtime: Runtime, connection: Connection, asked: Challenge, n: int, party: Reachable, now: datetime
) -> _Candidate:
    since = now - DAY
    asking = Asking(
        role=party.role,
        is_known=party.party_id in asked.known,
        network_hash=asked.network_hash,
        made=logins.codes_made(connection, party.party_id, since),
        of_phone=logins.codes_of_phone(connection, party.phone_hash, since),
        of_case=logins.codes_of_case(connection, party.case_id, since),
    )
    own = [made.made_at for made in fairness.last_of_share(asking)]
    if not own:
        return _Candidate(n, party, asking, asked.asked_at)
    last_hour = sum(moment > now - HOUR for moment in own)
    return _Candidate(n, party, asking, max(own) + runtime.settings.login.pause_after(max(last_hour, 1)))


def _withheld(runtime: Runtime, connection: Connection, one: _Candidate, now: datetime) -> Withheld | None:
    limits = runtime.settings.codes
    if reason := fairness.withheld(limits, one.asking, now):
        return reason
    today = logins.codes_of_site(connection, now - DAY)
    an_hour = logins.codes_of_site(connection, now - HOUR)
    if today < limits.site_least * limits.site_an_hour_percent // 100:
        return None
    most = limits.site(_last_days(connection, now))
    is_over = today >= most or an_hour * 100 >= most * limits.site_an_hour_percent
    if is_over:
        log.error("codes_used_up", today=today, last_hour=an_hour, most=most)
    return Withheld.SITE if is_over else None


def _last_days(connection: Connection, now: datetime) -> list[int]:
    """How many codes were queued on each of the last days before this one."""
    spans = ((now - timedelta(days=n + 1), now - timedelta(days=n)) for n in range(1, _DAYS_OF_MEDIAN + 1))
    return [outbox_figures.codes_between(connection, *span) for span in spans]
