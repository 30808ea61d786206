"""What follows when a message did not arrive: the number is left alone, and somebody calls the person."""

from datetime import datetime

import structlog

from caseq.runtime import Runtime
from caseq.store import auditing, deadnumbers, tasks
from caseq.store.database import Connection
from caseq.store.outbox import Job, Purpose
from caseq.store.tasks import Kind

log = structlog.get_logger("caseq.texting")


def failed(
    runtime: Runtime, connection: Connection, job: Job, code: str, now: datetime, dead: str | None = None
) -> None:
    """A message failed for good; `dead` is its number, if none can reach it any more."""
    if dead is not None:
        deadnumbers.note(connection, runtime.sealer, dead, code, now)
        auditing.record(connection, "number_dead", now, party_id=job.party_id, facts={"code": code})
        log.warning("number_dead", message=job.id, party=job.party_id, code=code)
        if job.purpose is not Purpose.NUMBER:
            unreachable(connection, job, f"number takes no messages: {code}", now)
    elif job.purpose is Purpose.NEWS:
        call_somebody(connection, job, code, now)


def unreachable(connection: Connection, job: Job, reason: str, now: datetime) -> None:
    """No message reaches the number of this party any more: somebody calls, once for all that waits by then."""
    cause = dead_cause(job.party_id, job.phone_hash)
    tasks.make(connection, Kind.CALL, cause, reason[:100], now, party_id=job.party_id, message_id=job.id)


def dead_cause(party_id: int | None, phone_hash: str | None) -> str:
    """What stands for: this party is not reached under this number."""
    return f"dead:{party_id}:{phone_hash}"


def call_somebody(connection: Connection, job: Job, reason: str, now: datetime) -> None:
    """Nothing more is tried by itself: of news the handling unit has to tell, at anything else somebody has to look."""
    kind = Kind.CALL if job.purpose is Purpose.NEWS else Kind.LOOK
    tasks.make(connection, kind, f"message:{job.id}", reason[:100], now, party_id=job.party_id, message_id=job.id)
